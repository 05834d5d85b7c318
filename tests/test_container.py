"""Chunks: round trips, cuts, flips, lies."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvc.container import (
    FINAL_KINDS,
    INDEX_KIND,
    MAX_PAYLOAD,
    SIGNATURE,
    Chunk,
    ChunkReader,
    ChunkWriter,
)
from gvc.container.varint import decode_varint, encode_varint
from gvc.errors import InvalidDataError, TruncatedDataError, UnsupportedError

KINDS = st.integers(2, 255).filter(lambda kind: kind not in FINAL_KINDS)
PAYLOADS = st.binary(max_size=300)
CHUNKS = st.lists(st.tuples(KINDS, PAYLOADS), min_size=0, max_size=6)

#: The chunk that ends a file.
ENDS = st.tuples(st.sampled_from([INDEX_KIND, *FINAL_KINDS]), PAYLOADS)


class Pipe(io.RawIOBase):
    """A file object that can only be read forwards, a few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 7) if size >= 0 else -1)

    def seekable(self) -> bool:
        return False


def write(chunks: list[tuple[int, bytes]], end: tuple[int, bytes] = (INDEX_KIND, b"")) -> bytes:
    file = io.BytesIO()
    writer = ChunkWriter(file)
    for kind, payload in chunks:
        writer.write(kind, payload)
    kind, payload = end
    if kind == INDEX_KIND:
        writer.finish(payload)
    else:
        writer.write(kind, payload)
    return file.getvalue()


def read_all(data: bytes) -> tuple[list[Chunk], Exception | None]:
    found: list[Chunk] = []
    try:
        for chunk in ChunkReader(io.BytesIO(data)):
            found.append(chunk)
    except InvalidDataError as error:
        return found, error
    return found, None


@given(CHUNKS, ENDS)
def test_what_is_written_is_read(chunks, end):
    data = write(chunks, end)
    for file in (io.BytesIO(data), Pipe(data)):
        reader = ChunkReader(file)
        assert [(chunk.kind, chunk.payload) for chunk in reader] == [*chunks, end]
        assert reader.offset == len(data)
        assert file.read(1) == b""
        salvaged = list(ChunkReader(io.BytesIO(data)).salvage([3]))
        assert [(piece.kind, piece.payload) for piece in salvaged] == [*chunks, end]


def crc32c(data: bytes) -> bytes:
    """CRC-32C bit by bit, as the specification writes it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little")


def test_bytes_are_those_of_the_specification():
    first, index = b"\x02\x02ab", b"\x01\x00"
    begins = b"\x8fGVC\x01\x00" + first + crc32c(first)
    assert write([(2, b"ab")]) == begins + index + crc32c(index) + b"\x06\0\0\0GVCX"
    final = b"\x43\x01c"
    assert write([(2, b"ab")], (0x43, b"c")) == begins + final + crc32c(final)


@given(CHUNKS, ENDS, st.data())
def test_a_cut_gives_a_prefix_of_whole_chunks(chunks, end, draw):
    data = write(chunks, end)
    cut = draw.draw(st.integers(6, len(data) - 1))
    found, error = read_all(data[:cut])
    assert isinstance(error, TruncatedDataError)
    whole = [*chunks, end]
    assert [(chunk.kind, chunk.payload) for chunk in found] == whole[: len(found)]
    assert all(chunk.offset + chunk.size <= cut for chunk in found)


@given(CHUNKS.filter(len), ENDS, st.data())
def test_a_flipped_bit_never_passes_for_data(chunks, end, draw):
    data = bytearray(write(chunks, end))
    bit = draw.draw(st.integers(8 * len(SIGNATURE), 8 * len(data) - 1))
    data[bit // 8] ^= 1 << bit % 8
    try:
        found, error = read_all(bytes(data))
    except UnsupportedError:
        return  # the major version
    whole = [*chunks, end]
    got = [(chunk.kind, chunk.payload) for chunk in found]
    assert got == whole[: len(got)]
    minor_version = bit // 8 == len(SIGNATURE) + 1
    in_trailer = end[0] == INDEX_KIND and bit // 8 >= len(data) - 8
    assert error is not None or minor_version or in_trailer


def test_a_lying_length_allocates_nothing():
    data = SIGNATURE + b"\x01\x00" + b"\x03" + encode_varint(MAX_PAYLOAD) + b"x" * 100
    tracemalloc.start()
    with pytest.raises(TruncatedDataError):
        list(ChunkReader(io.BytesIO(data)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
    too_long = SIGNATURE + b"\x01\x00" + b"\x03" + encode_varint(MAX_PAYLOAD + 1)
    with pytest.raises(InvalidDataError):
        list(ChunkReader(io.BytesIO(too_long)))


@pytest.mark.parametrize("data", [b"", b"RIFF1234", b"\x8fGV", SIGNATURE])
def test_other_files_are_refused(data):
    with pytest.raises(InvalidDataError):
        ChunkReader(io.BytesIO(data))


def test_another_major_version_is_refused():
    with pytest.raises(UnsupportedError):
        ChunkReader(io.BytesIO(SIGNATURE + b"\x02\x00"))


def test_the_index_is_found_from_the_end():
    data = write([(3, b"a" * 1000), (3, b"b")], (INDEX_KIND, b"where"))
    reader = ChunkReader(io.BytesIO(data))
    index = reader.read_index()
    assert index is not None
    assert index.payload == b"where"
    assert [chunk.kind for chunk in reader] == [3, 3, INDEX_KIND]
    assert ChunkReader(io.BytesIO(data[:-1])).read_index() is None
    without = write([(3, b"a" * 1000)], (0x43, b"b"))
    assert ChunkReader(io.BytesIO(without)).read_index() is None


@given(st.integers(0, 2**63 - 1))
def test_varints(value):
    data = encode_varint(value)
    assert decode_varint(data + b"\xff", 0) == (value, len(data))


@pytest.mark.parametrize("data", [b"\x80", b"\x80\x00", b"\xff" * 10])
def test_bad_varints(data):
    with pytest.raises(InvalidDataError):
        decode_varint(data, 0)
