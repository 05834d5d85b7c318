"""What tests of archives share: tiny recordings, and a look at what is on disk."""

from __future__ import annotations

import shutil
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from conftest import write_clip

from gvc.archive.entry import Entry, State
from gvc.archive.files import hash_of
from gvc.archive.manifest import Manifest
from gvc.bitstream import BitstreamReader

#: The command line, and options that make it fast.
GVC = [sys.executable, "-m", "gvc"]
FAST = ["--preset", "faster", "--threads", "1"]


@cache
def recording() -> bytes:
    """A recording of six frames."""
    folder = Path(mkdtemp())
    try:
        path = write_clip(folder / "tiny.mp4", width=64, height=64, frames=6, audio=False)
        return path.read_bytes()
    finally:
        shutil.rmtree(folder)


def make_tree(folder: Path, *names: str | bytes) -> Path:
    """Recordings of these names."""
    for name in names:
        path = folder / (name if isinstance(name, str) else name.decode(errors="surrogateescape"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording())
    return folder


def entries(archive: Path) -> dict[str, Entry]:
    """What the manifest holds, by name."""
    with Manifest(archive) as manifest:
        return {str(entry.name): entry for entry in manifest.entries()}


def check(archive: Path) -> None:
    """Every file under its final name is whole and what its row says; nothing else lies around."""
    known = entries(archive)
    targets = {archive / entry.target for entry in known.values() if entry.state is State.DONE}
    found = {path for path in archive.rglob("*") if path.is_file()}
    found = {path for path in found if not path.name.startswith("manifest.")}
    assert found == targets
    for entry in known.values():
        assert entry.state in (State.DONE, State.FAILED, State.WAITING, State.GONE)
        if entry.state is State.DONE:
            path = archive / entry.target
            assert path.stat().st_size == entry.target_size
            assert hash_of(path) == entry.target_hash
            if path.suffix == ".gvc":
                with path.open("rb") as file:
                    # Ends with an error if anything is missing.
                    assert list(BitstreamReader(file))
