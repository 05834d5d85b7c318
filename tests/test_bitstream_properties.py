"""Whole files: what goes in comes out, a cut leaves what is whole, a flipped bit never passes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
import reference_decoder
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bitstream import GROUPS, PACKETS
from test_container import Pipe
from vector_files import VECTORS

import gvc
from gvc.bitstream import (
    MAX_RECTANGLES,
    AudioBlock,
    AudioHeader,
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    FurtherRectangle,
    Group,
    GroupEntry,
    Index,
    KeyFrame,
    Rectangle,
    Reference,
    SpeakerPack,
    VideoHeader,
)
from gvc.bitstream.references import References
from gvc.codec.summary import summarise
from gvc.container import SIGNATURE, ChunkReader, ChunkWriter
from gvc.errors import GvcError, InvalidDataError, TruncatedDataError, UnsupportedError
from gvc.model import weights

Unit = Group | AudioBlock

CANVAS = 512, 384

BYTES = st.integers(0, 255)
TERMS = st.integers(1, 2**31 - 1)
RATES = st.builds(Fraction, TERMS, TERMS)
RATIOS = st.builds(Fraction, st.integers(1, 2**32), st.integers(1, 2**32))
FINGERPRINTS = st.binary(min_size=16, max_size=16)
NAMES = st.text(max_size=16)
SIZES = st.tuples(st.integers(1, 4096), st.integers(1, 4096))

VIDEO_HEADERS = st.builds(
    lambda shown, **fields: VideoHeader(width=shown[0], height=shown[1], **fields),
    shown=SIZES,
    coded_width=st.integers(1, 64).map(lambda side: 16 * side),
    coded_height=st.integers(1, 64).map(lambda side: 16 * side),
    time_base=RATES,
    frame_rate=RATES,
    sample_aspect_ratio=RATIOS,
    colour=st.builds(ColourDescription, BYTES, BYTES, BYTES, st.booleans()),
    key_codec=NAMES,
    key_parameters=st.binary(max_size=100),
    entropy_model=NAMES,
    model=NAMES,
    weights=FINGERPRINTS,
    motion_step=RATIOS,
    code_length=st.integers(1, 1024),
    prior=st.none() | FINGERPRINTS,
    pack=st.none() | FINGERPRINTS,
    canvas=st.none() | st.tuples(*2 * [st.integers(2, 256).map(lambda side: 8 * side)]),
)
AUDIO_HEADERS = st.builds(
    AudioHeader,
    codec=NAMES,
    sample_rate=st.integers(1, 2**20),
    channels=st.integers(1, 64),
    layout=NAMES,
    time_base=RATES,
    extradata=st.binary(max_size=60),
    frame_size=st.integers(0, 2**30),
    initial_padding=st.integers(0, 2**20),
    bit_rate=st.integers(0, 2**40),
)
HEADERS = st.builds(
    lambda video, audio, metadata, embeds, compact: FileHeader(
        video, audio, tuple(metadata), embeds and video.pack is not None, compact
    ),
    VIDEO_HEADERS,
    st.none() | AUDIO_HEADERS,
    st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=64),
    st.booleans(),
    st.booleans(),
)


@given(HEADERS)
@settings(deadline=None)
def test_any_header_comes_back(header):
    data = header.to_bytes()
    assert FileHeader.from_bytes(data) == header
    told = reference_decoder.header(data)
    video = header.video
    assert [Fraction(*told["video"][name]) for name in ("time_base", "motion_step")] == [
        video.time_base,
        video.motion_step,
    ]
    assert told["video"]["canvas"] == list(video.canvas or ())
    assert (told["video"]["prior"] or None, told["video"]["pack"] or None) == (
        video.prior,
        video.pack,
    )
    assert told["metadata"] == list(header.metadata)
    assert (told["audio"] is None, told["embeds_pack"], told["compact"]) == (
        header.audio is None,
        header.embeds_pack,
        header.compact,
    )


def sides(side: int) -> st.SearchStrategy[tuple[int, int]]:
    """Where a rectangle begins and how long it is, within a canvas."""
    return st.integers(0, side // 8 - 2).flatmap(
        lambda first: st.tuples(
            st.just(8 * first), st.integers(2, side // 8 - first).map((8).__mul__)
        )
    )


RECTANGLES = st.tuples(sides(CANVAS[0]), sides(CANVAS[1])).map(
    lambda both: Rectangle(both[0][0], both[1][0], both[0][1], both[1][1])
)
FURTHER = st.lists(
    st.builds(FurtherRectangle, RECTANGLES, st.binary(max_size=20)), max_size=MAX_RECTANGLES - 1
)


@st.composite
def sequences(draw: st.DrawFn) -> list[Unit]:
    """Groups in order, with rectangles, predicted from earlier ones, and sound between them."""
    units, known, pts = list[Unit](), list[int](), draw(st.integers(-(2**40), 2**40))
    for group in draw(st.lists(GROUPS | PACKETS.map(lambda rows: AudioBlock(tuple(rows))))):
        if isinstance(group, AudioBlock):
            units.append(group)
            continue
        pts += draw(st.integers(1, 10**6))
        group = replace(group, pts=pts)
        if group.keys and draw(st.booleans()):
            further = tuple(draw(FURTHER))
            group = replace(group, rectangle=draw(RECTANGLES), further=further)
        if group.keys and known and draw(st.booleans()):
            group = replace(group, reference=Reference(draw(st.sampled_from(known))))
        elif group.keys:
            known = [*known, pts][-4:]
        units.append(group)
    return units


#: When the last frame of a file ends.
END = 2**41

HEADER = FileHeader(
    VideoHeader(
        *(500, 380, 256, 192),
        *(Fraction(1, 1000), Fraction(25), Fraction(1)),
        *(ColourDescription(), "vvc", b"sets", "adaptive", "lite", bytes(16), Fraction(1), 40),
        canvas=CANVAS,
    )
)


#: Of files that leave out what a reader can put back.
COMPACT = replace(HEADER, compact=True)

#: Beginnings of key frames, not all of which a compact file leaves out.
STARTS = b"\0\0\1", b"\0\0\0\1", b"\0\0\1\0\0", b"\0\0"


@st.composite
def compact_sequences(draw: st.DrawFn) -> list[Unit]:
    """The same with byte streams for key frames; the last group may know its end."""
    units = draw(sequences())
    starts = st.sampled_from(STARTS)
    for place, unit in enumerate(units):
        if isinstance(unit, Group):
            keys = tuple(replace(key, data=draw(starts) + key.data) for key in unit.keys)
            units[place] = replace(unit, keys=keys)
    if units and isinstance(units[-1], Group) and draw(st.booleans()):
        units[-1] = replace(units[-1], end_pts=END)
    return units


#: Sequences of units with a header of their file.
FILES = st.one_of(
    st.tuples(sequences(), st.just(HEADER)), st.tuples(compact_sequences(), st.just(COMPACT))
)


def written(units: list[Unit], header: FileHeader = HEADER) -> bytes:
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(header)
    for unit in units:
        if isinstance(unit, Group):
            writer.write_group(unit)
        else:
            writer.write_audio(unit)
    writer.close(end_pts=END)
    return file.getvalue()


def found_in(data: bytes, *, pipe: bool = False) -> tuple[list[Unit], GvcError | None]:
    """Units up to an error, and that."""
    units: list[Unit] = []
    try:
        for unit in BitstreamReader(Pipe(data) if pipe else io.BytesIO(data)):
            units.append(unit)
    except GvcError as error:
        return units, error
    return units, None


def without_references(units: list[Unit]) -> list[Unit]:
    """As they were given: a reader adds the data of what a group is predicted from."""
    return [
        replace(unit, reference=Reference(unit.reference.pts))
        if isinstance(unit, Group) and unit.reference
        else unit
        for unit in units
    ]


@given(FILES)
@settings(deadline=None, max_examples=100)
def test_any_sequence_of_groups_and_sound_comes_back(file):
    units, header = file
    data = written(units, header)
    for pipe in (False, True):
        found, error = found_in(data, pipe=pipe)
        assert error is None
        assert without_references(found) == units
    data_of = {
        unit.pts: unit.keys[0].data for unit in units if isinstance(unit, Group) and unit.keys
    }
    for unit in found:
        if isinstance(unit, Group) and unit.reference:
            assert unit.reference.data == data_of[unit.reference.pts]
    reader = BitstreamReader(io.BytesIO(data))
    groups = [unit for unit in units if isinstance(unit, Group)]
    assert reader.index is not None
    assert [(each.pts, each.frames) for each in reader.index.groups] == [
        (group.pts, group.frames) for group in groups
    ]
    assert reader.index.end_pts == END
    for group in groups:
        reader.seek(group.pts)
        first = next(unit for unit in reader if isinstance(unit, Group))
        assert without_references([first]) == [group]


@given(FILES, st.data())
@settings(deadline=None, max_examples=100)
def test_a_cut_anywhere_leaves_what_is_whole(file, draw):
    units, header = file
    data = written(units, header)
    cut = draw.draw(st.integers(0, len(data) - 1))
    found, error = found_in(data[:cut])
    assert isinstance(error, InvalidDataError)
    assert without_references(found) == units[: len(found)]


SMALL = ["settings", "faces", "predicted"]


@pytest.mark.parametrize("name", SMALL)
def test_a_cut_at_every_byte_leaves_what_is_whole(name):
    data = (VECTORS / f"{name}.gvc").read_bytes()
    whole, error = found_in(data)
    assert error is None
    entries = BitstreamReader(io.BytesIO(data)).index.groups
    ends = ends_of_units(data)
    for cut in range(len(data)):
        found, error = found_in(data[:cut], pipe=bool(cut % 2))
        assert isinstance(error, TruncatedDataError if cut >= len(SIGNATURE) else InvalidDataError)
        assert found == whole[: len(found)]
        # All that is whole, and no more.
        assert len(found) == sum(end <= cut for end in ends)
        if found:
            index = BitstreamReader(io.BytesIO(data[:cut])).index
            assert index.groups == entries[: sum(isinstance(unit, Group) for unit in found)]


def ends_of_units(data: bytes) -> list[int]:
    return [
        chunk.offset + chunk.size
        for chunk in ChunkReader(io.BytesIO(data))
        if chunk.kind in (0x03, 0x84)
    ]


def flipped(data: bytes) -> Iterator[tuple[int, bytes]]:
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield bit // 8, bytes(changed)


def test_every_flipped_bit_is_noticed_or_does_nothing():
    data = (VECTORS / "settings.gvc").read_bytes()
    whole, _ = found_in(data)
    index = BitstreamReader(io.BytesIO(data)).index
    harmless = set()
    for place, changed in flipped(data):
        found, error = found_in(changed)
        assert found == whole[: len(found)]
        if error is None:
            harmless.add(place)
            assert found == whole
        # By the index groups are found or not, and never others.
        try:
            known = BitstreamReader(io.BytesIO(changed)).index
        except GvcError:
            assert not found
            continue
        assert known.groups == index.groups[: len(known.groups)]
    # The minor version, and the way to the index, which a reader in order does not take.
    assert harmless == {5, *range(len(data) - 8, len(data) - 4)}


@given(FILES, st.data())
@settings(deadline=None, max_examples=100)
def test_flipped_bits_anywhere_are_noticed_or_do_nothing(file, draw):
    units, header = file
    data = bytearray(written(units, header))
    for place in draw.draw(st.lists(st.integers(4, len(data) - 1), min_size=1, max_size=5)):
        data[place] ^= 1 << draw.draw(st.integers(0, 7))
    found, error = found_in(bytes(data))
    assert without_references(found) == units[: len(found)]
    assert error is not None or len(found) == len(units)


def test_every_flipped_bit_of_a_pack_is_noticed():
    data = (VECTORS / "speaker.gvcp").read_bytes()
    SpeakerPack.from_bytes(data)
    for place, changed in flipped(data):
        # A minor version is as good as another, but has another checksum.
        with pytest.raises((InvalidDataError, UnsupportedError)):
            SpeakerPack.from_bytes(changed)
        assert place < len(data)
    for cut in range(len(data)):
        with pytest.raises(InvalidDataError):
            SpeakerPack.from_bytes(data[:cut])


@given(st.lists(GROUPS, max_size=8), st.data())
@settings(deadline=None, max_examples=40)
def test_references_are_the_last_four_that_stand_alone(groups, draw):
    known, alone = References(), dict[int, bytes]()
    for pts, group in enumerate(groups):
        group = replace(group, pts=pts)
        if group.keys and draw.draw(st.booleans()):
            known.note(replace(group, reference=Reference(0)))
            continue
        known.note(group)
        if group.keys:
            alone[pts] = group.keys[0].data
    for pts in range(len(groups)):
        expected = alone[pts] if pts in list(alone)[-4:] else None
        assert known.find(pts) == expected


@given(
    st.lists(st.tuples(st.integers(0, 2**40), st.integers(-(2**40), 2**40), st.integers(1, 65535)))
)
def test_any_index_comes_back(rows):
    offset, entries = 0, []
    for way, pts, frames in rows:
        offset += way
        entries.append((offset, pts, frames))
    made = Index(tuple(GroupEntry(*entry) for entry in entries), -5)
    assert Index.from_bytes(made.to_bytes()) == made
    assert reference_decoder.index(made.to_bytes()) == (entries, -5)


def with_chunk(kind: int, place: int) -> bytes:
    """A file of two groups with one more chunk."""
    groups = [Group(pts, 1, False, (KeyFrame(0, b"key"),), b"") for pts in (0, 40)]
    file = io.BytesIO()
    writer = ChunkWriter(file)
    chunks = [(chunk.kind, chunk.payload) for chunk in ChunkReader(io.BytesIO(written(groups)))]
    chunks.insert(place, (kind, b"something"))
    for each in chunks[:-1]:
        writer.write(*each)
    writer.finish(chunks[-1][1])
    return file.getvalue()


@pytest.mark.parametrize("place", [1, 2, 3])
def test_unknown_chunks_are_passed_over_or_refused_by_their_types(place):
    for kind in set(range(256)) - {0x01, 0x03, 0x43, 0x84}:
        found, error = found_in(with_chunk(kind, place))
        if kind >= 0x80 or kind in (0x02, 0x05):
            assert (len(found), error) == (2, None)
        else:
            assert len(found) == place - 1
            assert isinstance(error, UnsupportedError)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key_codec": "av3"}, "av3"),
        ({"entropy_model": "oracle"}, "oracle"),
        ({"weights": b"\xab" * 16}, "ab" * 16),
        ({"prior": b"\xcd" * 16}, "cd" * 16),
        ({"pack": b"\xef" * 16}, "ef" * 16),
    ],
)
def test_what_is_not_here_is_named_and_the_rest_can_be_read(change, said):
    video = replace(HEADER.video, weights=weights.default("lite").fingerprint)
    video = replace(video, **change)
    group = Group(0, 3, False, (KeyFrame(1, b"key"),), b"")
    data = written([group], FileHeader(video, metadata=(("title", "mine"),)))
    with gvc.open(io.BytesIO(data)) as container:
        assert container.metadata == {"title": "mine"}
        assert [packet.pts for packet in container.demux(video=0)] == [0]
    assert summarise(io.BytesIO(data)).frames.total() == 3
    with gvc.open(io.BytesIO(data)) as container, pytest.raises(GvcError, match=said):
        list(container.decode(video=0))
