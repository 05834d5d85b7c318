"""Headers, groups, audio and index: round trips, limits, seeking, sums."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvc.bitstream import (
    AudioBlock,
    AudioHeader,
    AudioPacket,
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    FrameType,
    Group,
    Index,
    KeyFrame,
    VideoHeader,
)
from gvc.bitstream.compression import MAX_HEADER, compress
from gvc.bitstream.fields import FieldWriter
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.codec.summary import summarise
from gvc.entropy import InterType, KeyChoice
from gvc.errors import InvalidDataError, TruncatedDataError, UnsupportedError

VIDEO = VideoHeader(
    width=1279,
    height=719,
    coded_width=336,
    coded_height=192,
    time_base=Fraction(1, 30_000),
    frame_rate=Fraction(30_000, 1001),
    sample_aspect_ratio=Fraction(4, 3),
    colour=ColourDescription(1, 1, 1, full_range=True),
    key_codec="vvc",
    key_parameters=b"\0\0\1parameters",
    entropy_model="adaptive",
    model="lite",
    weights=bytes(range(16)),
    motion_step=Fraction(1, 5),
    code_length=40,
)
CODING = LevelCoding("adaptive", 40, VIDEO.motion_step)
AUDIO = AudioHeader("opus", 48_000, 2, "stereo", Fraction(1, 48_000), b"OpusHead", 960, 312, 24_000)
HEADER = FileHeader(VIDEO, AUDIO, (("title", "Grüße"), ("date", "2026")))

SMALL = st.integers(0, 10_000)
PACKETS = st.lists(
    st.builds(
        AudioPacket, pts=st.integers(-1000, 10**9), duration=SMALL, data=st.binary(max_size=50)
    ),
    min_size=1,
    max_size=8,
)
GROUPS = st.integers(1, 65_535).flatmap(
    lambda frames: (
        st.builds(
            Group,
            pts=st.integers(-(2**40), 2**40),
            frames=st.just(frames),
            variable_rate=st.booleans(),
            keys=st.lists(
                st.builds(
                    KeyFrame, st.integers(0, frames - 1), st.binary(min_size=1, max_size=100)
                ),
                min_size=1,
                max_size=16,
                unique_by=lambda key: key.index,
            ).map(tuple),
            motion=st.binary(max_size=100),
        )
        | st.builds(
            Group,
            pts=st.integers(-(2**40), 2**40),
            frames=st.just(frames),
            variable_rate=st.booleans(),
            keys=st.just(()),
            motion=st.binary(max_size=100),
            video=st.binary(min_size=1, max_size=100),
        )
    )
)


def test_header_round_trip():
    assert FileHeader.from_bytes(HEADER.to_bytes()) == HEADER
    silent = FileHeader(VIDEO)
    assert FileHeader.from_bytes(silent.to_bytes()) == silent


def test_fields_of_a_later_minor_version_are_passed_over():
    assert FileHeader.from_bytes(compress(HEADER.plain() + b"new fields")) == HEADER
    assert FileHeader.from_bytes(HEADER.to_bytes() + b"new fields") == HEADER


def test_a_cut_header_is_refused():
    data = FileHeader(VIDEO).plain()
    for length in range(len(data)):
        with pytest.raises(TruncatedDataError):
            FileHeader.from_bytes(compress(data[:length]))
    data = FileHeader(VIDEO).to_bytes()
    for length in range(len(data)):
        with pytest.raises(InvalidDataError):
            FileHeader.from_bytes(data[:length])


def test_a_usual_header_takes_few_bytes():
    with (Path(__file__).parents[1] / "examples" / "portrait.gvc").open("rb") as file:
        header = BitstreamReader(file).header
    assert len(header.plain()) > 180
    assert len(header.to_bytes()) < 40


def test_dictionaries_are_those_of_the_specification():
    """Another byte in one would change what files say without any other sign."""
    root = Path(__file__).parents[1]
    rows = re.findall(
        r"\| \d \| `(gvc/bitstream/header-\d\.bin)` \| (\d+) \| ([0-9a-f]{64}) \|",
        (root / "docs" / "bitstream.md").read_text(encoding="utf-8"),
    )
    names = sorted(path.name for path in (root / "gvc" / "bitstream").glob("header-*.bin"))
    assert [Path(name).name for name, _, _ in rows] == names
    for name, size, digest in rows:
        data = (root / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (int(size), digest)


def test_headers_that_grow_are_refused():
    for data in (b"", b"\0", b"\7" + bytes(20), b"\1", b"\1\xff\xff", bytes(100)):
        with pytest.raises((InvalidDataError, UnsupportedError)):
            FileHeader.from_bytes(data)
    with pytest.raises(InvalidDataError, match="too long"):
        FileHeader.from_bytes(compress(bytes(MAX_HEADER + 1)))


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"height": 20_000},
        {"coded_width": 4096},
        {"width": 16_384, "height": 16_384},
        {"coded_width": 2048, "coded_height": 2048},
        {"code_length": 0},
        {"code_length": 5000},
        {"model": "x" * 100},
        {"key_parameters": bytes(70_000)},
        {"time_base": Fraction(1, 1 << 31)},
        {"frame_rate": Fraction(1 << 31)},
    ],
)
def test_values_out_of_range_are_refused(change):
    with pytest.raises(InvalidDataError):
        FileHeader.from_bytes(FileHeader(replace(VIDEO, **change)).to_bytes())


def test_unknown_flags_are_refused_as_newer():
    fields = FieldWriter()
    fields.unsigned(1 << 20)
    newer = fields.to_bytes() + bytes(50)
    for parse in (Group.from_bytes, AudioBlock.from_bytes):
        with pytest.raises(UnsupportedError):
            parse(newer)
    with pytest.raises(UnsupportedError):
        FileHeader.from_bytes(compress(newer))


@given(GROUPS)
def test_group_round_trip(group):
    assert Group.from_bytes(group.to_bytes()) == group


def test_a_key_frame_outside_of_its_group_is_refused():
    for keys in ((KeyFrame(5, b"key"),), (KeyFrame(0, b"key"), KeyFrame(5, b"key"))):
        group = Group(0, 5, variable_rate=False, keys=keys, motion=b"codes")
        with pytest.raises(InvalidDataError, match="place of a key frame 5 is out of range"):
            Group.from_bytes(group.to_bytes())


def test_a_frame_is_a_key_frame_once():
    group = Group(
        0, 5, variable_rate=False, keys=(KeyFrame(2, b"a"), KeyFrame(2, b"b")), motion=b""
    )
    with pytest.raises(InvalidDataError, match="the same frame"):
        Group.from_bytes(group.to_bytes())


def test_a_group_is_not_coded_in_two_ways():
    group = Group(0, 5, variable_rate=False, keys=(), motion=b"", video=b"video")
    data = bytearray(group.to_bytes())
    data[0] |= 2
    with pytest.raises(InvalidDataError, match="key frames and is coded as video"):
        Group.from_bytes(bytes(data))


@given(PACKETS)
def test_audio_round_trip(packets):
    block = AudioBlock(tuple(packets))
    assert AudioBlock.from_bytes(block.to_bytes()) == block


def test_regular_audio_costs_a_byte_a_packet():
    packets = tuple(AudioPacket(960 * i - 312, 960, bytes(60)) for i in range(500))
    block = AudioBlock(packets)
    assert AudioBlock.from_bytes(block.to_bytes()) == block
    assert len(block.to_bytes()) <= 500 * 61 + 10


def test_times_of_audio_stay_within_64_bits():
    packets = tuple(AudioPacket(i << 60, 0, b"") for i in range(9))
    data = AudioBlock(packets).to_bytes()
    with pytest.raises(InvalidDataError, match="pts of audio"):
        AudioBlock.from_bytes(data)


@given(st.binary(max_size=200))
def test_garbage_ends_in_a_clear_error(data):
    for parse in (FileHeader.from_bytes, Group.from_bytes, AudioBlock.from_bytes, Index.from_bytes):
        try:
            parse(data)
        except (InvalidDataError, UnsupportedError):
            continue


#: Eight inter frames: one without a motion code at each end, and one between two others.
INTER = [
    InterFrame(kind, KeyChoice(0), np.zeros(40, np.int32) if kind == InterType.MOTION else None)
    for kind in map(InterType, (1, 0, 2, 0, 0, 0, 0, 1))
]


def sample_file() -> bytes:
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(HEADER)
    for number in range(4):
        writer.write_audio(AudioBlock((AudioPacket(number * 960, 960, b"sound" * number),)))
        pts = range(number * 10_010, (number + 1) * 10_010, 1001)
        keys = KeyFrame(3, b"key" * 8), KeyFrame(1, b"key")
        motion = write_run(CODING, [0] * 9, INTER, keys=2)
        writer.write_group(Group(pts[0], 10, variable_rate=False, keys=keys, motion=motion))
    writer.write_audio(AudioBlock((AudioPacket(5000, 960, b"end"),)))
    writer.close(end_pts=40_040)
    return file.getvalue()


def test_the_summary_adds_up_to_the_byte():
    data = sample_file()
    summary = summarise(io.BytesIO(data))
    parts = summary.key_frames, summary.motion_codes, summary.audio, summary.overhead
    assert sum(parts) == summary.size == len(data)
    assert summary.key_frames == 4 * 27
    assert summary.motion_codes == 4 * len(write_run(CODING, [0] * 9, INTER, keys=2))
    assert summary.audio == 5 * (0 + 1 + 2 + 3) + 3
    assert summary.frames == {
        FrameType.KEY: 8,
        FrameType.MOTION: 20,
        FrameType.PREDICTED: 8,
        FrameType.INTERPOLATED: 4,
    }
    assert summary.seconds == Fraction(40_040, 30_000)
    assert summary.problem is None


@pytest.mark.parametrize(
    ("pts", "first"), [(-5, 0), (0, 0), (10_009, 0), (10_010, 10_010), (10**9, 30_030)]
)
def test_seeking_lands_on_the_group_that_holds_a_time(pts, first):
    reader = BitstreamReader(io.BytesIO(sample_file()))
    reader.seek(pts)
    units = list(reader)
    assert isinstance(units[0], AudioBlock)
    assert isinstance(units[1], Group)
    assert units[1].pts == first


def test_a_file_without_its_end_can_be_searched_as_far_as_it_goes():
    data = sample_file()
    whole = BitstreamReader(io.BytesIO(data)).index
    reader = BitstreamReader(io.BytesIO(data[:-60]))
    assert reader.index is not None
    assert reader.index.groups == whole.groups[: len(reader.index.groups)]
    with pytest.raises(TruncatedDataError):
        list(reader)


#: A group that nothing follows, which lasts longer than its frames as a rule do.
ONLY = Group(
    7, 9, variable_rate=False, keys=(KeyFrame(3, b"\0\0\1\0key"),), motion=b"", end_pts=9_100
)


def compact_file(*units: Group | AudioBlock) -> bytes:
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(replace(HEADER, compact=True))
    for unit in units:
        if isinstance(unit, Group):
            writer.write_group(unit)
        else:
            writer.write_audio(unit)
    writer.close(end_pts=9_100)
    return file.getvalue()


def test_a_compact_file_of_one_group_has_no_index():
    data = compact_file(ONLY)
    longer = compact_file(replace(ONLY, end_pts=None))
    # Less the end of the file, more a byte or two for when the last frame ends.
    assert 17 <= len(longer) - len(data) <= 22
    assert not data.endswith(b"GVCX")
    for made in (data, longer):
        reader = BitstreamReader(io.BytesIO(made))
        assert reader.index is not None
        assert [(each.pts, each.frames) for each in reader.index.groups] == [(7, 9)]
        assert list(reader) == [ONLY]
        summary = summarise(io.BytesIO(made))
        assert summary.problem is None
        assert summary.key_frames == len(b"\0key")
        assert summary.overhead == len(made) - summary.key_frames
    assert summarise(io.BytesIO(data)).seconds == Fraction(9_100 - 7, 30_000)


def test_what_follows_a_group_that_seemed_the_last_is_found_by_the_index():
    sound = AudioBlock((AudioPacket(0, 960, b"sound"),))
    second = replace(ONLY, pts=9_100)
    for units in ([ONLY, second], [ONLY, sound], [sound, ONLY], [ONLY, second, sound]):
        data = compact_file(*units)
        assert data.endswith(b"GVCX")
        assert list(BitstreamReader(io.BytesIO(data))) == units


def test_what_is_read_of_a_file_of_one_group_can_be_written_again():
    data = compact_file(ONLY)
    assert compact_file(*BitstreamReader(io.BytesIO(data))) == data
