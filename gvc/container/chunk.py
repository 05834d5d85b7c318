"""What a chunk is, and the numbers that reader and writer share."""

from __future__ import annotations

from dataclasses import dataclass

#: First bytes of every file; the first is not ASCII, so that no text file begins like this.
SIGNATURE = b"\x8fGVC"

#: Version of the format: readers refuse another major number, and accept any minor one.
VERSION = (1, 0)

#: Type of the chunk that ends a file and tells where the others are.
INDEX_KIND = 0x01

#: Types of chunks that end a file without an index: what they hold is all that it would find.
FINAL_KINDS = range(0x40, 0x80)

#: Most bytes of one chunk's payload.
MAX_PAYLOAD = 1 << 26

#: Bytes of a chunk's checksum: CRC-32C over type, length and payload, little-endian.
CHECKSUM_BYTES = 4

#: Last bytes of a whole file, behind the length of the index chunk (4 bytes, little-endian).
TRAILER_MAGIC = b"GVCX"

#: Bytes of the trailer.
TRAILER_BYTES = 8

#: Bit of a chunk's type that lets a reader skip a chunk that it does not know.
ANCILLARY = 0x80


@dataclass(frozen=True, slots=True)
class Chunk:
    """A whole, checked chunk.

    :param kind: type, 0 to 255; see :data:`ANCILLARY`.
    :param payload: its content.
    :param offset: where it begins, in bytes from the beginning of the file.
    :param size: its bytes in the file, framing included.
    """

    kind: int
    payload: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file of which nothing can be used.

    :param start: offset of the first one.
    :param end: offset behind the last one; ``start`` where bytes are missing.
    :param cause: what is wrong.
    """

    start: int
    end: int
    cause: str
