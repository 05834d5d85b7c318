"""Headers, groups, audio and index of any bytes: read, written, found again, summed up."""

from __future__ import annotations

import contextlib
import io
import random
from itertools import islice

from fuzz import structure
from fuzz.changes import Change
from gvc.bitstream import AudioBlock, BitstreamReader, FileHeader, Group, GroupFormat, Index
from gvc.cli.info import describe
from gvc.codec.summary import summarise
from gvc.errors import GvcError, UnsupportedError

#: Most groups that are looked for again, and most frames that are counted by type.
_MOST, _FRAMES = 8, 1000


def check(data: bytes) -> None:
    """What can be read can be written, and is the same when it is read again."""
    frames = 0
    with contextlib.suppress(GvcError):
        reader = BitstreamReader(io.BytesIO(data))
        header = reader.header
        assert FileHeader.from_bytes(header.to_bytes()) == header
        assert header.video.frame_duration >= 1
        _read_index(reader)
        stored_as = GroupFormat.of(header)
        for unit in reader:
            if isinstance(unit, AudioBlock):
                assert AudioBlock.from_bytes(unit.to_bytes()) == unit
                continue
            assert stored_as.read(stored_as.write(unit)).to_bytes() == unit.to_bytes()
            if unit.end_pts is not None:
                again = stored_as.read_final(stored_as.write_final(unit, unit.end_pts))
                assert again.end_pts == unit.end_pts
            frames += unit.frames
    if frames <= _FRAMES:
        _sum_up(data)
    _pass_damage(data)


def _pass_damage(data: bytes) -> None:
    """Damage takes nothing from what is whole before it."""
    units = list[AudioBlock | Group]()
    with contextlib.suppress(GvcError):
        for unit in BitstreamReader(io.BytesIO(data)):
            units.append(unit)  # those before an error count
    try:
        reader = BitstreamReader(io.BytesIO(data), salvage=True)
    except GvcError:
        return
    found = list[AudioBlock | Group]()
    with contextlib.suppress(UnsupportedError):
        for _, unit in islice(reader.salvage(), len(units) + _MOST):
            found += [] if unit is None else [unit]
    assert found[: len(units)] == units
    with contextlib.suppress(UnsupportedError):
        if reader.index is not None and reader.index.groups:
            reader.seek(reader.index.groups[-1].pts)
            next(reader.salvage(), None)


def _sum_up(data: bytes) -> None:
    """What ``gvc info`` says of it."""
    with contextlib.suppress(GvcError):
        summary = summarise(io.BytesIO(data))
        described = describe(summary)
        assert sum(described["bytes"].values()) == summary.size


def _read_index(reader: BitstreamReader) -> None:
    """Read from where the index says that groups are."""
    here = reader.position
    index = reader.index
    assert index is not None
    assert Index.from_bytes(index.to_bytes()) == index
    for entry in index.groups[:_MOST]:
        with contextlib.suppress(GvcError):
            reader.seek(entry.pts)
            next(iter(reader), None)
    if index.groups:
        reader.seek(index.groups[0].pts)
    else:
        assert reader.position == here


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Inside of chunks, whose checksums then fit."""
    return structure.mutate(data, chance, change)
