"""Why FFmpeg failed: its error, and what it logged before, in plain words.

PyAV leaves FFmpeg's log off. Here it is on while one call runs, in all threads, and off again after
that: a log line takes Python's lock, and a thread of a decoder must not wait for it while somebody
who holds the lock waits for the decoder to end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import av
import av.logging

from gvc.errors import GvcError, MediaError

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something failed.

    :param cause: without a full stop. :param hint: what the user can do, if that is known.
    """

    cause: str
    hint: str | None = None


#: What FFmpeg logs, with what that means to the user and what to do about it; parts of the match
#: are named as in ``re``.
_WELL_KNOWN = (
    (
        re.compile(r"moov atom not found"),
        r"the recording was never finished (no moov)",
        "the recorder stopped before it wrote the index; untrunc repairs some of these",
    ),
    (
        re.compile(r"Specified pixel format (\S+) is not supported by the (\S+) encoder"),
        r"the encoder \2 does not take the pixel format \1",
        "take another --codec",
    ),
    (
        re.compile(r"Error setting preset/tune ([^/]*)/"),
        r"the encoder has no preset \1",
        "leave out --preset",
    ),
    (
        re.compile(r"Could not find tag for codec (\S+) in stream"),
        r"the format cannot hold the codec \1",
        "take another format, .mkv, say",
    ),
    (
        re.compile(r"(?i)encrypted|decryption key"),
        "the recording is encrypted",
        "decrypt it first",
    ),
)

#: What decoders say of packets that are encrypted, since they cannot know it.
_ENCRYPTED = Reason("the recording is encrypted", "decrypt it first")


class _Log:
    """FFmpeg's log, which is one for the process: on while anybody listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners = 0
        self._stack = contextlib.ExitStack()

    @contextlib.contextmanager
    def lines(self) -> Iterator[list[tuple[int, str, str]]]:
        """What is logged in this thread.

        Where the program has set a level itself, it stays, and lines do not reach its log.
        """
        with self._lock:
            self._listeners += 1
            if self._listeners == 1 and av.logging.get_level() is None:
                self._stack.enter_context(_level(av.logging.ERROR))
        try:
            with av.logging.Capture() as lines:
                yield lines
        finally:
            with self._lock:
                self._listeners -= 1
                if not self._listeners:
                    self._stack.close()

    def forget(self) -> None:
        """Begin anew, in a process that was forked while others listened."""
        self._lock = threading.Lock()
        if self._listeners:
            self._listeners = 0
            self._stack.close()

    def description(self, container: av.container.InputContainer) -> str:
        """What FFmpeg says of a file, which it does by logging."""
        with self._lock, _level(av.logging.INFO):
            # PyAV's stubs do not have it.
            return str(cast(Any, container).dumps_format())


@contextlib.contextmanager
def _level(level: int) -> Iterator[None]:
    """Let FFmpeg log; what other threads say meanwhile is not printed."""
    before, repeats = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_skip_repeated(False)
    with av.logging.Capture(local=False):
        av.logging.set_level(level)
        try:
            yield
        finally:
            av.logging.set_level(before)
            av.logging.set_skip_repeated(repeats)


_LOG = _Log()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_LOG.forget)


def description_of(container: av.container.InputContainer) -> str:
    """What FFmpeg says of a file and its streams, as ``ffmpeg -i`` prints it."""
    return _LOG.description(container)


@contextlib.contextmanager
def explaining(name: str, *, about: str = "") -> Iterator[None]:
    """Raise what FFmpeg and the system refuse inside as :class:`MediaError`, with the reason.

    The reason is what FFmpeg's well-known log lines mean; else FFmpeg's error and the last line
    that it logged. A closed pipe stays a ``BrokenPipeError``, and our own errors what they are.

    :param name: of the file, for the message. :param about: what of the file, "audio", say.
    """
    lines: list[tuple[int, str, str]] = []
    try:
        with _LOG.lines() as lines:
            yield
    except (BrokenPipeError, GvcError):
        raise
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = reason_of(error, [line for level, _, line in lines if level <= av.logging.ERROR])
        cause = f"{about}: {reason.cause}" if about else reason.cause
        raise MediaError(cause, path=name, hint=reason.hint) from error


def explained(items: Iterator[_Item], name: str) -> Iterator[_Item]:
    """``items``, each asked for under :func:`explaining`."""
    while True:
        with explaining(name):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def reason_of(error: BaseException, lines: list[str]) -> Reason:
    """Why FFmpeg raised ``error``, after it had logged ``lines``."""
    log = getattr(error, "log", None)
    said = [" ".join(line.split()) for line in (*lines, *([log[2]] if log else []))]
    for pattern, cause, hint in _WELL_KNOWN:
        for line in said:
            match = pattern.search(line)
            if match is not None:
                return Reason(match.expand(cause), hint)
    cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, av.FFmpegError) and error.errno == errno.EPERM:
        return _ENCRYPTED
    told = [line for line in said if line and line not in cause]
    return Reason(f"{cause}: {told[-1]}" if told else cause)


def check_encryption(packet: av.Packet[Any], name: str) -> None:
    """Make sure that a packet can be decoded.

    :raises MediaError: if it is encrypted.
    """
    if packet.has_sidedata("encryption_info"):
        raise MediaError(_ENCRYPTED.cause, path=name, hint=_ENCRYPTED.hint)
