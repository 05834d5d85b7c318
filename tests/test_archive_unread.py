"""Files that an archive cannot read: none is passed over in silence."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path

import av
import numpy as np
import pytest
from archives import FAST, check, entries, make_tree, recording
from conftest import ROOT, run_gvc, write_clip
from recordings import ffmpeg

from gvc.archive import Archive
from gvc.archive.entry import State
from gvc.archive.planning import Plan
from gvc.archive.recipe import Recipe
from gvc.codec.settings import EncoderSettings


def plan(source: Path, archive: Path) -> Plan:
    return Archive(archive).plan([source])


def problems(source: Path, archive: Path) -> dict[str, str]:
    return {str(entry.name): entry.error for entry in plan(source, archive).problems}


def write_sound(path: Path) -> Path:
    """A file with nothing but sound."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", path)
    return path


def test_a_recording_that_was_never_finished_is_listed_and_tried_again(tmp_path):
    source = make_tree(tmp_path / "talks", "good.mp4")
    unfinished = source / "unfinished.mp4"
    # The table of its packets comes last, and is missing.
    unfinished.write_bytes(recording()[:2000])
    (source / "notes.txt").write_text("none")
    folder = tmp_path / "archive"
    done = run_gvc("archive", source, folder, "--verify", "none", *FAST)
    assert done.returncode == 3
    said = done.stderr.decode()
    assert "talks/unfinished.mp4: failed: " in said
    assert "1 coded" in said
    assert "1 failed" in said
    assert "1 of the failed could not be read" in said
    assert "1 are no recordings" in said
    listed = run_gvc("ls", folder, "--failed").stdout.decode()
    assert "talks/unfinished.mp4: " in listed
    # Again and again, until it is another one.
    again = run_gvc("archive", source, folder, "--json", *FAST)
    *files, total = map(json.loads, again.stdout.splitlines())
    assert [each["name"] for each in files] == ["talks/unfinished.mp4"]
    figures = {key: total[key] for key in ("skipped", "failed", "unreadable", "not_recordings")}
    assert figures == {"skipped": 1, "failed": 1, "unreadable": 1, "not_recordings": 1}
    page = tmp_path / "page.html"
    assert run_gvc("report", folder, "-o", page, "--details", 0).returncode == 0
    assert "talks/unfinished.mp4" in page.read_text()
    unfinished.write_bytes(recording())
    recipe = Recipe(EncoderSettings.of_preset("faster", threads=1))
    assert [entry.name.name for entry in Archive(folder).plan([source], recipe).todo] == [
        "unfinished.mp4"
    ]
    check(folder)


def test_tags_that_are_no_utf_8_do_not_hide_a_recording(tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", width=64, height=64, frames=6, audio=False)
    source = tmp_path / "talks"
    source.mkdir()
    path = source / "latin1.avi"
    ffmpeg("-i", clip, "-c:v", "mpeg4", "-metadata", "title=XXXX", path)
    path.write_bytes(path.read_bytes().replace(b"XXXX", b"caf\xe9"))
    with av.open(str(path), metadata_errors="surrogateescape") as container:
        assert container.metadata["title"] == "caf\udce9"
    made = plan(source, tmp_path / "archive")
    (named,) = [*made.todo, *made.problems]
    assert str(named.name) == "talks/latin1.avi"
    assert made.others == 0


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.webm", b"", "is empty"),
        ("noise.mpg", bytes(range(256)) * 40, None),
        # By what they hold, whatever they are called.
        ("matroska", b"\x1aE\xdf\xa3" + bytes(2000), None),
        ("mp4.bak", b"\x00\x00\x00\x18ftypisom" + bytes(2000), None),
        ("asf", b"0&\xb2u\x8ef\xcf\x11\xa6\xd9" + bytes(2000), None),
        ("stream", (b"G\x1f\xff\x10" + b"\xff" * 184) * 30, None),
        ("disc", (b"\0\0\0\0G\x1f\xff\x10" + b"\xff" * 184) * 30, None),
    ],
)
def test_what_looks_like_a_recording_and_is_none_that_can_be_read_is_named(
    name, data, said, tmp_path
):
    source = make_tree(tmp_path / "talks", "good.mp4")
    (source / name).write_bytes(data)
    made = plan(source, tmp_path / "archive")
    (problem,) = made.problems
    assert str(problem.name) == f"talks/{name}"
    assert problem.state is State.FAILED
    assert problem.error
    if said is not None:
        assert problem.error == said
    assert (made.unreadable, made.others, len(made.todo)) == (1, 0, 1)


def test_sound_pictures_and_text_are_no_recordings_and_are_counted(tmp_path):
    source = make_tree(tmp_path / "talks", "good.mp4")
    write_sound(source / "sound.mp3")
    write_sound(source / "sound.m4a")
    write_sound(source / "sound.mp4")
    write_sound(source / "sound.mka")
    png = (ROOT / "docs" / "rd-lpips-alex.png").read_bytes()
    (source / "picture.png").write_bytes(png)
    (source / "picture.mp4").write_bytes(png)
    (source / "index.ts").write_text("export const café = 1;\n" * 500)
    (source / "notes.txt").write_text("was free at last\n")
    (source / "noise.bin").write_bytes(np.random.default_rng(1).bytes(10_000))
    (source / "nothing").touch()
    made = plan(source, tmp_path / "archive")
    assert [entry.name.name for entry in made.todo] == ["good.mp4"]
    assert (made.problems, made.unreadable, made.others) == ([], 0, 10)


def test_what_is_no_file_is_named_if_it_is_called_like_a_recording(tmp_path):
    source = make_tree(tmp_path / "talks", "good.mp4")
    os.mkfifo(source / "pipe.mp4")
    os.mkfifo(source / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    # Names of sockets are short.
    here = Path.cwd()
    try:
        os.chdir(source)
        listener.bind("socket.mkv")
    finally:
        os.chdir(here)
        listener.close()
    (source / "lost.mp4").symlink_to(tmp_path / "nothing")
    assert stat.S_ISSOCK((source / "socket.mkv").stat().st_mode)
    assert problems(source, tmp_path / "archive") == {
        "talks/lost.mp4": "is a link to nothing",
        "talks/pipe.mp4": "is a pipe, and no file",
        "talks/socket.mkv": "is a socket, and no file",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_files_that_must_not_be_read_are_named(tmp_path):
    source = make_tree(tmp_path / "talks", "good.mp4", "secret.mp4")
    (source / "secret.mp4").chmod(0)
    assert problems(source, tmp_path / "archive") == {"talks/secret.mp4": "Permission denied"}


def test_a_source_that_cannot_be_read_any_more_keeps_its_file(tmp_path):
    source = make_tree(tmp_path / "talks", "a.mp4")
    folder = tmp_path / "archive"
    recipe = Recipe(EncoderSettings.of_preset("faster", threads=1))
    assert len(Archive(folder).run([source], recipe).coded) == 1
    before = entries(folder)["talks/a.mp4"]
    (source / "a.mp4").write_bytes(recording()[:2000])
    report = Archive(folder).run([source], recipe)
    assert [entry.name.name for entry in report.failed] == ["a.mp4"]
    after = entries(folder)["talks/a.mp4"]
    assert (after.is_kept, after.target_hash) == (True, before.target_hash)
    assert (folder / after.target).exists()
