"""The one hierarchy of errors that gvc raises for reasons a user can act on.

Imports nothing. Every class is also the builtin that fits it best, so that
``except ValueError`` and ``except OSError`` keep working for callers who do not
know gvc (the habit of :mod:`av.error`).
"""

from __future__ import annotations

import os


def one_line(text: str) -> str:
    """``text`` as one line that any terminal shows: what cannot be printed is escaped.

    Names and tags come from strangers, and may hold control codes or bytes that are not Unicode.
    """
    joined = " ".join(text.split())
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in joined
    )


class GvcError(Exception):
    """Base of all errors; its text is one line: file, cause, and what to do.

    :param cause: what went wrong, in the user's words, without a full stop.
    :param path: the file concerned, if there is one.
    :param hint: what the user can do about it, if that is known.
    """

    #: Exit status of the command line when this error ends a command.
    exit_code = 1

    def __init__(
        self,
        cause: str,
        *,
        path: str | os.PathLike[str] | None = None,
        hint: str | None = None,
    ) -> None:
        self.cause = cause
        self.path = None if path is None else os.fspath(path)
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        text = self.cause if self.path is None else f"{self.path}: {self.cause}"
        if self.hint:
            text = f"{text} ({self.hint})"
        return one_line(text)


class UsageError(GvcError, ValueError):
    """An option or argument that makes no sense, whatever the files hold."""

    exit_code = 2


class MediaError(GvcError, OSError):
    """A media file that cannot be opened, read or written; carries FFmpeg's reason."""


class InvalidDataError(GvcError, ValueError):
    """Bytes that are not what their format promises: damaged, or another format."""


class TruncatedDataError(InvalidDataError):
    """Valid as far as it goes, but it ends too early."""


class UnsupportedError(GvcError, ValueError):
    """Valid, but made by a newer version, or with a feature that this build lacks."""


class LimitError(UnsupportedError):
    """More than whoever decodes allows, or than a .gvc file can hold."""


class WeightsError(GvcError, LookupError):
    """Network weights that are missing, damaged, or not the ones a file asks for."""


class KeyFrameError(GvcError, RuntimeError):
    """A key-frame codec that failed, or that this machine cannot run."""
