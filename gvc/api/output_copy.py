"""A video stream whose groups of pictures come from another file, as they are."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from gvc.api.descriptions import ENCODER, Codec
from gvc.api.output_stream import OutputStream
from gvc.api.packet import Packet
from gvc.api.streams import VideoStream
from gvc.bitstream import AudioPacket, Group, VideoHeader
from gvc.bitstream.references import References
from gvc.errors import UsageError

if TYPE_CHECKING:
    from gvc.api.output import OutputContainer


class CopiedVideoStream(OutputStream):
    """A video stream made by ``add_stream_from_template``; it takes packets, and no frames.

    :param template: the stream whose packets it takes, or those of another file with the same
        parameters.
    """

    type: Literal["video"] = "video"
    index = 0
    id = 1
    name = "gvc"

    def __init__(self, container: OutputContainer, template: VideoStream) -> None:
        super().__init__(container)
        self._metadata.update(template.metadata)
        self._template = template
        # That of the file, whatever size its pictures are decoded at.
        self._header: VideoHeader = template.container.header.video
        self._pack = template.container.embedded_pack
        self._references = References()

    def __repr__(self) -> str:
        return f"<gvc.CopiedVideoStream #0 {self.width}x{self.height}, {self.average_rate} fps>"

    @property
    def header(self) -> VideoHeader:
        """What a decoder has to know."""
        return self._header

    @property
    def embedded_pack(self) -> bytes | None:
        """The speaker pack that the file is to hold, or None."""
        return self._pack

    @property
    def template(self) -> VideoStream:
        """The stream that it copies."""
        return self._template

    @property
    def codec(self) -> Codec:
        """The codec."""
        return ENCODER

    @property
    def codec_context(self) -> CopiedVideoStream:
        """The stream itself, which has the properties of its codec."""
        return self

    @property
    def width(self) -> int:
        """Width of decoded frames in pixels."""
        return self._header.width

    @property
    def height(self) -> int:
        """Height of decoded frames in pixels."""
        return self._header.height

    @property
    def pix_fmt(self) -> str:
        """Pixel format of decoded frames."""
        return "yuv420p"

    @property
    def average_rate(self) -> Fraction:
        """Frames per second, nominal."""
        return self._header.frame_rate

    @property
    def time_base(self) -> Fraction:
        """Unit of ``pts`` in seconds."""
        return self._header.time_base

    @property
    def sample_aspect_ratio(self) -> Fraction:
        """Width over height of a pixel."""
        return self._header.sample_aspect_ratio

    def encode(self, frame: Any = None) -> list[Packet]:
        """Refuse a frame; there is nothing to flush.

        :raises UsageError: if ``frame`` is one.
        """
        if frame is not None:
            raise UsageError("a stream made from a template takes packets, not frames")
        return []

    def check(self, packet: Packet) -> None:
        """Make sure that a packet can follow those before it.

        :raises UsageError: if it is of a stream with other parameters, or predicted from a group
            that was not copied.
        """
        group, origin = packet.unit, packet.origin
        assert isinstance(group, Group)
        if not isinstance(origin, VideoStream) or origin.container.header.video != self._header:
            raise UsageError("the packet is of a stream with other parameters than the template")
        reference = group.reference
        if reference is not None and self._references.find(reference.pts) != reference.data:
            raise UsageError(
                "a group cannot be copied without the one that it is predicted from",
                hint="begin with a packet for which is_keyframe is true, and leave none out",
            )
        self._references.note(group)

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        return self._template.duration_of(unit)
