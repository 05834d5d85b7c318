"""What streams of a container that is written have in common, and what they may be set to."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NoReturn

from gvc.bitstream.header import MAX_RATE_TERM, MAX_SIDE
from gvc.errors import UsageError
from gvc.media.rational import fraction

if TYPE_CHECKING:
    from gvc.api.output import OutputContainer


class OutputStream:
    """A stream of an :class:`~gvc.api.output.OutputContainer`.

    Attributes that it does not have cannot be set.

    :param container: which may be gone before it: a stream alone writes nothing.
    """

    #: Attributes that can be set until the first frame, each with what checks it.
    SETTABLE: Mapping[str, Callable[[Any], object]] = {}

    def __init__(self, container: OutputContainer) -> None:
        self._container = weakref.ref(container)
        self._started = False
        self._metadata: dict[str, str] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            if name not in self.SETTABLE:
                kind = type(self).__name__
                raise AttributeError(f"{kind!r} object has no attribute {name!r} that can be set")
            if self._started:
                raise UsageError(f"{name} cannot be set once a frame has been encoded")
            value = self.SETTABLE[name](value)
        object.__setattr__(self, name, value)

    @property
    def container(self) -> OutputContainer | None:
        """The container, None if it is gone."""
        return self._container()

    @property
    def metadata(self) -> dict[str, str]:
        """Tags of the stream, such as ``language`` and ``title``; written with the header."""
        return self._metadata

    @property
    def language(self) -> str | None:
        """The language that the tags name, None if they do not."""
        return self._metadata.get("language")

    @property
    def is_decoder(self) -> bool:
        """Whether it is read."""
        return False

    @property
    def is_encoder(self) -> bool:
        """Whether it is written."""
        return True

    def configure(self, attributes: dict[str, Any]) -> None:
        """Set attributes by name.

        :raises UsageError: if there is none of a name, or a value is out of range.
        """
        for name, value in attributes.items():
            if name not in self.SETTABLE:
                raise UsageError(f"a stream has no setting {name!r}", hint=", ".join(self.SETTABLE))
            setattr(self, name, value)

    def _check_here(self) -> None:
        """Make sure that the container is open, in this process.

        :raises UsageError: if not.
        """
        container = self._container()
        if container is None:
            raise UsageError("the container of this stream is gone")
        container.check_open()

    def __reduce__(self) -> NoReturn:
        raise UsageError("a stream cannot be pickled or copied")


def checked_side(name: str, value: object) -> int:
    """A width or height in pixels; 0 takes that of the first frame.

    :raises UsageError: if it is neither.
    """
    if not isinstance(value, int) or not 0 <= value <= MAX_SIDE:
        raise UsageError(f"{name} {value!r} is out of range", hint=f"1 to {MAX_SIDE}")
    return value


def checked_ratio(name: str, value: Any, most: int = MAX_RATE_TERM) -> Fraction:
    """A rate, a unit of time or a ratio.

    :param most: of numerator and denominator.
    :raises UsageError: if it is not positive, or cannot be stored.
    """
    try:
        ratio = Fraction(value) if isinstance(value, float) else fraction(value)
    except (AttributeError, ValueError, OverflowError, ZeroDivisionError, TypeError):
        raise UsageError(f"{name} {value!r} is not a number") from None
    if ratio.denominator > most or isinstance(value, float):
        # 29.97 is 2997/100, and not what binary makes of it.
        ratio = ratio.limit_denominator(1_000_000 if isinstance(value, float) else most)
    if not 0 < ratio.numerator <= most:
        raise UsageError(f"{name} {value} is out of range")
    return ratio
