"""The file: signature, chunks with checksums, index and trailer; bytes only.

Knows nothing of what is inside a chunk. May import :mod:`gvc.errors`; never torch or av.
See ``docs/bitstream.md``, clause 2.
"""

from gvc.container.chunk import (
    ANCILLARY,
    FINAL_KINDS,
    INDEX_KIND,
    MAX_PAYLOAD,
    SIGNATURE,
    VERSION,
    Chunk,
    Damage,
)
from gvc.container.reader import ChunkReader
from gvc.container.writer import ChunkWriter

__all__ = [
    "ANCILLARY",
    "FINAL_KINDS",
    "INDEX_KIND",
    "MAX_PAYLOAD",
    "SIGNATURE",
    "VERSION",
    "Chunk",
    "ChunkReader",
    "ChunkWriter",
    "Damage",
]
