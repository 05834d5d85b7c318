"""Files that are written: links, modes, long names, folders; and what is left where it fails."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conftest import run_gvc

from gvc.api.atomic import AtomicFile
from gvc.errors import MediaError

PORTRAIT = Path(__file__).resolve().parents[1] / "examples" / "portrait.gvc"

#: Names of 255 bytes, the most that file systems take.
LONG = ("語" * 83 + "ab.gvc", "é" * 125 + "a.gvc", "n" * 251 + ".gvc")


def write(path: Path, data: bytes = b"new") -> None:
    file = AtomicFile(path)
    try:
        file.file.write(data)
    except BaseException:
        file.discard()
        raise
    file.commit()


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "out.gvc"
    file = AtomicFile(path)
    file.file.write(b"half")
    assert not path.exists()
    file.commit()
    assert path.read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [path]


def test_discarding_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.gvc"
    path.write_bytes(b"old")
    file = AtomicFile(path)
    file.file.write(b"half")
    file.discard()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("relative", [True, False])
def test_links_are_written_through(relative, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "real.gvc", tmp_path / "link.gvc"
    second = tmp_path / "second.gvc"
    real.write_bytes(b"old")
    link.symlink_to("elsewhere/real.gvc" if relative else real)
    second.symlink_to("link.gvc")
    write(second)
    assert link.is_symlink()
    assert second.is_symlink()
    assert real.read_bytes() == b"new"
    assert list(real.parent.iterdir()) == [real]


def test_a_link_to_nothing_makes_what_it_points_to(tmp_path):
    link = tmp_path / "link.gvc"
    link.symlink_to("real.gvc")
    write(link)
    assert link.is_symlink()
    assert (tmp_path / "real.gvc").read_bytes() == b"new"


@pytest.mark.parametrize("target", ["link.gvc", "none/real.gvc", "."])
def test_links_to_themselves_to_folders_and_to_no_folder_are_errors(target, tmp_path):
    link = tmp_path / "link.gvc"
    link.symlink_to(target)
    with pytest.raises(MediaError, match=r"link\.gvc: "):
        write(link)
    assert list(tmp_path.iterdir()) == [link]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o640])
def test_the_mode_of_a_file_is_kept(mode, tmp_path):
    path = tmp_path / "out.gvc"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_usual_mode(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "out.gvc")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.gvc").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_a_file_is_kept(tmp_path):
    path = tmp_path / "out.gvc"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everything")
def test_a_read_only_file_is_not_replaced(tmp_path):
    path = tmp_path / "out.gvc"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(MediaError, match="read-only"):
        write(path)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", LONG)
def test_names_may_have_255_bytes(name, tmp_path):
    assert len(os.fsencode(name)) == 255
    write(tmp_path / name)
    write(tmp_path / name, b"newer")
    assert (tmp_path / name).read_bytes() == b"newer"


@pytest.mark.parametrize("name", ["語" * 90 + ".gvc", "n" * 300])
def test_longer_names_are_refused_before_anything_is_done(name, tmp_path):
    with pytest.raises(MediaError, match=r"(?i)too long"):
        AtomicFile(tmp_path / name)


def test_names_that_are_no_text_are_names(tmp_path):
    write(tmp_path / os.fsdecode(b"\xff\xfe" * 90 + b".gvc"))


def test_a_name_with_a_nul_is_an_error():
    with pytest.raises(MediaError):
        write(Path("a\0b"))


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(MediaError, match="the folder .*none does not exist"):
        AtomicFile(tmp_path / "none" / "out.gvc")
    with pytest.raises(MediaError, match="is a directory"):
        AtomicFile(tmp_path)


def test_special_files_are_written_in_place():
    write(Path("/dev/null"))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_commands_write_through_links_and_to_long_names(tmp_path):
    real, link = tmp_path / ("語" * 83 + "ab.266"), tmp_path / "link.266"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real.name)
    done = run_gvc("export", "--sei", PORTRAIT, link, "-y")
    assert (done.returncode, done.stderr) == (0, b"")
    assert link.is_symlink()
    assert real.stat().st_size > 1000
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
