"""Changes of .gvc files inside their chunks; checksums and fingerprints fit what was changed.

Without that nearly every change ends at a checksum, and nothing behind is ever tried.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import google_crc32c

from fuzz.changes import Change, cut
from gvc.bitstream import GroupEntry, Index, fingerprint_of
from gvc.bitstream.compression import compress, decompress
from gvc.bitstream.group import Group
from gvc.bitstream.writer import ChunkKind
from gvc.container import FINAL_KINDS, INDEX_KIND, SIGNATURE, ChunkWriter
from gvc.container.varint import decode_varint
from gvc.errors import GvcError, InvalidDataError

#: Bytes before the first chunk, and of a checksum.
_START, _CHECKSUM = len(SIGNATURE) + 2, 4

#: Most chunks of a file that was changed.
_MOST = 24


@dataclass
class Part:
    """A chunk; the payload of a header is not compressed here."""

    kind: int
    payload: bytes


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Change a file: most often the payload of one of its chunks.

    :param change: what changes a payload.
    """
    parts = taken_apart(data)
    if not parts or chance.random() < 0.03:
        return change(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        _change_part(parts, chance, change)
    return put_together(parts, mend_index=chance.random() < 0.7)


def _change_part(parts: list[Part], chance: random.Random, change: Change) -> None:
    place = chance.randrange(len(parts))
    part, kind = parts[place], chance.random()
    if kind < 0.8:
        if part.kind == ChunkKind.PACK:
            _change_pack(parts, place, change)
        else:
            part.payload = change(part.payload)
    elif kind < 0.85:
        part.payload = cut(part.payload, chance)
    elif kind < 0.88:
        part.kind = chance.choice((*ChunkKind, INDEX_KIND, 0x06, 0x86, 0))
    elif kind < 0.93 and len(parts) < _MOST:
        parts.insert(chance.randrange(len(parts) + 1), Part(part.kind, part.payload))
    elif kind < 0.97 and len(parts) > 1:
        del parts[place]
    else:
        other = chance.randrange(len(parts))
        parts[place], parts[other] = parts[other], parts[place]


def _change_pack(parts: list[Part], place: int, change: Change) -> None:
    """Change a speaker pack, and what the header calls it."""
    old = parts[place].payload
    new = change_pack(old, change)
    parts[place].payload = new
    for part in parts:
        part.payload = part.payload.replace(fingerprint_of(old), fingerprint_of(new))


def change_pack(data: bytes, change: Change) -> bytes:
    """Change a speaker pack before its checksum."""
    body = change(data[:-_CHECKSUM])
    return body + google_crc32c.value(body).to_bytes(_CHECKSUM, "little")


def taken_apart(data: bytes) -> list[Part]:
    """The chunks of a file, whatever their checksums say."""
    parts, position = list[Part](), _START
    while position < len(data) and len(parts) < _MOST:
        try:
            length, start = decode_varint(data, position + 1)
        except InvalidDataError:
            break
        kind = data[position]
        parts.append(Part(kind, data[start : start + length]))
        position = start + length + _CHECKSUM
        if kind == ChunkKind.HEADER:
            try:
                parts[-1].payload = decompress(parts[-1].payload)
            except GvcError:
                parts.pop()
        if kind == INDEX_KIND or kind in FINAL_KINDS:
            break
    return parts


def put_together(parts: list[Part], *, mend_index: bool) -> bytes:
    """A file of these chunks, and an index behind them if the last one does not end it.

    :param mend_index: whether an index tells where the groups really are.
    """
    file = io.BytesIO()
    writer = ChunkWriter(file)
    entries = list[GroupEntry]()
    for part in parts[:-1] if parts[-1].kind == INDEX_KIND else parts:
        payload = compress(part.payload) if part.kind == ChunkKind.HEADER else part.payload
        offset = writer.write(part.kind, payload)
        if part.kind == ChunkKind.GROUP:
            try:
                group = Group.from_bytes(payload)
            except GvcError:
                continue
            entries.append(GroupEntry(offset, group.pts, group.frames))
    if parts[-1].kind in FINAL_KINDS:
        return file.getvalue()
    if mend_index or parts[-1].kind != INDEX_KIND:
        writer.finish(Index(tuple(entries), entries[-1].pts if entries else 0).to_bytes())
    else:
        writer.finish(parts[-1].payload)
    return file.getvalue()
