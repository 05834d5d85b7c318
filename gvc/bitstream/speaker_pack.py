"""Speaker packs: by how much a decoder's network differs from its weights for one speaker."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import google_crc32c

from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.header import FINGERPRINT_BYTES
from gvc.errors import InvalidDataError, TruncatedDataError, UnsupportedError

#: First bytes of a pack, and its version: readers refuse another major number.
_SIGNATURE = b"\x8fGVP"
_VERSION = (1, 0)

#: Bytes of the checksum at the end: CRC-32C over all before it, little-endian.
_CHECKSUM_BYTES = 4

#: Most bytes of a pack.
MAX_PACK = 1 << 16

#: Most tensors that it changes, and the greatest number of one.
MAX_TENSORS, _MAX_NUMBER = 1 << 10, 1 << 16

#: Steps are 2^-shift with at most this.
MAX_SHIFT = 24


@dataclass(frozen=True, slots=True)
class TensorChange:
    """How one tensor changes.

    :param number: of the tensor among all of the weights, in the order of their names.
    :param shift: what is added to its values is in units of 2^-shift.
    """

    number: int
    shift: int


@dataclass(frozen=True, slots=True)
class SpeakerPack:
    """What a pack holds.

    :param weights: fingerprint of the weights that it changes, 16 bytes.
    :param tensors: which of them, numbers ascending.
    :param levels: of all, one run of the range coder.
    """

    weights: bytes
    tensors: tuple[TensorChange, ...]
    levels: bytes

    def to_bytes(self) -> bytes:
        """The whole file."""
        fields = FieldWriter()
        fields.raw(_SIGNATURE + bytes(_VERSION) + self.weights)
        fields.unsigned(len(self.tensors))
        last = -1
        for tensor in self.tensors:
            fields.unsigned(tensor.number - last - 1)
            fields.unsigned(tensor.shift)
            last = tensor.number
        fields.raw(self.levels)
        data = fields.to_bytes()
        return data + google_crc32c.value(data).to_bytes(_CHECKSUM_BYTES, "little")

    @classmethod
    def from_bytes(cls, data: bytes) -> SpeakerPack:
        """Read what :meth:`to_bytes` wrote.

        :raises InvalidDataError: if it is damaged, cut off, or a field is out of range.
        :raises UnsupportedError: if it is of a newer version.
        """
        if data[: len(_SIGNATURE)] != _SIGNATURE:
            raise InvalidDataError("not a speaker pack")
        if len(data) > MAX_PACK:
            raise InvalidDataError("larger than any speaker pack")
        head = len(_SIGNATURE) + len(_VERSION)
        if len(data) < head + FINGERPRINT_BYTES + _CHECKSUM_BYTES:
            raise TruncatedDataError("the speaker pack is cut off")
        if data[len(_SIGNATURE)] != _VERSION[0]:
            raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
        body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
        if google_crc32c.value(body) != int.from_bytes(checksum, "little"):
            raise InvalidDataError("the speaker pack is damaged: the checksum does not match")
        fields = FieldReader(body[head:])
        weights = fields.raw(FINGERPRINT_BYTES)
        tensors, number = list[TensorChange](), -1
        for _ in range(fields.unsigned("number of tensors", MAX_TENSORS)):
            number += 1 + fields.unsigned("number of a tensor", _MAX_NUMBER)
            tensors.append(TensorChange(number, fields.unsigned("step of a tensor", MAX_SHIFT)))
        return cls(weights, tuple(tensors), fields.rest())


def fingerprint_of(pack: bytes) -> bytes:
    """What a file header calls the pack with these bytes: the first 16 bytes of their SHA-256."""
    return hashlib.sha256(pack).digest()[:FINGERPRINT_BYTES]
