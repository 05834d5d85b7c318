"""PyAV reads .gvc files through gvc.as_file: the same pictures, times and sound as gvc.open."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pieces import FRAMES, PORTRAIT, chunks_of, damaged, file_of_groups, motion, portrait
from test_container import Pipe

import gvc
from gvc.api.limits import DecodeLimits
from gvc.bitstream import (
    SIGNATURE,
    BitstreamReader,
    BitstreamWriter,
    FileHeader,
    Group,
    KeyFrame,
)
from gvc.bitstream.writer import ChunkKind
from gvc.container import INDEX_KIND, ChunkWriter
from gvc.errors import (
    InvalidDataError,
    LimitError,
    MediaError,
    UsageError,
)

GROUPS = 4
SMALL = {"size": 64, "threads": 1, "precision": "float32"}

#: Bytes of a picture of 64×64.
PICTURE = 64 * 64 * 3 // 2


@pytest.fixture(scope="module")
def whole() -> bytes:
    """Groups that stand alone, with sound."""
    return file_of_groups(GROUPS, sound=True)


@pytest.fixture(scope="module")
def silent() -> bytes:
    """Groups of which each second one needs the one before."""
    return file_of_groups(GROUPS, predicted=True)


def as_file(data: bytes, **options):
    return gvc.as_file(io.BytesIO(data), **{**SMALL, **options})


def frames_of(data: bytes, **options) -> list[av.VideoFrame]:
    with gvc.open(io.BytesIO(data), **{**SMALL, **options}) as container:
        return list(container.decode(video=0))


@pytest.fixture(scope="module")
def long_and_silent() -> bytes:
    """Longer than the five seconds that FFmpeg may look at when it opens a file."""
    return file_of_groups(8)


@pytest.fixture(scope="module")
def pictures(whole) -> list[av.VideoFrame]:
    return frames_of(whole)


@pytest.fixture(scope="module")
def raw(whole) -> bytes:
    """All bytes of the file that PyAV sees."""
    with as_file(whole) as file:
        return file.read()


def same(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    return bool((one.to_ndarray() == other.to_ndarray()).all())


def with_header(data: bytes, **changes) -> bytes:
    """The same groups under a video header that says something else."""
    units = list(BitstreamReader(io.BytesIO(data)))
    reader = BitstreamReader(io.BytesIO(data))
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    header = replace(reader.header, video=replace(reader.header.video, **changes))
    writer.write_header(header)
    for unit in units:
        writer.write_group(unit) if isinstance(unit, Group) else writer.write_audio(unit)
    writer.close(end_pts=reader.index.end_pts)
    return file.getvalue()


def test_pictures_and_times_are_those_of_gvc_open(silent):
    expected = frames_of(silent)
    with as_file(silent) as file, av.open(file) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.pix_fmt) == (64, 64, "yuv420p")
        assert (stream.average_rate, stream.time_base) == (5, Fraction(1, 200))
        assert container.duration == GROUPS * 1_000_000
        frames = list(container.decode(video=0))
    assert [(f.pts, f.time_base) for f in frames] == [(f.pts, f.time_base) for f in expected]
    assert all(map(same, frames, expected))
    told = [(f.colorspace, f.color_range, f.color_primaries, f.color_trc) for f in frames[:1]]
    assert told == [
        (f.colorspace, f.color_range, f.color_primaries, f.color_trc) for f in expected[:1]
    ]
    assert told[0][:2] != (2, 0)


def test_sound_is_in_step(whole, pictures):
    """The packets are those of the file, at their times, next to the pictures of their times."""
    with as_file(whole) as file, av.open(file) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        packets = [packet for packet in container.demux() if packet.size]
        video = [packet for packet in packets if packet.stream.type == "video"]
        audio = [packet for packet in packets if packet.stream.type == "audio"]
    assert [p.pts * p.time_base for p in video] == [f.pts * f.time_base for f in pictures]
    assert [p.pts * p.time_base for p in audio] == [Fraction(n, 5) for n in range(5 * GROUPS)]
    assert {bytes(packet) for packet in audio} == {bytes(3200)}
    order = [packet.pts * packet.time_base for packet in packets]
    assert max(abs(one - other) for one, other in zip(order, sorted(order), strict=True)) <= 0.2


def test_seeking_lands_on_the_group_that_holds_a_time(whole, pictures):
    rng = np.random.Generator(np.random.PCG64(3))
    with as_file(whole) as file, av.open(file) as container:
        stream = container.streams.video[0]
        for time_ in [*rng.uniform(0, GROUPS, 8), 0.0, 1.0, 2.999999, GROUPS - 0.01, 1e6]:
            container.seek(round(Fraction(time_) / stream.time_base), stream=stream)
            found = list(container.decode(video=0))
            group = min(int(time_), GROUPS - 1)
            assert found[0].time == pytest.approx(group, abs=1e-8)
            assert len(found) == FRAMES * (GROUPS - group)
            assert all(map(same, found, pictures[FRAMES * group :]))
            container.seek(round(time_ * 1_000_000))
            assert next(container.decode(video=0)).time == pytest.approx(group, abs=1e-8)
        sound = container.streams.audio[0]
        container.seek(round(Fraction(5, 2) / sound.time_base), stream=sound)
        assert 2 <= next(container.decode(audio=0)).time <= 2.5


def test_seeking_decodes_only_the_group_that_is_sought(monkeypatch):
    """In a file of 2000 groups, whose index is all that opening reads."""
    data = file_of_groups(1, sound=True)
    reader = BitstreamReader(io.BytesIO(data))
    sound, group = list(reader)
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(reader.header)
    for number in range(2000):
        moved = (replace(p, pts=p.pts + 8000 * number) for p in sound.packets)
        writer.write_audio(replace(sound, packets=tuple(moved)))
        writer.write_group(replace(group, pts=200 * number))
    writer.close(end_pts=200 * 2000)

    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            part = super().read(size)
            Counting.taken += len(part)
            return part

    source = Counting(file.getvalue())
    with gvc.as_file(source, **SMALL) as opened:
        assert Counting.taken < 0.02 * len(file.getvalue())
        with av.open(opened) as container:
            decoded = []
            take = opened._groups._container.video_decoder.decode
            monkeypatch.setattr(
                opened._groups._container.video_decoder,
                "decode",
                lambda unit: decoded.append(unit.pts) or take(unit),
            )
            for second in (1234, 7, 1999):
                container.seek(second * 1_000_000 + 400_000)
                frame = next(f for f in container.decode(video=0) if f.time >= second + 0.3)
                assert frame.time == pytest.approx(second + 0.4)
            assert decoded == [200 * second for second in (1234, 7, 1999)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_bytes_are_the_same_whatever_was_read_before(whole, raw, shared_file, data):
    """With a cache of two pictures, so that groups are decoded again."""
    offset = data.draw(st.integers(0, len(raw) + 10))
    size = data.draw(st.one_of(st.integers(0, 100), st.integers(0, 3 * PICTURE)))
    assert shared_file.seek(offset) == offset
    assert shared_file.read(size) == raw[offset : offset + size]
    assert shared_file.tell() == min(offset + size, max(offset, len(raw)))


@pytest.fixture(scope="module")
def shared_file(whole):
    with as_file(whole, cache_bytes=2 * PICTURE) as file:
        yield file


def test_the_size_is_known(whole, raw):
    with as_file(whole) as file:
        assert file.seek(0, os.SEEK_END) == len(raw)
        assert file.read(10) == b""
        assert file.seek(-9, os.SEEK_CUR) == len(raw) - 9
        assert file.read() == raw[-9:]
        assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
        with pytest.raises(UsageError):
            file.seek(-1)


def test_variable_rates_and_times_before_0():
    """Times that the index does not tell are read with the pictures."""
    header, group = portrait()
    with gvc.open(PORTRAIT, **SMALL) as container:
        assert container.streams.video[0].frames == 100
    video = replace(header.video, frame_rate=Fraction(30000, 1001), time_base=Fraction(1001, 30000))
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(FileHeader(replace(video, entropy_model="adaptive", prior=None)))
    for number, pts in enumerate((-3, 5, 17)):
        run = motion(replace(video, entropy_model="adaptive"), 4, seed=number)
        writer.write_group(Group(pts, 5, False, (KeyFrame(0, group.keys[0].data),), run))
    writer.close(end_pts=30)
    expected = frames_of(file.getvalue())
    with as_file(file.getvalue()) as opened, av.open(opened) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == Fraction(30000, 1001)
        frames = list(container.decode(video=0))
    times = [frame.pts * frame.time_base for frame in frames]
    wanted = [(frame.pts + 3) * video.time_base for frame in expected]
    assert [frame.pts for frame in expected] == [*range(-3, 2), *range(5, 10), *range(17, 22)]
    # Rounded up to the nanosecond, so that rounding down finds the frame's number.
    assert all(
        0 <= time - want < Fraction(1, 10**9) for time, want in zip(times, wanted, strict=True)
    )
    assert all(map(same, frames, expected))


@pytest.mark.parametrize("shape", [Fraction(4, 3), Fraction(12, 11), Fraction(1)])
def test_the_shape_of_pixels_is_told(silent, shape):
    data = with_header(silent, sample_aspect_ratio=shape)
    with as_file(data) as file, av.open(file) as container:
        assert (container.streams.video[0].sample_aspect_ratio or 1) == shape


@pytest.mark.parametrize("full_range", [False, True])
def test_colours_are_told(silent, full_range):
    header = BitstreamReader(io.BytesIO(silent)).header
    colour = replace(header.video.colour, matrix=9, primaries=9, transfer=14, full_range=full_range)
    data = with_header(silent, colour=colour)
    with as_file(data) as file, av.open(file) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (9, 9, 14)
    assert frame.color_range == (2 if full_range else 1)


@pytest.mark.parametrize("side", [63, 33])
def test_odd_sizes_come_out_whole(silent, side):
    data = with_header(silent, width=side, height=side + 2)
    expected = frames_of(data)
    with as_file(data) as file, av.open(file) as container:
        frames = list(container.decode(video=0))
    for one, other in zip(frames, expected, strict=True):
        assert (one.width, one.height) == (other.width, other.height)
        for plane, wanted in zip(one.planes, other.planes, strict=True):
            lines = [
                np.frombuffer(p, np.uint8).reshape(-1, p.line_size)[: p.height, : p.width]
                for p in (plane, wanted)
            ]
            assert (lines[0] == lines[1]).all()


def kept_after_reading(data: bytes, cached: int) -> int:
    """Bytes that Python holds after the whole file was read, in excess of the beginning."""
    with as_file(data, cache_bytes=cached * PICTURE) as file:
        # What is made once, networks among it.
        file.read(2 * PICTURE)
        gc.collect()
        tracemalloc.start()
        try:
            while file.read(4096):
                pass
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()


def test_no_more_pictures_are_kept_than_asked_for(silent):
    few, many = kept_after_reading(silent, 2), kept_after_reading(silent, 14)
    assert many - few == pytest.approx(12 * PICTURE, abs=3 * PICTURE)


def test_threads_may_share_a_file(whole, raw):
    wrong = []
    with as_file(whole, cache_bytes=4 * PICTURE) as file:
        lock = threading.Lock()

        def look(seed: int) -> None:
            rng = np.random.Generator(np.random.PCG64(seed))
            for _ in range(10):
                offset = int(rng.integers(0, len(raw)))
                with lock:
                    file.seek(offset)
                    part = file.read(2000)
                if part != raw[offset : offset + 2000]:
                    wrong.append(offset)

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def _outcome(file, queue) -> None:
    try:
        file.seek(0)
        queue.put("no error")
    except MediaError as error:
        queue.put(str(error))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_process_is_told_to_open_its_own(whole):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    with as_file(whole) as file:
        file.read(100)
        process = context.Process(target=_outcome, args=(file, queue))
        process.start()
        told = queue.get()
        process.join(30)
        assert "fork" in told
        assert process.exitcode == 0
        assert len(file.read(100)) == 100


def test_a_file_that_is_thrown_away_leaves_no_thread(whole):
    before = threading.active_count()
    file = as_file(whole)
    file.read(4 * PICTURE)
    del file
    gc.collect()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() == before


def test_a_process_ends_with_a_file_open(tmp_path):
    program = (
        "import av, gvc\n"
        f"file = gvc.as_file({str(PORTRAIT)!r}, size=64, threads=1)\n"
        "container = av.open(file)\n"
        "frames = container.decode(video=0)\n"
        "print(next(frames).width)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        timeout=120,
        cwd=PORTRAIT.parents[1],
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [b"64"], b"")


def test_paths_are_closed_and_objects_stay_open(tmp_path, whole):
    source = io.BytesIO(whole)
    with gvc.as_file(source, **SMALL) as file:
        pass
    assert not source.closed
    with pytest.raises(ValueError, match="closed"):
        file.read(1)
    path = tmp_path / "talk.gvc"
    path.write_bytes(whole)
    with gvc.as_file(path, **SMALL) as file:
        assert file.name == str(path)
    path.unlink()


def test_what_is_no_gvc_file_is_refused(tmp_path, whole):
    with pytest.raises(InvalidDataError):
        gvc.as_file(io.BytesIO(b"no video at all" * 100))
    with pytest.raises(MediaError):
        gvc.as_file(tmp_path / "missing.gvc")
    with pytest.raises(MediaError, match=r"cannot be searched.*gvc\.open"):
        gvc.as_file(Pipe(whole))
    with pytest.raises(LimitError):
        as_file(whole, limits=DecodeLimits(max_frames=5))
    for wrong in ({"options": {}}, {"cache_bytes": -1}, {"on_error": "hope"}, {"color_range": 1}):
        with pytest.raises(UsageError):
            gvc.as_file(io.BytesIO(whole), **wrong)
    with pytest.raises(UsageError):
        gvc.as_file(io.BytesIO(whole), "a")


def until_an_error(container) -> tuple[list[av.VideoFrame], str]:
    """Pictures up to an error, and what it says."""
    frames: list[av.VideoFrame] = []
    with pytest.raises(InvalidDataError) as caught:
        frames.extend(container.decode(video=0))
    return frames, str(caught.value)


def test_errors_come_after_what_is_good(long_and_silent, capfd):
    """A file that is cut off ends in an error; behind a damaged group reading goes on."""
    expected = frames_of(long_and_silent)
    groups = [chunk for chunk in chunks_of(long_and_silent) if chunk.kind == ChunkKind.GROUP]
    cut = long_and_silent[: groups[-1].offset + 9]
    with as_file(cut) as file, av.open(file) as container:
        frames, told = until_an_error(container)
        assert "cut off" in told
        assert all(map(same, frames, expected))
        assert len(frames) == len(expected) - FRAMES
    with as_file(cut, on_error="conceal") as file, av.open(file) as container:
        assert len(list(container.decode(video=0))) == len(expected) - FRAMES
    with as_file(damaged(long_and_silent, groups[-2])) as file, av.open(file) as container:
        frames, told = until_an_error(container)
        assert "damaged" in told
        assert len(frames) == len(expected) - 2 * FRAMES
        # FFmpeg keeps an error in mind; a container that is opened anew does not.
        file.seek(0)
        again = av.open(file)
        again.seek((len(groups) - 1) * 1_000_000)
        frames = again.decode(video=0)
        assert all(same(next(frames), expected[place]) for place in range(-FRAMES, 0))
    assert "Traceback" not in capfd.readouterr().err


def lost_groups(data: bytes, lost: set[int]) -> bytes:
    groups = [chunk for chunk in chunks_of(data) if chunk.kind == ChunkKind.GROUP]
    return damaged(data, *(groups[number] for number in lost))


@pytest.mark.parametrize(
    ("kind", "lost"), [("whole", {0, 3}), ("whole", {1, 2}), ("silent", {2}), ("silent", {0, 1})]
)
def test_damage_is_concealed_as_gvc_open_does(request, kind, lost):
    data = lost_groups(request.getfixturevalue(kind), lost)
    expected = frames_of(data, on_error="conceal")
    with as_file(data, on_error="conceal") as file, av.open(file) as container:
        frames = list(container.decode(video=0))
        assert [f.pts * f.time_base for f in frames] == [f.pts * f.time_base for f in expected]
        assert all(map(same, frames, expected))
        container.seek(2_500_000)
        again = list(container.decode(video=0))
    assert all(map(same, again, expected[2 * FRAMES :]))
    # Whatever is read first.
    with as_file(data, on_error="conceal") as file, av.open(file) as container:
        container.seek(3_500_000)
        assert all(map(same, container.decode(video=0), expected[3 * FRAMES :]))


def test_nothing_that_can_be_decoded_is_an_error(silent):
    data = lost_groups(silent, {0, 1, 2, 3})
    with as_file(data, on_error="conceal") as file, pytest.raises(InvalidDataError, match="no pic"):
        file.read()


def test_an_index_that_lies_is_an_error(whole):
    """It says that the second group has a frame more."""
    place = next(chunk for chunk in chunks_of(whole) if chunk.kind == INDEX_KIND).offset
    index = BitstreamReader(io.BytesIO(whole)).index
    entries = [replace(e, frames=e.frames + (n == 1)) for n, e in enumerate(index.groups)]
    lying = io.BytesIO()
    ChunkWriter(lying).finish(replace(index, groups=tuple(entries)).to_bytes())
    data = whole[:place] + lying.getvalue()[len(SIGNATURE) + 2 :]
    with as_file(data) as file, pytest.raises(InvalidDataError, match="number of frames"):
        file.read()
