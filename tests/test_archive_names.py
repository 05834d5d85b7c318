"""Recordings whose names are nearly the same, or as long as names can be, kept and given back."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from archives import check, entries, make_tree, recording

from gvc.archive import Archive
from gvc.archive.decoding import Decoding
from gvc.archive.entry import State, Verification
from gvc.archive.recipe import Recipe
from gvc.archive.restore import RestoreTask
from gvc.codec.settings import EncoderSettings

RECIPE = Recipe(
    EncoderSettings.of_preset("faster", size=64, threads=1), verification=Verification.NONE
)


def test_names_that_differ_little_are_kept_apart_and_given_back(tmp_path):
    names = [
        *("Talk.mp4", "talk.mp4"),
        *(unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD")),
        "講" * 83 + "aa.mp4",
        "講" * 83 + "aa.mkv",
    ]
    source = make_tree(tmp_path / "talks", *names)
    os.link(source / "Talk.mp4", source / "linked.mp4")
    times = {}
    for number, path in enumerate(sorted(source.iterdir())):
        if path.name not in ("Talk.mp4", "linked.mp4"):
            os.utime(path, ns=(0, 10**18 + number))
        times[path.name] = path.stat().st_mtime_ns
    archive = Archive(tmp_path / "archive")
    report = archive.run([source], RECIPE)
    assert report.failed == []
    assert len(report.coded) == len(names) + 1
    check(archive.folder)
    assert set(entries(archive.folder)) == {f"talks/{name}" for name in times}
    # Nothing is coded twice.
    assert archive.run([source], RECIPE).skipped == len(names) + 1
    out = tmp_path / "out"
    assert [each.error for each in archive.restore(out) if each.error] == []
    given = {path.name: path.stat().st_mtime_ns for path in (out / "talks").iterdir()}
    (long,) = (name for name in given if name not in times)
    assert long.endswith(".mkv.mp4")
    assert given.pop(long) == times.pop(names[-1])
    assert given == times


def test_a_file_that_got_the_name_meanwhile_is_not_replaced(tmp_path):
    """On file systems to which ``Talk.mp4`` and ``talk.mp4`` are one name."""
    source = make_tree(tmp_path / "talks", "a.mp4")
    archive = Archive(tmp_path / "archive")
    (entry,) = archive.run([source], RECIPE).coded
    assert entry.state is State.DONE
    out = tmp_path / "out"
    mine = make_tree(out, "talks/a.mp4") / "talks" / "a.mp4"
    decoding = Decoding(threads=1)
    task = RestoreTask(entry, archive.folder, out, "token", decoding)
    done = task.run(lambda _: None)
    assert "has the name of another one" in (done.error or "")
    assert mine.read_bytes() == recording()
    assert [path.name for path in mine.parent.iterdir()] == ["a.mp4"]
    over = RestoreTask(entry, archive.folder, out, "token", decoding, overwrite=True)
    assert over.run(lambda _: None).error is None
    assert mine.read_bytes() != recording()
    assert Path(mine).stat().st_mtime_ns == (source / "a.mp4").stat().st_mtime_ns
