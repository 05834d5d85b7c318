"""VVC streams with Generative Face Video messages: imported, exported and imported once more."""

from __future__ import annotations

import contextlib
import io
import random

from vvc_streams import exported, imported

from fuzz import structure
from fuzz.changes import Change, cut
from gvc.errors import GvcError
from gvc.sei.message import SeiMessage, messages_of, prefix_unit
from gvc.sei.nal import NalKind, NalUnit, read_units
from gvc.sei.record import CHECKSUM_BYTES, Record, RecordKind

#: Units that other programs may put anywhere: a delimiter, and a message that is none of ours.
_FOREIGN = (
    NalUnit(bytes([0, NalKind.DELIMITER << 3 | 1, 0x28])),
    prefix_unit([SeiMessage(137, b"\x01\x02")], temporal_id=0, set_off=False),
)


def check(data: bytes) -> None:
    """What can be imported and exported is the same when it is imported again."""
    try:
        file = imported(data)
        stream, _ = exported(file)
    except GvcError:
        return
    assert imported(stream) == file


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Half of the time in the file that it was made of, whose stream has checksums that fit."""
    with contextlib.suppress(GvcError):
        if chance.random() < 0.5:
            return exported(structure.mutate(imported(data), chance, change))[0]
        units = list(read_units(io.BytesIO(data)))
        if units:
            _change_units(units, chance, change)
            return b"".join(unit.to_bytes() for unit in units)
    return change(data)


def _change_units(units: list[NalUnit], chance: random.Random, change: Change) -> None:
    told = [place for place, unit in enumerate(units) if unit.kind == NalKind.PREFIX_SEI]
    if told and chance.random() < 0.6:
        place = chance.choice(told)
        units[place] = _with_other_messages(units[place], chance, change)
        return
    place, kind = chance.randrange(len(units)), chance.random()
    unit = units[place]
    if kind < 0.25:
        units[place] = NalUnit(change(unit.data), unit.set_off)
    elif kind < 0.5:
        units.insert(chance.randrange(len(units) + 1), chance.choice((*units, *_FOREIGN)))
    elif kind < 0.75 and len(units) > 1:
        del units[place]
    else:
        other = chance.randrange(len(units))
        units[place], units[other] = units[other], unit


def _with_other_messages(unit: NalUnit, chance: random.Random, change: Change) -> NalUnit:
    messages = list(messages_of(unit))
    if messages:
        _change_messages(messages, chance, change)
    return prefix_unit(messages, temporal_id=unit.temporal_id, set_off=unit.set_off)


def _change_messages(messages: list[SeiMessage], chance: random.Random, change: Change) -> None:
    place, kind = chance.randrange(len(messages)), chance.random()
    message = messages[place]
    if kind < 0.7:
        messages[place] = _changed(message, change)
    elif kind < 0.75:
        messages[place] = SeiMessage(message.payload_type, cut(message.payload, chance))
    elif kind < 0.8:
        messages[place] = SeiMessage(chance.choice((5, 223, 255, 510)), message.payload)
    elif kind < 0.85:
        messages.insert(chance.randrange(len(messages) + 1), message)
    elif kind < 0.9 and len(messages) > 1:
        del messages[place]
    else:
        other = chance.randrange(len(messages))
        messages[place], messages[other] = messages[other], message


def _changed(message: SeiMessage, change: Change) -> SeiMessage:
    """With other content; the checksum of a record fits it, a group keeps that of its content."""
    record = Record.decode(message)
    if record is None:
        return SeiMessage(message.payload_type, change(message.payload))
    kept = CHECKSUM_BYTES if record.kind == RecordKind.GROUP else 0
    return Record(record.kind, record.body[:kept] + change(record.body[kept:])).encode()
