"""Speaker packs of any bytes, read and applied to weights of the usual names."""

from __future__ import annotations

import contextlib
import random

import numpy as np

from fuzz import structure
from fuzz.changes import Change
from gvc.bitstream import SpeakerPack
from gvc.codec.speaker_packs import LoadedPack
from gvc.errors import GvcError
from gvc.model.weights import Weights

#: Small arrays with names that packs may change, and others; those that ship take too long.
_SHAPES = {
    "background.a.bias": (5,),
    "background.b.weight": (3, 4, 3, 3),
    "coder.a.bias": (2,),
    "foreground.a.bias": (17,),
    "motion.a.weight": (1, 1),
}
_ARRAYS = {name: np.full(shape, 0.5, np.float16) for name, shape in _SHAPES.items()}


def check(data: bytes) -> None:
    """What can be read can be written, and is the same; what fits changes weights to numbers."""
    with contextlib.suppress(GvcError):
        pack = SpeakerPack.from_bytes(data)
        assert SpeakerPack.from_bytes(pack.to_bytes()) == pack
        adapted = LoadedPack.from_bytes(data).adapt(Weights("lite", _ARRAYS, pack.weights))
        for name, array in adapted.arrays.items():
            assert array.shape == _SHAPES[name]
            assert np.isfinite(array).all()


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Before the checksum, which then fits."""
    return change(data) if chance.random() < 0.03 else structure.change_pack(data, change)
