"""Golden files are written once. This is all that writes them, and it overwrites none by itself."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

VECTORS = Path(__file__).with_name("vectors")

#: SHA-256 of each, as ``sha256sum --check`` takes it.
MANIFEST = VECTORS / "SHA256SUMS"

#: What has to be said to write another file in the place of one.
OVERWRITE = "--overwrite"


def write_vector(name: str, data: bytes) -> None:
    """Write a golden file, and note it in the manifest.

    :raises SystemExit: if another one has that name, unless the command line says to overwrite it.
    """
    path = VECTORS / name
    if path.exists() and path.read_bytes() != data and OVERWRITE not in sys.argv:
        sys.exit(f"{path}: is there and has other bytes; {OVERWRITE} makes old files unreadable")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    MANIFEST.write_text(manifest())


def manifest() -> str:
    """The lines that :data:`MANIFEST` should have."""
    paths = sorted(path for path in VECTORS.rglob("*") if path.is_file() and path != MANIFEST)
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(VECTORS).as_posix()}\n"
        for path in paths
    )
