"""Files that ask for more than they may: refused at once, and before memory is taken."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import google_crc32c
import pytest
from conftest import run_gvc
from pieces import FRAMES, file_of_groups, portrait, video_header
from test_container import Pipe, write

import gvc
from gvc import DecodeLimits, keyframe
from gvc.bitstream import (
    MAX_GROUPS,
    BitstreamReader,
    FileHeader,
    Group,
    GroupEntry,
    Index,
    KeyFrame,
)
from gvc.bitstream.fields import FieldWriter
from gvc.bitstream.writer import ChunkKind
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import read_run
from gvc.container import INDEX_KIND, MAX_PAYLOAD, SIGNATURE, ChunkReader
from gvc.container.varint import encode_varint
from gvc.errors import InvalidDataError, LimitError, UsageError
from gvc.keyframe.picture_size import sizes_in, vvc_size

#: What a hostile file may take before it is refused: seconds of CPU, bytes.
SECONDS, MEMORY = 0.05, 50 << 20

#: Opens the files named on its command line, and says of each what came of it and what it took.
MEASURE = """
import json, resource, sys, time
import gvc
from gvc.errors import GvcError

def look(path, on_error):
    with gvc.open(path, on_error=on_error) as container:
        for _ in container.demux():
            pass
        container.duration

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

for on_error in ("stop", "conceal"):
    look(sys.argv[1], on_error)
    for path in sys.argv[2:]:
        memory, start, error = peak(), time.process_time(), None
        try:
            look(path, on_error)
        except GvcError as raised:
            error = str(raised)
        print(json.dumps([on_error, error, time.process_time() - start, peak() - memory]))
"""


def file_of(*chunks: tuple[int, bytes], index: bytes = b"\0\0") -> bytes:
    return write(list(chunks), (INDEX_KIND, index))


def header(**changes: object) -> tuple[int, bytes]:
    """A header chunk."""
    return ChunkKind.HEADER, FileHeader(replace(video_header(), **changes)).to_bytes()


def deflated(data: bytes) -> bytes:
    coder = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return b"\x02" + coder.compress(data) + coder.flush()


def fields(*numbers: int) -> bytes:
    writer = FieldWriter()
    for number in numbers:
        writer.unsigned(number)
    return writer.to_bytes()


def claiming(kind: int, length: int) -> bytes:
    """The beginning of a chunk that is longer than its file."""
    return bytes([kind]) + encode_varint(length) + b"x" * 100


def whole_until(*chunks: tuple[int, bytes]) -> bytes:
    """A file without its index."""
    return file_of(*chunks)[:-16]


def of_rectangles(count: int) -> bytes:
    return fields(16 | 64, 0, 10, 0, 0, 0, 2, 2, count) + b"\xff" * 9


LYING: dict[str, Callable[[], bytes]] = {
    "huge pictures": lambda: file_of(header(width=16384, height=16384)),
    "wide pictures": lambda: file_of(header(width=1 << 40)),
    "huge coded pictures": lambda: file_of(header(coded_width=2048, coded_height=2048)),
    "huge canvas": lambda: file_of(header(canvas=(16384, 16384))),
    "long code": lambda: file_of(header(code_length=1 << 30)),
    "deflate bomb": lambda: file_of((ChunkKind.HEADER, deflated(bytes(1 << 26)))),
    "long header": lambda: SIGNATURE + b"\1\0" + claiming(ChunkKind.HEADER, MAX_PAYLOAD),
    "long chunk": lambda: whole_until(header()) + claiming(ChunkKind.GROUP, MAX_PAYLOAD),
    "longer chunk": lambda: whole_until(header()) + claiming(ChunkKind.GROUP, MAX_PAYLOAD + 1),
    "longest chunk": lambda: whole_until(header()) + claiming(ChunkKind.GROUP, (1 << 63) - 1),
    "nested lengths": lambda: whole_until(header()) + b"\3\xff\xff\x1f" * 4_000,
    "many packets": lambda: file_of(header(), (ChunkKind.AUDIO, fields(0, 0, 0, 1 << 16, 1))),
    "long packet": lambda: file_of(header(), (ChunkKind.AUDIO, fields(0, 0, 0, 1, 1 << 20))),
    "no frames": lambda: file_of(header(), (ChunkKind.GROUP, fields(0, 0, 0, 0))),
    "many frames": lambda: file_of(header(), (ChunkKind.GROUP, fields(0, 0, 65536, 0))),
    "many keys": lambda: file_of(header(), (ChunkKind.GROUP, fields(4, 0, 9, 0, 16))),
    "long key": lambda: file_of(header(), (ChunkKind.GROUP, fields(0, 0, 9, 1 << 25))),
    "long video": lambda: file_of(header(), (ChunkKind.GROUP, fields(8, 0, 9, 1 << 25))),
    "many rectangles": lambda: file_of(header(), (ChunkKind.GROUP, of_rectangles(4))),
    "long way": lambda: file_of(header(), (ChunkKind.GROUP, fields(32, 0, 9, 1 << 61, 0))),
    "late group": lambda: file_of(header(), (ChunkKind.GROUP, fields(0, 1 << 62, 9, 0))),
    "many groups": lambda: file_of(header(), index=fields((1 << 62) - 1)),
    "huge index": lambda: file_of(header(), index=fields(300_000) + bytes([9, 2, 1]) * 300_000),
    "too many groups": lambda: file_of(
        header(),
        (0x85, bytes(11 * (MAX_GROUPS + 1))),
        index=fields(MAX_GROUPS + 1) + bytes([9, 2, 1]) * (MAX_GROUPS + 1),
    ),
    "far index": lambda: file_of(header(), index=fields(1, 1 << 59, 0, 1, 0)),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[tuple[str, str], tuple[str | None, float, int]]:
    """What each file took in one process that had read a good one before."""
    folder = tmp_path_factory.mktemp("lying")
    good = folder / "good.gvc"
    good.write_bytes(file_of_groups(1))
    paths = [folder / f"{number}.gvc" for number in range(len(LYING))]
    for path, make in zip(paths, LYING.values(), strict=True):
        path.write_bytes(make())
    command = [sys.executable, "-c", MEASURE, good, *paths]
    done = subprocess.run(command, capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    names = [*LYING, *LYING]
    return {(name, row[0]): tuple(row[1:]) for name, row in zip(names, rows, strict=True)}


@pytest.mark.parametrize("on_error", ["stop", "conceal"])
@pytest.mark.parametrize("name", LYING)
def test_what_lies_is_refused_at_once(measured, name, on_error):
    error, seconds, memory = measured[name, on_error]
    assert seconds < SECONDS
    assert memory < MEMORY
    if on_error == "stop":
        assert error is not None
        assert ".gvc: " in error


def test_all_of_them_take_no_more_than_one(measured):
    assert sum(memory for _, _, memory in measured.values()) < MEMORY


def test_the_longest_index_is_held_in_little_memory():
    entries = tuple(GroupEntry(11 * n, n, 1) for n in range(MAX_GROUPS))
    data = Index(entries, MAX_GROUPS).to_bytes()
    tracemalloc.start()
    index = Index.from_bytes(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert index.groups == entries
    assert peak < MEMORY


def test_no_file_has_more_groups_than_its_index_may_say(monkeypatch):
    monkeypatch.setattr("gvc.bitstream.writer.MAX_GROUPS", 2)
    with pytest.raises(UsageError, match="2 groups at most"):
        file_of_groups(3)


def test_where_no_index_is_left_no_more_groups_are_looked_for(monkeypatch):
    monkeypatch.setattr("gvc.bitstream.reader.MAX_GROUPS", 2)
    reader = BitstreamReader(io.BytesIO(file_of_groups(3)[:-8] + bytes(8)))
    assert reader.index is not None
    assert len(reader.index.groups) == 2


def test_a_long_group_is_decoded_as_it_is_asked_for():
    """65535 frames in a byte are allowed; what is made of them is made one by one."""
    video = video_header()
    group = Group(0, 65535, False, (KeyFrame(0, b"k"),), b"\0")
    assert Group.from_bytes(group.to_bytes()) == group
    coding = LevelCoding("adaptive", video.code_length, video.motion_step)
    frames = read_run(coding, group, frame_duration=1)
    assert [frame.pts for frame in islice(frames, 100)] == list(range(100))


def sps(width: int, height: int, *, constrained: bool) -> bytes:
    """The beginning of a sequence parameter set of VVC."""

    def golomb(value: int) -> str:
        return f"{value + 1:b}".zfill(2 * (value + 1).bit_length() - 1)

    # Profile, level, no further constraints or with; no sublayers, and one subprofile.
    profile = f"{1:07b}0{51:08b}10" + ("1" + "0" * 71 + f"{3:08b}" + "111" if constrained else "0")
    profile += "0" * (-(16 + len(profile)) % 8)
    profile += f"{1:08b}" + f"{7:032b}"
    bits = "0" * 8 + f"{0:03b}0101" + "1" + profile + "00" + golomb(width) + golomb(height) + "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    escaped = re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", payload)
    return b"\0\0\1\x00\x79" + escaped


@pytest.mark.parametrize("constrained", [False, True])
def test_sizes_are_read_from_parameter_sets(constrained):
    stream = sps(256, 144, constrained=constrained) + sps(16384, 8, constrained=constrained)
    assert list(sizes_in(stream, vvc_size)) == [(256, 144), (16384, 8)]
    assert list(sizes_in(portrait()[0].video.key_parameters, vvc_size)) == [(256, 256)]


def test_key_frames_larger_than_the_header_says_never_reach_a_decoder():
    data = portrait()[1].keys[0].data
    huge = sps(16384, 16384, constrained=False)
    for parameters, picture in ((huge, data), (b"", huge + data)):
        decoder = keyframe.get("vvc").decoder(parameters, size=(256, 256))
        start = time.process_time()
        with pytest.raises(InvalidDataError, match="16384×16384"):
            decoder.decode([picture])
        with pytest.raises(InvalidDataError, match="16384×16384"):
            list(decoder.decode_video(huge + picture))
        assert time.process_time() - start < SECONDS


def chunk(kind: int, payload: bytes) -> bytes:
    framed = bytes([kind]) + encode_varint(len(payload)) + payload
    return framed + google_crc32c.value(framed).to_bytes(4, "little")


@pytest.mark.parametrize("kind", ["all alike", "long lengths", "lengths to the end", "in turns"])
def test_looking_for_whole_chunks_takes_time_in_proportion(kind):
    """Each byte could begin a chunk that reaches far."""
    size = 1 << 18
    data = {
        "all alike": b"\3" * size,
        "long lengths": (b"\3" + encode_varint(size // 2)) * (size // 4),
        "lengths to the end": b"".join(
            b"\3" + encode_varint(size - at - 8) for at in range(0, size - 4 * 16384, 4)
        ),
        "in turns": (chunk(0x84, b"") + b"\3" + encode_varint(size // 3)) * (size // 10),
    }[kind]
    start = time.process_time()
    pieces = list(ChunkReader(io.BytesIO(SIGNATURE + b"\1\0" + data)).salvage([1, 3, 0x84]))
    assert time.process_time() - start < 5 * size / 1e6
    assert sum(getattr(piece, "size", 0) or piece.end - piece.start for piece in pieces) == len(
        data
    )


@pytest.fixture(scope="module")
def four() -> bytes:
    """Four seconds of 5 frames each."""
    return file_of_groups(4)


def decoded(file: io.RawIOBase | io.BytesIO, limits: DecodeLimits, **options: object) -> int:
    options = {"size": 64, "threads": 1, "precision": "float32"} | options
    with gvc.open(file, limits=limits, **options) as container:
        return sum(1 for _ in container.decode(video=0))


def test_what_is_within_limits_is_decoded(four):
    limits = DecodeLimits(max_pixels=1 << 20, max_frames=20, max_seconds=4, time_limit=600)
    assert decoded(io.BytesIO(four), limits) == 20
    assert decoded(Pipe(four), limits) == 20


@pytest.mark.parametrize(
    ("limits", "option"),
    [
        (DecodeLimits(max_pixels=256 * 256 - 1), "--max-pixels"),
        (DecodeLimits(max_frames=19), "--max-frames"),
        (DecodeLimits(max_seconds=3.9), "--max-seconds"),
    ],
)
def test_what_the_header_or_the_index_says_is_looked_at_first(four, limits, option):
    with pytest.raises(LimitError, match=option):
        gvc.open(io.BytesIO(four), limits=limits)


def test_what_the_networks_make_is_a_picture_too():
    """A small picture may ask for much work."""
    reader = portrait()[0]
    work = replace(reader.video, coded_width=2048, coded_height=512, canvas=(160, 96))
    data = file_of((2, replace(reader, video=replace(work, width=160, height=96)).to_bytes()))
    with pytest.raises(LimitError, match="2048×512"):
        gvc.open(io.BytesIO(data), limits=DecodeLimits(max_pixels=256 * 256))


@pytest.mark.parametrize(
    "limits", [DecodeLimits(max_frames=19), DecodeLimits(max_seconds=3.9)], ids=["frames", "time"]
)
def test_groups_are_looked_at_where_nothing_else_tells(four, limits):
    frames = 0
    options = {"size": 64, "threads": 1, "precision": "float32", "limits": limits}
    with gvc.open(Pipe(four), **options) as container, pytest.raises(LimitError):
        for _ in container.decode(video=0):
            frames += 1
    assert frames == 3 * FRAMES
    with gvc.open(Pipe(four), limits=limits) as container, pytest.raises(LimitError):
        list(container.demux())


def test_an_index_that_says_too_little_does_not_help(four):
    chunks = list(ChunkReader(io.BytesIO(four)))
    index = Index.from_bytes(chunks[-1].payload)
    short = Index(index.groups[:1], index.groups[1].pts).to_bytes()
    data = file_of(*((each.kind, each.payload) for each in chunks[:-1]), index=short)
    with pytest.raises(LimitError):
        decoded(io.BytesIO(data), DecodeLimits(max_frames=10))


def test_frames_that_are_held_count(four):
    """Without an index, a group that comes much later is all that tells how many were lost."""
    first, second = (each.payload for each in list(ChunkReader(io.BytesIO(four)))[1:3])
    late = replace(Group.from_bytes(second), pts=1 << 40).to_bytes()
    data = file_of(header(), (3, first), (0x84, b""), (3, late))
    data = data[:-10] + bytes(10)
    with pytest.raises(LimitError, match="--max-frames"):
        decoded(Pipe(data), DecodeLimits(max_frames=100), on_error="conceal")


def test_time_runs_out(four):
    with pytest.raises(LimitError, match="--time-limit"):
        decoded(io.BytesIO(four), DecodeLimits(time_limit=1e-9))


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_are_positive(value):
    with pytest.raises(UsageError, match="max_seconds"):
        DecodeLimits(max_seconds=value)


def test_the_command_keeps_limits(four, tmp_path):
    source, target = tmp_path / "in.gvc", tmp_path / "out.y4m"
    source.write_bytes(four)
    done = run_gvc("decode", "--max-frames", 3, source, target)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        f"gvc: {source}: 20 frames: the limit is 3 "
        "(--max-frames, or max_frames of DecodeLimits, raises it)"
    ]
    assert not target.exists()
    assert run_gvc("decode", "--max-seconds", 0, source, target).returncode == 2
