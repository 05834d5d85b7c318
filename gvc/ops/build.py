"""How the native kernels were built."""

from __future__ import annotations

__all__ = ["build_info", "native"]

try:
    from gvc import _native as native
except ImportError:
    # Installed without a compiler; torch's own operators do the work, more slowly.
    native = None  # type: ignore[assignment]


def build_info() -> dict[str, object]:
    """What the native kernels were built by.

    :returns: ``native`` (whether they are there), ``compiler`` and ``cuda`` (whether the CUDA
        kernels are among them).
    """
    if native is None:
        return {"native": False, "compiler": None, "cuda": False}
    return {"native": True, **native.build_info()}
