"""Speaker packs: found by their fingerprint, made of a difference, applied to weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gvc.bitstream import MAX_PACK, SpeakerPack, TensorChange, fingerprint_of
from gvc.entropy import decode_differences, encode_differences
from gvc.errors import GvcError, InvalidDataError, MediaError, WeightsError
from gvc.model import speaker
from gvc.model.speaker import Difference
from gvc.model.weights import Weights

#: How names of packs end.
SUFFIX = ".gvcp"


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A pack and the bytes that it came in.

    :param data: the whole file. :param pack: what it says.
    """

    data: bytes
    pack: SpeakerPack

    @classmethod
    def from_bytes(cls, data: bytes) -> LoadedPack:
        """Read a pack.

        :raises InvalidDataError, UnsupportedError: if it is none that this version reads.
        """
        return cls(data, SpeakerPack.from_bytes(data))

    @property
    def fingerprint(self) -> bytes:
        """What file headers call it."""
        return fingerprint_of(self.data)

    def adapt(self, weights: Weights) -> Weights:
        """The weights for its speaker; ``weights`` are those that it was made for.

        :raises WeightsError: if they are others.
        :raises InvalidDataError: if it changes what must not be changed.
        """
        if weights.fingerprint != self.pack.weights:
            raise WeightsError(
                f"the speaker pack was made for the weights {self.pack.weights.hex()}, "
                f"these are {weights.fingerprint.hex()}"
            )
        names = sorted(weights.arrays)
        if self.pack.tensors and self.pack.tensors[-1].number >= len(names):
            raise InvalidDataError("the speaker pack changes a tensor that is not there")
        chosen = [names[tensor.number] for tensor in self.pack.tensors]
        shapes = [_rows(weights.arrays[name].shape) for name in chosen]
        levels = decode_differences(self.pack.levels, shapes)
        return speaker.adapted(
            weights,
            (
                Difference(name, array.reshape(weights.arrays[name].shape), 2.0**-tensor.shift)
                for name, array, tensor in zip(chosen, levels, self.pack.tensors, strict=True)
            ),
        )


def make(weights: Weights, differences: Sequence[Difference]) -> LoadedPack:
    """The pack that turns ``weights`` into those with ``differences``; all zeros are left out."""
    names = sorted(weights.arrays)
    kept = sorted((each for each in differences if each.levels.any()), key=lambda each: each.name)
    tensors = tuple(TensorChange(names.index(each.name), -int(np.log2(each.step))) for each in kept)
    levels = encode_differences(each.levels.reshape(_rows(each.levels.shape)) for each in kept)
    return LoadedPack.from_bytes(SpeakerPack(weights.fingerprint, tensors, levels).to_bytes())


def load(path: Path) -> LoadedPack:
    """Read a pack.

    :raises MediaError: if there is no such file.
    :raises InvalidDataError, UnsupportedError: if it is no pack that this version reads.
    """
    try:
        return LoadedPack.from_bytes(_read(path))
    except GvcError as error:
        raise type(error)(error.cause, path=path, hint=error.hint) from error


def find(wanted: bytes, *, embedded: bytes | None, places: Sequence[Path]) -> LoadedPack:
    """The pack with a given fingerprint.

    :param embedded: the pack inside the file, if there is one. :param places: packs, and folders
        of packs, to look at in turn.
    :raises MediaError: if one of the places is not there.
    :raises WeightsError: if the pack is not there, naming its fingerprint.
    :raises InvalidDataError, UnsupportedError: if it is none that this version reads.
    """
    if embedded is not None:
        return LoadedPack.from_bytes(embedded)
    for path in _candidates(places):
        data = _read(path)
        if fingerprint_of(data) == wanted:
            return LoadedPack.from_bytes(data)
    raise WeightsError(
        f"made with the speaker pack {wanted.hex()}, which is not here",
        hint=f"give the {SUFFIX} file, or the folder that holds it, with --pack",
    )


def _candidates(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob(f"*{SUFFIX}"))
        else:
            yield place


def _read(path: Path) -> bytes:
    """A file's bytes; no more than one more than a pack may have."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_PACK + 1)
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=path) from error


def _rows(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a tensor's levels as they are coded."""
    return shape[0], int(np.prod(shape[1:], dtype=np.int64))
