"""Chunks of any bytes: forwards, from a pipe, and by the index."""

from __future__ import annotations

import contextlib
import io
import random

from fuzz import structure
from fuzz.changes import Change
from gvc.container import Chunk, ChunkReader, ChunkWriter
from gvc.errors import GvcError


class Pipe(io.BytesIO):
    """Gives few bytes at a time, and cannot be sought."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(5, size) if size is not None and size >= 0 else 5)

    def seekable(self) -> bool:
        return False


def check(data: bytes) -> None:
    """What is read from a file and from a pipe is the same, and what is whole can be found."""
    chunks = _read(io.BytesIO(data))
    assert _read(Pipe(data)) == chunks
    for chunk in chunks:
        written = io.BytesIO()
        ChunkWriter(written).write(chunk.kind, chunk.payload)
        assert written.getvalue()[6:] == data[chunk.offset : chunk.offset + chunk.size]
    with contextlib.suppress(GvcError):
        reader = ChunkReader(io.BytesIO(data))
        reader.read_index()
        if chunks:
            reader.seek(chunks[-1].offset)
            assert next(iter(reader)) == chunks[-1]


def _read(file: io.BytesIO) -> list[Chunk]:
    chunks = list[Chunk]()
    with contextlib.suppress(GvcError):
        for chunk in ChunkReader(file):
            chunks.append(chunk)  # those before an error count
    return chunks


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Half of the time behind the checksums."""
    return structure.mutate(data, chance, change) if chance.random() < 0.5 else change(data)
