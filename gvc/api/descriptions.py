"""What containers and codecs say of themselves, by the names of PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, eq=False)
class ContainerFormat:
    """The format of a container; equal to its name, too.

    :param name: short name. :param long_name: for people.
    :param extensions: what names of files end in, without the dot.
    """

    name: str
    long_name: str
    extensions: frozenset[str]
    is_input: bool = True
    is_output: bool = True

    def __eq__(self, other: object) -> bool:
        return self.name == (other.name if isinstance(other, ContainerFormat) else other)

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec that FFmpeg does not know.

    :param name: short name, by which streams are added. :param long_name: for people.
    :param mode: ``r`` for a decoder, ``w`` for an encoder.
    """

    name: str
    long_name: str
    mode: Literal["r", "w"]
    type: Literal["video"] = "video"
    intra_only: bool = False
    lossy: bool = True
    lossless: bool = False

    @property
    def canonical_name(self) -> str:
        """The name of what it codes, whoever wrote the codec."""
        return self.name

    @property
    def is_decoder(self) -> bool:
        """Whether it decodes."""
        return self.mode == "r"

    @property
    def is_encoder(self) -> bool:
        """Whether it encodes."""
        return self.mode == "w"


_LONG_NAME = "gvc (generative video codec for talking heads)"

#: Files of this format.
FORMAT = ContainerFormat("gvc", _LONG_NAME, frozenset({"gvc"}))

#: The codec of its video streams.
DECODER, ENCODER = Codec("gvc", _LONG_NAME, "r"), Codec("gvc", _LONG_NAME, "w")
