"""Where tests find the networks that LPIPS needs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from conftest import SHARED


def weights_folder() -> Path:
    """Where the LPIPS weights are; skips where they are not."""
    folder = Path(os.environ.get("GVC_METRIC_WEIGHTS", SHARED / "weights"))
    if not (folder / "alexnet_features_tv.pth").exists():
        pytest.skip("the LPIPS networks are not beside this checkout (../shared/weights)")
    if importlib.util.find_spec("lpips") is None:
        pytest.skip("the package lpips with the LPIPS heads is not installed")
    return folder
