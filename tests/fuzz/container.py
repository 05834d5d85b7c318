"""Chunks of any bytes: forwards, from a pipe, past damage, and by the index."""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Sequence
from itertools import pairwise

from fuzz import structure
from fuzz.changes import Change
from gvc.bitstream.writer import ChunkKind
from gvc.container import INDEX_KIND, Chunk, ChunkReader, ChunkWriter, Damage
from gvc.errors import GvcError

#: Types of chunks that are looked for behind damage.
_KINDS = (INDEX_KIND, *ChunkKind)


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
    _pass_damage(data, chunks)
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


def _pass_damage(data: bytes, chunks: list[Chunk]) -> None:
    """Chunks and damage lie side by side; damage takes nothing from what is whole before it."""
    pieces = _salvage(io.BytesIO(data))
    assert _salvage(Pipe(data)) == pieces
    whole = [piece for piece in pieces if isinstance(piece, Chunk)]
    assert whole[: len(chunks)] == chunks
    places = [
        (piece.start, piece.end)
        if isinstance(piece, Damage)
        else (piece.offset, piece.offset + piece.size)
        for piece in pieces
    ]
    assert all(one[1] == other[0] for one, other in pairwise(places))
    assert all(start <= end <= len(data) for start, end in places)
    assert _salvage(io.BytesIO(data), [chunk.offset for chunk in whole]) == pieces


def _salvage(file: io.BytesIO, marks: Sequence[int] = ()) -> list[Chunk | Damage]:
    try:
        reader = ChunkReader(file)
    except GvcError:
        return []
    return list(reader.salvage(_KINDS, marks))


def _read(file: io.BytesIO) -> list[Chunk]:
    chunks = list[Chunk]()
    with contextlib.suppress(GvcError):
        for chunk in ChunkReader(file):
            chunks.append(chunk)  # those before an error count
    return chunks


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Half of the time behind the checksums."""
    return structure.mutate(data, chance, change) if chance.random() < 0.5 else change(data)
