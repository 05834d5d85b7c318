"""PyAV writes .gvc files through gvc.as_file."""

from __future__ import annotations

import gc
import io
import multiprocessing
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT, draw_head
from hypothesis import given, settings
from hypothesis import strategies as st

import gvc
from gvc.api.byte_pipe import BytePipe
from gvc.api.encoded_file import _NutEnd
from gvc.errors import InvalidDataError, MediaError, UsageError

#: Quick to encode; `gop_size` makes groups of 4 pictures.
FAST = {"key_codec": "hevc", "gop_size": "4", "model": "face"}
WIDTH, HEIGHT, FRAMES = 64, 48, 6

#: Samples a second of the sound.
RATE = 16_000


def picture(index: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(draw_head(index, WIDTH, HEIGHT), format="rgb24")


def beep(index: int) -> av.AudioFrame:
    """A twenty-fifth of a second of sound."""
    samples = RATE // 25
    wave = np.sin((np.arange(samples) + index * samples) * 0.2) * 9000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, index * samples, Fraction(1, RATE)
    return frame


def write(
    file,
    *,
    container: str = "nut",
    sound: str | None = None,
    pts: list[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    pixel_format: str = "yuv420p",
    frames: int = FRAMES,
    **tags,
) -> None:
    """Write pictures, and sound, as any user of PyAV does."""
    with av.open(file, "w", format=container) as output:
        output.metadata.update(title="A title", artist="Somebody")
        video = output.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, pixel_format
        video.codec_context.time_base = time_base
        for name, value in tags.items():
            setattr(video.codec_context, name, value)
        audio = output.add_stream(sound, rate=RATE, layout="mono") if sound else None
        for index in range(frames):
            frame = picture(index)
            frame.pts, frame.time_base = pts[index] if pts else index, time_base
            output.mux(video.encode(frame))
            if audio is not None:
                output.mux(audio.encode(beep(index)))
        output.mux(video.encode())
        if audio is not None:
            output.mux(audio.encode())


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("written") / "talk.gvc"
    write(gvc.as_file(path, "w", options=FAST), sound="pcm_s16le")
    return path


def left_in(folder: Path) -> list[str]:
    """What is in a folder, a while after."""
    deadline = time.monotonic() + 20
    while (names := sorted(path.name for path in folder.iterdir())) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    return names


def test_what_is_written_comes_back(written):
    with gvc.open(written) as container:
        assert container.metadata == {"title": "A title", "artist": "Somebody"}
        assert container.streams.video[0].average_rate == 25
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [
        Fraction(index, 25) for index in range(FRAMES)
    ]
    for index, frame in enumerate(frames):
        shown = frame.to_ndarray(format="rgb24").astype(int)
        assert np.abs(shown - draw_head(index, WIDTH, HEIGHT)).mean() < 12
    assert [path.name for path in written.parent.iterdir()] == ["talk.gvc"]


def test_sound_becomes_opus_and_stays_in_step(written):
    with gvc.as_file(written, threads=1) as file, av.open(file) as container:
        assert container.streams.audio[0].codec_context.name in ("opus", "libopus")
        heard = list(container.decode(audio=0))
    assert abs(heard[0].time) < 1e-6
    samples = np.concatenate([frame.to_ndarray()[0] for frame in heard])
    assert len(samples) == pytest.approx(48_000 * FRAMES / 25, abs=960 * 2)
    spectrum = np.abs(np.fft.rfft(samples[: 48_000 * FRAMES // 25]))
    found = spectrum.argmax() * 25 / FRAMES
    assert found == pytest.approx(0.2 * RATE / (2 * np.pi), abs=25 / FRAMES)


def test_sound_that_is_read_is_that_of_gvc_open(written):
    with gvc.open(written) as container:
        expected = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    with gvc.as_file(written, threads=1) as file, av.open(file) as container:
        heard = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
    assert (heard == expected).all()


def test_what_was_read_can_be_written(written, tmp_path):
    """From one .gvc file to another by PyAV alone: pictures, coded sound, metadata."""
    path = tmp_path / "copy.gvc"
    with (
        gvc.as_file(written, threads=1) as source,
        av.open(source) as given_,
        gvc.as_file(path, "w", options=FAST) as target,
        av.open(target, "w", format="nut") as output,
    ):
        output.metadata.update(given_.metadata)
        video = output.add_stream("rawvideo", rate=25)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = given_.streams.video[0].time_base
        audio = output.add_stream_from_template(given_.streams.audio[0])
        for packet in given_.demux():
            if packet.stream.type == "video":
                for frame in packet.decode():
                    output.mux(video.encode(frame))
            elif packet.size:
                packet.stream = audio
                output.mux(packet)
        output.mux(video.encode())
    sound, times = [], []
    for each in (written, path):
        with gvc.open(each) as container:
            assert container.metadata["artist"] == "Somebody"
            units = list(container.play())
            unit_of_sound = container.streams.audio[0].time_base
        video = [unit for unit in units if isinstance(unit, av.VideoFrame)]
        packets = [unit for unit in units if not isinstance(unit, av.VideoFrame)]
        sound.append([packet.data for packet in packets])
        # FFmpeg's NUT moves all streams where one begins before 0, as Opus does.
        begin = packets[0].pts * unit_of_sound
        times.append([frame.pts * frame.time_base - begin for frame in video])
    assert sound[0] == sound[1]
    # It counts in about 1/50000 s.
    assert all(abs(a - b) < Fraction(1, 20_000) for a, b in zip(*times, strict=True))


def test_times_shape_and_colours_are_kept(tmp_path):
    """NUT tells none but the times, so the others are said."""
    pts = [0, 33, 66, 100, 250, 251]
    path = tmp_path / "out.gvc"
    file = gvc.as_file(
        path,
        "w",
        options=FAST,
        sample_aspect_ratio=Fraction(4, 3),
        colorspace=1,
        color_range=2,
        color_primaries=1,
        color_trc=1,
    )
    write(file, pts=pts, time_base=Fraction(1, 1000))
    with gvc.open(path) as container:
        stream = container.streams.video[0]
        assert stream.sample_aspect_ratio == Fraction(4, 3)
        frames = list(container.decode(video=0))
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(t, 1000) for t in pts]
    told = {(f.colorspace, f.color_range, f.color_primaries, f.color_trc) for f in frames}
    assert told == {(1, 2, 1, 1)}


def test_matroska_tells_the_colours_itself_and_is_finished_by_closing(tmp_path):
    path = tmp_path / "out.gvc"
    with gvc.as_file(path, "w", options=FAST) as file:
        write(file, container="matroska", frames=3, colorspace=9, color_range=2)
        assert not path.exists()
    with gvc.open(path) as container:
        frames = list(container.decode(video=0))
    assert {(f.colorspace, f.color_range) for f in frames} == {(9, 2)}
    assert len(frames) == 3


def test_a_binary_file_stays_open():
    target = io.BytesIO()
    write(gvc.as_file(target, "w", options=FAST), frames=2, pixel_format="rgb24")
    assert not target.closed
    target.seek(0)
    with gvc.open(target) as container:
        assert container.streams.video[0].frames == 2


@pytest.mark.parametrize("own", [False, True])
def test_an_exception_leaves_no_file(tmp_path, own):
    path = tmp_path / "out.gvc"
    file = gvc.as_file(path, "w", options=FAST)

    def fail(target) -> None:
        with av.open(target, "w", format="nut") as output:
            video = output.add_stream("rawvideo", rate=25)
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            output.mux(video.encode(picture(0)))
            raise KeyError("something else went wrong")

    with pytest.raises(KeyError):
        if own:
            with file:
                fail(file)
        else:
            fail(file)
    assert list(tmp_path.iterdir()) == []
    assert file.closed


def test_a_recording_that_is_ended_by_an_exception_may_be_kept(tmp_path):
    path = tmp_path / "out.gvc"
    output = av.open(gvc.as_file(path, "w", options=FAST), "w", format="nut")
    video = output.add_stream("rawvideo", rate=25)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    try:
        output.mux(video.encode(picture(0)))
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        output.mux(video.encode())
        output.close()
    with gvc.open(path) as container:
        assert container.streams.video[0].frames == 1


def test_a_file_that_is_never_closed_leaves_nothing(tmp_path):
    file = gvc.as_file(tmp_path / "out.gvc", "w", options=FAST)
    file.write(b"nut/multimedia container\0")
    del file
    gc.collect()
    assert left_in(tmp_path) == []


def test_a_process_that_ends_leaves_nothing(tmp_path):
    program = (
        "import av, gvc\n"
        f"output = av.open(gvc.as_file({str(tmp_path / 'out.gvc')!r}, 'w'), 'w', format='nut')\n"
        "video = output.add_stream('rawvideo', rate=25)\n"
        "video.width, video.height, video.pix_fmt = 64, 48, 'yuv420p'\n"
        "output.mux(video.encode(av.VideoFrame(64, 48, 'yuv420p')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=120, cwd=ROOT
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_encoded_is_an_error_of_writing(tmp_path):
    path = tmp_path / "out.gvc"
    file = gvc.as_file(path, "w")
    with pytest.raises(MediaError, match=r"out\.gvc: what was written is no video"):
        for _ in range(1000):
            file.write(b"no video " * 10_000)
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        file.write(b"more")
    with pytest.raises(MediaError, match="it is empty|Invalid data"):
        gvc.as_file(path, "w").close()
    sound = gvc.as_file(path, "w")
    with (
        pytest.raises(InvalidDataError, match="no video stream"),
        av.open(sound, "w", format="nut") as output,
    ):
        audio = output.add_stream("pcm_s16le", rate=RATE, layout="mono")
        output.mux(audio.encode(beep(0)))
    assert list(tmp_path.iterdir()) == []


def test_wrong_options_are_refused_at_once(tmp_path):
    with pytest.raises(UsageError):
        gvc.as_file(tmp_path / "out.gvc", "w", options={"nonsense": "1"})
    for wrong in ({"size": 64}, {"on_error": "conceal"}, {"precision": "int8"}):
        with pytest.raises(UsageError):
            gvc.as_file(tmp_path / "out.gvc", "w", **wrong)
    with pytest.raises(MediaError):
        gvc.as_file(tmp_path / "missing" / "out.gvc", "w")
    assert list(tmp_path.iterdir()) == []


def _outcome(file, queue) -> None:
    try:
        file.write(b"x")
        queue.put("no error")
    except MediaError as error:
        queue.put(str(error))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_process_does_not_write(tmp_path):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    with pytest.raises(MediaError), gvc.as_file(tmp_path / "out.gvc", "w") as file:
        process = context.Process(target=_outcome, args=(file, queue))
        process.start()
        assert "fork" in queue.get()
        process.join(30)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=30))
def test_the_end_of_nut_is_found_however_it_is_cut(sizes):
    data = io.BytesIO()
    write(data, frames=4)
    whole = data.getvalue()
    end, begin = _NutEnd(), 0
    told = []
    while begin < len(whole):
        size = sizes[len(told) % len(sizes)]
        told.append(end.passed(whole[begin : begin + size]))
        begin += size
    assert told == [False] * (len(told) - 1) + [True]


def test_a_pipe_holds_a_bounded_number_of_bytes():
    pipe = BytePipe()
    assert pipe.write(bytes(5 << 20))
    assert len(pipe.read(100)) == 100
    pipe.abandon()
    assert pipe.is_abandoned
    assert pipe.read(100) == b""
    pipe.close_reader()
    assert not pipe.write(b"more")
