"""A second decoder of .gvc files, written from docs/bitstream.md in plain Python.

It shares no code with gvc and uses no library but zlib, so that whatever it agrees on with gvc is
what the specification says. It yields what the file says, down to the levels of the motion codes;
pictures need the networks.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_motion import Walk
from reference_prior import shipped

DICTIONARIES = Path(__file__).parents[1] / "gvc" / "bitstream"


class Fields:
    """Clause 3.1."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        assert self.at + count <= len(self.data), "cut off"
        self.at += count
        return self.data[self.at - count : self.at]

    def u(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def s(self) -> int:
        value = self.u()
        return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)

    def f(self) -> tuple[int, int]:
        return self.u(), self.u()

    def b(self) -> bytes:
        return self.take(self.u())

    def t(self) -> str:
        return self.b().decode()


def chunks(data: bytes) -> list[tuple[int, bytes]]:
    """Clause 2."""
    assert data[:5] == b"\x8fGVC\x01"
    at, found = 6, []
    while True:
        fields = Fields(data[at + 1 :])
        payload = fields.take(fields.u())
        body = data[at : at + 1 + fields.at]
        assert int.from_bytes(fields.take(4), "little") == crc32c(body)
        found.append((data[at], payload))
        size = 1 + fields.at
        at += size
        if found[-1][0] == 1:
            assert data[at:] == size.to_bytes(4, "little") + b"GVCX"
            return found
        if 0x40 <= found[-1][0] < 0x80:
            assert at == len(data)
            return found


def size_of(payload: bytes) -> int:
    """Bytes of a chunk."""
    return 1 + max(1, -(-len(payload).bit_length() // 7)) + len(payload) + 4


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def header(payload: bytes) -> dict[str, Any]:
    """Clause 3.2."""
    dictionary = (DICTIONARIES / f"header-{payload[0]}.bin").read_bytes()
    inflater = zlib.decompressobj(wbits=-15, zdict=dictionary)
    r = Fields(inflater.decompress(payload[1:]))
    flags = r.u()
    video = {name: r.u() for name in ("width", "height", "coded_width", "coded_height")}
    video |= {name: r.f() for name in ("time_base", "frame_rate", "sample_aspect_ratio")}
    video["colour"] = list(r.take(4))
    video["key_codec"], video["key_parameters"] = r.t(), r.b()
    video["entropy_model"], video["model"], video["weights"] = r.t(), r.t(), r.take(16)
    video["motion_step"], video["code_length"] = r.f(), r.u()
    video["prior"] = r.take(16) if flags & 2 else b""
    video["pack"] = r.take(16) if flags & 4 else b""
    video["canvas"] = [8 * r.u(), 8 * r.u()] if flags & 16 else []
    audio = None
    if flags & 1:
        audio = {"codec": r.t(), "sample_rate": r.u(), "channels": r.u(), "layout": r.t()}
        audio |= {"time_base": r.f(), "extradata": r.b(), "frame_size": r.u()}
        audio |= {"initial_padding": r.u(), "bit_rate": r.u()}
    metadata = [(r.t(), r.t()) for _ in range(r.u())]
    more = {"embeds_pack": bool(flags & 8), "compact": bool(flags & 32)}
    return {"video": video, "audio": audio, "metadata": metadata, **more}


def group(
    payload: bytes,
    video: dict[str, Any],
    priors: Mapping[bytes, dict[str, Any]],
    known: dict[int, bytes],
    *,
    compact: bool,
) -> dict[str, Any]:
    """Clause 4.

    :param known: key frame 0 of the last four groups that can be references, by pts.
    :param compact: whether the file is.
    """
    r = Fields(payload)
    flags, pts, frames = r.u(), r.s(), r.u()
    keys, content = [], b""
    if flags & 8:
        assert not flags & 32
        content = r.b()
    else:
        content = known[pts - r.u()] if flags & 32 else b""
        keys.append(r.u() if flags & 2 else 0)
        first = key(r, compact)
        content += first
        if not flags & 32:
            known[pts] = first
            for oldest in list(known)[:-4]:
                del known[oldest]
        for _ in range(r.u() if flags & 4 else 0):
            keys.append(r.u())
            content += key(r, compact)
    assert not flags & 8 or not flags & (16 | 64)
    parts = [rectangle(r, video)] if flags & 16 else [[]]
    runs = [b""]
    if flags & 64:
        assert flags & 16
        for _ in range(r.u()):
            parts.append(rectangle(r, video))
            runs.append(r.b())
    runs[0] = r.data[r.at :]
    step = frame_duration(video)
    inter = [] if flags & 8 else [index for index in range(frames) if index not in keys]
    times, moving = [pts], []
    for part, run in zip(parts, runs, strict=True):
        walk = Walk(
            run,
            model=video["entropy_model"],
            length=video["code_length"],
            step=video["motion_step"],
            prior=priors.get(video["prior"]),
        )
        choices = [walk.choice(len(keys)) for _ in inter]
        for _ in range(frames - len(times)):
            times.append(times[-1] + step + (walk.delay() if flags & 1 else 0))
        levels = [walk.levels() for kind, _, _ in choices if kind == 0]
        moving.append({"rectangle": part, "choices": choices, "levels": levels})
    return {"pts": times, "keys": keys, "content": content, "moving": moving}


def key(r: Fields, compact: bool) -> bytes:
    stream = r.b()
    return b"\0\0\1" + stream if compact and stream[:2] != b"\0\0" else stream


def audio(payload: bytes) -> list[tuple[int, int, bytes]]:
    """Clause 3.3: pts, duration and data of each packet."""
    r = Fields(payload)
    flags, pts, duration, count = r.u(), r.s(), r.u(), r.u()
    assert flags in (0, 1)
    rows = []
    for _ in range(count):
        if flags:
            pts += r.s()
            duration = r.u()
        rows.append((pts, duration, r.u()))
        pts += duration
    return [(pts, duration, r.take(length)) for pts, duration, length in rows]


def index(payload: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Clause 3.4: offset, pts and frames of each group; when the last frame ends."""
    r = Fields(payload)
    entries, offset, pts = [], 0, 0
    for _ in range(r.u()):
        offset += r.u()
        pts += r.s()
        entries.append((offset, pts, r.u()))
    return entries, pts + r.s()


def only_group(payload: bytes, video: dict[str, Any]) -> tuple[bytes, tuple[int, int], int]:
    """Clause 2, type 43: the group; its pts and frames; when the last frame ends."""
    r = Fields(payload)
    more = r.s()
    rest = r.data[r.at :]
    r.u()
    pts, frames = r.s(), r.u()
    return rest, (pts, frames), pts + frames * frame_duration(video) + more


def frame_duration(video: dict[str, Any]) -> int:
    """Clause 3.2."""
    (tn, td), (rn, rd) = video["time_base"], video["frame_rate"]
    return max(1, round_half_even(rd * td, rn * tn))


def rectangle(r: Fields, video: dict[str, Any]) -> list[int]:
    left, top, across, down = (8 * r.u() for _ in range(4))
    assert left + across <= video["canvas"][0]
    assert top + down <= video["canvas"][1]
    return [left, top, across, down]


def round_half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2))


def decode_file(
    data: bytes, priors: Mapping[bytes, dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Everything that a file says.

    :param priors: integers of priors by their fingerprints, nested lists by name; without any,
        those that ship.
    """
    found = chunks(data)
    described = header(found[0][1])
    known = dict[int, bytes]()
    if found[-1][0] == 0x43:
        rest, (pts, frames), end = only_group(found[-1][1], described["video"])
        entries = [(len(data) - size_of(found[-1][1]), pts, frames)]
        found[-1] = (3, rest)
    else:
        entries, end = index(found[-1][1])
    groups = [
        group(payload, described["video"], priors or shipped(), known, compact=described["compact"])
        for kind, payload in found
        if kind == 3
    ]
    kinds = [kind for kind, _ in found]
    assert all(kind in (1, 2, 3, 5) or kind >= 128 for kind in kinds)
    assert [place for place, kind in enumerate(kinds) if kind == 5] == [1] * described[
        "embeds_pack"
    ]
    pack = found[1][1] if described["embeds_pack"] else b""
    sound = [packet for kind, payload in found if kind == 132 for packet in audio(payload)]
    more = {"sound": sound, "index": entries, "end": end}
    return {**described, "pack": pack, "groups": groups, **more}
