"""Operations on tensors that the networks need beyond torch's own, native where they can be.

May import ``gvc._native``. :func:`build_info` needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gvc.ops.build import build_info

if TYPE_CHECKING:
    from gvc.ops.sampling import warp as warp

__all__ = ["build_info", "warp"]


def __getattr__(name: str) -> object:
    """Import torch when an operation is first used, not before."""
    if name == "warp":
        from gvc.ops.sampling import warp

        return warp
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
