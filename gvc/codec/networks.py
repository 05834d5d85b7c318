"""The network as decoders run it: in float32, or in 8-bit integers."""

from __future__ import annotations

from pathlib import Path

from gvc.codec.settings import Precision
from gvc.errors import UsageError
from gvc.model import int8, ranges
from gvc.model.mttf import Mttf


def for_decoding(
    network: Mttf,
    weights: bytes,
    precision: Precision,
    *,
    device: str = "cpu",
    extra_weights: Path | None = None,
) -> Mttf:
    """Let ``network`` generate pictures at a precision.

    :param network: from :func:`gvc.model.inference.for_inference`. Where it is to compute in
        integers it is changed; gradients do not go through it then.
    :param weights: fingerprint of its weights. :param extra_weights: beside which to look for what
        integers need to know of them, first.
    :returns: ``network`` itself.
    :raises UsageError: if integers were asked for and cannot be had.
    :raises WeightsError: if what is known of the weights is damaged.
    """
    if precision is Precision.FLOAT32:
        return network
    obstacle, known = None, None
    if device != "cpu" or not int8.is_fast():
        obstacle = "needs a CPU with AVX-512 VNNI"
    else:
        known = ranges.belonging_to(weights, extra=extra_weights)
        if known is None:
            obstacle = "needs ranges of features, and these weights have none"
    if known is not None:
        return int8.in_integers(network, known)
    if precision is Precision.INT8:
        raise UsageError(
            f"precision int8 {obstacle}", hint="auto takes it where it can; gvc train-ranges"
        )
    return network
