"""What is written is read back before it goes into a file: readers' limits are those of writers.

So there is one set of limits, in the methods that read, and no file is written that these refuse.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from gvc.errors import InvalidDataError, LimitError, UnsupportedError

_Unit = TypeVar("_Unit")


@contextlib.contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what a reader says about ``what`` into an error about what was to be written.

    :raises LimitError: where a reader would refuse it.
    """
    try:
        yield
    except (InvalidDataError, UnsupportedError) as error:
        raise LimitError(f"{what} cannot be written: {error.cause}", hint=error.hint) from error


def check_read_back(
    what: str, payload: bytes, read: Callable[[bytes], _Unit], wanted: _Unit
) -> None:
    """Make sure that a reader makes of ``payload`` what it was made from.

    :param what: it is, for the message. :param read: the reader's method.
    :param wanted: what was written.
    :raises LimitError: if the reader refuses it, or finds something else.
    """
    with refusing(what):
        found = read(payload)
    if found != wanted:
        raise LimitError(f"{what} cannot be written: a reader would find another one")
