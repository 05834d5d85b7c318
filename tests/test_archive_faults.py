"""Archives when things go wrong: full disks, sources that move, runs that are killed."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from archives import FAST, GVC, check, entries, make_tree
from conftest import ROOT, run_gvc, write_pictures

from gvc.archive import Archive
from gvc.archive.entry import Entry, Form, State, Verification
from gvc.archive.files import hash_of, stamp_of
from gvc.archive.manifest import Manifest
from gvc.archive.observer import Observer
from gvc.archive.recipe import Recipe
from gvc.archive.task import Step
from gvc.codec.settings import EncoderSettings

#: How often the run of the killing test is killed.
KILLS = int(os.environ.get("GVC_TEST_KILLS", "6"))

RECIPE = Recipe(EncoderSettings.of_preset("faster", threads=1), verification=Verification.NONE)


class Meddler(Observer):
    """Does something when a recording is read, by the name of its file."""

    def __init__(self, **actions: Callable[[Path], None]) -> None:
        self._actions = actions

    def went(self, entry: Entry, step: Step) -> None:
        """See :class:`Observer`."""
        action = self._actions.pop(entry.name.stem, None)
        if action is not None:
            action(entry.source)


def test_sources_that_change_or_vanish_while_they_are_read_fail_alone(tmp_path):
    source = make_tree(tmp_path / "talks", "changes.mp4", "vanishes.mp4", "stays.mp4")
    archive = Archive(tmp_path / "archive")

    def append(path: Path) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    report = archive.run([source], RECIPE, observer=Meddler(changes=append, vanishes=Path.unlink))
    assert {entry.name.stem: entry.error for entry in report.failed} == {
        "changes": "changed while it was read",
        "vanishes": "vanished while it was read",
    }
    assert [entry.name.stem for entry in report.coded] == ["stays"]
    check(archive.folder)
    # The next run takes what is there.
    report = archive.run([source], RECIPE)
    assert [entry.name.stem for entry in report.coded] == ["changes"]
    known = entries(archive.folder)
    assert known["talks/vanishes.mp4"].state is State.GONE
    check(archive.folder)


def test_a_worker_that_is_killed_takes_one_file_with_it(tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4", "deadly.mp4", "z.mp4")
    archive = Archive(tmp_path / "archive")

    def kill(_: Path) -> None:
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGKILL)

    report = archive.run([source], RECIPE, observer=Meddler(deadly=kill))
    assert [entry.name.stem for entry in report.coded] == ["a", "z"]
    (failed,) = report.failed
    assert failed.name.stem == "deadly"
    assert "its worker was killed" in failed.error
    check(archive.folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "gvc-test", folder],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def write_noise(path: Path) -> None:
    """A recording that takes 100 kB and more, however it is coded."""
    pictures = np.random.default_rng(1).integers(0, 256, (4, 256, 256, 3), np.uint8)
    write_pictures(path, pictures)


def test_a_full_disk_ends_a_run_that_goes_on_when_there_is_room(tmp_path, small_disk):
    source = make_tree(tmp_path / "talks", "b.mp4")
    write_noise(source / "a.mkv")
    folder = small_disk / "archive"
    arguments = ["archive", source, folder, "--key-qp", 27, "--verify", "none", *FAST]
    ballast = small_disk / "ballast"
    # Room for the manifest, and not for the file; then not even for that.
    for room in (110_000, 0):
        with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while shutil.disk_usage(small_disk).free > room:
                file.write(bytes(4096))
        full = run_gvc(*arguments)
        assert full.returncode == 1
        (line,) = full.stderr.decode().splitlines()
        assert "the disk is full" in line
        assert "run the same command again" in line
        assert not list(folder.rglob("*.gvc-partial"))
        assert {entry.state for entry in entries(folder).values()} == {State.WAITING}
    ballast.unlink()
    again = run_gvc(*arguments)
    assert again.returncode == 0, again.stderr
    assert b"2 coded" in again.stderr
    assert entries(folder)["talks/a.mkv"].target_size > 100_000
    check(folder)


def test_ctrl_c_leaves_nothing_half_done(tmp_path):
    source = make_tree(tmp_path / "talks", *(f"{number}.mp4" for number in range(20)))
    folder = tmp_path / "archive"
    process = start(source, folder)
    wait_for_work(folder, process)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert (process.returncode, b"Traceback" in told) == (130, False)
    known = entries(folder)
    assert len(known) == 20
    assert State.RUNNING not in {entry.state for entry in known.values()}
    check(folder)


def start(source: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A run of two jobs."""
    return subprocess.Popen(
        [*GVC, "archive", source, folder, "--jobs", "2", "--verify", "none", "--json", *FAST],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests may ignore the signal, and programs inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_work(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Return when some file is being coded, or the run is over."""
    while process.poll() is None and not list(folder.rglob("*.gvc-partial")):
        time.sleep(0.01)


def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path):
    names = [f"{number // 4}/{number}.mp4" for number in range(4 * KILLS + 8)]
    source = make_tree(tmp_path / "talks", *names)
    folder = tmp_path / "archive"
    dice = random.Random(7)
    done: dict[str, tuple[int, int]] = {}
    for number in range(KILLS):
        process = start(source, folder)
        if number % 3:
            wait_for_work(folder, process)
            time.sleep(dice.uniform(0, 0.4))
        else:
            # Also while it starts.
            time.sleep(dice.uniform(0, 3))
        assert process.poll() is None, "the run was over before it was killed"
        process.kill()
        process.communicate(timeout=60)
        remember(folder, done)
    last = run_gvc("archive", source, folder, "--jobs", 2, "--verify", "none", "--json", *FAST)
    assert last.returncode == 0, last.stderr
    coded = {each["name"] for each in map(json.loads, last.stdout.splitlines()) if "name" in each}
    before = set(done)
    remember(folder, done)
    assert not coded & before
    check(folder)
    assert {entry.state for entry in entries(folder).values()} == {State.DONE}
    assert len(done) == len(names)


def remember(folder: Path, done: dict[str, tuple[int, int]]) -> None:
    """Note which files are whole, after a look at those that were: none was made again."""
    if not (folder / "manifest.sqlite").exists():
        return
    for name, entry in entries(folder).items():
        if entry.target is None or entry.state not in (State.DONE, State.WHOLE):
            assert name not in done
            continue
        path = folder / entry.target
        if entry.state is State.WHOLE and not path.exists():
            continue
        status = path.stat()
        assert hash_of(path) == entry.target_hash
        identity = status.st_ino, status.st_mtime_ns
        assert done.setdefault(name, identity) == identity, f"{name} was coded twice"


def done_entry(folder: Path, source: Path) -> Entry:
    """An entry as it is once its file has its name."""
    target = folder / "talks" / "a.mp4.gvc"
    target.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "examples" / "portrait.gvc", target)
    size, mtime_ns = stamp_of(source)
    return Entry(
        name=Path("talks/a.mp4"),
        source=source,
        source_size=size,
        source_mtime_ns=mtime_ns,
        source_hash=hash_of(source),
        state=State.DONE,
        settings=RECIPE.canonical,
        form=Form.GVC,
        target=Path("talks/a.mp4.gvc"),
        target_size=target.stat().st_size,
        target_mtime_ns=target.stat().st_mtime_ns,
        target_hash=hash_of(target),
    )


@pytest.mark.parametrize("named", [False, True], ids=["before", "after"])
def test_a_file_that_was_whole_is_not_coded_again(named, tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    folder = tmp_path / "archive"
    entry = done_entry(folder, source / "a.mp4")
    target = folder / entry.target
    partial = target.with_name(".0-0.gvc-partial")
    other = target.with_name(".1-1.gvc-partial")
    other.write_bytes(b"of nobody")
    if not named:
        target.rename(partial)
    with Manifest(folder, writable=True) as manifest:
        whole = replace(entry, state=State.WHOLE)
        running = Entry(Path("talks/b.mp4"), source / "b.mp4", state=State.RUNNING)
        manifest.put(whole, partial=partial.relative_to(folder))
        manifest.put(running)
    report = Archive(folder).run([source], RECIPE)
    assert (report.coded, report.skipped, report.failed) == ([], 1, [])
    known = entries(folder)
    assert known["talks/a.mp4"] == entry
    assert known["talks/b.mp4"].state is State.GONE
    check(folder)


def test_files_from_elsewhere_are_never_written_over(tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    mine = tmp_path / "archive" / "talks" / "a.mp4.gvc"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"precious")
    report = Archive(tmp_path / "archive").run([source], RECIPE)
    (failed,) = report.failed
    assert "a file of this name, from elsewhere" in failed.error
    assert mine.read_bytes() == b"precious"


def test_recordings_of_one_name_are_kept_apart(tmp_path):
    one = make_tree(tmp_path / "one" / "talks", "a.mp4") / "a.mp4"
    other = make_tree(tmp_path / "other" / "talks", "a.mp4")
    folder = tmp_path / "archive"
    entry = done_entry(folder, one)
    with Manifest(folder, writable=True) as manifest:
        manifest.put(entry)
    done = run_gvc("archive", other, folder)
    assert done.returncode == 2
    assert f"holds talks/a.mp4 already, from {one}" in done.stderr.decode()
    one.unlink()
    # Now it is the same one, on another disk.
    assert Archive(folder).run([other], RECIPE).skipped == 1
    assert entries(folder)["talks/a.mp4"].source == other / "a.mp4"


@pytest.mark.parametrize("state", [State.DONE, State.WAITING, State.FAILED])
def test_what_may_be_all_that_is_left_is_never_replaced(state, tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    folder = tmp_path / "archive"
    entry = replace(done_entry(folder, source / "a.mp4"), state=state, source_deleted=True)
    with Manifest(folder, writable=True) as manifest:
        manifest.put(entry)
    before = (folder / entry.target).read_bytes()
    # Another one of the same name, as cameras make them.
    with (source / "a.mp4").open("ab") as file:
        file.write(b"other")
    report = Archive(folder).run([source], RECIPE)
    assert [each.error for each in report.failed] == [
        "another recording of this name is kept already"
    ]
    assert (folder / entry.target).read_bytes() == before
    assert entries(folder)["talks/a.mp4"].is_kept
