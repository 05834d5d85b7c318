"""What every key-frame codec offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import av

from gvc.bitstream import ColourDescription


@dataclass(frozen=True, slots=True)
class CodedKeyFrame:
    """One coded picture.

    :param parameters: parameter sets; equal for all pictures of one encoder as a rule.
    :param data: the picture itself.
    """

    parameters: bytes
    data: bytes


class KeyFrameEncoder(ABC):
    """Codes pictures in order; how soon they come back is the codec's affair."""

    @abstractmethod
    def push(self, frame: av.VideoFrame) -> list[CodedKeyFrame]:
        """Take a picture, yuv420p of the encoder's size; give those that are ready.

        :raises KeyFrameError: if the encoder failed, with its reason.
        """

    @abstractmethod
    def finish(self) -> list[CodedKeyFrame]:
        """Give all pictures that are left.

        :raises KeyFrameError: if the encoder failed, with its reason.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what the encoder holds; also after an error, and more than once."""


class KeyFrameDecoder(ABC):
    """Decodes pictures, each alone."""

    @abstractmethod
    def decode(self, data: bytes) -> av.VideoFrame:
        """Decode one picture to 4:2:0, 8 or 10 bits.

        Damage inside the coded samples may go unnoticed here and show in the picture; what a
        file stores is guarded by the checksums of its chunks.

        :raises InvalidDataError: if it holds no picture that can be decoded.
        """


class KeyFrameCodec(ABC):
    """A codec: makes encoders and decoders."""

    #: What file headers and the command line call it.
    name: str

    @abstractmethod
    def encoder(
        self,
        *,
        width: int,
        height: int,
        qp: int,
        colour: ColourDescription,
        preset: str | None = None,
    ) -> KeyFrameEncoder:
        """An encoder for pictures of one size.

        :param width: even number of pixels; :param height: likewise.
        :param qp: quantisation parameter, 0 (best) to 63.
        :param preset: one of the codec's own presets, or None for its default here.
        :raises KeyFrameError: if this machine cannot run it.
        """

    @abstractmethod
    def decoder(self, parameters: bytes) -> KeyFrameDecoder:
        """A decoder for pictures that share these parameter sets."""
