"""Every command with bad values for every option, and with bad inputs: one line, no traceback."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from conftest import write_clip
from recordings import FFMPEG

from gvc.cli import main as program
from gvc.cli.main import cause_of

#: A value for an option that wants another one: nothing, numbers of all kinds, text of all kinds.
VALUES = ("", "nan", "-1", "99999999999999999999", "no/such\n\udcff")

PORTRAIT = Path(__file__).resolve().parents[1] / "examples" / "portrait.gvc"

Invoke = Callable[..., tuple[int, str]]


@pytest.fixture
def invoke(monkeypatch, capsys) -> Invoke:
    """Runs a command as the program does; gives its exit code and standard error."""
    # Signals and memory are those of the test's own process.
    monkeypatch.setattr(program.signal, "signal", lambda *_: None)

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["gvc", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            program.main()
        return int(exit_.value.code or 0), capsys.readouterr().err

    return run


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in program.cli.list_commands(click.Context(program.cli)):
        command = program.cli.get_command(click.Context(program.cli), name)
        if isinstance(command, click.Group):
            for inner, each in command.commands.items():
                yield (name, inner), each
        else:
            yield (name,), command


COMMANDS = dict(commands())


def test_all_commands_are_here():
    assert {names[0] for names in COMMANDS} == set(program._COMMANDS)


def complains(done: tuple[int, str], codes: tuple[int, ...] = (1, 2, 3)) -> None:
    code, text = done
    assert code in codes, text
    assert "Traceback" not in text
    assert "internal error" not in text
    assert len(text.splitlines()) == 1, text
    assert text.startswith("gvc: ")


def arguments_of(command: click.Command, folder: Path) -> list[str]:
    """Something for each argument and option that has to be there; no input exists."""
    given = []
    for number, parameter in enumerate(command.params):
        if isinstance(parameter, click.Argument):
            given.append(str(folder / f"none{number}"))
        elif parameter.required:
            given += [parameter.opts[0], str(folder / "output" / "none.gvcp")]
    return given


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_option_takes_bad_values_in_a_line(names, invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = COMMANDS[names]
    usual = arguments_of(command, tmp_path)
    options = [each for each in command.params if isinstance(each, click.Option)]
    for option in options:
        if option.is_flag or option.count:
            continue
        for value in VALUES:
            complains(invoke(*names, *usual, f"{option.opts[-1]}={value}"))
    complains(invoke(*names, "--no-such-option"), codes=(2,))
    if any(isinstance(each, click.Argument) and each.required for each in command.params):
        complains(invoke(*names), codes=(2,))


def test_commands_that_are_none_are_named(invoke):
    complains(invoke("transmogrify"), codes=(2,))
    complains(invoke("\udcff\n"), codes=(2,))


def _nothing(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("dear diary\n" * 200)


def _noise(path: Path) -> None:
    path.write_bytes(bytes(n * n * 31 % 251 for n in range(5000)))


def _cut(path: Path) -> None:
    path.write_bytes(PORTRAIT.read_bytes()[:40])


def _unfinished(path: Path) -> None:
    whole = write_clip(path.with_name("whole.mp4"), frames=5)
    path.write_bytes(whole.read_bytes()[:3000])


def _playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n")


#: Inputs that are none, and how they are made.
INPUTS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "folder": Path.mkdir,
    "empty": _nothing,
    "text": _text,
    "noise": _noise,
    "cut": _cut,
    "unfinished": _unfinished,
    "playlist": _playlist,
    "dangling": lambda path: path.symlink_to(path.with_name("nowhere")),
    "loop": lambda path: path.symlink_to(path),
}

#: Names that files may have.
NAMES = ("a.mp4", "a:b.mp4", "a%d.png", "a?*[b].png", "a\nb.mkv", "語" * 83 + ".ts", "a\udce9.avi")


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("name", ["a.mp4", "a.gvc", "a\n\udce9:%d.png"])
def test_bad_inputs_are_told_in_a_line(name, kind, invoke, tmp_path):
    path = tmp_path / name
    INPUTS[kind](path)
    before = set(tmp_path.rglob("*"))
    for command in (
        ("encode", path, tmp_path / "out.gvc"),
        ("decode", path, tmp_path / "out.mp4"),
        ("info", path),
        ("export", "--sei", path, tmp_path / "out.266"),
        ("import", path, tmp_path / "out.gvc"),
        ("report", path, "-o", tmp_path / "out.html"),
        ("ls", path),
        ("verify", path),
        ("restore", path, tmp_path / "out"),
    ):
        done = invoke(*command)
        if kind == "cut" and command[0] in ("info", "report"):
            # There is a header to tell of.
            (tmp_path / "out.html").unlink(missing_ok=True)
            continue
        complains(done)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/a.mp4", "rtsp://127.0.0.1:1/a", "s3://a/b"]
)
def test_addresses_are_read_or_said_not_to_be(address, invoke, tmp_path):
    for command in (
        ("encode", address, tmp_path / "out.gvc"),
        ("decode", address, tmp_path / "out.mp4"),
        ("info", address),
        ("export", "--sei", address, tmp_path / "out.266"),
    ):
        done = invoke(*command)
        complains(done)
        if command[0] != "encode" or not address.startswith("http"):
            assert "is not read" in done[1]
        else:
            assert "Connection refused" in done[1]
    done = invoke("encode", tmp_path / "clip.mp4", address)
    complains(done)
    assert "is not written" in done[1]


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("encode", "out.mp4"),
        ("encode", "out.AVI"),
        ("encode", "out.wmv"),
        ("encode", "out.266"),
        ("encode", "out.gvcp"),
        ("decode", "out.gvc"),
        ("decode", "out.xyz"),
        ("import", "out.mp4"),
        ("export", "out.gvc"),
        ("report", "out.mp4"),
    ],
)
def test_targets_of_another_format_are_refused(command, target, invoke, tmp_path):
    path = tmp_path / target
    given = {"export": ["--sei", PORTRAIT, path], "report": [PORTRAIT, "-o", path]}
    complains(invoke(command, *given.get(command, [PORTRAIT, path])), codes=(2,))
    assert not list(tmp_path.iterdir())


def test_a_format_that_the_name_does_not_say_is_refused(invoke, tmp_path):
    complains(invoke("decode", PORTRAIT, tmp_path / "out.mp4", "--format", "mkv"), codes=(2,))


@pytest.mark.parametrize("command", ["encode", "decode", "import"])
def test_a_folder_that_is_missing_is_refused(command, invoke, tmp_path):
    target = tmp_path / "none" / ("out.mp4" if command == "decode" else "out.gvc")
    done = invoke(command, PORTRAIT, target)
    complains(done)
    assert f"the folder {tmp_path / 'none'} does not exist" in done[1]


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--codec", "nonesuch"], "no encoder 'nonesuch'"),
        (["--codec", "prores"], "prores does not take the pixel format yuv420p"),
        (["--codec", "aac"], "no encoder of video"),
        (["--codec", "h264"], "out.mkv"),
        (["--preset", "nonesuch"], "no preset 'nonesuch'"),
        (["--codec", "libsvtav1", "--preset", "nonesuch"], "nonesuch"),
        (["--weights", "/no/such/place"], "/no/such/place"),
        (["--device", "cuda:9"], ""),
        (["--device", "abacus"], ""),
        (["--max-seconds", "nan"], "max_seconds"),
    ],
    ids=" ".join,
)
def test_encoders_say_what_they_do_not_take(options, cause, invoke, tmp_path):
    done = invoke("decode", PORTRAIT, tmp_path / "out.mkv", "--size", "64", *options)
    if done[0] == 0 and options[-1] == "h264":
        return
    complains(done)
    assert cause in done[1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (RuntimeError("can't start new thread"), "not enough memory"),
        (
            ImportError("libtorch_cpu.so: failed to map segment from shared object"),
            "not enough memory",
        ),
        (ModuleNotFoundError("No module named 'torch'"), "a package is missing or broken"),
        (AssertionError(), "internal error: AssertionError"),
        (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "no"), "internal error: UnicodeDecodeError"),
        (ValueError("zip() argument 2 is longer"), "internal error: ValueError"),
        (OSError(5, "Input/output error", b"\xe9"), "Input/output error"),
    ],
)
def test_any_error_is_one_line(error, cause, invoke, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(importlib.import_module("gvc.cli.info").command, "callback", fail)
    code, text = invoke("info", "x")
    assert code == 1
    assert text.startswith(f"gvc: {cause}") or cause in text
    assert len(text.splitlines()) == 1
    assert cause_of(error)


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v is of Linux")
@pytest.mark.parametrize("megabytes", [100, 400, 900])
def test_little_memory_is_no_traceback(megabytes, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", frames=3, audio=False)
    coding = "--threads 1 --preset faster --size 64"
    run = f"exec {sys.executable} -m gvc encode {clip} out.gvc {coding}"
    script = f"ulimit -v {megabytes * 1024}; {run}"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=tmp_path, env=environment, check=False
    )
    text = done.stderr.decode()
    assert "Traceback" not in text
    # More threads need more: the last one may be enough.
    assert done.returncode == 1 or megabytes == 900
    assert (tmp_path / "out.gvc").exists() is (done.returncode == 0)
    # OpenBLAS says so itself, and exits.
    assert done.returncode == 0 or "memory" in text.lower()


def test_names_that_no_terminal_shows_are_escaped(invoke, tmp_path):
    code, text = invoke("info", tmp_path / "a\x1b[31m\udcff.gvc")
    assert code == 1
    assert "a\\x1b[31m\\udcff.gvc" in text


def test_any_name_is_the_name_of_a_file(invoke, tmp_path):
    """None is taken for a protocol, a pattern of numbers, or an option."""
    picture = tmp_path / "plain.png"
    command = [FFMPEG, "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1"]
    subprocess.run([*command, picture], check=True)
    from gvc.media import Source

    for name in (*NAMES, "file:b.png", "-b.png", "pipe:0.png", "concat:a|b.png", "http:b.png"):
        path = tmp_path / name
        path.write_bytes(picture.read_bytes())
        with Source(path) as source:
            assert (source.video.width, source.video.height) == (64, 64)
        path.unlink()
        # Nor is another file taken in its place.
        (tmp_path / "a1.png").write_bytes(picture.read_bytes())
        done = invoke("encode", "--", path, tmp_path / "out.gvc")
        complains(done, codes=(1,))
        assert "No such file" in done[1]
