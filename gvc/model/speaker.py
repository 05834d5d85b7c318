"""Networks adapted to one speaker: which tensors may differ from the weights, and how.

Only what a decoder does behind the motion code may: E_F and the coder say what codes mean, and the
prior of the entropy model knows their codes. All arithmetic rounds once as IEEE 754 says, so that
every machine has the same weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gvc.errors import WeightsError
from gvc.model.weights import Weights, fingerprint

#: Adapted values are limited to this, far beyond all that training makes.
_BOUND = np.float32(1024)

#: What may differ: weights and biases of these networks.
_NETWORKS = ("foreground.", "background.", "motion.")
_KINDS = (".weight", ".bias")


@dataclass(frozen=True, slots=True)
class Difference:
    """How one tensor differs.

    :param name: of the tensor.
    :param levels: what is added to it in units of ``step``, int32 of its shape.
    :param step: a power of two.
    """

    name: str
    levels: npt.NDArray[np.int32]
    step: float


def adaptable(names: Iterable[str]) -> list[str]:
    """Those of the tensors that may differ, in order."""
    return sorted(name for name in names if name.startswith(_NETWORKS) and name.endswith(_KINDS))


def biases(names: Iterable[str]) -> list[str]:
    """The biases among them: what ``gvc adapt`` changes."""
    return [name for name in adaptable(names) if name.endswith(".bias")]


def adapted(weights: Weights, differences: Iterable[Difference]) -> Weights:
    """``weights`` with some tensors changed, all float16.

    :raises WeightsError: if a tensor is not there or may not differ, or has another shape.
    """
    arrays = dict(weights.arrays)
    allowed = set(adaptable(weights.arrays))
    for each in differences:
        if each.name not in allowed:
            raise WeightsError(f"a speaker pack must not change {each.name}")
        base = arrays[each.name].astype(np.float32)
        if each.levels.shape != base.shape:
            raise WeightsError(f"a speaker pack does not fit the tensor {each.name}")
        made = base + each.levels.astype(np.float32) * np.float32(each.step)
        arrays[each.name] = made.clip(-_BOUND, _BOUND).astype(np.float16)
    return Weights(weights.model, arrays, fingerprint(arrays))
