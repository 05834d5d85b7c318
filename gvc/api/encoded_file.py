"""A binary file that takes a raw video as PyAV writes it, and becomes a .gvc file."""

from __future__ import annotations

import dis
import io
import os
import sys
import threading
import weakref
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from gvc.api.byte_pipe import BytePipe
from gvc.api.recoding import recode
from gvc.errors import MediaError, UsageError

if TYPE_CHECKING:
    from gvc.api.output import OutputContainer
    from gvc.api.recoding import Tags

#: What a NUT file begins with, and the index that ends it.
_NUT_FILE = b"nut/multimedia container\0"
_NUT_INDEX = bytes.fromhex("4e58dd672f23e64e")

#: Seconds that Python waits, where it throws a file away, for the encoder to remove what it wrote;
#: one that is in the middle of a group does so later.
_PATIENCE = 0.5

#: Bytes at the end of NUT's index: its length and a checksum.
_NUT_END = 12


@dataclass(slots=True)
class _NutEnd:
    """Notices where a NUT file is whole: its index says how long it is itself."""

    _length: int = 0
    _start: int | None = None
    _ahead: bytes = field(default=b"")
    _is_nut: bool | None = None

    def passed(self, data: bytes) -> bool:
        """Take notice of the bytes that come next; whether they end the file."""
        seen = self._ahead + data
        if self._is_nut is None and self._length + len(data) >= len(_NUT_FILE):
            self._is_nut = seen.startswith(_NUT_FILE)
        at = seen.rfind(_NUT_INDEX)
        if at >= 0:
            self._start = self._length - len(self._ahead) + at
        self._length += len(data)
        self._ahead = seen[-max(_NUT_END, len(_NUT_FILE)) :]
        if not self._is_nut or self._start is None:
            return False
        told = int.from_bytes(self._ahead[-_NUT_END:-4], "big")
        return told == self._length - self._start


@dataclass(slots=True)
class _Job:
    """An encoder in a thread of its own, which knows nothing of the file that feeds it."""

    pipe: BytePipe
    output: OutputContainer
    tags: Tags
    error: BaseException | None = None

    def run(self) -> None:
        """Encode what comes through the pipe; the thread's own function."""
        try:
            recode(self.pipe, self.output, self.tags)
        except BaseException as error:
            self.error = error
        finally:
            self.pipe.close_reader()


class EncodedFile(io.RawIOBase):
    """A write-only binary file that cannot be sought; see :func:`gvc.as_file`.

    What is written goes through a pipe of bounded size to a thread, which demultiplexes and
    encodes it. The .gvc file appears under its name when this file is closed, or when NUT, the
    format that says where it ends, is whole; unless an exception is on its way then. A file that is
    never closed, or left by an exception in its own ``with`` statement, leaves nothing.

    :param output: the .gvc file, which belongs to this one from now on.
    :param tags: what the format does not tell.
    """

    def __init__(self, output: OutputContainer, tags: Tags) -> None:
        super().__init__()
        self._process = os.getpid()
        self._job = _Job(BytePipe(), output, tags)
        self._end = _NutEnd()
        self._thread = threading.Thread(target=self._job.run, name="gvc.as_file", daemon=True)
        # Nothing may be left at the end of the process either.
        self._at_exit = weakref.finalize(self, _abandon, self._job.pipe, self._thread, os.getpid())
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return super().closed or self._job.pipe.is_abandoned

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes; wait while the encoder is busy with those before.

        :returns: how many bytes, always all.
        :raises GvcError: if what was written before cannot be encoded, or after :func:`os.fork`.
        """
        self._check_open()
        if not self._thread.is_alive() and self._job.error is None:
            raise UsageError("the video that is written has ended already")
        part = bytes(data)
        if not self._job.pipe.write(part):
            self._give_up()
        if self._end.passed(part):
            if _left_by_an_exception():
                self.abort()
            else:
                self._finish()
        return len(part)

    def close(self) -> None:
        """Finish the .gvc file.

        :raises GvcError: if it cannot be encoded or written; then there is none.
        """
        if self.closed:
            return
        try:
            if self._process == os.getpid():
                self._finish()
        finally:
            super().close()

    def abort(self) -> None:
        """Give up; a .gvc file that was there before is left as it was."""
        if self._process == os.getpid():
            self._job.pipe.abandon()
            self._thread.join()
        super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        # Not close(), which would finish a file that nobody has finished.
        if hasattr(self, "_at_exit"):
            self._at_exit.detach()
            if self._process == os.getpid():
                self._job.pipe.abandon()
                if self._thread is not threading.current_thread():
                    self._thread.join(_PATIENCE)

    def _finish(self) -> None:
        self._job.pipe.close_writer()
        self._thread.join()
        if self._job.error is not None:
            self._give_up()

    def _give_up(self) -> None:
        """Raise the encoder's error, once."""
        self._thread.join()
        error, self._job.error = self._job.error, None
        super().close()
        if error is None:
            raise UsageError("the video that is written has ended already")
        raise error

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        if self._process != os.getpid():
            raise MediaError("was opened before a fork", hint="open it in each process")


def _abandon(pipe: BytePipe, thread: threading.Thread, process: int) -> None:
    """Give up a file that is open at the end of the process."""
    if process == os.getpid():
        pipe.abandon()
        thread.join()


def _left_by_an_exception() -> bool:
    """Whether a ``with`` statement is being left because of an exception.

    PyAV finishes a file then as it does otherwise. That an exception is being handled says less:
    ``except KeyboardInterrupt: container.close()`` means to keep what was recorded.
    """
    if sys.exception() is None:
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if dis.opname[frame.f_code.co_code[frame.f_lasti]] == "WITH_EXCEPT_START":
            return True
        frame = frame.f_back
    return False
