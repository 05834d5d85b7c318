"""Damaged files: what is whole is found and shown, and what is lost is concealed."""

from __future__ import annotations

import io
import re
from itertools import pairwise

import av
import pytest
from conftest import read_video, run_gvc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pieces import FRAMES, PACKETS, chunks_of, damaged, file_of_groups
from test_container import Pipe

import gvc
from gvc.bitstream import AudioPacket, BitstreamReader
from gvc.bitstream.writer import ChunkKind
from gvc.container import INDEX_KIND, Chunk, ChunkReader, ChunkWriter, Damage
from gvc.errors import InvalidDataError, UsageError

GROUPS = 4

Shown = tuple[list[av.VideoFrame], list[AudioPacket], list[str]]


@pytest.fixture(scope="module")
def whole() -> bytes:
    """Groups that stand alone, with sound."""
    return file_of_groups(GROUPS, sound=True)


@pytest.fixture(scope="module")
def predicted() -> bytes:
    """Groups of which each second one needs the one before."""
    return file_of_groups(GROUPS, predicted=True)


def open_small(file: bytes | io.RawIOBase, **options: object) -> gvc.api.input.InputContainer:
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    return gvc.open(source, size=64, threads=1, precision="float32", **options)


def played(file: bytes | io.RawIOBase) -> Shown:
    with open_small(file, on_error="conceal") as container:
        units = list(container.play())
        losses = [str(loss) for loss in container.losses]
    sound = [unit for unit in units if isinstance(unit, AudioPacket)]
    return [unit for unit in units if not isinstance(unit, AudioPacket)], sound, losses


@pytest.fixture(scope="module")
def pictures(whole) -> list[av.VideoFrame]:
    return played(whole)[0]


def groups_of(data: bytes) -> list[Chunk]:
    return [chunk for chunk in chunks_of(data) if chunk.kind == ChunkKind.GROUP]


def blocks_of(data: bytes) -> list[Chunk]:
    return [chunk for chunk in chunks_of(data) if chunk.kind == ChunkKind.AUDIO]


def without_index(data: bytes) -> bytes:
    """A bit of the index chunk, 30 bytes and a trailer before the end, is another one."""
    return data[:-25] + bytes([data[-25] ^ 1]) + data[-24:]


def same(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    return bool((one.to_ndarray() == other.to_ndarray()).all())


def check(shown: Shown, sound: list[av.VideoFrame], lost: set[int]) -> None:
    """Times are those of the whole file, good groups as they were, lost ones held."""
    frames, _, losses = shown
    assert [frame.pts for frame in frames] == [frame.pts for frame in sound]
    good = [number not in lost for number in range(GROUPS) for _ in range(FRAMES)]
    first = good.index(True)
    for place, frame in enumerate(frames):
        if good[place]:
            assert same(frame, sound[place])
        else:
            before = [each for each in range(place) if good[each]]
            stands = sound[before[-1] if before else first]
            assert same(frame, stands)
            assert (frame.colorspace, frame.color_range) == (stands.colorspace, stands.color_range)
    held = [int(number) for line in losses for number in re.findall(r"(\d+) frames are held", line)]
    assert sum(held) == FRAMES * len(lost)


@pytest.mark.parametrize("lost", [{0}, {1}, {2}, {3}, {1, 2}, {0, 1}, {2, 3}])
def test_lost_groups_are_held(whole, pictures, lost):
    groups = groups_of(whole)
    shown = played(damaged(whole, *(groups[number] for number in lost)))
    check(shown, pictures, lost)
    assert [packet.pts for packet in shown[1]] == [1600 * n for n in range(GROUPS * PACKETS)]


@pytest.mark.parametrize("lost", [{0}, {1}, {1, 2}])
def test_without_an_index_times_tell_what_is_missing(whole, pictures, lost):
    groups = groups_of(whole)
    data = without_index(damaged(whole, *(groups[number] for number in lost)))
    check(played(data), pictures, lost)


def test_pipes_are_concealed_too(whole, pictures):
    """The index at the end tells how long the last group was."""
    groups = groups_of(whole)
    check(played(Pipe(damaged(whole, groups[1], groups[3]))), pictures, {1, 3})


def test_nothing_is_missing_where_only_the_index_is_lost(whole, pictures):
    frames, sound, losses = played(without_index(whole))
    assert len(frames) == len(pictures)
    assert len(sound) == GROUPS * PACKETS
    assert all(map(same, frames, pictures))
    assert len(losses) == 1
    assert "held" not in losses[0]


@pytest.mark.parametrize("number", range(GROUPS))
def test_lost_sound_is_a_gap(whole, pictures, number):
    frames, sound, losses = played(damaged(whole, blocks_of(whole)[number]))
    assert all(map(same, frames, pictures))
    lost = range(PACKETS * number, PACKETS * (number + 1))
    assert [packet.pts for packet in sound] == [
        1600 * place for place in range(GROUPS * PACKETS) if place not in lost
    ]
    told = f"no sound from {number:.2f} to {number + 1:.2f} s"
    assert any(told in line for line in losses) == (number < GROUPS - 1)


def test_a_lost_reference_takes_what_is_predicted_from_it(predicted):
    sound = played(predicted)[0]
    groups = groups_of(predicted)
    check(played(damaged(predicted, groups[0])), sound, {0, 1})
    check(played(damaged(predicted, groups[2])), sound, {2, 3})
    check(played(damaged(predicted, groups[1])), sound, {1})
    data = without_index(damaged(predicted, groups[2]))
    check(played(data), sound, {2, 3})


def test_a_group_that_cannot_be_decoded_is_lost(whole, pictures):
    """The checksum is right, the key frame is not."""
    units = list(BitstreamReader(io.BytesIO(whole)).units())
    file = io.BytesIO()
    writer = ChunkWriter(file)
    number = 0
    header = chunks_of(whole)[0]
    for chunk in [header, *(chunk for chunk, _ in units[:-1])]:
        payload = chunk.payload
        if chunk.kind == ChunkKind.GROUP:
            number += 1
            if number == 3:
                middle = payload.index(b"\0\0\1") + 40
                payload = payload[: middle - 36] + bytes(200) + payload[middle + 164 :]
        writer.write(chunk.kind, payload)
    writer.finish(units[-1][0].payload)
    check(played(file.getvalue()), pictures, {2})
    with pytest.raises(InvalidDataError), open_small(file.getvalue()) as container:
        list(container.decode(video=0))


def test_a_group_that_comes_twice_is_shown_once(whole, pictures):
    first, second, *_ = groups_of(whole)
    twice = whole[: second.offset] + whole[first.offset : second.offset] + whole[second.offset :]
    frames, _, losses = played(twice)
    assert [frame.pts for frame in frames] == [frame.pts for frame in pictures]
    assert all(map(same, frames, pictures))
    assert any("too late" in line for line in losses)


def test_a_file_that_was_cut_off_gives_what_is_whole(whole, pictures):
    groups = groups_of(whole)
    frames, _, losses = played(whole[: groups[2].offset + 9])
    assert all(map(same, frames, pictures))
    assert len(frames) == 2 * FRAMES
    assert "cut off" in losses[0]


def test_seeking_goes_on_behind_damage(predicted):
    sound = played(predicted)[0]
    data = damaged(predicted, groups_of(predicted)[1])
    for lost_index in (False, True):
        with open_small(without_index(data) if lost_index else data, on_error="conceal") as file:
            file.seek(3_100_000)
            frames = list(file.decode(video=0))
        assert [frame.pts for frame in frames] == [frame.pts for frame in sound[-FRAMES:]]
        assert all(map(same, frames, sound[-FRAMES:]))


def test_packets_of_a_damaged_file(whole):
    with open_small(damaged(whole, groups_of(whole)[1]), on_error="conceal") as container:
        assert sum(packet.frames for packet in container.demux(video=0)) == 3 * FRAMES
        assert len(container.losses) == 1


def test_damage_stops_where_nobody_asks_for_more(whole, pictures):
    data = damaged(whole, groups_of(whole)[1])
    frames = []
    with open_small(data) as container, pytest.raises(InvalidDataError, match="damaged"):
        frames.extend(container.decode(video=0))
    with pytest.raises(UsageError, match="stop, conceal"):
        open_small(data, on_error="ignore")


def test_a_damaged_header_is_an_error_and_so_is_a_file_without_a_picture(whole):
    chunks = chunks_of(whole)
    with pytest.raises(InvalidDataError):
        open_small(damaged(whole, chunks[0]), on_error="conceal")
    with pytest.raises(InvalidDataError, match="no picture"):
        played(damaged(whole, *groups_of(whole)))


def test_the_command_says_what_is_lost(whole, tmp_path):
    source, target = tmp_path / "in.gvc", tmp_path / "out.mp4"
    source.write_bytes(damaged(whole, groups_of(whole)[1], blocks_of(whole)[3]))
    options = "--size", 64, "--codec", "mpeg4", "--no-audio", "-y"
    done = run_gvc("decode", "--on-error", "conceal", source, target, *options)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.decode().splitlines()
    assert all(line.startswith(f"gvc: warning: {source}: ") for line in lines)
    assert "5 frames are held from 1.00 to 2.00 s" in lines[0]
    assert "5 of 20 frames are held" in lines[-1]
    times = [frame.time for frame in read_video(target)]
    assert len(times) == GROUPS * FRAMES
    assert all(later > earlier for earlier, later in pairwise(times))


CHUNKS = st.lists(
    st.tuples(st.sampled_from([3, 0x84]), st.binary(max_size=60)), min_size=1, max_size=5
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CHUNKS, st.data())
def test_every_whole_chunk_is_found(chunks, draw):
    """Whatever happens to one of them: bytes change, go, or come."""
    file = io.BytesIO()
    writer = ChunkWriter(file)
    starts = [writer.write(kind, payload) for kind, payload in chunks]
    writer.finish(b"")
    data = file.getvalue()
    number = draw.draw(st.integers(0, len(chunks) - 1))
    end = [*starts[1:], len(data) - 14][number]
    start = starts[number]
    changed = draw.draw(st.binary(max_size=80))
    if changed == data[start:end]:
        return
    found = [
        (piece.kind, piece.payload)
        for piece in ChunkReader(Pipe(data[:start] + changed + data[end:])).salvage([1, 3, 0x84])
        if isinstance(piece, Chunk)
    ]
    others = [*chunks[:number], *chunks[number + 1 :], (INDEX_KIND, b"")]
    remaining = iter(found)
    assert all(other in remaining for other in others)


def test_marks_keep_a_lying_length_from_hiding_what_follows():
    """A chunk in the payload of a damaged one is not taken for one where the index knows better."""
    inner = io.BytesIO()
    ChunkWriter(inner).write(3, b"inner")
    file = io.BytesIO()
    writer = ChunkWriter(file)
    first = writer.write(3, inner.getvalue()[6:] * 2)
    second = writer.write(3, b"second")
    writer.finish(b"")
    data = bytearray(file.getvalue())
    data[second - 1] ^= 1
    pieces = list(ChunkReader(io.BytesIO(data)).salvage([1, 3], [first, second]))
    assert isinstance(pieces[0], Damage)
    assert pieces[-2].payload == b"second"
