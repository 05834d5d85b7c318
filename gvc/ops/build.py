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

    :returns: ``native`` (whether they are there), ``compiler``, ``cuda`` (whether the CUDA kernels
        are among them) and ``cuda_architectures`` (for which GPUs, as in ``sm_80 sm_90``).
    """
    if native is None:
        return {"native": False, "compiler": None, "cuda": False, "cuda_architectures": None}
    return {"native": True, **native.build_info()}
