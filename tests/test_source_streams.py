"""Streams of recordings: which are taken, and their times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from conftest import read_video, run_gvc, write_clip
from recordings import HEIGHT, WIDTH, ffmpeg, head, there_and_back

import gvc
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source


def seconds(path: Path) -> list[float]:
    return [round(float(frame.pts * frame.time_base), 3) for frame in read_video(path)]


def test_times_come_out_as_they_went_in_from_0_on(tmp_path):
    """At a variable rate, and coded with B-frames."""
    pts = [5000, 5033, 5067, 5400, 5401, 5500, 5600, 6000]
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "3", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(pts):
            frame = av.VideoFrame.from_ndarray(head(index), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert PictureType.B in {frame.pict_type for frame in read_video(path)}
    target = tmp_path / "out.mkv"
    assert there_and_back(path, target) == []
    assert seconds(path) == [time / 1000 for time in pts]
    assert seconds(target) == [(time - pts[0]) / 1000 for time in pts]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_before_zero_move_both_streams(suffix, tmp_path):
    source = tmp_path / "early.ts"
    write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT, frames=25)
    with (
        av.open(str(tmp_path / "clip.mp4")) as given,
        av.open(
            str(source), "w", options={"avoid_negative_ts": "disabled", "muxdelay": "0"}
        ) as taken,
    ):
        streams = {s: taken.add_stream_from_template(s) for s in given.streams}
        for packet in given.demux():
            if packet.dts is None:
                continue
            early = round(Fraction(2, 5) / packet.time_base)
            packet.pts, packet.dts = packet.pts - early, packet.dts - early
            packet.stream = streams[packet.stream]
            taken.mux(packet)
    before = seconds(source)
    assert before[0] < -0.3
    target = tmp_path / f"out{suffix}"
    there_and_back(source, target)
    after = seconds(target)
    assert after[0] == pytest.approx(0, abs=0.03)
    assert np.diff(after) == pytest.approx(np.diff(before), abs=2e-3)
    assert click_times(target) - after[0] == pytest.approx(
        click_times(source) - before[0], abs=6e-3
    )


def samples_of(path: Path) -> tuple[float, np.ndarray]:
    """When the sound begins, in seconds, and its first channel."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    start = float(frames[0].pts * frames[0].time_base)
    parts = [np.atleast_2d(frame.to_ndarray())[0].astype(float) for frame in frames]
    return start, np.concatenate(parts) / (32768 if frames[0].format.name == "s16" else 1)


def click_times(path: Path) -> np.ndarray:
    start, samples = samples_of(path)
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].rate
    loud = np.flatnonzero(np.abs(samples) > 0.4 * np.abs(samples).max())
    return start + loud[np.insert(np.diff(loud) > rate // 5, 0, True)] / rate


@pytest.fixture(scope="module")
def crowded(tmp_path_factory) -> Path:
    """Two videos, two sounds of which the second is the default, subtitles, a font, chapters."""
    folder = tmp_path_factory.mktemp("crowded")
    clip = write_clip(folder / "a.mkv", width=WIDTH, height=HEIGHT, frames=20)
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nhello\n")
    (folder / "chapters.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=800\ntitle=Two\n"
    )
    (folder / "note.txt").write_text("note")
    path = folder / "crowded.mkv"
    ffmpeg(
        *("-i", clip, "-i", folder / "a.srt", "-i", folder / "chapters.txt"),
        *("-map", "0:v", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-map", "1:s"),
        *("-map_chapters", 2, "-attach", folder / "note.txt"),
        *("-metadata:s:t", "mimetype=text/plain", "-metadata:s:a:0", "language=fra"),
        *("-filter:v:0", "scale=48:40", "-c:v", "ffv1", "-c:a", "pcm_s16le", "-c:s", "subrip"),
        *("-filter:a:0", "volume=0.1", "-disposition:v:0", 0, "-disposition:v:1", 0),
        *("-disposition:a:0", 0, "-disposition:a:1", "default", path),
    )  # fmt: skip
    return path


LEFT_OUT = (
    "stream #0:0 (video: ffv1) is left out",
    "stream #0:2 (audio: pcm_s16le, fra) is left out",
    "stream #0:4 (subtitle: subrip) is left out",
    "stream #0:5 (attachment: note.txt) is left out",
    "2 chapters are left out",
)


def test_one_video_and_one_sound_are_taken_and_the_rest_is_named(crowded, tmp_path):
    coded, target = tmp_path / "out.gvc", tmp_path / "out.mkv"
    done = run_gvc("encode", crowded, coded, "--preset", "faster")
    assert done.returncode == 0
    assert done.stderr.decode().splitlines() == [
        f"gvc: warning: {crowded}: {line}" for line in LEFT_OUT
    ]
    done = run_gvc("decode", coded, target)
    assert (done.returncode, done.stderr) == (0, b"")
    with av.open(str(target)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        # The larger video, and the sound that is the default one.
        assert (container.streams.video[0].width, container.streams.video[0].height) == (96, 80)
    assert np.abs(samples_of(target)[1]).max() > 0.5
    with Source(crowded, audio=AudioMode.NONE, say=(said := []).append):
        assert said == [line for line in LEFT_OUT if "audio" not in line]
    quiet = run_gvc("encode", crowded, coded, "-y", "-q", "--preset", "faster", "--audio", "copy")
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    with gvc.open(coded) as container:
        assert container.streams.audio[0].name == "pcm_s16le"
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert np.abs(heard).max() > 0.5 * 32768


def test_a_codec_that_nobody_knows_is_no_video(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=3)
    path = tmp_path / "unknown.mp4"
    path.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(InvalidDataError, match="no video stream"):
        Source(path)
