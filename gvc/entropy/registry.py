"""Entropy models by the name that file headers call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gvc.entropy.adaptive import AdaptiveDecoder, AdaptiveEncoder
from gvc.entropy.choices import InterType, KeyChoice
from gvc.errors import UnsupportedError


class MotionEncoder(Protocol):
    """Codes the frames of one group: first all choices, then delays and levels, each in order."""

    def encode(self, levels: npt.NDArray[np.int32]) -> None:
        """Code the quantised motion code of the next frame, int32 [code_length]."""

    def encode_delay(self, delay: int) -> None:
        """Code how many ticks later than usual the next frame comes; before its levels."""

    def encode_type(self, kind: InterType) -> None:
        """Code the type of the next inter frame."""

    def encode_key(self, choice: KeyChoice, keys: int) -> None:
        """Code which of ``keys`` key frames the next inter frame is animated from."""

    def finish(self) -> bytes:
        """End the run; returns all its bytes."""


class MotionDecoder(Protocol):
    """Decodes what a :class:`MotionEncoder` coded, by the same calls in the same order."""

    def decode(self) -> npt.NDArray[np.int32]:
        """The next frame's quantised motion code, int32 [code_length].

        :raises InvalidDataError: if the data is damaged.
        """

    def decode_delay(self) -> int:
        """How many ticks later than usual the next frame comes."""

    def decode_type(self) -> InterType:
        """The type of the next inter frame."""

    def decode_key(self, keys: int) -> KeyChoice:
        """Which of ``keys`` key frames the next inter frame is animated from."""


_MODELS: Mapping[
    str, tuple[Callable[[int], MotionEncoder], Callable[[int, bytes], MotionDecoder]]
] = {
    "adaptive": (AdaptiveEncoder, AdaptiveDecoder),
}


def names() -> tuple[str, ...]:
    """All names that are known."""
    return tuple(_MODELS)


def create_encoder(name: str, code_length: int) -> MotionEncoder:
    """A new encoder for one group.

    :raises UnsupportedError: if no model is called ``name``.
    """
    if name not in _MODELS:
        raise UnsupportedError(f"entropy model {name!r} is not known", hint="update gvc")
    return _MODELS[name][0](code_length)


def create_decoder(name: str, code_length: int, data: bytes) -> MotionDecoder:
    """A new decoder for the motion payload of one group.

    :raises UnsupportedError: if no model is called ``name``.
    """
    if name not in _MODELS:
        raise UnsupportedError(f"entropy model {name!r} is not known", hint="update gvc")
    return _MODELS[name][1](code_length, data)
