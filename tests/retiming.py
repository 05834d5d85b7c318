"""Files that no muxer writes: with any times, with packets lost, with B-frames packed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import av

from gvc.media.ebml import element

_SEGMENT, _CLUSTER, _TIME, _GROUP = 0x18538067, 0x1F43B675, 0xE7, 0xA0
_BLOCKS = (0xA3, 0xA1)

#: Gives the milliseconds of a packet from the number of its track, counted from 1, its number in
#: the track, counted from 0, and its milliseconds.
Change = Callable[[int, int, int], int]


def _number(data: bytes, at: int, *, marked: bool) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if marked else value & ((1 << 7 * length) - 1)), at + length


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identifier of each element, and where its content begins and ends."""
    while at < end:
        identifier, at = _number(data, at, marked=True)
        length = 9 - data[at].bit_length()
        size, at = _number(data, at, marked=False)
        unknown = size == (1 << 7 * length) - 1
        if unknown and identifier == _CLUSTER:
            size = _until_next_cluster(data, at, end) - at
        yield identifier, at, end if unknown and identifier == _SEGMENT else at + size
        at = end if unknown and identifier == _SEGMENT else at + size


def _until_next_cluster(data: bytes, at: int, end: int) -> int:
    found = data.find(_CLUSTER.to_bytes(4, "big"), at)
    return end if found < 0 else found


def retimed_matroska(source: Path, target: Path, change: Change) -> Path:
    """Write ``source``, made by ``-f matroska -live 1``, with other times; each must not be < 0."""
    data = source.read_bytes()
    segment = next(each for each in _elements(data, 0, len(data)) if each[0] == _SEGMENT)
    first = data.index(_CLUSTER.to_bytes(4, "big"))
    parts = [data[:first]]
    counts: dict[int, int] = {}
    for identifier, begin, end in _elements(data, first, segment[2]):
        if identifier != _CLUSTER:
            continue
        base = 0
        for inner, start, stop in _elements(data, begin, end):
            if inner == _TIME:
                base = int.from_bytes(data[start:stop], "big")
            elif inner in (*_BLOCKS, _GROUP):
                block = bytearray(data[start:stop])
                place = 0
                if inner == _GROUP:
                    place = next(s for i, s, _ in _elements(bytes(block), 0, len(block))
                                 if i in _BLOCKS)  # fmt: skip
                track, after = _number(bytes(block), place, marked=False)
                time = base + int.from_bytes(block[after : after + 2], "big", signed=True)
                number = counts.get(track, 0)
                counts[track] = number + 1
                block[after : after + 2] = bytes(2)
                clock = element(_TIME, change(track, number, time).to_bytes(8, "big"))
                parts.append(element(_CLUSTER, clock + element(inner, bytes(block))))
    target.write_bytes(b"".join(parts))
    return target


def retimed_stream(source: Path, target: Path, change: Change) -> Path:
    """Write an MPEG transport stream with other times: of each packet that has a time of its own.

    Tracks are numbered in the order in which they come, times modulo 2^33 / 90 ms.
    """
    data = bytearray(source.read_bytes())
    tracks: dict[int, int] = {}
    counts: dict[int, int] = {}
    for at in range(0, len(data), 188):
        begins, identifier = data[at + 1] & 0x40, int.from_bytes(data[at + 1 : at + 3], "big")
        start = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
        if not begins or bytes(data[start : start + 3]) != b"\0\0\1":
            continue
        track = tracks.setdefault(identifier & 0x1FFF, len(tracks) + 1)
        number = counts.get(track, 0)
        counts[track] = number + 1
        stamps = data[start + 7] >> 6
        moved = 0
        for field in range(2 if stamps == 3 else 1 if stamps == 2 else 0):
            place = start + 9 + 5 * field
            time = _stamp(data[place : place + 5])
            if field == 0:
                moved = change(track, number, time // 90) * 90 - time // 90 * 90
            data[place : place + 5] = _stamped(data[place], (time + moved) % (1 << 33))
    target.write_bytes(data)
    return target


def _stamp(field: bytes | bytearray) -> int:
    return (
        (field[0] >> 1 & 7) << 30
        | int.from_bytes(field[1:3], "big") >> 1 << 15
        | int.from_bytes(field[3:5], "big") >> 1
    )


def _stamped(first: int, time: int) -> bytes:
    high = first & 0xF0 | time >> 30 << 1 | 1
    middle, low = (time >> 15 & 0x7FFF) << 1 | 1, (time & 0x7FFF) << 1 | 1
    return bytes([high]) + middle.to_bytes(2, "big") + low.to_bytes(2, "big")


def without_packets(source: Path, target: Path, every: int) -> Path:
    """Write an MPEG transport stream without every so manieth packet of its second track."""
    data = source.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    tracks = [int.from_bytes(packet[1:3], "big") & 0x1FFF for packet in packets]
    order = list(dict.fromkeys(t for t in tracks if 0x100 <= t < 0x1000))
    kept, count = [], 0
    for packet, track in zip(packets, tracks, strict=True):
        count += track == order[1]
        if track != order[1] or count % every != every // 2:
            kept.append(packet)
    target.write_bytes(b"".join(kept))
    return target


#: MPEG-4's start code of a picture, and a picture that is not coded.
_PICTURE = b"\0\0\1\xb6"
_NOT_CODED = _PICTURE + b"\x51\x7f"


def packed(source: Path, target: Path) -> Path:
    """Write an AVI of MPEG-4 as DivX 5 did: B-frames in the packets of the pictures before them."""
    with av.open(str(source)) as given, av.open(str(target), "w") as taken:
        streams = {s.index: taken.add_stream_from_template(s) for s in given.streams}
        packets = [packet for packet in given.demux() if packet.size]
        data = [bytes(packet) for packet in packets]
        video = [i for i, packet in enumerate(packets) if packet.stream.type == "video"]
        first = data[video[0]]
        said = b"\0\0\1\xb2DivX503b1393p"
        data[video[0]] = first.replace(_PICTURE, said + _PICTURE, 1)
        for one, other in itertools.pairwise(video):
            if data[one] != _NOT_CODED and _is_b(data[other]):
                data[one] += data[other]
                data[other] = _NOT_CODED
        for old, content in zip(packets, data, strict=True):
            packet = av.Packet(content)
            packet.pts = packet.dts = old.dts
            packet.time_base, packet.duration = old.time_base, old.duration
            packet.is_keyframe, packet.stream = old.is_keyframe, streams[old.stream.index]
            taken.mux(packet)
    return target


def _is_b(picture: bytes) -> bool:
    return picture[picture.rfind(_PICTURE) + 4] >> 6 == 2
