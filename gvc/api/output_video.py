"""Video streams of a container that is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import av

from gvc.api.descriptions import ENCODER, Codec
from gvc.api.distances import distance_of
from gvc.api.options import encoder_settings
from gvc.api.output_stream import OutputStream, checked_ratio, checked_side
from gvc.api.packet import Packet
from gvc.api.pictures import OwnFrames
from gvc.bitstream import MAX_PTS, AudioPacket, Group
from gvc.bitstream.header import MAX_AREA, MAX_TERM
from gvc.codec.stream_encoder import StreamEncoder
from gvc.errors import GvcError, MediaError, UsageError
from gvc.media import Preparation, VideoInfo, colour_of
from gvc.media.rational import Rational, fraction

if TYPE_CHECKING:
    from gvc.api.output import OutputContainer
    from gvc.codec.encoder import Planner
    from gvc.codec.group_coder import CodedGroup, GroupCoder
    from gvc.codec.settings import EncoderSettings
    from gvc.codec.shown import Shown
    from gvc.faces import Faces

#: Most ticks from one frame to the next, and of a frame's nominal duration: what motion can tell
#: (:mod:`gvc.entropy.timing`).
_MOST_DELAY = (1 << 41) - 1


def _checked_format(value: object) -> str:
    if value != "yuv420p":
        raise UsageError(
            f"pictures are stored as yuv420p, and not as {value!r}",
            hint="frames of any format can be encoded",
        )
    return "yuv420p"


def _as_given(value: object) -> object:
    """Leave the check to the property."""
    return value


class OutputVideoStream(OutputStream):
    """The video stream of an :class:`~gvc.api.output.OutputContainer`.

    Settings can change until the first frame is encoded; sizes that are not set are taken from
    that frame.

    :param rate: frames per second, nominal. :param settings: of the encoder.
    :param planner: makes what plans groups; None takes what the settings ask for.
    :param faces: what finds faces, where the settings need that; None takes what is installed.
    :param prepared: whether frames are handed over that are progressive, upright and of standard
        dynamic range already; else they are copied, and made so.
    """

    SETTABLE = {  # noqa: RUF012
        "width": partial(checked_side, "width"),
        "height": partial(checked_side, "height"),
        "time_base": partial(checked_ratio, "time base"),
        "average_rate": partial(checked_ratio, "rate"),
        "sample_aspect_ratio": partial(checked_ratio, "sample aspect ratio", most=MAX_TERM),
        "pix_fmt": _checked_format,
        "bit_rate": _as_given,
        "gop_size": _as_given,
        "thread_count": _as_given,
        "thread_type": _as_given,
        "options": _as_given,
    }

    type: Literal["video"] = "video"
    index = 0
    id = 1
    name = "gvc"

    width: int
    height: int
    time_base: Fraction
    average_rate: Fraction
    sample_aspect_ratio: Fraction
    pix_fmt: str
    #: Accepted for likeness with PyAV: how threads share the work is the encoder's choice.
    thread_type: str

    def __init__(
        self,
        container: OutputContainer,
        rate: Any,
        settings: EncoderSettings,
        *,
        planner: Callable[[GroupCoder, Shown], Planner] | None = None,
        faces: Faces | None = None,
        prepared: bool = False,
    ) -> None:
        super().__init__(container)
        self._settings = settings
        self._options: dict[str, str] = {}
        self._planner, self._faces, self._prepared = planner, faces, prepared
        self._encoder: StreamEncoder | None = None
        self._preparation = Preparation(threads=settings.threads)
        self._own = OwnFrames()
        self._flushed = False
        self._last_pts: int | None = None
        self._next_pts = 0
        self._ends: dict[int, int] = {}
        self.width = self.height = 0
        self.average_rate = rate
        self.time_base = 1 / self.average_rate
        self.sample_aspect_ratio = Fraction(1)
        self.pix_fmt = "yuv420p"
        self.thread_type = "AUTO"

    def __repr__(self) -> str:
        return f"<gvc.OutputVideoStream #0 {self.width}x{self.height}, {self.average_rate} fps>"

    @property
    def codec(self) -> Codec:
        """The codec."""
        return ENCODER

    @property
    def codec_context(self) -> OutputVideoStream:
        """The stream itself, which has the settings of its codec."""
        return self

    @property
    def rate(self) -> Fraction:
        """Frames per second, by the name that codecs have for it."""
        return self.average_rate

    @property
    def framerate(self) -> Fraction:
        """The same."""
        return self.average_rate

    @property
    def base_rate(self) -> Fraction:
        """The same."""
        return self.average_rate

    @property
    def guessed_rate(self) -> Fraction:
        """The same."""
        return self.average_rate

    @property
    def display_aspect_ratio(self) -> Fraction | None:
        """Width over height of a frame as it is shown; None as long as that is not known."""
        if not self.width or not self.height:
            return None
        return Fraction(self.width, self.height) * self.sample_aspect_ratio

    @property
    def gop_size(self) -> int:
        """Frames from one key frame to the next at most."""
        return self._settings.gop_size

    @gop_size.setter
    def gop_size(self, value: int) -> None:
        self._set(gop_size=value)

    @property
    def bit_rate(self) -> int | None:
        """Bits per second of the file but its sound; None, or 0, keeps to the QP of key frames."""
        return self._settings.bit_rate

    @bit_rate.setter
    def bit_rate(self, value: int | None) -> None:
        self._set(bit_rate=value or None)

    @property
    def thread_count(self) -> int:
        """CPU threads; 0 leaves the choice to the libraries."""
        return self._settings.threads or 0

    @thread_count.setter
    def thread_count(self, value: int) -> None:
        self._set(threads=value or None)

    @property
    def options(self) -> dict[str, str]:
        """Options of the encoder by the names of the command line; to be set as a whole."""
        return dict(self._options)

    @options.setter
    def options(self, options: Mapping[str, str]) -> None:
        self._settings = encoder_settings(self._settings, options)
        self._options = dict(options)

    @property
    def encoder(self) -> StreamEncoder:
        """The running encoder.

        :raises UsageError: before the first frame.
        """
        if self._encoder is None:
            raise UsageError("no video frame has been encoded")
        return self._encoder

    def encode(self, frame: Any = None) -> list[Packet]:
        """Code a frame of any format; None finishes.

        A frame without pts follows the one before at the stream's rate; pts in another time base
        are converted. Frames that say that they are interlaced, turned or of high dynamic range are
        made progressive, upright and BT.709, as ``gvc encode`` does. The frame stays as it is, and
        may be used again.

        :param frame: of PyAV, or RGB without pts: a numpy array, uint8 [H, W, 3], or a torch
            tensor, uint8 [3, H, W].
        :returns: the groups of pictures that became whole, often none.
        :raises UsageError: if it is no picture, its pts is not after that of the frame before, the
            stream was flushed, or its settings are out of range.
        :raises GvcError: if the settings cannot be carried out.
        """
        self._check_here()
        if frame is None:
            return self._flush()
        if self._flushed:
            raise UsageError("the stream was flushed, and takes no more frames")
        mine = frame if self._prepared else self._own.of(frame)
        try:
            self._time(mine, unit=getattr(frame, "time_base", None))
            prepared = [mine] if self._prepared else self._preparation.push(mine)
            return self._packets([g for each in prepared for g in self._start(each).push(each)])
        except GvcError:
            raise
        except (av.FFmpegError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise MediaError(f"the frame cannot be encoded: {reason}") from error

    def duration_of(self, unit: Group | AudioPacket) -> int:
        """Duration of a packet of this stream in ``time_base``."""
        return self._ends[unit.pts] - unit.pts

    def close(self) -> None:
        """Release the encoder."""
        if self._encoder is not None:
            self._encoder.close()

    def _flush(self) -> list[Packet]:
        """Finish; a second time there is nothing left."""
        if self._flushed:
            return []
        self._flushed = True
        coded = [g for each in self._preparation.finish() for g in self._start(each).push(each)]
        if self._encoder is not None:
            coded += self._encoder.flush()
        return self._packets(coded)

    def _packets(self, coded: list[CodedGroup]) -> list[Packet]:
        self._ends |= {item.group.pts: item.end_pts for item in coded}
        return [Packet(self, item.group) for item in coded]

    def _set(self, **values: Any) -> None:
        try:
            self._settings = replace(self._settings, **values)
        except TypeError as error:
            name, value = next(iter(values.items()))
            raise UsageError(f"{name} {value!r} is not a number") from error

    def _start(self, frame: av.VideoFrame) -> StreamEncoder:
        """The encoder, made with the first frame."""
        if self._encoder is None:
            width, height = self.width or frame.width, self.height or frame.height
            if width * height > MAX_AREA:
                raise UsageError(f"pictures of {width}x{height} are too large")
            self.width, self.height = width, height
            info = VideoInfo(
                width=width,
                height=height,
                time_base=self.time_base,
                frame_rate=self.average_rate,
                sample_aspect_ratio=self.sample_aspect_ratio,
                colour=colour_of(frame),
            )
            self._encoder = StreamEncoder(
                info,
                self._settings,
                distance_of(self._settings),
                planner=self._planner,
                faces=self._faces,
            )
            self._started = True
            container = self.container
            if container is not None:
                container.release_later(self._encoder)
        return self._encoder

    def _time(self, frame: av.VideoFrame, *, unit: Rational | None) -> None:
        """Give ``frame`` its time in the stream's time base.

        :param unit: of its pts in seconds; None, or 0, is the stream's.
        :raises UsageError: if that is not after the frame before, or out of range.
        """
        step = max(1, round(1 / (self.average_rate * self.time_base)))
        if step > _MOST_DELAY:
            raise UsageError("a frame lasts too many ticks", hint="set a coarser time_base")
        pts = self._next_pts if frame.pts is None else frame.pts
        if frame.pts is not None and unit:
            base = fraction(unit)
            pts = pts if base == self.time_base else round(pts * base / self.time_base)
        last = self._last_pts
        if last is not None and pts <= last:
            raise UsageError(
                f"pts {pts} does not follow {last}, that of the frame before",
                hint=f"in units of {self.time_base} s; set time_base to that of the frames",
            )
        if abs(pts) > MAX_PTS - _MOST_DELAY or (last is not None and pts - last > _MOST_DELAY):
            raise UsageError(f"pts {pts} is out of range", hint="set a coarser time_base")
        frame.pts, frame.time_base = pts, self.time_base
        self._last_pts, self._next_pts = pts, pts + step
