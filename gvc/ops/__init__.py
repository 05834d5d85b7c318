"""Operations on tensors that the networks need beyond torch's own, native where they can be.

May import ``gvc._native``. :func:`build_info` needs no torch.

Each has a reference in torch's operators, which runs where there is no native module, where
gradients are wanted (``warp`` also has native gradients), for other types than float32, and on
other devices than the CPU and, where CUDA kernels were built, GPUs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gvc.ops.build import build_info

if TYPE_CHECKING:
    from gvc.ops.composite import Branches as Branches
    from gvc.ops.composite import Layers as Layers
    from gvc.ops.composite import YuvMatrix as YuvMatrix
    from gvc.ops.composite import compose_planes as compose_planes
    from gvc.ops.composite import paint as paint
    from gvc.ops.composite import to_planes as to_planes
    from gvc.ops.flow_warp import blend_warped as blend_warped
    from gvc.ops.flow_warp import warp_by_flow as warp_by_flow
    from gvc.ops.flow_warp import warp_by_flows as warp_by_flows
    from gvc.ops.interleaving import interleave as interleave
    from gvc.ops.keypoint_spread import KeypointField as KeypointField
    from gvc.ops.keypoint_spread import spread_keypoints as spread_keypoints
    from gvc.ops.mixture import mix_flows as mix_flows
    from gvc.ops.quantisation import quantise as quantise
    from gvc.ops.resizing import identity_grid as identity_grid
    from gvc.ops.resizing import resize as resize
    from gvc.ops.sampling import warp as warp

__all__ = [
    "Branches",
    "KeypointField",
    "Layers",
    "YuvMatrix",
    "blend_warped",
    "build_info",
    "compose_planes",
    "identity_grid",
    "interleave",
    "mix_flows",
    "paint",
    "quantise",
    "resize",
    "spread_keypoints",
    "to_planes",
    "warp",
    "warp_by_flow",
    "warp_by_flows",
]

_MODULES = {
    "Branches": "composite",
    "KeypointField": "keypoint_spread",
    "Layers": "composite",
    "YuvMatrix": "composite",
    "blend_warped": "flow_warp",
    "compose_planes": "composite",
    "identity_grid": "resizing",
    "interleave": "interleaving",
    "mix_flows": "mixture",
    "paint": "composite",
    "quantise": "quantisation",
    "resize": "resizing",
    "spread_keypoints": "keypoint_spread",
    "to_planes": "composite",
    "warp": "sampling",
    "warp_by_flow": "flow_warp",
    "warp_by_flows": "flow_warp",
}


def __getattr__(name: str) -> object:
    """Import torch when an operation is first used, not before."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
