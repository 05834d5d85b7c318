"""Where the linear heads of LPIPS are."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def packaged_heads(backbone: str) -> list[Path]:
    """Where the package ``lpips`` has the heads of ``backbone``; its code is not imported.

    :returns: one path, or none if the package is not installed.
    """
    spec = importlib.util.find_spec("lpips")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / "weights" / "v0.1" / f"{backbone}.pth"]
