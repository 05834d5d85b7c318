"""Entropy models by the name that file headers call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gvc.entropy.adaptive import AdaptiveLevels
from gvc.entropy.choices import InterType, KeyChoice
from gvc.entropy.group import Factory, GroupDecoder, GroupEncoder
from gvc.entropy.kalman import KalmanLevels
from gvc.entropy.learned import LearnedLevels, Network, Prior
from gvc.errors import UnsupportedError


class MotionEncoder(Protocol):
    """Codes the frames of one group: the calls of each kind in the order of the frames.

    In the run all choices come first, then all delays, then all levels.
    """

    def encode_choice(self, kind: InterType, choice: KeyChoice, *, keys: int) -> None:
        """Code how the next inter frame is made.

        :param keys: number of key frames of the group.
        """

    def encode(self, levels: npt.NDArray[np.int32]) -> None:
        """Code the quantised motion code of the next frame, int32 [code_length]."""

    def encode_delay(self, delay: int) -> None:
        """Code how many ticks later than usual the next frame comes."""

    def finish(self) -> bytes:
        """End the run; returns all its bytes."""


class MotionDecoder(Protocol):
    """Decodes what a :class:`MotionEncoder` coded: all choices, all delays, then the levels."""

    def decode_choice(self, *, keys: int) -> tuple[InterType, KeyChoice]:
        """How the next inter frame is made."""

    def decode(self) -> npt.NDArray[np.int32]:
        """The next frame's quantised motion code, int32 [code_length].

        :raises InvalidDataError: if the data is damaged.
        """

    def decode_delay(self) -> int:
        """How many ticks later than usual the next frame comes."""


@dataclass(frozen=True, slots=True)
class _Codes:
    """What an entropy model may know of the motion codes besides their levels.

    :param length: coefficients of a code.
    :param step: their quantiser step.
    :param prior: trained integers, for models that need them.
    """

    length: int
    step: Fraction = Fraction(1)
    prior: Prior | None = None


def _adaptive(codes: _Codes) -> Factory:
    return partial(AdaptiveLevels, codes.length)


def _kalman(codes: _Codes) -> Factory:
    return partial(KalmanLevels, codes.length)


def _learned(codes: _Codes) -> Factory:
    if codes.prior is None:
        raise UnsupportedError("entropy model 'learned' needs a prior")
    network = Network(codes.prior, codes.length)
    return partial(LearnedLevels, network, codes.step.as_integer_ratio())


_MODELS: Mapping[str, Callable[[_Codes], Factory]] = {
    "adaptive": _adaptive,
    "kalman": _kalman,
    "learned": _learned,
}


def names() -> tuple[str, ...]:
    """All names that are known."""
    return tuple(_MODELS)


def needs_prior(name: str) -> bool:
    """Whether the model ``name`` needs trained integers."""
    return name == "learned"


def create_encoder(
    name: str, length: int, *, step: Fraction = Fraction(1), prior: Prior | None = None
) -> MotionEncoder:
    """A new encoder for one group.

    :param length: coefficients of a motion code. :param step: their quantiser step.
    :param prior: trained integers, for models that need them.
    :raises UnsupportedError: if no model is called ``name``, or it lacks its prior.
    :raises WeightsError: if the prior is none, or for codes of another length.
    """
    return GroupEncoder(_factory(name, _Codes(length, step, prior)))


def create_decoder(
    name: str, length: int, data: bytes, *, step: Fraction = Fraction(1), prior: Prior | None = None
) -> MotionDecoder:
    """A new decoder for the motion payload of one group; see :func:`create_encoder`."""
    return GroupDecoder(_factory(name, _Codes(length, step, prior)), data)


def _factory(name: str, codes: _Codes) -> Factory:
    if name not in _MODELS:
        raise UnsupportedError(f"entropy model {name!r} is not known", hint="update gvc")
    return _MODELS[name](codes)
