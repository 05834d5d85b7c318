"""From logits and coarse flows to dense motion."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.ops.arrays import described, run, runs_natively
from gvc.ops.build import native
from gvc.ops.resizing import averages, resize


def mix_flows(
    logits: Tensor, flows: Tensor, carried: Tensor, *, foreground: int, guided: int
) -> tuple[Tensor, Tensor]:
    """Weigh flows by a softmax over those of the foreground and one over those of the background.

    :param logits: of the weights, [N, K, S, S].
    :param flows: [N, K, 2, s, s], resized to S×S.
    :param carried: a motion to which the first ``guided`` flows are relative, [N, 2, S', S'].
    :param foreground: how many flows, the first ones, are the foreground's; the others are the
        background's.
    :returns: the foreground's sum at S'×S', with as much of ``carried`` as the guided flows have of
        the weights, [N, 2, S', S'] (eq. 14); the background's sum, [N, 2, S, S] (eq. 15).
    """
    natively = runs_natively(logits, flows, carried)
    resized = averages(flows.shape, *logits.shape[-2:])
    resized = resized or averages(logits.shape, *carried.shape[-2:])
    if not natively or resized:
        return _reference(logits, flows, carried, foreground, guided)
    count, _, height, width = logits.shape
    # Kept by name: the kernel knows no more of it than its address.
    flat = flows.flatten(1, 2)
    front = torch.empty(count, 2, *carried.shape[-2:], device=logits.device)
    back = torch.empty(count, 2, height, width, device=logits.device)
    scratch = {}
    if logits.device.type == "cuda":
        own = torch.empty(count, 3, height, width, device=logits.device)
        scratch = {"scratch": described(own)}
    run(
        native.mix_flows,
        described(logits),
        described(flat),
        described(carried),
        foreground,
        guided,
        described(front),
        described(back),
        on=logits,
        **scratch,
    )
    return front, back


def _reference(
    logits: Tensor, flows: Tensor, carried: Tensor, foreground: int, guided: int
) -> tuple[Tensor, Tensor]:
    weights = functional.softmax(logits[:, :foreground], dim=1)
    share = weights[:, :guided].sum(dim=1, keepdim=True)
    own = torch.cat([_sum(flows[:, :foreground], weights), share], dim=1)
    own = resize(own, *carried.shape[-2:])
    front = own[:, :2] + carried * own[:, 2:]
    return front, _sum(flows[:, foreground:], functional.softmax(logits[:, foreground:], dim=1))


def _sum(flows: Tensor, weights: Tensor) -> Tensor:
    """Sum of flows [N, K, 2, s, s] with weights [N, K, S, S]."""
    flows = resize(flows.flatten(1, 2), *weights.shape[-2:]).unflatten(1, flows.shape[1:3])
    return (flows * weights[:, :, None]).sum(dim=1)
