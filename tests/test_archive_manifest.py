"""The manifest of an archive: rows come back as they went in, and survive whoever wrote them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gvc.archive.entry import Entry, Form, State, Verification
from gvc.archive.manifest import MANIFEST_NAME, SCHEMA_VERSION, Manifest
from gvc.errors import GvcError, InvalidDataError, MediaError, UnsupportedError

#: A name with everything in it that names can hold.
STRANGE = Path(os.fsdecode(b"talks/a \xff\n%3F?'\"#.mp4"))

FULL = Entry(
    name=STRANGE,
    source=Path("/recordings") / STRANGE,
    source_size=1 << 40,
    source_mtime_ns=1_700_000_000_123_456_789,
    source_hash="ab" * 32,
    state=State.DONE,
    settings='{"size": 256}',
    form=Form.VVC,
    target=STRANGE.with_name("b"),
    target_size=1000,
    target_mtime_ns=-1,
    target_hash="cd" * 32,
    seconds=4.0,
    frames=100,
    verification=Verification.SAMPLE,
    compared=30,
    distance_mean=0.125,
    distance_worst=0.5,
    damaged=True,
    note="is kept as VVC",
    error="none",
    begun=1.5,
    ended=2.5,
    elapsed=1.0,
    worker="host:1",
    source_deleted=True,
)


def test_rows_come_back_as_they_went_in(tmp_path):
    bare = Entry(name=Path("a"), source=Path("/a"))
    with Manifest(tmp_path, writable=True) as manifest:
        manifest.put(FULL, bare)
        assert manifest.entries() == [bare, FULL]
        assert manifest.get(STRANGE) == FULL
        assert manifest.get(Path("b")) is None
        assert manifest.entries(State.DONE, State.FAILED) == [FULL]
        manifest.put(replace(bare, state=State.DONE))
        assert manifest.counts() == {State.DONE: 2}
        manifest.remove([Path("a")])
    with Manifest(tmp_path) as manifest:
        assert manifest.entries() == [FULL]
    assert FULL.bit_rate == 2000
    assert (bare.bit_rate, bare.saved) == (None, None)


def test_a_temporary_name_goes_with_the_next_write(tmp_path):
    with Manifest(tmp_path, writable=True) as manifest:
        manifest.put(replace(FULL, state=State.WHOLE), partial=STRANGE)
        assert manifest.partials() == {STRANGE: STRANGE}
        manifest.put(FULL)
        assert manifest.partials() == {}


def test_a_closed_manifest_is_one_file_that_can_be_read_anywhere(tmp_path):
    with Manifest(tmp_path, writable=True) as manifest:
        manifest.put(FULL)
        with Manifest(tmp_path) as reader:
            assert reader.entries() == [FULL]
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST_NAME]


def test_rows_survive_a_kill(tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path;"
        "from gvc.archive.entry import Entry; from gvc.archive.manifest import Manifest;"
        "manifest = Manifest(Path(sys.argv[1]), writable=True);"
        "manifest.put(Entry(Path('a'), Path('/a')));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    with Manifest(tmp_path) as manifest:
        assert [entry.name for entry in manifest.entries()] == [Path("a")]
    with Manifest(tmp_path, writable=True) as manifest:
        assert manifest.counts() == {State.WAITING: 1}


def complaint(folder: Path, kind: type[GvcError], *, writable: bool = False) -> str:
    with pytest.raises(kind) as caught:
        Manifest(folder, writable=writable)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_what_is_no_manifest_is_refused(tmp_path):
    path = tmp_path / MANIFEST_NAME
    assert "is no archive" in complaint(tmp_path, MediaError)
    path.write_bytes(b"")
    assert "is empty" in complaint(tmp_path, InvalidDataError)
    path.write_bytes(b"something else" * 100)
    for writable in (False, True):
        assert "not a database" in complaint(tmp_path, InvalidDataError, writable=writable)
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE files (name TEXT)")
    other.close()
    for writable in (False, True):
        assert "not the manifest" in complaint(tmp_path, InvalidDataError, writable=writable)


def test_a_newer_manifest_is_refused(tmp_path):
    with Manifest(tmp_path, writable=True):
        pass
    with sqlite3.connect(tmp_path / MANIFEST_NAME) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    for writable in (False, True):
        assert "update gvc" in complaint(tmp_path, UnsupportedError, writable=writable)
