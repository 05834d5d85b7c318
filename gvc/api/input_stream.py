"""What streams of a container that is read have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from gvc.api.input import InputContainer

#: What can be set of a stream, by itself or by its codec context.
_SETTABLE = ("container", "header", "thread_count", "thread_type")


class InputStream:
    """What streams of both types have in common.

    Attributes that it does not have cannot be set.
    """

    type: str

    def __init__(self, container: InputContainer) -> None:
        self.container = container
        self._thread_type = "AUTO"

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and name not in _SETTABLE:
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r} that can be set")
        object.__setattr__(self, name, value)

    @property
    def thread_type(self) -> str:
        """Accepted for likeness with PyAV: how threads share the work is the decoder's choice."""
        return self._thread_type

    @thread_type.setter
    def thread_type(self, value: str) -> None:
        self._thread_type = value

    @property
    def thread_count(self) -> int:
        """CPU threads of the decoder, 0 if the libraries choose; to be set before decoding.

        :raises UsageError: if frames have been decoded.
        """
        return self.container.threads or 0

    @thread_count.setter
    def thread_count(self, value: int) -> None:
        self.container.threads = value or None

    @property
    def metadata(self) -> dict[str, str]:
        """Tags of the stream, such as ``language`` and ``title``."""
        header = self.container.header
        return dict(header.video_metadata if self.type == "video" else header.audio_metadata)

    @property
    def language(self) -> str | None:
        """The language that the tags name, None if they do not."""
        return self.metadata.get("language")

    @property
    def profile(self) -> None:
        """None: the codecs have no profiles that a file would name."""
        return

    @property
    def profiles(self) -> list[str]:
        """Empty, for the same reason."""
        return []

    @property
    def is_decoder(self) -> bool:
        """Whether it is read."""
        return True

    @property
    def is_encoder(self) -> bool:
        """Whether it is written."""
        return False

    @property
    def options(self) -> dict[str, str]:
        """Empty: options of a decoder are given to :func:`gvc.open`."""
        return {}

    def __reduce__(self) -> NoReturn:
        self.container.refuse_copy()
