"""Writing a .gvc file is like writing any file with PyAV, and says no where PyAV would."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import subprocess
import sys
import threading
import time
import warnings
from fractions import Fraction

import av
import numpy as np
import pytest
from av.rational import AVRational
from conftest import draw_head, write_clip
from small_files import (
    FASTEST,
    HEIGHT,
    WIDTH,
    frame_of,
    numbers_of,
    picture,
    reader,
    tone,
    write_numbers,
    writer,
)

import gvc
from gvc.errors import GvcError, InvalidDataError, MediaError, UsageError


def pictures_in(file) -> list[int]:
    """Numbers of the pictures of a file, from its beginning."""
    if hasattr(file, "seek"):
        file.seek(0)
    with reader(file) as container:
        return numbers_of(container.decode(video=0))


def near(numbers) -> object:
    """What numbers of pictures are after coding."""
    return pytest.approx(list(numbers), abs=1)


@pytest.fixture
def output():
    """A container that is written to memory; given up if a test did not close it."""
    container = writer(io.BytesIO())
    yield container
    container.abort()


def test_settings_are_given_with_the_stream(output):
    stream = output.add_stream(
        "gvc", rate=AVRational(30000, 1001), width=64, height=40, pix_fmt="yuv420p", bit_rate=9000,
        options={"gop_size": "3"}, sample_aspect_ratio=Fraction(4, 3), time_base=Fraction(1, 1000),
    )  # fmt: skip
    assert stream.average_rate == stream.codec_context.framerate == Fraction(30000, 1001)
    assert (stream.width, stream.height, stream.pix_fmt) == (64, 40, "yuv420p")
    assert (stream.bit_rate, stream.gop_size, stream.time_base) == (9000, 3, Fraction(1, 1000))
    assert stream.options == {"gop_size": "3"}
    assert output.streams.video == (stream,)
    assert stream.codec.is_encoder
    stream.codec_context.time_base = Fraction(1, 90_000)
    assert stream.time_base == Fraction(1, 90_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"widht": 64},
        {"width": -1},
        {"width": 20_000},
        {"height": 2.5},
        {"pix_fmt": "rgb24"},
        {"bit_rate": 5},
        {"bit_rate": "many"},
        {"gop_size": 0},
        {"rate": 0},
        {"rate": -25},
        {"rate": "fast"},
        {"rate": Fraction(1, 1 << 40)},
        {"time_base": Fraction(0)},
        {"options": {"speed": "9"}},
        {"options": 7},
        {"options": {"key_qp": None}},
        {"codec_name": "h264"},
        {"codec_name": "libopus", "rate": 5},
        {"codec_name": "libopus", "rate": 25.5},
        {"codec_name": "libopus", "bit_rate": 1},
        {"codec_name": "libopus", "layout": "5.1"},
        {"codec_name": "libopus", "width": 7},
        {"codec_name": "libopus", "options": {"key_qp": "3"}},
    ],
)
def test_settings_that_make_no_sense_are_refused(output, wrong):
    with pytest.raises(UsageError):
        output.add_stream(**wrong)
    assert len(output.streams) == 0


def test_unknown_attributes_cannot_be_set(output):
    video, audio = output.add_stream("gvc"), output.add_stream("libopus")
    for stream in (video, audio):
        with pytest.raises(AttributeError, match="widht"):
            stream.widht = 7
        with pytest.raises(AttributeError):
            _ = stream.widht
    with pytest.raises(UsageError, match="out of range"):
        video.width = 1 << 20
    video.encode(picture(0))
    with pytest.raises(UsageError, match="once a frame"):
        video.width = 64


def test_sound_has_a_sample_rate_and_a_bit_rate():
    sizes = {}
    for bit_rate in (8000, 64_000):
        file = io.BytesIO()
        with writer(file) as output:
            video = output.add_stream("gvc")
            audio = output.add_stream("libopus", rate=48_000, bit_rate=bit_rate, layout="mono")
            output.mux(video.encode(picture(0)))
            for _ in range(5):
                output.mux(audio.encode(tone(9600)))
        file.seek(0)
        with reader(file) as container:
            stream = container.streams.audio[0]
            assert (stream.layout.name, stream.bit_rate) == ("mono", bit_rate)
            sizes[bit_rate] = sum(packet.size for packet in container.demux(audio=0))
    assert sizes[64_000] > 2 * sizes[8000]


def test_sound_without_times_is_counted_on(output):
    audio = output.add_stream("libopus")
    frames = [tone(1000), tone(500), tone(700), tone(4000, pts=9600)]
    packets = [packet for frame in [*frames, None] for packet in audio.encode(frame)]
    assert [frame.pts for frame in frames] == [None, None, None, 9600]
    assert [frame.time_base for frame in frames] == [None, None, None, Fraction(1, 48_000)]
    starts = [packet.pts for packet in packets]
    assert starts == list(range(starts[0], starts[0] + 960 * len(starts), 960))
    assert starts[-1] + 960 == pytest.approx(13_600, abs=2 * 960)


def test_frames_and_packets_stay_as_they_are(output, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT, frames=4)
    with av.open(str(clip)) as source:
        video = output.add_stream("gvc", rate=25, time_base=Fraction(1, 1000))
        output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            said = (packet.pts, packet.dts, packet.time_base, packet.duration, bytes(packet))
            if packet.stream.type == "audio":
                output.mux(packet)
            for frame in packet.decode() if packet.stream.type == "video" else ():
                before = (frame.pts, frame.time_base, frame.to_ndarray().tobytes())
                output.mux(video.encode(frame))
                assert before == (frame.pts, frame.time_base, frame.to_ndarray().tobytes())
            assert said == (
                packet.pts, packet.dts, packet.time_base, packet.duration, bytes(packet),
            )  # fmt: skip
    timeless = frame_of(3)
    video.encode(timeless)
    assert timeless.pts is None


def test_a_frame_can_be_filled_again():
    file, frame = io.BytesIO(), av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    with writer(file) as output:
        video = output.add_stream("gvc")
        for number in range(5):
            filled = frame_of(5 * number).reformat(format="yuv420p")
            for mine, other in zip(frame.planes, filled.planes, strict=True):
                mine.update(bytes(other))
            output.mux(video.encode(frame))
    assert pictures_in(file) == near(range(0, 25, 5))


def test_arrays_and_tensors_are_pictures():
    import torch

    files = [io.BytesIO() for _ in range(3)]
    ramp = np.tile(np.linspace(40, 200, WIDTH).astype(np.uint8)[None, :, None], (HEIGHT, 1, 3))
    ramp[..., 0] //= 2
    given = [
        av.VideoFrame.from_ndarray(ramp, format="rgb24"),
        ramp[:, ::-1][:, ::-1],
        torch.from_numpy(ramp.transpose(2, 0, 1).copy()),
    ]
    for file, what in zip(files, given, strict=True):
        with writer(file) as output:
            output.mux(output.add_stream("gvc").encode(what))
    assert files[0].getvalue() == files[1].getvalue() == files[2].getvalue()
    with writer(io.BytesIO()) as output, contextlib.suppress(InvalidDataError):
        stream = output.add_stream("gvc")
        for wrong in (
            *(ramp[..., 0], ramp.astype(float), ramp[None], ramp[:0], given[2].float() / 255),
            *(torch.from_numpy(ramp), "picture", 7, tone(960), [ramp]),
        ):
            with pytest.raises(UsageError):
                stream.encode(wrong)
        output.abort()


def test_times_must_go_on(output):
    video, audio = output.add_stream("gvc", rate=25), output.add_stream("libopus")
    video.encode(frame_of(0, 5, Fraction(1, 25)))
    for pts in (5, 4, 0):
        with pytest.raises(UsageError, match="does not follow"):
            video.encode(frame_of(1, pts, Fraction(1, 25)))
    with pytest.raises(UsageError, match="time_base"):
        # Two times of milliseconds in the same 25th of a second.
        video.encode(frame_of(1, 205, Fraction(1, 1000)))
    with pytest.raises(UsageError, match="out of range"):
        video.encode(frame_of(1, 1 << 61))
    audio.encode(tone(960, pts=480))
    for pts in (480, 479, -3):
        with pytest.raises(UsageError, match="does not follow"):
            audio.encode(tone(960, pts=pts))


def test_packets_go_in_order_and_once(output):
    video, audio = output.add_stream("gvc", gop_size=1), output.add_stream("libopus")
    groups = [packet for n in (0, 9, 18) for packet in video.encode(picture(n))]
    groups += video.encode()
    sounds = audio.encode(tone(4800)) + audio.encode()
    assert len(groups) == 3
    output.mux(groups[0])
    output.mux(sounds[:2])
    for wrong in (groups[0], sounds[1], sounds[0], 7, "packet", None, [[groups[1]]]):
        with pytest.raises(UsageError):
            output.mux(wrong)
    output.mux([groups[1], *sounds[2:], groups[2]])
    with pytest.raises(UsageError, match="flushed"):
        video.encode(picture(1))
    with pytest.raises(UsageError, match="flushed"):
        audio.encode(tone(960))
    assert (video.encode(), audio.encode()) == ([], [])
    with writer(io.BytesIO()) as other:
        other.add_stream("gvc")
        with pytest.raises(UsageError, match="no stream for this packet"):
            other.mux(groups[2])
        other.abort()


def test_pictures_are_never_stored_as_sound(output, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT, frames=3)
    with av.open(str(clip)) as source, av.open(str(clip)) as again:
        output.add_stream("gvc")
        output.add_stream_from_template(source.streams.audio[0])
        with pytest.raises(UsageError, match="made from VideoStream"):
            output.add_stream_from_template(source.streams.video[0])
        with pytest.raises(UsageError, match="video cannot be stored as sound"):
            output.mux(next(source.demux(video=0)))
        packet = next(source.demux(audio=0))
        output.mux(packet)
        with pytest.raises(UsageError, match="does not follow"):
            output.mux(packet)
        loose = av.Packet(b"sound")
        loose.pts = 7
        with pytest.raises(UsageError, match="no stream"):
            output.mux(loose)
        # The same stream, opened once more.
        later = [each for each in again.demux(audio=0) if each.pts is None or each.pts > packet.pts]
        output.mux(later)


def test_packets_of_sound_get_the_time_base_of_the_stream(tmp_path):
    clip, file = write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT), io.BytesIO()
    with av.open(str(clip)) as source, writer(file) as output:
        output.mux(output.add_stream("gvc").encode(picture(0)))
        output.add_stream_from_template(source.streams.audio[0])
        times = []
        for packet in source.demux(audio=0):
            if packet.pts is not None:
                times.append(packet.pts * packet.time_base)
                packet.rescale_ts(AVRational(1, 88_200))
            output.mux(packet)
    file.seek(0)
    with reader(file) as container:
        packets = list(container.demux(audio=0))
    assert [packet.pts * packet.time_base for packet in packets] == times


def test_packets_are_copied_to_another_file_as_they_are():
    source, target, tail = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with writer(source, key_codec="vvc") as output:
        video, audio = output.add_stream("gvc", gop_size=2), output.add_stream("libopus")
        for number in range(7):
            output.mux(video.encode(draw_head(number, 64, 64)))
            output.mux(audio.encode(tone(1920)))
    source.seek(0)
    with reader(source, size=64) as container, writer(target) as output:
        copies = {stream: output.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            packet.stream = copies[packet.stream]
            output.mux(packet)
    assert target.getvalue() == source.getvalue()
    source.seek(0)
    with reader(source) as container, writer(tail) as output:
        output.add_stream_from_template(container.streams.video[0])
        packets = list(container.demux(video=0))
        alone = [packet.is_keyframe for packet in packets]
        assert alone[0]
        assert not all(alone)
        with pytest.raises(UsageError, match="predicted from"):
            output.mux(packets[alone.index(False)])
        output.mux(packets[0])
        output.mux(packets[2:])
    source.seek(0)
    tail.seek(0)
    with reader(source) as one, reader(tail) as other:
        whole = {frame.pts: frame.to_ndarray() for frame in one.decode(video=0)}
        part = {frame.pts: frame.to_ndarray() for frame in other.decode(video=0)}
    assert list(part) == [0, 1, 4, 5, 6]
    assert all((part[pts] == whole[pts]).all() for pts in part)


def test_packets_of_other_streams_are_not_copied():
    one = write_numbers(io.BytesIO(), 3)
    other = write_numbers(io.BytesIO(), 3, key_qp="50")
    with reader(one) as first, reader(other) as second, writer(io.BytesIO()) as output:
        output.mux(output.add_stream("libopus").encode(None))
        stream = output.add_stream_from_template(first.streams.video[0])
        with pytest.raises(UsageError, match="packets, not frames"):
            stream.encode(picture(0))
        packet = next(second.demux())
        with pytest.raises(UsageError, match="no stream for this packet"):
            output.mux(packet)
        with pytest.raises(UsageError, match="same type"):
            packet.stream = output.streams.audio[0]
        packet.stream = stream
        with pytest.raises(UsageError, match="other parameters"):
            output.mux(packet)
        output.abort()


@pytest.mark.parametrize("managed", [True, False])
def test_closing_flushes(managed):
    file = io.BytesIO()
    output = writer(file)
    video, audio = output.add_stream("gvc", gop_size=3), output.add_stream("libopus")
    with output if managed else contextlib.nullcontext():
        for number in range(5):
            output.mux(video.encode(picture(number)))
        output.mux(audio.encode(tone(1500)))
    output.close()
    assert output.closed
    assert pictures_in(file) == near(range(5))
    file.seek(0)
    with reader(file) as container:
        assert sum(packet.duration for packet in container.demux(audio=0)) >= 1500
    for use in (
        lambda: output.mux([]),
        lambda: video.encode(picture(0)),
        lambda: audio.encode(tone(960)),
        lambda: output.add_stream("gvc"),
    ):
        with pytest.raises(UsageError, match="closed"):
            use()


def workers() -> set[threading.Thread]:
    """Threads of encoders."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("gvc")}


def test_a_container_that_is_never_closed_leaves_nothing(tmp_path):
    before = workers()
    output = writer(tmp_path / "out.gvc")
    video = output.add_stream("gvc", gop_size=1)
    output.mux(video.encode(picture(0)) + video.encode(picture(9)) + video.encode())
    assert workers() - before
    assert list(tmp_path.iterdir())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del output, video
        gc.collect()
    assert any("never closed" in str(each.message) for each in caught)
    assert not list(tmp_path.iterdir())
    deadline = time.monotonic() + 10
    while workers() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not workers() - before


def test_a_stream_alone_writes_nothing(tmp_path):
    stream = writer(tmp_path / "out.gvc").add_stream("gvc")
    gc.collect()
    assert stream.container is None
    with pytest.raises(UsageError, match="gone"):
        stream.encode(picture(0))
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_nothing(tmp_path):
    kept = tmp_path / "kept.gvc"
    kept.write_bytes(b"before")
    with pytest.raises(UsageError), writer(kept) as output:
        output.add_stream("gvc").encode("nonsense")
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(kept, b"before")]
    with pytest.raises(UsageError, match="no text"), writer(kept) as output:
        output.metadata["title"] = 7
        output.mux(output.add_stream("gvc").encode(picture(0)))
    assert kept.read_bytes() == b"before"


class OnlyWrites:
    """A file object that has nothing but ``write``."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)


class Drip(io.RawIOBase):
    """A raw file that takes seven bytes at a time."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += bytes(data[:7])
        return min(7, len(data))


def test_any_path_and_any_file_can_be_written(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    wanted = write_numbers(io.BytesIO(), 1).getvalue()
    path, memory = tmp_path / "bäh: 1.gvc", fsspec.filesystem("memory")
    for name in (path, str(path), str(path).encode()):
        write_numbers(name, 1)
        assert path.read_bytes() == wanted
    for file in (OnlyWrites(), Drip()):
        write_numbers(file, 1)
        assert file.data == wanted
    with memory.open("/out.gvc", "wb") as file:
        write_numbers(file, 1)
    with fsspec.open(str(tmp_path / "local.gvc"), "wb") as file:
        write_numbers(file, 1)
    assert memory.cat("/out.gvc") == wanted
    write_numbers(fsspec.open("memory://other.gvc", "wb"), 1)
    assert memory.cat("/other.gvc") == wanted
    assert (tmp_path / "local.gvc").read_bytes() == wanted
    with path.open("rb") as only_read, path.open("a", encoding="latin-1") as text:
        for wrong in (only_read, text, 7, None, object()):
            with pytest.raises(UsageError):
                gvc.open(wrong, "w")
    with pytest.raises(MediaError):
        gvc.open(tmp_path / "nowhere" / "out.gvc", "w")


FORKED = """
import os, sys, signal
import gvc
from small_files import FASTEST, picture
from gvc.errors import UsageError

def decode():
    with gvc.open(sys.argv[1]) as container:
        return len(list(container.decode(video=0)))

def refused(use):
    try:
        use()
    except UsageError as error:
        return "forked" in str(error)
    return False

count = decode()
held = gvc.open(sys.argv[1])
loop = held.decode(video=0)
next(loop)
output = gvc.open(sys.argv[2], "w", options=FASTEST)
video = output.add_stream("gvc", gop_size=1)
output.mux(video.encode(picture(0)) + video.encode(picture(9)))
child = os.fork()
if not child:
    signal.alarm(60)
    packet = lambda: list(held.demux())
    checks = [
        refused(lambda: next(loop)), refused(packet), refused(lambda: held.seek(0)),
        refused(lambda: video.encode(picture(1))), refused(output.close),
        refused(lambda: output.add_stream("libopus")), decode() == count,
    ]
    print(checks, flush=True)
    del output, video
    sys.exit(0 if all(checks) else 1)
assert os.waitpid(child, 0)[1] == 0
output.close()
assert len(list(held.decode(video=0))) == count - 1
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_works_or_is_refused_at_once(tmp_path):
    source, target = tmp_path / "in.gvc", tmp_path / "out.gvc"
    write_numbers(source, 5)
    here = os.path.dirname(__file__)
    # More threads than one, so that torch's pool is there when the process is forked.
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    environment["PYTHONPATH"] = os.pathsep.join([here, *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", FORKED, source, target],
        capture_output=True, check=False, timeout=240, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert pictures_in(target) == near([0, 9])
    assert {path.name for path in tmp_path.iterdir()} == {"in.gvc", "out.gvc"}


def test_transcode_goes_both_ways(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=WIDTH, height=HEIGHT, frames=4)
    coded, back = tmp_path / "talk.gvc", tmp_path / "back.mkv"
    seen = []
    options = FASTEST | {"bit_rate": "20000"}
    report = gvc.transcode(clip, coded, options=options, threads=1, on_progress=seen.append)
    assert isinstance(report, gvc.Report)
    assert {progress.first_pass for progress in seen} == {True, False}
    assert (report.frames, report.size) == (4, coded.stat().st_size)
    again = gvc.transcode(coded, back, threads=1, audio="none")
    assert again.frames == 4
    with av.open(str(back)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    for wrong in (
        lambda: gvc.transcode(clip, clip, format="gvc"),
        lambda: gvc.transcode(clip, io.BytesIO()),
        lambda: gvc.transcode(clip, tmp_path / "talk.txt"),
        lambda: gvc.transcode(clip, tmp_path / "new.gvc", audio="loud"),
        lambda: gvc.transcode(coded, tmp_path / "new.mp4", options={"size": "64"}),
    ):
        with pytest.raises(GvcError):
            wrong()
    assert len(list(tmp_path.iterdir())) == 3


def test_names_of_gvc_are_listed_before_they_are_used():
    program = (
        "import gvc, sys; names = dir(gvc); assert not {'av', 'torch'} & set(sys.modules);"
        "print(*(set(gvc.__all__) - set(names))); [getattr(gvc, name) for name in gvc.__all__]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, b""), done.stderr


def test_streams_keep_their_tags_in_copies_and_for_pyav_itself(tmp_path):
    tags = {"language": "deu", "title": "Rede"}
    with writer(tmp_path / "one.gvc") as output:
        video = output.add_stream("gvc", rate=25)
        video.metadata["language"] = "fra"
        sound = output.add_stream("libopus", rate=48000)
        sound.metadata.update(tags)
        assert sound.language == "deu"
        output.mux(video.encode(picture(1)))
        output.mux(sound.encode(tone(4800)))
    with (
        gvc.open(tmp_path / "one.gvc") as source,
        gvc.open(tmp_path / "two.gvc", "w") as output,
    ):
        for stream in source.streams:
            output.add_stream_from_template(stream)
        output.mux(source.demux())
    with gvc.open(tmp_path / "two.gvc") as copy:
        assert [stream.metadata for stream in copy.streams] == [{"language": "fra"}, tags]
        assert [stream.language for stream in copy.streams] == ["fra", "deu"]
    with av.open(gvc.as_file(tmp_path / "two.gvc"), "r") as container:
        assert [stream.metadata for stream in container.streams] == [{"language": "fra"}, tags]
