"""Motion of keypoints, spread to a dense motion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gvc.ops.arrays import described, run, runs_natively
from gvc.ops.build import native
from gvc.ops.resizing import identity_grid, resize

#: Labels are divided by the weight near a position plus this: nothing where no keypoint is near.
UNLABELLED = 0.1


@dataclass(frozen=True, slots=True)
class KeypointField:
    """K keypoints of N frames with what they spread.

    A keypoint weighs k(|z − centre| / reach) + share · k(|z − centre| / far) at the position z,
    with k(r) = (1 + r²)⁻³; what stands still has a constant weight. Positions and centres are
    relative to ``middle``, in units of ``scale``.

    :param middle: in normalised coordinates, [N, 1, 2]; :param scale: [N, 1, 1].
    :param centres: [N, K, 2]; :param displacements: in normalised coordinates, [N, K, 2].
    :param labels: [K, L].
    :param log_reach: logarithms, [K]; :param log_far: [1]; :param log_share: [1].
    :param log_still: logarithm of the weight of what stands still, [1].
    """

    middle: Tensor
    scale: Tensor
    centres: Tensor
    displacements: Tensor
    labels: Tensor
    log_reach: Tensor
    log_far: Tensor
    log_share: Tensor
    log_still: Tensor


def spread_keypoints(field: KeypointField, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Spread what keypoints say over maps of ``size``×``size``.

    :returns: the mean displacement with its sign turned, [N, 2, S', S']; the keypoints' share of
        all weights, [N, 1, S', S']; the mean of the labels by near weights, [N, L, S', S'].
    """
    natively = runs_natively(
        field.middle, field.scale, field.centres, field.displacements, field.labels,
        field.log_reach, field.log_far, field.log_share, field.log_still,
    )  # fmt: skip
    return _natively(field, size) if natively else _reference(field, size)


def _natively(field: KeypointField, size: int) -> tuple[Tensor, Tensor, Tensor]:
    count, device = len(field.centres), field.centres.device
    displacement = torch.empty(count, 2, size, size, device=device)
    share = torch.empty(count, 1, size, size, device=device)
    labels = torch.empty(count, field.labels.shape[1], size, size, device=device)
    # Kept by name: the kernel knows no more of them than their addresses.
    narrow = torch.exp(-2 * field.log_reach)[None, None, None]
    frame = torch.cat([field.middle, field.scale], dim=2)[:, None]
    constants = torch.cat(
        [torch.exp(-2 * field.log_far), field.log_share.exp(), field.log_still.exp()]
    )[None, None, None]
    scratch = {}
    if device.type == "cuda":
        side = max(1, size // 4)
        far = torch.empty(count, 3, side, side, device=device)
        scratch = {"scratch": described(far)}
    run(
        native.spread_keypoints,
        described(field.centres[:, None]),
        described(field.displacements[:, None]),
        described(field.labels[None, None]),
        described(narrow),
        described(frame),
        described(constants),
        described(displacement),
        described(share),
        described(labels),
        on=field.centres,
        **scratch,
    )
    return displacement, share, labels


def _reference(field: KeypointField, size: int) -> tuple[Tensor, Tensor, Tensor]:
    spread = torch.cat(
        [
            field.displacements,
            torch.ones_like(field.displacements[:, :, :1]),
            field.labels.expand(len(field.centres), -1, -1),
        ],
        dim=2,
    )

    def weigh(log_reach: Tensor, values: Tensor, side: int) -> Tensor:
        place = identity_grid(side, side, field.centres).flatten(2).mT
        places = (place - field.middle) / field.scale
        maps = _kernel(places, field.centres, log_reach) @ values
        return maps.mT.unflatten(2, (side, side))

    near = weigh(field.log_reach, spread, size)
    # What reaches far is smooth, and a coarse map of it will do.
    far = weigh(field.log_far.expand(len(field.log_reach)), spread[:, :, :3], max(1, size // 4))
    both = near[:, :3] + field.log_share.exp() * resize(far, size, size)
    whole = both[:, 2:] + field.log_still.exp()
    labels = near[:, 3:] / (near[:, 2:3] + UNLABELLED)
    return -both[:, :2] / whole, both[:, 2:] / whole, labels


def _kernel(places: Tensor, centres: Tensor, log_reach: Tensor) -> Tensor:
    """k(|z − p| / reach) for places z [N, M, 2], centres p [N, K, 2] and reaches [K]: [N, M, K].

    The argument of the cube is one matrix product, of (|z|², z, 1) and (1, −2p, |p|²) / reach².
    """
    narrow = torch.exp(-2 * log_reach)
    rows = torch.cat(
        [places.square().sum(dim=2, keepdim=True), places, torch.ones_like(places[:, :, :1])],
        dim=2,
    )
    columns = torch.stack(
        [
            narrow.expand(len(centres), -1),
            -2 * centres[:, :, 0] * narrow,
            -2 * centres[:, :, 1] * narrow,
            centres.square().sum(dim=2) * narrow + 1,
        ],
        dim=1,
    )
    inverse = (rows @ columns).clamp_min(1).reciprocal()
    return inverse * inverse * inverse
