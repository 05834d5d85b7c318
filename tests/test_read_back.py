"""A writer never writes what a reader refuses: anything is an error of ours, or comes back."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pieces import file_of_groups, motion, portrait, video_header

import gvc
from gvc.api.muxer import Muxer
from gvc.bitstream import (
    AudioBlock,
    AudioHeader,
    AudioPacket,
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    Group,
    KeyFrame,
    Rectangle,
)
from gvc.bitstream.compression import compress
from gvc.bitstream.header import MAX_FURTHER, MAX_METADATA, MAX_TEXT
from gvc.errors import GvcError, LimitError, UsageError

VIDEO = video_header()
SOUND = AudioHeader("pcm_s16le", 8000, 1, "mono", Fraction(1, 8000))
KEY = portrait()[1].keys[0].data
GROUP = Group(0, 5, False, (KeyFrame(0, KEY),), motion(VIDEO, 4, seed=1))


def written(header: FileHeader, *groups: Group) -> bytes:
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(header)
    for group in groups or (GROUP,):
        writer.write_group(group)
    writer.close(end_pts=200)
    return file.getvalue()


# Any code point, halves of surrogate pairs among them, and lengths around the limit.
TEXTS = st.text(st.characters(), max_size=30) | st.builds(
    lambda letter, length: letter * length,
    st.sampled_from(["a", "é", "語", "\0", "\n", "\udcff"]),
    st.integers(1300, 4200),
)
TAGS = st.dictionaries(TEXTS, TEXTS, max_size=5)
MANY = st.integers(60, 1100).map(lambda count: {f"key {n}": f"value {n}" for n in range(count)})


@given(TAGS | MANY, TAGS, TAGS)
@settings(deadline=None, max_examples=80)
def test_any_metadata_is_refused_or_comes_back(of_file, of_video, of_audio):
    header = FileHeader(
        VIDEO,
        SOUND,
        tuple(of_file.items()),
        video_metadata=tuple(of_video.items()),
        audio_metadata=tuple(of_audio.items()),
    )
    try:
        data = written(header)
    except GvcError:
        return
    with gvc.open(io.BytesIO(data)) as container:
        assert container.header == header
        assert container.metadata == of_file
        assert sum(packet.frames for packet in container.demux(video=0)) == 5


@given(
    st.integers(-3, 1 << 15),
    st.integers(-3, 1 << 15),
    st.fractions(),
    st.integers(-1, 300),
    st.integers(0, 1 << 17),
    st.integers(-(1 << 64), 1 << 64),
)
@settings(deadline=None, max_examples=200)
def test_any_header_is_refused_or_comes_back(width, height, rate, matrix, length, padding):
    video = replace(
        VIDEO,
        width=width,
        height=height,
        frame_rate=rate,
        colour=ColourDescription(matrix=matrix),
        key_parameters=bytes(length),
    )
    header = FileHeader(video, replace(SOUND, initial_padding=padding))
    try:
        data = written(header)
    except GvcError:
        return
    assert BitstreamReader(io.BytesIO(data)).header == header


@given(
    st.lists(
        st.tuples(
            st.integers(-(1 << 62), 1 << 62),
            st.integers(-5, 70_000),
            st.lists(st.integers(-2, 6), max_size=4),
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(deadline=None, max_examples=200)
def test_any_groups_are_refused_or_come_back(drawn):
    groups = [
        replace(GROUP, pts=pts, frames=frames, keys=tuple(KeyFrame(n, KEY) for n in places))
        for pts, frames, places in drawn
    ]
    try:
        data = written(FileHeader(VIDEO), *groups)
    except GvcError:
        return
    assert list(BitstreamReader(io.BytesIO(data))) == groups


@given(
    st.lists(
        st.tuples(st.integers(-(1 << 62), 1 << 62), st.integers(-2, 1 << 40), st.binary()),
        max_size=4,
    )
)
@settings(deadline=None, max_examples=200)
def test_any_sound_is_refused_or_comes_back(drawn):
    packets = tuple(AudioPacket(*each) for each in drawn)
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(FileHeader(VIDEO, SOUND))
    try:
        writer.write_audio(AudioBlock(packets))
        writer.write_group(GROUP)
        writer.close(end_pts=200)
    except GvcError:
        return
    reader = BitstreamReader(io.BytesIO(file.getvalue()))
    blocks = [unit for unit in reader if isinstance(unit, AudioBlock)]
    assert tuple(packet for block in blocks for packet in block.packets) == packets


def test_long_sound_becomes_several_blocks():
    """PCM of a long group is more than a chunk holds."""
    second = bytes(1 << 20)
    packets = tuple(AudioPacket(8000 * n, 8000, second) for n in range(80))
    file = io.BytesIO()
    muxer = Muxer(file)
    muxer.write_header(VIDEO, SOUND, {})
    for packet in packets:
        muxer.write_audio(packet)
    muxer.write_group(GROUP, end_pts=1 << 40)
    muxer.close()
    reader = BitstreamReader(io.BytesIO(file.getvalue()))
    blocks = [unit for unit in reader if isinstance(unit, AudioBlock)]
    assert len(blocks) > 1
    assert tuple(packet for block in blocks for packet in block.packets) == packets


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"frames": 0}, "number of frames"),
        ({"pts": 1 << 61}, "is out of range"),
        ({"keys": (KeyFrame(0, KEY), KeyFrame(0, KEY))}, "same frame"),
        ({"keys": (KeyFrame(0, b""),)}, "length of key frame"),
        ({"keys": (KeyFrame(0, b"no start code"),)}, "find another one"),
        ({"rectangle": Rectangle(0, 0, 64, 64)}, "does not lie in the picture"),
    ],
)
def test_groups_that_no_reader_takes_are_refused(changes, cause):
    with pytest.raises(LimitError, match=cause):
        written(FileHeader(VIDEO, compact=True), replace(GROUP, **changes))


def test_groups_begin_one_after_the_other():
    with pytest.raises(UsageError, match="after the one before"):
        written(FileHeader(VIDEO), GROUP, GROUP)


def test_a_file_begins_with_one_header():
    writer = BitstreamWriter(io.BytesIO())
    with pytest.raises(UsageError, match="begins with its header"):
        writer.write_group(GROUP)
    writer.write_header(FileHeader(VIDEO))
    with pytest.raises(UsageError, match="one header"):
        writer.write_header(FileHeader(VIDEO))


def test_the_limits_of_metadata_are_exact():
    longest = ("k" * MAX_TEXT, "é" * (MAX_TEXT // 2))
    header = FileHeader(VIDEO, metadata=(longest,))
    assert BitstreamReader(io.BytesIO(written(header))).header == header
    with pytest.raises(LimitError, match="metadata value"):
        written(FileHeader(VIDEO, metadata=(("key", longest[1] + "!"),)))
    tags = tuple((str(n), "") for n in range(MAX_METADATA + MAX_FURTHER + 1))
    header = FileHeader(VIDEO, metadata=tags[:-1])
    assert BitstreamReader(io.BytesIO(written(header))).header == header
    with pytest.raises(LimitError, match="number of further tags"):
        written(FileHeader(VIDEO, metadata=tags))


def test_older_readers_pass_over_further_tags():
    """They read 64 tags of the file, and go on as if nothing followed."""
    tags = tuple((f"key {n}", "value") for n in range(100))
    header = FileHeader(VIDEO, metadata=tags, video_metadata=(("language", "fra"),))
    plain = header.plain()
    older = FileHeader(VIDEO, metadata=tags[:MAX_METADATA]).plain()
    assert plain.startswith(older)
    assert plain[len(older) :].startswith(b"TAGS")
    assert written(header)[4:6] == b"\1\1"
    assert written(FileHeader(VIDEO, metadata=tags[:MAX_METADATA]))[4:6] == b"\1\0"


@pytest.mark.parametrize("more", [b"", b"TAG", b"other", b"TAGX\1"])
def test_what_else_stands_behind_the_metadata_is_passed_over(more):
    header = FileHeader(VIDEO, metadata=(("title", "mine"),))
    assert FileHeader.from_bytes(compress(header.plain() + more)) == header


@pytest.mark.parametrize("more", [b"\0", b"\x81\x08", b"\1\3", b"\1\1\5", b"\1\1\1\xff\1a"])
def test_further_tags_that_are_none_are_refused(more):
    with pytest.raises(GvcError):
        FileHeader.from_bytes(compress(FileHeader(VIDEO).plain() + b"TAGS" + more))


def test_files_without_further_tags_are_as_they_were():
    assert file_of_groups(2, sound=True)[:6] == b"\x8fGVC\1\0"
