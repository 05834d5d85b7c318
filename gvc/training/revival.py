"""Units that say nothing any more, made live again.

A norm that uses its running statistics knows what came to it when these were taken. Where the
layers before it have moved on since, what it gives may be below zero wherever one looks: behind
the ReLU nothing is left, no gradient comes back, and no further training mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gvc.model.layers import ConvBlock
from gvc.model.motion import FlowPredictor
from gvc.model.mttf import Mttf
from gvc.training.pairs import Batch

#: What a unit that was silent gives at first, in root mean square before its ReLU: so little that
#: pictures stay what they were.
_WHISPER = 0.05

#: A unit is left alone whose convolution gives the same everywhere, but for so much.
_LEAST_SPREAD = 1e-3


@torch.no_grad()
def revive(network: Mttf, batches: Sequence[Batch]) -> int:
    """Make units live that are zero in all ``batches``, in the motion networks and the generators.

    What pictures look like hardly changes by it. A flow predictor that says the same of all of
    them begins anew with that.

    :param network: on the device of the batches; it is left in evaluation mode.
    :returns: how many units it was.
    """
    network.eval()
    parts = nn.ModuleList([network.motion, network.foreground, network.background])
    blocks = [block for block in parts.modules() if isinstance(block, ConvBlock)]
    seen = {block: _Seen(block) for block in blocks}
    _run(network, batches)
    for each in seen.values():
        each.end()
    in_flow = [block for block in network.motion.flow.modules() if block in seen]
    if any(seen[block].silent.all() for block in in_flow):
        _begin_anew(network, batches)
        rest = [block for block in blocks if block not in in_flow]
    else:
        rest = blocks
    for block in rest:
        _raise(block, seen[block])
    return sum(int(each.silent.sum()) for each in seen.values())


class _Seen:
    """What the units of a block gave, from now until :meth:`end`."""

    def __init__(self, block: ConvBlock) -> None:
        units = block.convolution.weight.new_zeros(block.convolution.out_channels)
        self._count = 0
        self._sum, self._squares = units.double(), units.double()
        self._heard = units.bool()
        self._hooks = [
            block.convolution.register_forward_hook(self._convolved),
            block.norm.register_forward_hook(self._normed),
        ]

    def end(self) -> None:
        """Look away."""
        for hook in self._hooks:
            hook.remove()

    @property
    def mean(self) -> Tensor:
        """Of what the convolution gave, [O]."""
        return (self._sum / self._count).float()

    @property
    def spread(self) -> Tensor:
        """Standard deviation of the same, [O]."""
        variance = self._squares / self._count - (self._sum / self._count).square()
        return variance.clamp_min(0).sqrt().float()

    @property
    def silent(self) -> Tensor:
        """Which units were never above zero, and can be raised, bool [O]."""
        if not self._count:
            return torch.zeros_like(self._heard)
        return ~self._heard & (self.spread > _LEAST_SPREAD)

    def _convolved(self, _: nn.Module, __: Any, made: Tensor) -> None:
        self._count += made.numel() // made.shape[1]
        self._sum += made.double().sum(dim=(0, 2, 3))
        self._squares += made.double().square().sum(dim=(0, 2, 3))

    def _normed(self, _: nn.Module, __: Any, made: Tensor) -> None:
        self._heard |= (made > 0).any(dim=3).any(dim=2).any(dim=0)


def _raise(block: ConvBlock, seen: _Seen) -> None:
    """Let silent units give a little, of mean zero before the ReLU."""
    silent = seen.silent
    if not silent.any():
        return
    mean, spread = seen.mean[silent], seen.spread[silent]
    norm, convolution = block.norm, block.convolution
    if isinstance(norm, nn.BatchNorm2d):
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean[silent] = mean
        norm.running_var[silent] = spread.square()
        norm.weight[silent] = _WHISPER
        norm.bias[silent] = 0
        return
    assert convolution.bias is not None
    scale = _WHISPER / spread
    convolution.weight[silent] *= scale[:, None, None, None]
    convolution.bias[silent] = (convolution.bias[silent] - mean) * scale


def _begin_anew(network: Mttf, batches: Sequence[Batch]) -> None:
    """Let the flow predictor say what it said on average, and its features vary again."""
    flow: FlowPredictor = network.motion.flow
    said: list[Tensor] = []
    hook = flow.register_forward_hook(lambda _, __, made: said.append(made.mean(dim=(0, 3, 4))))
    norms = [norm for norm in flow.modules() if isinstance(norm, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    _run(network, batches[:1])
    hook.remove()
    for norm in norms:
        norm.reset_parameters()
        # The plain mean over all batches.
        norm.momentum = None
        norm.train()
    _run(network, batches)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
        norm.eval()
    flow.head.weight.zero_()
    assert flow.head.bias is not None
    flow.head.bias.copy_(said[0].flatten())


def _run(network: Mttf, batches: Sequence[Batch]) -> None:
    for batch in batches:
        network(batch.key, batch.frames)
