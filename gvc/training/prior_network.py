"""The learned prior of motion codes as a network that trains: floats that will be integers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gvc.entropy.trajectory import FEATURES, FRAME_FEATURES

#: Inputs that say something of the whole frame: those of the trajectory, step and activity.
FRAME_INPUTS = FRAME_FEATURES + 2

#: Decisions on the number of changes, and classes of how many are left.
COUNTED, LEFT = 8, 6

#: Decisions on a change: is it here? downwards? by more than one? by more than two?
CHANGES = 4

#: Integer weights are in units of 1/64, biases in units of 1/1024.
_WEIGHT_UNIT, _BIAS_UNIT = 64, 1024

#: Bound of log-odds from which odds are made, as in :mod:`gvc.entropy.learned`.
_ODDS_BOUND = 7.9


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames, and the changes in them one by one.

    :param features: float32 [N, inputs], of the frames. :param counts: int64 [N]: changes.
    :param frame: int64 [M]: for each change, the frame's place in the batch.
    :param start: int64 [M]: where the search for it begins. :param left: int64 [M]: how many there
        are, itself included. :param place: int64 [M]. :param change: int64 [M]: by how much.
    :param present: float32 [M, 2L + 14]: what is known of the frame when it is coded.
    """

    features: Tensor
    counts: Tensor
    frame: Tensor
    start: Tensor
    left: Tensor
    place: Tensor
    change: Tensor
    present: Tensor


class PriorNetwork(nn.Module):
    """The layers of :class:`gvc.entropy.learned.Network`, rounded as they will be.

    :param length: coefficients of a motion code. :param units: hidden ones.
    """

    def __init__(self, length: int, units: int) -> None:
        super().__init__()
        self._length = length
        self.past = nn.Parameter(0.03 * torch.randn(units, length * FEATURES + FRAME_INPUTS))
        self.past_bias = nn.Parameter(0.5 * torch.rand(units))
        self.present = nn.Parameter(0.03 * torch.randn(units, 2 * length + COUNTED + LEFT))
        self.counts = nn.Parameter(0.03 * torch.randn(COUNTED, units))
        self.counts_frame = nn.Parameter(torch.zeros(COUNTED, FRAME_INPUTS))
        self.counts_bias = nn.Parameter(torch.zeros(COUNTED))
        self.changes = nn.Parameter(0.03 * torch.randn(CHANGES, length, units))
        # The last two features are log-odds that a level changes, already.
        own = torch.zeros(CHANGES, length, FEATURES)
        own[0, :, -2], own[0, :, -1] = 0.6, 0.3
        self.changes_own = nn.Parameter(own)
        bias = torch.zeros(CHANGES, length)
        bias[2:] = -1.5
        self.changes_bias = nn.Parameter(bias)

    def forward(self, batch: Batch, dropout: float = 0.0) -> Tensor:
        """Bits that all frames of ``batch`` take: for counts, places, signs and magnitudes."""
        own = batch.features[:, : self._length * FEATURES]
        rest = batch.features[:, -FRAME_INPUTS:]
        seen = functional.dropout(own, dropout, self.training)
        past = torch.cat((seen, rest), dim=1) @ _weights(self.past).T + _bias(self.past_bias)
        odds = _active(past) @ _weights(self.counts).T + rest @ _weights(self.counts_frame).T
        counts = self._count_bits(odds + _bias(self.counts_bias), batch.counts)
        hidden = past[batch.frame] + batch.present @ _weights(self.present).T
        features = own[batch.frame].view(-1, self._length, FEATURES)
        odds = torch.einsum("mh,klh->mkl", _active(hidden), _weights(self.changes))
        odds = odds + torch.einsum("mlf,klf->mkl", features, _weights(self.changes_own))
        odds = odds + _bias(self.changes_bias)
        places = self._place_bits(odds[:, 0], batch)
        at = batch.place[:, None, None].expand(-1, CHANGES, 1)
        _, sign, *more = odds.gather(2, at)[:, :, 0].unbind(1)
        signs = _bits(sign, batch.change < 0).sum()
        size = batch.change.abs()
        magnitudes = [
            (_bits(odds, size > step) * (size >= step)).sum() for step, odds in enumerate(more, 1)
        ]
        return torch.stack((counts, places, signs, sum(magnitudes[1:], magnitudes[0])))

    def _count_bits(self, odds: Tensor, counts: Tensor) -> Tensor:
        steps = torch.arange(COUNTED, device=odds.device)
        asked = counts[:, None] >= steps
        return (_bits(odds, counts[:, None] > steps) * asked).sum()

    def _place_bits(self, odds: Tensor, batch: Batch) -> Tensor:
        weights = odds.clamp(-_ODDS_BOUND, _ODDS_BOUND).exp()
        behind = weights.flip(1).cumsum(1).flip(1)
        chance = (batch.left[:, None] * weights / behind).clamp(1e-4, 15 / 16)
        places = torch.arange(self._length, device=odds.device)
        asked = (places >= batch.start[:, None]) & (places <= batch.place[:, None])
        asked &= batch.left[:, None] < self._length - places
        is_it = (places == batch.place[:, None]).float()
        lost = functional.binary_cross_entropy(chance, is_it, reduction="none")
        return (lost * asked).sum() / math.log(2)

    def integers(self) -> Mapping[str, npt.NDArray[np.integer]]:
        """The layers as :class:`gvc.entropy.learned.Network` takes them."""
        weights = {
            "past.weight": self.past,
            "present.weight": self.present,
            "counts.weight": self.counts,
            "counts.frame": self.counts_frame,
            "changes.weight": self.changes,
            "changes.own": self.changes_own,
        }
        biases = {
            "past.bias": self.past_bias,
            "counts.bias": self.counts_bias,
            "changes.bias": self.changes_bias,
        }
        arrays: dict[str, npt.NDArray[np.integer]] = {}
        for name, tensor in weights.items():
            scaled = _weights(tensor.detach().cpu()) * _WEIGHT_UNIT
            arrays[name] = scaled.numpy().round().astype(np.int8)
        for name, tensor in biases.items():
            scaled = _bias(tensor.detach().cpu()) * _BIAS_UNIT
            arrays[name] = scaled.numpy().round().astype(np.int16)
        return arrays


def _active(hidden: Tensor) -> Tensor:
    return hidden.clamp(0, 16)


def _bits(odds: Tensor, wanted: Tensor) -> Tensor:
    lost = functional.binary_cross_entropy_with_logits(odds, wanted.float(), reduction="none")
    return lost / math.log(2)


def _weights(tensor: Tensor) -> Tensor:
    return _rounded(tensor, _WEIGHT_UNIT, 127)


def _bias(tensor: Tensor) -> Tensor:
    return _rounded(tensor, _BIAS_UNIT, 32767)


def _rounded(tensor: Tensor, unit: int, bound: int) -> Tensor:
    """What the integers will say; gradients pass as if nothing were rounded."""
    whole = (tensor.detach() * unit).round().clamp(-bound, bound) / unit
    return tensor + (whole - tensor.detach())
