"""Archives from outside: what is coded, kept, skipped, said and given back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from archives import FAST, GVC, check, entries, make_tree
from conftest import read_video, run_gvc, write_clip

from gvc.archive import Archive
from gvc.archive.entry import Form, State, Verification
from gvc.archive.files import hash_of

#: Names with everything that names can hold.
STRANGE = (b"with spaces.mp4", b"new\nline.mp4", b"\xff\xfe.mp4", b"-o.mp4", b"%03d.mp4")


def stamps(folder: Path) -> dict[Path, int]:
    """Times of the last change of all coded files."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.gvc")}


@dataclass
class Archived:
    """An archive of strange names, and what was said while it was made.

    :param source: what it was made of. :param second: a run that was begun meanwhile.
    """

    source: Path
    folder: Path
    done: subprocess.CompletedProcess[bytes]
    second: subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Archived:
    base = tmp_path_factory.mktemp("archive")
    source = make_tree(base / "talks", *STRANGE, "sub/folder/clip.mp4")
    write_clip(source / "sound.mp4", width=64, height=64, frames=6)
    (source / "sub" / "loop").symlink_to("..")
    (source / "empty.mp4").touch()
    (source / "notes.txt").write_text("left alone")
    folder = base / "archive"
    command = [*GVC, "archive", source, folder, "--jobs", "2", "--json", *FAST]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # The first worker has begun.
    while not list(folder.rglob("*.gvc-partial")):
        assert first.poll() is None
        time.sleep(0.02)
    second = run_gvc("archive", source, folder)
    done = subprocess.CompletedProcess(command, 0, *first.communicate(timeout=300))
    done.returncode = first.returncode
    return Archived(source, folder, done, second)


def test_everything_is_coded_and_verified(archived):
    assert archived.done.returncode == 3, archived.done.stderr
    check(archived.folder)
    known = entries(archived.folder)
    done = {name for name, entry in known.items() if entry.state is State.DONE}
    strange = {os.fsdecode(b"talks/" + name) for name in STRANGE}
    assert done == strange | {"talks/sub/folder/clip.mp4", "talks/sound.mp4"}
    for name in done:
        entry = known[name]
        assert entry.target == Path(f"{name}.gvc")
        assert (entry.form, entry.frames) == (Form.GVC, 6)
        assert entry.source_hash == hash_of(entry.source)
        assert (entry.verification, entry.compared) == (Verification.SAMPLE, 2)
        assert 0 < entry.distance_mean <= entry.distance_worst < 0.5
        assert entry.seconds == pytest.approx(6 / 25)
    (failed,) = known.keys() - done
    assert (failed, known[failed].error) == ("talks/empty.mp4", "is empty")


def test_machines_are_told_in_lines_of_json(archived):
    *files, total = map(json.loads, archived.done.stdout.decode("ascii").splitlines())
    assert archived.done.stderr == b""
    assert {each["event"] for each in files} == {"file"}
    known = entries(archived.folder)
    assert {each["name"] for each in files} == set(known)
    assert (total["event"], total["coded"], total["failed"]) == ("total", 7, 1)
    assert total["target_bytes"] == sum(each["target_size"] or 0 for each in files)
    listed = [
        json.loads(line)
        for line in run_gvc("ls", archived.folder, "--json").stdout.split(b"\n")
        if line
    ]
    assert [each["name"] for each in listed] == [*known]
    assert listed[0]["settings"]["key_preset"] == "faster"


def test_a_second_run_is_told_that_the_archive_is_in_use(archived):
    assert archived.second.returncode == 1
    (line,) = archived.second.stderr.decode().splitlines()
    assert "is in use by another run" in line
    assert str(archived.folder) in line


def test_people_get_a_line_for_each(archived):
    listed = run_gvc("ls", archived.folder).stdout.decode()
    lines = listed.splitlines()
    assert len(lines) == 1 + 8
    assert r"talks/new\nline.mp4" in listed
    assert r"talks/\xff\xfe.mp4" in listed
    failed = run_gvc("ls", archived.folder, "--failed").stdout.decode().splitlines()
    assert len(failed) == 2
    assert failed[1].endswith("talks/empty.mp4: is empty")


def test_what_is_done_is_skipped(archived, tmp_path):
    before = stamps(archived.folder)
    again = run_gvc("archive", archived.source, archived.folder, *FAST)
    assert again.returncode == 3
    assert "0 coded" in again.stderr.decode()
    assert "7 done before; 1 failed" in again.stderr.decode()
    assert stamps(archived.folder) == before
    other = run_gvc("archive", archived.source, archived.folder, "-q")
    assert other.stderr.decode() == "talks/empty.mp4: failed: is empty\n"
    plain = run_gvc("archive", archived.source, archived.folder)
    assert "7 have other settings (--redo settings)" in plain.stderr.decode()
    # A disk that was copied: other times, other places.
    copy = shutil.copyfile
    shutil.copytree(archived.source, tmp_path / "talks", symlinks=True, copy_function=copy)
    shutil.copytree(archived.folder, tmp_path / "archive", copy_function=copy)
    shutil.move(archived.source, tmp_path / "away")
    try:
        plan = Archive(tmp_path / "archive").plan([tmp_path / "talks"])
    finally:
        shutil.move(tmp_path / "away", archived.source)
    assert (plan.todo, len(plan.skipped), len(plan.problems)) == ([], 7, 1)


def test_a_plan_changes_nothing(archived, tmp_path):
    told = run_gvc("archive", "-n", archived.source, tmp_path / "new")
    assert told.returncode == 0
    assert len(told.stdout.splitlines()) == 8
    assert not list(tmp_path.iterdir())


def test_damage_is_found(archived, tmp_path):
    folder = tmp_path / "archive"
    shutil.copytree(archived.folder, folder)
    good = run_gvc("verify", folder)
    assert (good.returncode, good.stderr) == (0, b"7 files are good, 0 are not\n")
    damaged = folder / "talks" / "-o.mp4.gvc"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    (folder / "talks" / "%03d.mp4.gvc").unlink()
    bad = run_gvc("verify", folder)
    assert bad.returncode == 3
    assert sorted(bad.stderr.decode().splitlines()) == [
        "5 files are good, 2 are not",
        "talks/%03d.mp4.gvc: is missing",
        "talks/-o.mp4.gvc: is damaged: its hash is another one",
    ]
    plan = Archive(folder).plan([archived.source])
    assert sorted(str(entry.name) for entry in plan.todo) == ["talks/%03d.mp4", "talks/-o.mp4"]


def test_an_archive_is_decoded_and_given_back(archived, tmp_path):
    out = tmp_path / "out"
    kept = make_tree(out, "talks/-o.mp4") / "talks" / "-o.mp4"
    decoded = run_gvc("verify", archived.folder, "--decode")
    assert decoded.returncode == 0, decoded.stderr
    done = run_gvc("restore", archived.folder, out, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "6 restored, 1 there before" in done.stderr.decode()
    assert kept.read_bytes() == (archived.source / "-o.mp4").read_bytes()
    given = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert given == {entry.name for entry in entries(archived.folder).values() if entry.target}
    path = out / "talks" / "sub" / "folder" / "clip.mp4"
    assert len(read_video(path)) == 6
    assert path.stat().st_mtime_ns == (archived.source / "sub/folder/clip.mp4").stat().st_mtime_ns


def test_what_changes_is_coded_again_and_nothing_else(tmp_path):
    source = make_tree(tmp_path / "talks", "same.mp4", "changed.mp4", "missing.mp4", "gone.mp4")
    folder = tmp_path / "archive"
    assert run_gvc("archive", source, folder, "--verify", "none", *FAST).returncode == 0
    before = stamps(folder)
    write_clip(source / "changed.mp4", width=64, height=64, frames=7, audio=False)
    (folder / "talks" / "missing.mp4.gvc").unlink()
    (source / "gone.mp4").unlink()
    # Same bytes, another time.
    (source / "same.mp4").touch()
    again = run_gvc("archive", source, folder, "--verify", "none", *FAST)
    assert again.returncode == 0, again.stderr
    after = stamps(folder)
    changed = {path.name for path in after if after[path] != before[path]}
    assert changed == {"changed.mp4.gvc", "missing.mp4.gvc"}
    known = entries(folder)
    assert known["talks/changed.mp4"].frames == 7
    assert known["talks/gone.mp4"].state is State.DONE
    check(folder)
    # Settings count where that is asked for.
    arguments = ["archive", source, folder, "--key-qp", 40, "-n"]
    assert run_gvc(*arguments).stdout == b""
    assert len(run_gvc(*arguments, "--redo", "settings").stdout.splitlines()) == 3


def test_what_is_not_good_enough_is_kept_otherwise(tmp_path):
    source, folder = tmp_path / "talks", tmp_path / "archive"
    source.mkdir()
    write_clip(source / "large.mkv", width=64, height=64, frames=30, audio=False, codec="ffv1")
    done = run_gvc("archive", source, folder, "--min-quality", 0.02, *FAST)
    assert done.returncode == 0, done.stderr
    assert b"kept as VVC" in done.stderr
    check(folder)
    large = entries(folder)["talks/large.mkv"]
    assert (large.form, large.target) == (Form.VVC, Path("talks/large.mkv.vvc.mp4"))
    assert large.distance_mean <= 0.02
    assert large.target_size < large.source_size
    assert "0.02 was asked for; kept as VVC, QP" in large.note
    # Nothing but a copy is as good as that.
    make_tree(source, "small.mp4")
    done = run_gvc("archive", source, folder, "--min-quality", 0.0001, *FAST)
    assert done.returncode == 0, done.stderr
    assert b"small.mp4: 5.50 kB to 5.50 kB, kept as it was" in done.stderr
    check(folder)
    small = entries(folder)["talks/small.mp4"]
    assert (small.form, small.target) == (Form.COPY, Path("talks/small.mp4"))
    assert (folder / small.target).read_bytes() == (source / "small.mp4").read_bytes()
    out = tmp_path / "out"
    assert run_gvc("restore", folder, out).returncode == 0
    assert len(read_video(out / "talks" / "large.mkv.mp4")) == 30
    assert (out / "talks" / "small.mp4").read_bytes() == (source / "small.mp4").read_bytes()


def test_sources_are_deleted_only_when_nothing_is_lost(tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    linked = make_tree(tmp_path / "elsewhere", "linked.mp4") / "linked.mp4"
    (source / "link.mp4").symlink_to(linked)
    folder = tmp_path / "archive"
    arguments = ["archive", source, folder, "--delete-source", *FAST]
    refused = run_gvc(*arguments)
    assert (refused.returncode, b"--verify full" in refused.stderr) == (2, True)
    done = run_gvc(*arguments, "--verify", "full")
    assert done.returncode == 0, done.stderr
    assert b"link.mp4: is not deleted: it is a link" in done.stderr
    assert sorted(path.name for path in source.iterdir()) == ["link.mp4"]
    assert linked.exists()
    known = entries(folder)
    assert known["talks/a.mp4"].source_deleted
    assert known["talks/a.mp4"].compared == 6
    check(folder)
    # Cameras use names again. What is kept is all that is left of the first one.
    write_clip(source / "a.mp4", width=64, height=64, frames=7, audio=False)
    again = run_gvc(*arguments, "--verify", "full")
    assert again.returncode == 3
    assert b"another recording of this name is kept already" in again.stderr
    assert (source / "a.mp4").exists()
    check(folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ["archive", "nothing", "archive"],
        ["archive", ".", "archive", "--min-quality", "0.1", "--verify", "none"],
        ["archive", ".", "archive", "--key-qp", "30", "--bitrate", "3k"],
        ["archive", ".", "archive", "--jobs", "0"],
        ["archive", "archive"],
    ],
)
def test_usage_that_makes_no_sense_is_refused(arguments, tmp_path):
    done = run_gvc(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["ls"], ["verify"], ["restore", "out"]])
def test_what_is_no_archive_is_refused(command, tmp_path):
    name, *others = command
    done = run_gvc(name, tmp_path, *(tmp_path / each for each in others))
    assert done.returncode == 1
    assert b"is no archive" in done.stderr
    assert not list(tmp_path.iterdir())
