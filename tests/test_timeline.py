"""One timeline: pictures and sound of any recording come out when they belong together."""

from __future__ import annotations

import itertools
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from flashes import as_ffmpeg, clicks, clip, errors, flashes, heard, mixed, seen_and_heard
from recording_kinds import (
    AAC,
    AC3,
    AS_FFMPEG,
    DEVIANT,
    LOW,
    MP3,
    PCM,
    WHOLE,
    B,
    damaged_sound,
    jump,
    outlier,
    twice,
    whole,
)
from recordings import FFMPEG, ffmpeg, there_and_back

from gvc.bitstream import AudioHeader, AudioPacket
from gvc.media import AudioMode, OpusEncoder, Source
from gvc.media.frame_times import BestEffort, Increasing
from gvc.media.sound_timeline import SoundTimeline


def read(path: Path, **options) -> tuple[list[float], list[AudioPacket], Source]:
    """Times of frames in seconds, audio packets, and the source."""
    times, packets = [], []
    with Source(path, **options) as source:
        for unit in source:
            if isinstance(unit, AudioPacket):
                packets.append(unit)
            else:
                times.append(float(unit.pts * source.video.time_base))
    return times, packets, source


@pytest.mark.parametrize("name", WHOLE)
def test_whole_recordings_are_in_step_as_with_ffmpeg(name, tmp_path):
    path = whole(name, tmp_path)
    mine, theirs = errors(*seen_and_heard(path)), errors(*as_ffmpeg(path))
    assert len(mine) == len(theirs) == 5
    assert mine == pytest.approx(theirs, abs=5)


@pytest.mark.parametrize("name", DEVIANT)
def test_deviant_recordings_are_in_step(name, tmp_path):
    most, make = DEVIANT[name]
    path = make(tmp_path)
    flash, click = seen_and_heard(path)
    mine = errors(flash, click)
    wanted = errors(*as_ffmpeg(path)) if name in AS_FFMPEG else [0] * len(mine)
    assert mine == pytest.approx(wanted, abs=most)
    # Damage may take a click or two, and sound that is earlier than pictures ends before them; no
    # flash gets lost, but where a part of them was cut off.
    assert len(flash) >= 3
    fewer = any(word in name for word in ("lost", "damaged", "pictures that begin"))
    assert len(mine) >= len(flash) - (2 if fewer else 0)


@pytest.mark.parametrize("name", ["MPEG-TS, H.264 with B-frames, AAC", "WebM, VP9, Opus",
                                  "AVI, MPEG-4 with B-frames, MP3"])  # fmt: skip
def test_copied_sound_follows_the_same_timeline(name, tmp_path):
    path = whole(name, tmp_path)
    mine = errors(*seen_and_heard(path, audio=AudioMode.COPY))
    assert len(mine) == 5
    # What an encoder put before the beginning is not cut off a copy, and is heard before 0.
    assert mine == pytest.approx(errors(*as_ffmpeg(path)), abs=5)


@pytest.mark.parametrize("make", [twice("ts", *B, *AAC), jump(-2, *LOW, *AAC),
                                  outlier(2, 100, *LOW, *AAC)])  # fmt: skip
def test_copied_sound_is_moved_as_pictures_are(make, tmp_path):
    flash, click = seen_and_heard(make(tmp_path), audio=AudioMode.COPY)
    assert len(errors(flash, click)) == len(flash)
    assert errors(flash, click) == pytest.approx([0] * len(flash), abs=20)


def test_joined_parts_follow_each_other(tmp_path):
    times, packets, _ = read(twice("ts", *B, *AAC)(tmp_path))
    assert len(times) == 100
    assert times[0] < 0.05
    assert np.diff(times) == pytest.approx(np.full(99, 0.04), abs=0.03)
    assert times[-1] - times[0] == pytest.approx(3.96, abs=0.05)
    assert {b.pts - a.pts for a, b in itertools.pairwise(packets)} == {960}


@pytest.mark.parametrize("mode", [AudioMode.OPUS, AudioMode.COPY])
def test_an_hour_of_nothing_takes_nothing(mode, tmp_path):
    plain, pause = tmp_path / "plain", tmp_path / "pause"
    plain.mkdir()
    pause.mkdir()
    _, without, _ = read(jump(0, *B, *AAC)(plain), audio=mode)
    times, packets, source = read(jump(3600, *B, *AAC)(pause), audio=mode)
    assert times[-1] > 3603
    assert packets[-1].pts * source.audio.time_base > 3603
    assert len(packets) <= len(without) + 3
    assert sum(len(p.data) for p in packets) < 1.05 * sum(len(p.data) for p in without)


def test_a_pause_survives_the_whole_way(tmp_path):
    """Through a file of this codec, and to MP4: nothing of it is stored."""
    source = jump(3600, *LOW, *AAC, at=0.5, length=1)(tmp_path)
    target = tmp_path / "out.mp4"
    assert there_and_back(source, target) == []
    assert target.stat().st_size < 100_000
    frames, blocks = [], []
    with av.open(str(target)) as container:
        for unit in container.decode(*container.streams):
            time = float(unit.pts * unit.time_base)
            if isinstance(unit, av.VideoFrame):
                frames.append((time, float(unit.to_ndarray(format="gray").mean())))
            else:
                blocks.append((time, mixed(unit)))
    flash, click = flashes(frames), clicks(blocks, 48_000)
    assert flash == pytest.approx([0.2, 3600.8], abs=0.05)
    assert errors(flash, click) == pytest.approx([0, 0], abs=5)


@pytest.mark.parametrize("sound", [AAC, MP3, AC3])
def test_damaged_sound_is_said_once_and_becomes_silence(sound, tmp_path):
    said: list[str] = []
    _, packets, source = read(damaged_sound(*sound)(tmp_path), say=said.append)
    assert len(said) == 1
    assert "damaged; silence" in said[0]
    assert packets[-1].pts / 48_000 > 3.9
    assert source.damaged_packets == 0


#: How FFmpeg calls what these codecs hold.
_SAMPLES = {"flac": "s32", "pcm_s16le": "s16", "pcm_f32le": "flt"}


@pytest.mark.parametrize("layout", ["5.1", "7.1", "quad", "mono"])
@pytest.mark.parametrize("codec", _SAMPLES)
def test_levels_are_those_of_ffmpeg(layout, codec, tmp_path):
    """Each channel has another tone, so that its level can be told from the others'."""
    channels = av.AudioLayout(layout).nb_channels
    tones = "|".join(f"0.2*sin(2*PI*{400 + 300 * number}*t)" for number in range(channels))
    path = tmp_path / "many.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "color=s=64x64:d=1"),
        *("-f", "lavfi", "-i", f"aevalsrc='{tones}':c={layout}:s=48000:d=1"),
        *(*LOW, "-c:a", codec, "-sample_fmt", _SAMPLES[codec], path),
    )
    with Source(path, audio_bit_rate=128_000) as source:
        header = source.audio
        packets = [unit for unit in source if isinstance(unit, AudioPacket)]
    mine = levels(header, packets, channels)
    target = tmp_path / "many.opus"
    count = 1 if layout == "mono" else 2
    ffmpeg("-i", path, "-vn", "-ac", count, "-c:a", "libopus", "-b:a", "128k", target)
    with av.open(str(target)) as container:
        samples = np.concatenate([mixed(frame) for frame in container.decode(audio=0)])
    theirs = spectrum(samples, channels)
    assert 20 * np.log10(mine / theirs) == pytest.approx(np.zeros(channels), abs=0.5)


def levels(header: AudioHeader, packets: list[AudioPacket], channels: int) -> np.ndarray:
    return spectrum(np.concatenate([samples for _, samples in heard(header, packets)]), channels)


def spectrum(samples: np.ndarray, channels: int) -> np.ndarray:
    """Strength of each channel's tone, from 0.2 s to 0.8 s."""
    part = samples[9600:38_400]
    time = np.arange(len(part)) / 48_000
    tones = 400 + 300 * np.arange(channels)
    waves = np.exp(2j * np.pi * tones[:, None] * time)
    # The subwoofer's channel is left out of what is mixed, and has no level.
    return np.maximum(np.abs(waves @ part) / len(part), 3e-3)


def test_a_slow_recording_keeps_its_rate(tmp_path):
    path = tmp_path / "slow.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=1/2:d=20", *B, path)
    times, _, source = read(path)
    assert source.video.frame_rate == Fraction(1, 2)
    assert times == [2 * number for number in range(10)]
    target = tmp_path / "slow.y4m"
    there_and_back(path, target)
    with av.open(str(target)) as container:
        assert container.streams.video[0].average_rate == Fraction(1, 2)
        assert sum(1 for _ in container.decode(video=0)) == 10


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_file_that_was_cut_off_keeps_every_whole_picture(share, tmp_path):
    path = tmp_path / "whole.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x80:d=2", *B, "-movflags", "faststart", path)
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    command = [FFMPEG, "-v", "quiet", "-i", path, "-fps_mode", "passthrough"]
    command += ["-f", "framecrc", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    wanted = [line for line in told.splitlines() if not line.startswith("#")]
    times, _, source = read(path)
    assert len(times) == len(wanted)
    assert source.damaged_packets == 1


def test_sound_after_a_gap_begins_where_it_should():
    encoder = OpusEncoder(channels=1, bit_rate=32_000)
    time = np.arange(2 * 960) / 48_000
    tone = (0.5 * np.sin(2 * np.pi * 500 * time)).astype(np.float32)[None]
    packets: list[AudioPacket] = []
    for begin in (0, 480_000):
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
        packets += encoder.encode(frame)
        assert frame.pts == begin
    packets += encoder.encode(None)
    # The encoder looks ahead by 312 samples, which belong to what follows.
    assert [packet.pts + 312 for packet in packets[:3]] == [0, 960, 1920]
    assert packets[3].pts + 312 == 480_000
    blocks = heard(encoder.header, packets)
    quiet = [samples for time, samples in blocks if 0.06 < time < 9.9 or time > 10.07]
    assert all(np.abs(samples).max() < 0.05 for samples in quiet)


def line(blocks, *, rate: int = 1000) -> tuple[dict[int, float], int]:
    """Samples by the time at which they are heard, and how many there are."""
    timeline = SoundTimeline(rate=rate, channels=1)
    placed: list[tuple[int, np.ndarray]] = []
    for begin, value, length in blocks:
        placed += timeline.push(begin, np.full((1, length), value, np.float32))
    placed += timeline.finish()
    heard_at: dict[int, float] = {}
    for begin, samples in placed:
        assert not heard_at or begin > max(heard_at)
        heard_at |= {begin + index: float(value) for index, value in enumerate(samples[0])}
    return heard_at, sum(samples.shape[1] for _, samples in placed)


def steady(count: int, length: int = 20, begin: int = 0, value: float = 1) -> list:
    return [(begin + number * length, value, length) for number in range(count)]


def test_sound_that_is_in_step_is_not_touched():
    heard_at, count = line(steady(30))
    assert count == 600
    assert set(heard_at.values()) == {1.0}


@pytest.mark.parametrize("gap", [20, 60, 100, 900])
def test_gaps_become_silence(gap):
    heard_at, count = line(steady(10) + steady(10, begin=200 + gap, value=2))
    assert count == 400 + gap
    assert all(heard_at[time] == 0 for time in range(200, 200 + gap))
    assert heard_at[200 + gap] == 2


def test_long_gaps_take_no_samples():
    heard_at, count = line(steady(10) + steady(10, begin=3_600_000, value=2))
    assert count == 400
    assert heard_at[3_600_000] == 2


def test_overlaps_are_cut():
    heard_at, count = line(steady(10) + steady(10, begin=150, value=2))
    assert count == 350
    assert [heard_at[time] for time in (199, 200, 349)] == [1, 2, 2]


def test_a_single_wrong_time_changes_nothing():
    blocks = steady(20)
    blocks[8] = (blocks[8][0] + 300, *blocks[8][1:])
    assert line(blocks)[1] == 400


@pytest.mark.parametrize("factor", [0.97, 0.998, 1.002, 1.03])
def test_clocks_that_drift_are_followed(factor):
    rate = 48_000
    timeline = SoundTimeline(rate=rate, channels=1)
    end = 0
    for number in range(500):
        begin = round(number * 960 * factor)
        for start, samples in timeline.push(begin, np.zeros((1, 960), np.float32)):
            end = start + samples.shape[1]
    for start, samples in timeline.finish():
        end = start + samples.shape[1]
    assert end == pytest.approx(500 * 960 * factor, abs=0.005 * rate)


def test_sound_without_times_is_counted_on():
    heard_at, count = line([(None, 1, 20), (None, 2, 20), (100, 3, 20)])
    assert count == 120
    assert [heard_at[time] for time in (0, 20, 60, 100)] == [1, 2, 0, 3]


def frames_with(times) -> list[av.VideoFrame]:
    frames = []
    for pts, dts in times:
        frame = av.VideoFrame(16, 16, "yuv420p")
        frame.pts, frame.dts = pts, dts
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([(0, 0), (1, 1), (2, 2)], [0, 1, 2]),
        ([(None, 3), (None, 4), (5, 5)], [3, 4, 5]),
        # As AVI tells times of B-frames.
        ([(1, 2), (3, 3), (4, 4), (2, 5), (6, 6), (5, 7)], [1, 3, 4, 5, 6, 7]),
        ([(None, None), (None, None), (7, None), (None, None)], [0, 1, 7, 8]),
    ],
)
def test_frames_get_the_best_times_there_are(given, wanted):
    best = BestEffort(Fraction(25), Fraction(1, 25))
    assert [best.repair(frame).pts for frame in frames_with(given)] == wanted


def test_times_increase():
    increasing = Increasing()
    frames = frames_with([(5, 5), (5, 5), (3, 3), (9, 9)])
    assert [increasing.repair(frame).pts for frame in frames] == [5, 6, 7, 9]


def test_pipes_are_read_as_they_come(tmp_path):
    """Without seeking, and without waiting for the end."""
    path = clip(tmp_path / "clip.ts", *LOW, *PCM[:1], "mp2", seconds=3)
    wanted = read(path)[0]
    command = [FFMPEG, "-v", "quiet", "-i", path, "-c", "copy", "-f", "mpegts", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sender, Source(sender.stdout) as live:
        times = [
            float(unit.pts * live.video.time_base)
            for unit in live
            if not isinstance(unit, AudioPacket)
        ]
    assert len(times) == len(wanted)
    assert times == pytest.approx(wanted, abs=0.06)
