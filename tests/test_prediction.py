"""Groups whose key frames are predicted from that of an earlier group."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import av
import numpy as np
import pytest
from conftest import draw_head, run_gvc

import gvc
from gvc.bitstream import (
    MAX_REFERENCES,
    BitstreamReader,
    BitstreamWriter,
    Group,
    GroupEntry,
    Index,
    Reference,
)
from gvc.bitstream.writer import ChunkKind
from gvc.container import ChunkWriter
from gvc.errors import InvalidDataError, TruncatedDataError, UsageError
from gvc.media import to_rgb

SIZE, GROUP = 96, 10


def coded(pictures: Sequence[np.ndarray], **options: object) -> bytes:
    file = io.BytesIO()
    chosen = {"key_preset": "faster", "gop_size": str(GROUP)}
    chosen |= {name: str(value) for name, value in options.items()}
    with gvc.open(file, "w", options=chosen, threads=2) as output:
        stream = output.add_stream("gvc", rate=25)
        for picture in pictures:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


def heads(count: int, *, start: int = 0) -> list[np.ndarray]:
    return [draw_head(start + index, SIZE, SIZE) for index in range(count)]


def groups(data: bytes) -> list[Group]:
    return [unit for unit in BitstreamReader(io.BytesIO(data)) if isinstance(unit, Group)]


def ways(data: bytes) -> list[int | None]:
    """From which group each one is predicted, by number."""
    found = groups(data)
    numbers = {group.pts: number for number, group in enumerate(found)}
    return [group.reference and numbers[group.reference.pts] for group in found]


def rewritten(data: bytes, units: Sequence[Group]) -> io.BytesIO:
    """A file of the same header and other groups, of which nothing is checked."""
    file = io.BytesIO()
    chunks = ChunkWriter(file)
    chunks.write(ChunkKind.HEADER, BitstreamReader(io.BytesIO(data)).header.to_bytes())
    entries = [
        GroupEntry(chunks.write(ChunkKind.GROUP, unit.to_bytes()), unit.pts, unit.frames)
        for unit in units
    ]
    chunks.finish(Index(tuple(entries), units[-1].pts + units[-1].frames).to_bytes())
    file.seek(0)
    return file


def shown(file: io.BytesIO, *, seconds: float = 0) -> list[np.ndarray]:
    with gvc.open(file, threads=2) as container:
        if seconds:
            container.seek(round(seconds * 1_000_000))
        return [frame.to_ndarray() for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def minute() -> bytes:
    return coded(heads(4 * GROUP))


def test_later_groups_take_a_fraction(minute):
    alone = coded(heads(4 * GROUP), refresh=0)
    assert ways(minute) == [None, 0, 0, 0]
    assert ways(alone) == [None] * 4
    sizes = [[len(group.conventional) for group in groups(data)] for data in (minute, alone)]
    assert sum(sizes[0][1:]) < 0.5 * sum(sizes[1][1:])
    assert sum(sizes[0]) < 0.8 * sum(sizes[1])


def test_pictures_are_close_all_the_same(minute):
    originals = heads(4 * GROUP)
    with gvc.open(io.BytesIO(minute), threads=2) as container:
        pictures = [to_rgb(frame, SIZE, SIZE) for frame in container.decode(video=0)]
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(pictures, originals, strict=True)]
    first, later = np.mean(errors[:GROUP]), np.mean(errors[GROUP:])
    assert later < 1.5 * first + 1


@pytest.mark.parametrize("number", [1, 3])
def test_seeking_finds_what_a_group_needs(minute, number):
    whole = shown(io.BytesIO(minute))
    rest = shown(io.BytesIO(minute), seconds=number * GROUP / 25 + 0.01)
    assert len(rest) == (4 - number) * GROUP
    for one, other in zip(rest, whole[number * GROUP :], strict=True):
        assert (one == other).all()


def test_seeking_works_without_an_index(minute):
    last = len(groups(minute)[-1].to_bytes())
    found = 0
    with gvc.open(io.BytesIO(minute[: -last - 20])) as container:
        container.seek(round((GROUP / 25 + 0.01) * 1_000_000))
        with pytest.raises(TruncatedDataError):
            for frame in container.decode(video=0):
                assert frame.pts >= GROUP
                found += 1
    assert found >= GROUP


def test_reading_from_a_pipe_needs_no_seeking(minute, tmp_path):
    piped = run_gvc("decode", "-", "-", "-f", "y4m", input=minute)
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout.count(b"FRAME") == 4 * GROUP


def test_after_the_refresh_a_group_stands_alone():
    data = coded(heads(4 * GROUP), refresh=2 * GROUP / 25)
    assert ways(data) == [None, 0, None, 2]


def test_the_camera_may_come_back():
    """Two views in turn: each is predicted from the last one that was like it."""
    other = [255 - np.roll(picture, SIZE // 3, axis=1) for picture in heads(GROUP)]
    data = coded(heads(GROUP) + other + heads(GROUP) + other + heads(GROUP), scene_cut=0)
    assert ways(data) == [None, None, 0, 1, 0]


def test_a_rate_is_kept_with_predicted_groups():
    data = coded(heads(8 * GROUP), bit_rate=6000)
    assert sum(way is not None for way in ways(data)) >= 5
    assert len(data) * 8 / (8 * GROUP / 25) <= 6000 * 1.05


def test_groups_say_from_where_they_are_predicted(minute):
    group = groups(minute)[2]
    assert group.reference is not None
    read = Group.from_bytes(group.to_bytes())
    assert read == replace(group, reference=Reference(group.reference.pts))


def test_info_counts_them(minute, tmp_path):
    path = tmp_path / "a.gvc"
    path.write_bytes(minute)
    done = run_gvc("info", path)
    assert b"predicted_groups     3" in done.stdout


def test_copying_begins_where_nothing_is_missing(minute):
    with gvc.open(io.BytesIO(minute)) as container:
        packets = list(container.demux(video=0))
        assert [packet.is_keyframe for packet in packets] == [True, False, False, False]
    writer = BitstreamWriter(io.BytesIO())
    writer.write_header(BitstreamReader(io.BytesIO(minute)).header)
    with pytest.raises(UsageError, match="predicted from"):
        writer.write_group(packets[1].unit)
    writer.write_group(packets[0].unit)
    writer.write_group(packets[2].unit)


def test_a_lost_reference_is_said(minute):
    file = rewritten(minute, groups(minute)[1:])
    with pytest.raises(InvalidDataError, match="predicted from one that is not there"):
        shown(file)


@pytest.mark.parametrize("indexed", [True, False])
def test_references_to_no_first_key_frame_are_refused(minute, indexed):
    """To a group that is itself predicted, to one of video, into the future, to nothing at all."""
    first, second, third, fourth = groups(minute)
    video = replace(second, keys=(), video=b"v", reference=None)
    for units in (
        [first, second, replace(third, reference=Reference(second.pts))],
        [first, video, replace(third, reference=Reference(video.pts))],
        [replace(second, reference=Reference(second.pts - 1000)), third, fourth],
    ):
        data = rewritten(minute, units).getvalue()
        with pytest.raises(InvalidDataError):
            shown(io.BytesIO(data if indexed else data[:-12]))


def test_a_way_of_nothing_or_backwards_cannot_be_written(minute):
    group = groups(minute)[1]
    ahead = replace(group, reference=Reference(group.pts))
    with pytest.raises(InvalidDataError):
        Group.from_bytes(ahead.to_bytes())
    with pytest.raises(ValueError, match=r".*"):
        replace(group, reference=Reference(group.pts + 5)).to_bytes()


def test_a_video_group_has_no_reference(minute):
    video = replace(groups(minute)[0], keys=(), video=b"v").to_bytes()
    with pytest.raises(InvalidDataError):
        Group.from_bytes(bytes([video[0] | 32]) + video[1:])


def test_only_the_last_few_groups_can_be_referred_to(minute):
    """Whoever reads a pipe keeps no more than that."""
    first, second, *_ = groups(minute)
    count = MAX_REFERENCES + 1
    units = [replace(first, pts=first.pts + 100 * number) for number in range(count)]
    far = replace(second, pts=100 * count, reference=Reference(first.pts))

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = rewritten(minute, [*units, far]).getvalue()
    with pytest.raises(InvalidDataError):
        list(BitstreamReader(Pipe(data)))
    near = replace(far, reference=Reference(units[1].pts))
    assert len(list(BitstreamReader(Pipe(rewritten(minute, [*units, near]).getvalue())))) == 6


def test_the_halves_of_a_group_know_each_other():
    """A group that was cut for a greatest distance shows one scene."""
    pictures = heads(44) + [np.roll(picture, 16, axis=0) for picture in heads(16)]
    data = coded(pictures, gop_size=60, scene_cut=0, key_frames=1, max_distance=0.2)
    assert ways(data) == [None, 0]
