"""Weights that no training changes, made of nothing but names and shapes.

Pictures of golden files are those of this network, so that they stay what they are when other
weights ship. Values are bytes of SHAKE-256 of a tensor's name: any language makes the same ones.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from gvc.model.mttf import Mttf
from gvc.model.profiles import LITE
from gvc.model.weights import Weights, fingerprint

#: Tensors of one value, by how their names end.
_CONSTANT = {
    "norm.weight": 1.0,
    "running_mean": 0.0,
    "running_var": 1.0,
    "beta": 1.0,
    "gamma": 0.03125,
    "coder.spread": 0.25,
    "log_reach": -2.0,
    "log_far": -0.75,
    "log_share": -4.5,
    "log_still": -6.75,
}

#: Others are between plus and minus 1 / √(inputs), biases so much, but for a few. The last layers
#: have larger ones, so that pictures are neither grey nor the key frame.
_BIAS = 0.0625
_BOUNDS = {
    "detector.offset.bias": 0.5,
    "foreground.head.convolution.weight": 1.0,
    "background.head.convolution.weight": 1.0,
    "keypoint_motion.linear.weight": 0.03125,
    "keypoint_motion.labels": 1.0,
    "motion.flow.head.weight": 0.125,
    "motion.weight.head.weight": 0.25,
}


def vector_weights() -> Weights:
    """The weights of the golden files with pictures."""
    shapes = {
        name: tuple(value.shape)
        for name, value in Mttf(LITE).state_dict().items()
        if value.is_floating_point()
    }
    arrays = {name: _values(name, shape) for name, shape in shapes.items()}
    return Weights("lite", arrays, fingerprint(arrays))


def _values(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float16]:
    for end, value in _CONSTANT.items():
        if name.endswith(end):
            return np.full(shape, value, np.float16)
    count = math.prod(shape)
    taken = np.frombuffer(hashlib.shake_256(name.encode()).digest(count), np.int8)
    bound = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else _BIAS
    bound = next((each for end, each in _BOUNDS.items() if name.endswith(end)), bound)
    return (taken.reshape(shape) * np.float32(bound / 128)).astype(np.float16)
