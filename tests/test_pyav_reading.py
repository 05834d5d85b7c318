"""Reading a .gvc file is like reading any file with PyAV: each script runs on both."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import write_clip
from small_files import numbers_of, reader, write_numbers

import gvc
from gvc.errors import InvalidDataError, MediaError, UsageError
from gvc.media import SinkOptions


@pytest.fixture(scope="module")
def data() -> bytes:
    """Seven pictures in groups of two, with sound."""
    return write_numbers(io.BytesIO(), 7, sound=True).getvalue()


@pytest.fixture(scope="module")
def twin(data, tmp_path_factory) -> bytes:
    """The same as Matroska, for PyAV."""
    target = tmp_path_factory.mktemp("twin") / "twin.mkv"
    gvc.transcode(io.BytesIO(data), target, threads=1, sink=SinkOptions(codec="ffv1"))
    return target.read_bytes()


@pytest.fixture(params=["gvc", "av"])
def opened(request, data, twin):
    """The same recording opened by gvc, and by PyAV."""
    if request.param == "gvc":
        with reader(io.BytesIO(data)) as container:
            yield container
    else:
        with av.open(io.BytesIO(twin)) as container:
            yield container


@pytest.mark.parametrize(
    "choose",
    [
        lambda c: c.decode(video=0),
        lambda c: c.decode(0),
        lambda c: c.decode(c.streams.video[0]),
        lambda c: c.decode(c.streams.best("video")),
        lambda c: c.decode({"video": 0}),
        lambda c: c.decode(video=(0,)),
        lambda c: c.decode([c.streams.video]),
        lambda c: c.decode(streams=0),
        lambda c: (frame for packet in c.demux(0) for frame in packet.decode()),
        lambda c: (frame for packet in c.demux(video=0) for frame in packet.decode()),
        lambda c: (
            frame for packet in c.demux(c.streams.video) for frame in packet.stream.decode(packet)
        ),
    ],
)
def test_pictures_are_chosen_as_in_pyav(opened, choose):
    frames = list(choose(opened))
    assert all(isinstance(frame, av.VideoFrame) for frame in frames)
    assert numbers_of(frames) == pytest.approx(range(7), abs=1)
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(7)], abs=1e-3)


@pytest.mark.parametrize(
    "choose",
    [
        lambda c: c.decode(audio=0),
        lambda c: c.decode(1),
        lambda c: c.decode(c.streams.audio[0]),
        lambda c: c.decode(c.streams.get(audio=0)),
        lambda c: (frame for packet in c.demux(1) for frame in packet.decode()),
    ],
)
def test_sound_is_chosen_as_in_pyav(opened, choose):
    frames = list(choose(opened))
    assert all(isinstance(frame, av.AudioFrame) for frame in frames)
    assert sum(frame.samples for frame in frames) == pytest.approx(7 * 1920, abs=1920)


def test_streams_are_found_as_in_pyav(opened):
    streams = opened.streams
    video, audio = streams
    assert (streams[0], streams[-1], len(streams)) == (video, audio, 2)
    assert (streams.video, streams.audio) == ((video,), (audio,))
    assert (streams.subtitles, streams.data, streams.attachments) == ((), (), ())
    assert streams.get() == [video, audio]
    assert streams.get(None) == [video, audio]
    assert streams.get(1, video=0) == [audio, video]
    assert streams.best("audio") is audio
    assert streams.best("subtitle") is None
    for wrong in (lambda: streams.get(7), lambda: streams.video[1], lambda: streams[2]):
        with pytest.raises(IndexError):
            wrong()
    for wrong in (
        lambda: list(opened.decode(video=1)),
        lambda: list(opened.demux(audio=4)),
        lambda: opened.streams.best("sound"),
        lambda: opened.seek(0.5),
        lambda: list(opened.decode("video")),
    ):
        with pytest.raises((IndexError, ValueError, TypeError)):
            wrong()


def test_properties_say_the_same_as_in_pyav(opened):
    video, audio = opened.streams
    context = video.codec_context
    assert (video.type, audio.type) == ("video", "audio")
    assert (video.index, audio.index) == (0, 1)
    assert video.container is opened
    assert (context.width, context.height, context.pix_fmt) == (48, 32, "yuv420p")
    assert (video.width, video.height, video.format.name) == (48, 32, "yuv420p")
    for rate in (video.average_rate, video.base_rate, video.guessed_rate):
        assert rate == 25
    assert context.name == video.codec.name
    assert video.codec.type == "video"
    assert not video.codec_context.has_b_frames
    assert video.profile is None or isinstance(video.profile, str)
    assert isinstance(video.metadata, dict)
    assert video.language in (None, "und")
    assert float(video.start_time * video.time_base) == pytest.approx(0, abs=0.01)
    assert (audio.codec_context.sample_rate, audio.rate) == (48_000, 48_000)
    assert (audio.layout.name, audio.channels, audio.format.name) == ("stereo", 2, "fltp")
    assert audio.codec_context.name == audio.codec.canonical_name == "opus"
    assert audio.frames == 0
    assert opened.duration == pytest.approx(280_000, abs=25_000)
    assert abs(opened.start_time) <= 10_000
    assert opened.bit_rate == pytest.approx(opened.size * 8e6 / opened.duration, rel=0.02)
    assert isinstance(opened.format.name, str)
    assert isinstance(opened.format.long_name, str)
    assert opened.format.extensions
    assert isinstance(opened.metadata, dict)
    assert isinstance(opened.options, dict)
    for name in ("widht", "foo"):
        with pytest.raises(AttributeError):
            getattr(video, name)


def test_packets_say_the_same_as_in_pyav(opened):
    packets = [packet for packet in opened.demux() if packet.dts is not None]
    for packet in packets:
        assert packet.pts == packet.dts
        assert packet.size == len(bytes(packet)) > 0
        assert packet.time_base == packet.stream.time_base
        assert packet.stream_index == packet.stream.index
        assert packet.pos > 0
        assert not packet.is_corrupt
        assert packet.duration > 0
        assert packet.stream in list(opened.streams)
    assert packets[0].is_keyframe
    for stream in opened.streams:
        times = [packet.pts for packet in packets if packet.stream is stream]
        assert times == sorted(set(times))


def test_a_second_loop_gives_nothing_and_after_seeking_everything(opened):
    assert len(list(opened.decode(video=0))) == 7
    # PyAV's decoders were flushed, and say that there is nothing more; gvc has none to flush.
    with contextlib.suppress(av.EOFError):
        assert list(opened.decode()) == []
    assert [packet for packet in opened.demux() if packet.size] == []
    opened.seek(0)
    assert len(list(opened.decode(video=0))) == 7
    opened.seek(0, stream=opened.streams.video[0])
    assert len([packet for packet in opened.demux(1) if packet.size]) >= 7


def test_each_loop_goes_on_where_the_one_before_ended(opened):
    first = [next(opened.decode(video=0)) for _ in range(3)]
    assert numbers_of(first) == pytest.approx([0, 1, 2], abs=1)
    assert numbers_of(opened.decode(video=0)) == pytest.approx([3, 4, 5, 6], abs=1)


def test_sound_goes_on_after_pictures(data):
    with reader(io.BytesIO(data)) as container:
        pictures = [next(container.decode(video=0))]
        rest = list(container.decode())
        pictures += [unit for unit in rest if isinstance(unit, av.VideoFrame)]
        assert numbers_of(pictures) == pytest.approx(range(7), abs=1)
        container.seek(0)
        packets = [next(container.demux(audio=0)).pts for _ in range(5)]
        assert packets == sorted(set(packets))


def test_loops_over_damage_say_it_each_time(data):
    with reader(io.BytesIO(data[:-40])) as container:
        for _ in range(2):
            with pytest.raises(InvalidDataError):
                list(container.decode(video=0))
    with reader(io.BytesIO(data[:-40]), on_error="conceal") as container:
        whole = [next(container.decode(video=0)) for _ in range(3)]
        whole += container.decode(video=0)
        assert [frame.pts for frame in whole] == sorted({frame.pts for frame in whole})
        assert list(container.decode()) == []


def test_a_closed_container_says_so(data):
    container = reader(io.BytesIO(data))
    packet = next(container.demux(video=0))
    loop = container.decode(video=0)
    next(loop)
    container.close()
    assert container.closed
    for use in (
        lambda: next(loop),
        lambda: list(container.decode()),
        lambda: list(container.demux()),
        lambda: container.seek(0),
        packet.decode,
    ):
        with pytest.raises(UsageError, match="closed"):
            use()


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_nothing_open_is_pickled_or_copied(data, duplicate):
    with reader(io.BytesIO(data)) as container:
        for what in (container, *container.streams, next(container.demux())):
            with pytest.raises(UsageError, match="pickled or copied"):
                duplicate(what)


class OnlyReads:
    """A file object that has nothing but ``read``."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class Named:
    """A path as libraries have their own."""

    def __init__(self, path) -> None:
        self._path = str(path)

    def __fspath__(self) -> str:
        return self._path


def test_any_path_and_any_file_can_be_read(data, tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    path = tmp_path / "bäh: 1.gvc"
    path.write_bytes(data)
    memory = fsspec.filesystem("memory")
    memory.pipe("/talk.gvc", data)
    with path.open("rb", buffering=0) as raw, fsspec.open(str(path), "rb") as local:
        for file in (
            *(path, str(path), str(path).encode(), Named(path), raw, local, OnlyReads(data)),
            *(memory.open("/talk.gvc", "rb"), fsspec.open("memory://talk.gvc", "rb")),
        ):
            with reader(file) as container:
                assert len(list(container.demux(video=0))) == 4
                assert isinstance(container.name, str)
    pipe = reader(OnlyReads(data))
    assert (pipe.duration, pipe.size, pipe.bit_rate) == (None, None, None)
    assert pipe.streams.audio[0].duration is None
    with pytest.raises(MediaError, match="pipe"):
        pipe.seek(0)


def test_files_that_cannot_be_read_are_refused(data, tmp_path):
    path = tmp_path / "talk.gvc"
    path.write_bytes(data)
    closed = io.BytesIO(data)
    closed.close()
    with path.open("rb") as binary, path.open(encoding="latin-1") as text, path.open("ab") as out:
        binary.close()
        for file in (text, io.StringIO("x"), out, closed, binary, 7, None, object(), ""):
            with pytest.raises(UsageError):
                gvc.open(file)
    for wrong in ({"format": "mp4"}, {"options": {"size": "64"}}):
        with pytest.raises(UsageError):
            gvc.open(path, **wrong)
    with pytest.raises(MediaError):
        gvc.open("a\0b.gvc")


def test_pictures_come_out_as_arrays_and_tensors(data):
    import torch

    with reader(io.BytesIO(data)) as container:
        frame = next(container.decode(video=0))
    array = frame.to_ndarray(format="rgb24")
    assert (array.shape, array.dtype) == ((32, 48, 3), np.uint8)
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    assert tuple(tensor.shape) == (3, 32, 48)


def test_streams_of_another_container_are_refused(data, tmp_path):
    write_clip(tmp_path / "clip.mp4", frames=2, audio=False)
    with reader(io.BytesIO(data)) as one, reader(io.BytesIO(data)) as other:
        for stream in (other.streams[0], av.open(str(tmp_path / "clip.mp4")).streams[0]):
            with pytest.raises(UsageError, match="another container"):
                one.decode(stream)
            with pytest.raises(UsageError, match="another container"):
                one.seek(0, stream=stream)


def test_the_time_of_sound_is_found(data):
    with reader(io.BytesIO(data)) as container:
        audio = container.streams.audio[0]
        assert audio.start_time <= 0
        assert float(audio.duration * audio.time_base) == pytest.approx(0.28, abs=0.05)
        assert audio.time_base == Fraction(1, 48_000)
        # Looking for it does not move the place of reading.
        assert len(list(container.decode(video=0))) == 7


def test_the_first_sound_begins_where_its_samples_do(tmp_path):
    """Opus drops samples at the beginning; the first frame is later by as many."""
    source = write_clip(tmp_path / "clip.mp4", frames=20)
    target = tmp_path / "clip.gvc"
    gvc.transcode(source, target, options={"size": "128", "key_preset": "faster"}, threads=1)
    with gvc.open(target) as container:
        frames = list(container.decode(audio=0))
    assert frames[0].samples < frames[1].samples
    assert frames[0].pts == 0
    ends = [frame.pts + frame.samples for frame in frames]
    assert [frame.pts for frame in frames[1:]] == ends[:-1]


@pytest.mark.parametrize("mode", ["r", "w"])
def test_an_address_is_no_file(mode):
    with pytest.raises(UsageError, match="fsspec"):
        gvc.open("s3://bucket/talk.gvc", mode)
