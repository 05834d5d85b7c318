"""What an archive finds in folders, and what it calls it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archives import make_tree
from conftest import ROOT

from gvc.archive.entry import Form
from gvc.archive.planning import Plan, Planner
from gvc.archive.recipe import Redo
from gvc.archive.walk import Found, Unreadable, named_roots, walk
from gvc.archive.work import target_of
from gvc.errors import UsageError


def names(*sources: Path, archive: Path) -> list[str]:
    roots = named_roots(sources, archive)
    return [str(item.name) for item in walk(roots, archive)]


def plan(source: Path, archive: Path) -> Plan:
    roots = named_roots([source], archive)
    planner = Planner(archive, {}, settings="", redo=Redo.CHANGED, check=False, rehash=False)
    return planner.plan(roots, walk(roots, archive))


def test_trees_are_kept_under_their_own_names(tmp_path):
    one = make_tree(tmp_path / "one", "b.mp4", "a/x.mp4")
    other = make_tree(tmp_path / "two", "b.mp4", "talk.gvc")
    found = names(one, other, other / "b.mp4", archive=tmp_path / "archive")
    assert found == ["one/a/x.mp4", "one/b.mp4", "two/b.mp4", "b.mp4"]


def test_an_archive_is_not_looked_for_recordings(tmp_path):
    make_tree(tmp_path / "all", "a.mp4", "archive/kept.mp4")
    archive = tmp_path / "all" / "archive"
    assert names(tmp_path / "all", archive=archive) == ["all/a.mp4"]
    for inside in (archive, archive / "kept.mp4"):
        with pytest.raises(UsageError, match="archive itself"):
            named_roots([inside], archive)


def test_sources_that_make_no_sense_are_refused(tmp_path):
    make_tree(tmp_path, "a/talks/x.mp4", "b/talks/x.mp4")
    archive = tmp_path / "archive"
    with pytest.raises(UsageError, match="no such file"):
        named_roots([tmp_path / "nothing"], archive)
    with pytest.raises(UsageError, match=f"called talks as {tmp_path / 'a' / 'talks'} is"):
        named_roots([tmp_path / "a" / "talks", tmp_path / "b" / "talks"], archive)
    with pytest.raises(UsageError, match="has no name"):
        named_roots([Path("/")], archive)


def test_loops_of_links_end_and_each_file_is_found_once(tmp_path):
    folder = make_tree(tmp_path / "talks", "z/a.mp4")
    elsewhere = make_tree(tmp_path / "elsewhere", "b.mp4", "deep/c.mp4")
    (folder / "z" / "up").symlink_to(folder)
    (folder / "again").symlink_to(folder / "z")
    (folder / "itself").symlink_to(folder / "itself")
    (folder / "a.mp4").symlink_to(folder / "z" / "a.mp4")
    (folder / "other").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    (folder / "lost.mp4").symlink_to(tmp_path / "nothing")
    roots = named_roots([folder], tmp_path / "archive")
    found = list(walk(roots, tmp_path / "archive"))
    files = [str(item.name) for item in found if isinstance(item, Found)]
    assert files == ["talks/z/a.mp4", "talks/other/b.mp4", "talks/other/deep/c.mp4"]
    lost = {str(item.name): item.error for item in found if isinstance(item, Unreadable)}
    assert set(lost) == {"talks/itself", "talks/lost.mp4"}
    assert lost["talks/lost.mp4"] == "is a link to nothing"


def test_only_recordings_are_taken_and_those_that_cannot_be_read_are_named(tmp_path):
    folder = make_tree(tmp_path / "talks", "good.mp4", "no-ending", "wrong.txt")
    (folder / "notes.txt").write_text("something else " * 1000)
    (folder / "noise.bin").write_bytes(os.urandom(100_000))
    (folder / "picture.png").write_bytes((ROOT / "docs" / "rd-lpips-alex.png").read_bytes())
    (folder / "empty").touch()
    (folder / "empty.mp4").touch()
    (folder / "damaged.mp4").write_bytes(b"nothing that anybody knows" * 100)
    os.mkfifo(folder / "pipe.mp4")
    made = plan(folder, tmp_path / "archive")
    assert [str(entry.name) for entry in made.todo] == [
        "talks/good.mp4", "talks/no-ending", "talks/wrong.txt",
    ]  # fmt: skip
    problems = {str(entry.name): entry.error for entry in made.problems}
    assert "FFmpeg" in problems.pop("talks/damaged.mp4")
    assert problems == {
        "talks/empty.mp4": "is empty",
        "talks/pipe.mp4": "is a pipe, and no file",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_folders_and_files_that_must_not_be_read_are_named(tmp_path):
    folder = make_tree(tmp_path / "talks", "shut/a.mp4", "secret.mp4")
    (folder / "shut").chmod(0)
    (folder / "secret.mp4").chmod(0)
    try:
        problems = plan(folder, tmp_path / "archive").problems
    finally:
        (folder / "shut").chmod(0o700)
    assert {str(entry.name): "denied" in entry.error for entry in problems} == {
        "talks/shut": True, "talks/secret.mp4": True,
    }  # fmt: skip


def test_long_names_stay_apart_and_short_enough():
    # 255 bytes each, alike but for their middle.
    names = [Path("talks", "講" * 40 + middle + "義" * 42 + "aa.mp4") for middle in "一二"]
    assert {len(os.fsencode(name.name)) for name in names} == {255}
    targets = [target_of(name, Form.GVC) for name in names]
    assert len(set(targets)) == 2
    for name, target in zip(names, targets, strict=True):
        assert target.parent == name.parent
        assert len(os.fsencode(target.name)) <= 255
        assert target.name.startswith("講" * 40)
        assert target.name.endswith(".mp4.gvc")
        target.name.encode()
        assert target_of(name, Form.COPY) == name
    strange = Path(os.fsdecode(b"\xff" * 255))
    assert len(os.fsencode(target_of(strange, Form.VVC).name)) <= 255
    assert target_of(Path("a.b/c.mkv"), Form.VVC) == Path("a.b/c.mkv.vvc.mp4")
