"""Fields of interlaced H.264 that are packets of their own, two to a picture.

Camcorders and broadcasters write such streams. Only as much of them is parsed as says which packets
are second fields (ITU-T H.264, clauses 7.3.2.1.1 and 7.3.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SLICES, _PARAMETERS = (1, 5), 7

#: Bytes of a NAL unit that are looked at: parameter sets have long lists, slices a short header.
_MOST, _HEADER = 1024, 64

#: Profiles whose parameter sets say how colours are sampled.
_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}

_START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What a sequence parameter set says of slice headers."""

    separate_planes: bool
    frame_bits: int
    frames_only: bool


@dataclass(frozen=True, slots=True)
class _Field:
    frame: int
    bottom: bool


class FieldPairs:
    """Tells second fields from packets that begin a picture.

    :param extradata: configuration of the decoder: parameter sets, or an ``avcC`` box.
    """

    def __init__(self, extradata: bytes) -> None:
        self._length_size = 0
        self._parameters: dict[int, _Parameters] = {}
        self._first: _Field | None = None
        if extradata[:1] == b"\x01" and len(extradata) > 8:
            self._length_size = (extradata[4] & 3) + 1
            # One set is usual: behind a count, and its length in two bytes.
            self._note_parameters(extradata[8:])
        else:
            for unit in _split(extradata, 0):
                self._note_parameters(unit)

    def is_second(self, packet: bytes) -> bool:
        """Whether a packet holds nothing but the second field of the picture of the one before."""
        if self._length_size and all(each.frames_only for each in self._parameters.values()):
            # All parameter sets are known, and there are no fields.
            return False
        pictures = []
        for unit in _split(packet, self._length_size):
            self._note_parameters(unit)
            # A slice that begins with the first macroblock begins a frame, or a field.
            if unit and unit[0] & 31 in _SLICES and unit[1:2] >= b"\x80":
                pictures.append(unit)
        before, self._first = self._first, None
        field = self._field(pictures[0]) if len(pictures) == 1 else None
        if field is None:
            return False
        if before is not None and before == _Field(field.frame, not field.bottom):
            return True
        self._first = field
        return False

    def _note_parameters(self, unit: bytes) -> None:
        if unit and unit[0] & 31 == _PARAMETERS:
            try:
                number, parameters = _read_parameters(_Bits(unit[1:_MOST]))
            except EOFError:
                return
            self._parameters[number] = parameters

    def _field(self, unit: bytes) -> _Field | None:
        """Of which field a slice is; None if it is of a frame, or nobody knows."""
        # Picture parameter sets name the other set; streams with several agree on what counts here.
        parameters = next(iter(self._parameters.values()), None)
        if parameters is None or parameters.frames_only:
            return None
        bits = _Bits(unit[1:_HEADER])
        try:
            for _ in range(3):
                bits.exp_golomb()
            bits.read(2 * parameters.separate_planes)
            frame = bits.read(parameters.frame_bits)
            return _Field(frame, bool(bits.read(1))) if bits.read(1) else None
        except EOFError:
            return None


class _Bits:
    """Reads bits of a NAL unit, the bytes left out that keep start codes from it."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def read(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > 32:
                raise EOFError
        return (1 << zeros | self.read(zeros)) - 1

    def signed(self) -> int:
        value = self.exp_golomb()
        return (value + 1) // 2 if value % 2 else -value // 2


def _read_parameters(bits: _Bits) -> tuple[int, _Parameters]:
    """A sequence parameter set and its number."""
    profile = bits.read(8)
    bits.read(16)
    number, separate = bits.exp_golomb(), False
    if profile in _HIGH:
        sampling = bits.exp_golomb()
        separate = sampling == 3 and bool(bits.read(1))
        # Depths of luma and chroma, and a flag of transforms.
        bits.exp_golomb(), bits.exp_golomb(), bits.read(1)
        if bits.read(1):
            for place in range(12 if sampling == 3 else 8):
                if bits.read(1):
                    _skip_scaling(bits, 16 if place < 6 else 64)
    frame_bits = bits.exp_golomb() + 4
    order = bits.exp_golomb()
    if order == 0:
        bits.exp_golomb()
    elif order == 1:
        bits.read(1), bits.signed(), bits.signed()
        for _ in range(bits.exp_golomb()):
            bits.signed()
    bits.exp_golomb(), bits.read(1), bits.exp_golomb(), bits.exp_golomb()
    return number, _Parameters(separate, frame_bits, frames_only=bool(bits.read(1)))


def _skip_scaling(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _split(data: bytes, length_size: int) -> Iterator[bytes]:
    """NAL units, behind their lengths or, if ``length_size`` is 0, behind start codes."""
    if not length_size:
        place = data.find(_START_CODE)
        while place >= 0:
            begin = place + len(_START_CODE)
            place = data.find(_START_CODE, begin)
            # As much as anybody looks at.
            yield data[begin : begin + _MOST if place < 0 else min(place, begin + _MOST)]
        return
    place = 0
    while place + length_size <= len(data):
        begin = place + length_size
        place = begin + int.from_bytes(data[place:begin])
        yield data[begin : min(place, begin + _MOST)]
