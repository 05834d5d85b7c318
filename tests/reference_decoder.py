"""A second decoder of .gvc files, written from docs/bitstream.md in plain Python.

It shares no code with gvc and uses no library but zlib, so that whatever it agrees on with gvc is
what the specification says. It yields what the file says, down to the levels of the motion codes;
pictures need the networks.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

DICTIONARIES = Path(__file__).parents[1] / "gvc" / "bitstream"

MASK = (1 << 64) - 1


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
        if data[at - size] == 1:
            assert data[at:] == size.to_bytes(4, "little") + b"GVCX"
            return found


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
    audio = None
    if flags & 1:
        audio = {"codec": r.t(), "sample_rate": r.u(), "channels": r.u(), "layout": r.t()}
        audio |= {"time_base": r.f(), "extradata": r.b(), "frame_size": r.u()}
        audio |= {"initial_padding": r.u(), "bit_rate": r.u()}
    metadata = [(r.t(), r.t()) for _ in range(r.u())]
    return {"video": video, "audio": audio, "metadata": metadata}


def group(payload: bytes, video: dict[str, Any]) -> dict[str, Any]:
    """Clauses 4 and 5."""
    r = Fields(payload)
    flags, pts, frames = r.u(), r.s(), r.u()
    keys, content = [], b""
    if flags & 8:
        content = r.b()
    else:
        keys.append(r.u() if flags & 2 else 0)
        content += r.b()
        for _ in range(r.u() if flags & 4 else 0):
            keys.append(r.u())
            content += r.b()
    motion = r.data[r.at :]
    (tn, td), (rn, rd) = video["time_base"], video["frame_rate"]
    step = max(1, round_half_even(rd * td, rn * tn))
    walk = Walk(motion, video["code_length"])
    inter = [] if flags & 8 else [index for index in range(frames) if index not in keys]
    choices = [(walk.type(), *walk.key(len(keys))) for _ in inter]
    times = [pts]
    for _ in range(frames - 1):
        times.append(times[-1] + step + (walk.delay() if flags & 1 else 0))
    levels = [walk.levels() for kind, _, _ in choices if kind == 0]
    return {"pts": times, "keys": keys, "content": content, "choices": choices, "levels": levels}


def round_half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2))


class RangeDecoder:
    """Clause 5.1."""

    def __init__(self, data: bytes) -> None:
        self.words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        self.next = 0
        self.low, self.range = 0, MASK
        self.point = self.word() << 32 | self.word()

    def word(self) -> int:
        self.next += 1
        return self.words[self.next - 1] if self.next <= len(self.words) else 0

    def bit(self, probability: int) -> int:
        """One decision; ``probability`` of a 1 in units of 2^-16."""
        bound = ((((1 << 16) - probability) * ((1 << 24) - 2)) >> 16) + 1
        unit = self.range >> 24
        bit = int(((self.point - self.low) & MASK) // unit >= bound)
        first, width = (bound, (1 << 24) - bound) if bit else (0, bound)
        self.low = (self.low + first * unit) & MASK
        self.range = width * unit
        if self.range < 1 << 32:
            self.low = (self.low << 32) & MASK
            self.range = (self.range << 32) & MASK
            self.point = (self.point << 32 | self.word()) & MASK
        return bit


class Context:
    """Clause 5.2."""

    def __init__(self, p: int = 1 << 15, n: int = 0) -> None:
        self.p, self.n = p, n

    def learn(self, bit: int) -> None:
        self.p += 2 * ((bit << 16) - self.p) // (2 * self.n + 3)
        self.n = min(self.n + 1, 60)


ZERO = [[1, 2, 3, 5], [3, 4, 6, 8], [6, 8, 10, 11], [10, 11, 12, 13]]


def sign_class(value: int) -> int:
    return 0 if value == 0 else 1 if value > 0 else 2


class Walk:
    """Clauses 5.3 to 5.6."""

    def __init__(self, data: bytes, length: int) -> None:
        self.coder = RangeDecoder(data)
        self.length = length
        self.now, self.last, self.before = [0] * length, [0] * length, [0] * length
        self.first, self.delays = True, (0, 0)
        coefficients = range(length)
        self.zs = [[Context(ZERO[t][a] << 12, 8) for a in range(4)] for t in range(4)]
        self.zo = [[Context() for _ in range(4)] for _ in coefficients]
        self.ss = [Context() for _ in range(3)]
        self.so = [[Context() for _ in range(3)] for _ in coefficients]
        self.ms = [[Context(1 << 14, 4) for _ in range(14)] for _ in range(3)]
        self.mo = [[Context(1 << 14) for _ in range(3)] for _ in coefficients]
        self.fz, self.fs = Context(7 << 13, 4), Context()
        self.fm = [Context(3 << 14, 4) for _ in range(14)]
        self.dz = [[Context(1 << 13, 2) for _ in range(3)] for _ in range(3)]
        self.ds = [[Context() for _ in range(3)] for _ in range(3)]
        self.dm = [Context() for _ in range(14)]
        self.ts = [[Context(1 << 10, 2) for _ in range(3)] for _ in range(3)]
        self.ti = [[Context() for _ in range(3)] for _ in range(3)]
        self.tc, self.tf, self.types, self.now_key = Context(1 << 11, 2), Context(), (0, 0), 0

    def decide(self, one: Context, two: Context) -> int:
        a, b = one.n + 1, two.n + 1
        p = min(max((a * one.p + b * two.p) // (a + b), 24), (1 << 16) - 24)
        bit = self.coder.bit(p)
        one.learn(bit)
        if two is not one:
            two.learn(bit)
        return bit

    def value(self, zero: Any, sign: Any, more: Any) -> int:
        if not self.decide(*zero):
            return 0
        negative = self.decide(*sign)
        magnitude = 1
        while magnitude <= 14 and self.decide(*more[magnitude - 1]):
            magnitude += 1
        if magnitude == 15:
            bits = 0
            while self.coder.bit(1 << 15):
                bits += 1
            rest = 1
            for _ in range(bits):
                rest = 2 * rest + self.coder.bit(1 << 15)
            magnitude += rest - 1
        return -magnitude if negative else magnitude

    def levels(self) -> list[int]:
        done: list[int] = []
        for i in range(self.length):
            if self.first:
                done.append(self.value((self.fz,) * 2, (self.fs,) * 2, [(c, c) for c in self.fm]))
                continue
            t = min(3, abs(self.last[i]) + (abs(self.before[i]) + 1) // 2)
            a = min(3, sum(1 for d in done[-6:] if d))
            d, m = sign_class(self.last[i]), min(2, abs(self.last[i]))
            more = [(c, c) for c in self.ms[m]]
            more[0] = (self.ms[m][0], self.mo[i][m])
            done.append(
                self.value((self.zs[t][a], self.zo[i][t]), (self.ss[d], self.so[i][d]), more)
            )
        self.now = [level + d for level, d in zip(self.now, done, strict=True)]
        if not self.first:
            self.before, self.last = self.last, done
        self.first = False
        return self.now

    def type(self) -> int:
        """Clause 5.6: 0 for M, 1 for P, 2 for I."""
        one, two = self.types
        found = 0
        if self.decide(self.ts[one][two], self.ts[one][two]):
            found = 1 + self.decide(self.ti[one][two], self.ti[one][two])
        self.types = (found, one)
        return found

    def key(self, keys: int) -> tuple[int, bool]:
        """Clause 5.6: the number of the key frame, and whether the frame fades in."""
        fades = 0
        if keys > 1 and self.decide(self.tc, self.tc):
            others = [number for number in range(keys) if number != self.now_key]
            while len(others) > 1 and not self.coder.bit((1 << 16) // len(others)):
                others.pop(0)
            self.now_key = others[0]
            fades = self.decide(self.tf, self.tf)
        return self.now_key, bool(fades)

    def delay(self) -> int:
        one, two = map(sign_class, self.delays)
        zero, sign = self.dz[one][two], self.ds[one][two]
        value = self.value((zero, zero), (sign, sign), [(c, c) for c in self.dm])
        self.delays = (value, self.delays[0])
        return value


def decode_motion(data: bytes, *, length: int, frames: int) -> list[list[int]]:
    """Levels of ``frames`` inter frames of constant duration."""
    walk = Walk(data, length)
    return [walk.levels() for _ in range(frames)]


def decode_file(data: bytes) -> dict[str, Any]:
    """Everything that a file says."""
    found = chunks(data)
    described = header(found[0][1])
    groups = [group(payload, described["video"]) for kind, payload in found if kind == 3]
    return {**described, "groups": groups}
