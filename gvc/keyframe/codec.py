"""What every key-frame codec offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import av

from gvc.bitstream import ColourDescription


@dataclass(frozen=True, slots=True)
class CodedPictures:
    """Key frames of one group.

    :param parameters: parameter sets; equal for all groups of one encoder as a rule.
    :param pictures: the pictures themselves, in the order in which they were coded.
    """

    parameters: bytes
    pictures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CodedReference:
    """A key frame that was coded alone, or first, and that others can be predicted from.

    :param picture: what was coded, yuv420p. :param parameters: parameter sets of what came of it.
    :param data: the coded picture. :param qp: with which it was coded.
    """

    picture: av.VideoFrame
    parameters: bytes
    data: bytes
    qp: int


class KeyFrameEncoder(ABC):
    """Codes pictures of one size, each call for itself; may be used from any thread."""

    @abstractmethod
    def encode(
        self,
        pictures: Sequence[av.VideoFrame],
        *,
        inter: bool = True,
        first_qp: int | None = None,
    ) -> CodedPictures:
        """Code pictures, yuv420p of the encoder's size.

        :param inter: predict each picture from those before it; the first is always coded alone.
        :param first_qp: QP of that one, if it is another.
        :raises KeyFrameError: if the encoder failed, with its reason.
        """

    def encode_after(
        self, reference: CodedReference, pictures: Sequence[av.VideoFrame]
    ) -> CodedPictures | None:
        """Code pictures that are all predicted from ``reference``, or from those before them.

        :returns: the pictures without the reference; None if this encoder would make another
            picture of the reference than a decoder has.
        :raises KeyFrameError: if the encoder failed, with its reason.
        """
        coded = self.encode([reference.picture, *pictures], first_qp=reference.qp)
        first, *others = coded.pictures
        # The same pictures in the same order make the same bytes, whatever comes behind them.
        if (coded.parameters, first) != (reference.parameters, reference.data):
            return None
        return CodedPictures(coded.parameters, tuple(others))

    @abstractmethod
    def encode_video(self, pictures: Sequence[av.VideoFrame], *, qp: int) -> bytes:
        """Code pictures that follow each other closely as the codec does it best.

        :returns: a byte stream with its own parameter sets, for
            :meth:`KeyFrameDecoder.decode_video`.
        :raises KeyFrameError: if the encoder failed, with its reason.
        """


class KeyFrameDecoder(ABC):
    """Decodes what a :class:`KeyFrameEncoder` made; each call stands for itself.

    Damage inside the coded samples may go unnoticed here and show in the picture; what a file
    stores is guarded by the checksums of its chunks.
    """

    @abstractmethod
    def decode(self, pictures: Sequence[bytes]) -> list[av.VideoFrame]:
        """Decode the first key frames of a group, or all, to 4:2:0 of 8 or 10 bits.

        :raises InvalidDataError: if it is not that many pictures that can be decoded.
        """

    @abstractmethod
    def decode_video(self, stream: bytes) -> Iterator[av.VideoFrame]:
        """Pictures in the order of showing, 4:2:0 of 8 or 10 bits.

        :raises InvalidDataError: where the stream cannot be decoded.
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
        :param qp: quantisation parameter of key frames, 0 (best) to 63.
        :param preset: one of the codec's own presets, or None for its default here.
        :raises KeyFrameError: if this machine cannot run it.
        """

    @abstractmethod
    def decoder(self, parameters: bytes, *, size: tuple[int, int] | None = None) -> KeyFrameDecoder:
        """A decoder for pictures that share these parameter sets.

        :param size: their width and height, where larger ones are to be refused.
        """
