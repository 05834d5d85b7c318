"""The group of commands, and what all of them share: errors, exit codes, ``--debug``."""

from __future__ import annotations

import errno
import importlib
import io
import keyword
import os
import re
import signal
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

import click

import gvc
from gvc.errors import GvcError, one_line

#: What libraries say, of all kinds of errors, where memory, addresses or threads are used up.
_NO_MEMORY = re.compile(
    "(?i)cannot allocate memory|can't allocate memory|not enough memory|unable to allocate|"
    "failed to map segment|bad_alloc|out of memory|can't start new thread"
)

#: Commands by name, with the first line of their help; each is in the module of its name,
#: with an underscore for a hyphen, and behind what is a word of Python.
_COMMANDS: Mapping[str, str] = {
    "encode": "Code a video file as .gvc.",
    "decode": "Decode a .gvc file to a playable video.",
    "info": "Say what a .gvc file holds, or how gvc was built.",
    "export": "Write a .gvc file as a VVC stream that every VVC decoder reads.",
    "import": "Make a .gvc file of a VVC stream that was exported.",
    "archive": "Code folders of recordings to an archive, and go on where that was stopped.",
    "ls": "Say what is in an archive.",
    "verify": "Look at every file of an archive.",
    "restore": "Decode an archive to MP4 files.",
    "report": "Write a page of HTML about a .gvc file or an archive.",
    "adapt": "Adapt the network to one speaker: a small pack beside many files.",
    "train": "Train the networks on a folder of clips.",
    "train-prior": "Train the prior of motion codes on a folder of clips.",
    "train-ranges": "Measure what decoding in 8-bit integers needs to know of weights.",
    "train-restoration": "Train the network that restores key frames on a folder of clips.",
    "train-distance": "Train the perceptual distance that encoders decide by.",
    "bench": "Measure this codec beside others.",
}


#: What click 8.2 and newer raise where no command is given; older ones show the help and exit.
_NO_COMMAND: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class LazyGroup(click.Group):
    """Imports a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, without importing anything."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module = cmd_name.replace("-", "_") + "_" * keyword.iskeyword(cmd_name)
        command: click.Command = importlib.import_module(f"gvc.cli.{module}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a closed pipe ends it quietly.

        Whoever read our output has seen enough. Click itself would exit with 1.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _exit(0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(gvc.__version__, prog_name="gvc")
@click.option("--debug", is_flag=True, help="Show where in the program an error arose.")
def cli(debug: bool) -> None:
    """A codec for talking heads, at a few kilobits a second."""


def main() -> NoReturn:
    """Run a command and exit; errors become one line on standard error."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup asks for hang-ups to be ignored.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Text that the terminal's encoding lacks is shown all the same.
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        cli.main(arguments, prog_name="gvc", standalone_mode=False)
        _flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        _exit(130)
    except _NO_COMMAND as error:
        error.show()
        _exit(2)
    except click.ClickException as error:
        click.echo(f"gvc: {one_line(_usage(error))}", err=True)
        _exit(2)
    except Exception as error:
        if debug:
            raise
        click.echo(f"gvc: {one_line(cause_of(error))}", err=True)
        _exit(error.exit_code if isinstance(error, GvcError) else 1)
    sys.exit(0)


def cause_of(error: Exception) -> str:
    """What ended a command, in a line; an error that nobody foresaw is told to be one."""
    if isinstance(error, GvcError) and not _NO_MEMORY.search(error.cause):
        return str(error)
    # FFmpeg says "again" where it gets no thread.
    again = isinstance(error, OSError) and error.errno == errno.EAGAIN
    of_ffmpeg = type(error).__module__.startswith("av.")
    if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) or (again and of_ffmpeg):
        return "not enough memory (a smaller --size, or fewer --threads, may help)"
    if isinstance(error, SystemError):
        # C code that gets no memory in the middle of an import returns nothing at all.
        return f"not enough memory, or a module that is broken: {error}"
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    if isinstance(error, ImportError):
        return f"a package is missing or broken: {error}"
    return (
        f"internal error: {type(error).__name__}: {error} "
        "(a fault of gvc: gvc --debug shows where, please report it)"
    )


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    help_with = f" ({context.command_path} --help)" if context is not None else ""
    return error.format_message().rstrip(".") + help_with


def _exit(code: int) -> NoReturn:
    """Exit without a second complaint when standard output is closed at shutdown."""
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _flush() -> None:
    # There is no stream at all where the shell closed it.
    if sys.stdout is not None:
        sys.stdout.flush()


def _stop(number: int, frame: FrameType | None) -> None:
    """End as on Ctrl-C when told to, so that nothing half-written stays; exit as shells expect."""
    if _is_callback(frame) and hasattr(signal, "setitimer"):
        # What a callback raises is printed and lost: stop as soon as it is over.
        signal.signal(signal.SIGALRM, lambda _, later: _stop(number, later))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        return
    sys.exit(128 + number)


def _is_callback(frame: FrameType | None) -> bool:
    """Whether Python's import system runs a callback of a weak reference."""
    return frame is not None and frame.f_code.co_filename.startswith("<frozen importlib")
