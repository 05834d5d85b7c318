"""Where the networks of metrics are."""

from __future__ import annotations

import os
from pathlib import Path


def weights_folder(folder: Path | None) -> Path | None:
    """``folder``, or the one that ``GVC_METRIC_WEIGHTS`` names, if any does."""
    if folder is None and "GVC_METRIC_WEIGHTS" in os.environ:
        return Path(os.environ["GVC_METRIC_WEIGHTS"])
    return folder
