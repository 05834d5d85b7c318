"""An account of a media file by its packets alone: no decoder, and none of the encoder's reader.

What reads recordings to code them decodes, sorts, repairs and converts. Whatever it loses by that
is not lost here: packets are counted and their times added up as the file has them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from gvc.archive.account import Account, SoundAccount
from gvc.archive.h264_fields import FieldPairs
from gvc.archive.timekeeping import GAP, Timekeeper
from gvc.errors import InvalidDataError, MediaError
from gvc.media.selection import select

#: FFmpeg's AVFMT_TS_DISCONT: formats whose times may jump.
_DISCONTINUOUS = 0x200

#: Frames a second where a file does not say how many, and the range of those that are believed.
_DEFAULT_RATE, _LEAST_RATE, _MOST_RATE = 25.0, 0.01, 1000.0

#: Codecs whose decoders give nothing for the first packets.
_HELD_BACK = {"wmav1", "wmav2", "wmapro", "wmavoice"}

#: Most bytes of a picture of MPEG-4 that says that it is not coded.
_NOT_CODED = 8


def survey_packets(path: Path, *, sound: bool = True) -> Account:
    """Count the pictures and the sound of a file's streams, those that ffmpeg would take.

    Memory does not depend on the length of the file.

    :param sound: whether sound counts.
    :raises MediaError: if it cannot be opened.
    :raises InvalidDataError: if it holds no video.
    """
    try:
        # Tags may be of any encoding; nobody looks at them.
        container = av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(getattr(error, "strerror", None) or str(error), path=path) from error
    with container:
        chosen = select(container, sound=sound)
        if chosen is None:
            raise InvalidDataError("holds no video stream", path=path)
        discontinuous = bool(container.format.flags & _DISCONTINUOUS)
        pictures = _Pictures(chosen.video, discontinuous=discontinuous)
        heard = None
        if chosen.audio is not None:
            heard = _Sound(chosen.audio, discontinuous=discontinuous)
        problem = None
        try:
            _read(container, pictures, heard)
        except (av.FFmpegError, OSError, ValueError) as error:
            problem = getattr(error, "strerror", None) or str(error)
        return pictures.account(
            None if heard is None else heard.account(pictures),
            vague=container.format.name == "avi" or pictures.without_times > 0,
            problem=problem,
        )


def _read(
    container: av.container.InputContainer, pictures: _Pictures, heard: _Sound | None
) -> None:
    streams = [pictures.stream, *([] if heard is None else [heard.stream])]
    for packet in container.demux(streams):
        if not packet.size:
            continue
        if packet.stream is pictures.stream:
            pictures.add(packet)
        elif heard is not None:
            heard.add(packet)


class _Pictures:
    """Counts packets of a video stream, a picture each."""

    def __init__(self, stream: av.VideoStream, *, discontinuous: bool) -> None:
        self.stream = stream
        context = stream.codec_context
        self._codec = context.codec.canonical_name
        self._fields = FieldPairs(context.extradata or b"") if self._codec == "h264" else None
        self._unit = float(stream.time_base or 1)
        rates = (stream.average_rate, stream.guessed_rate)
        believed = (float(rate) for rate in rates if rate)
        rate = next((r for r in believed if _LEAST_RATE <= r <= _MOST_RATE), _DEFAULT_RATE)
        self._usual = self._last = 1 / rate
        self.times = Timekeeper(discontinuous=discontinuous)
        self._number = self._uncertain = self._early = self._late = self.without_times = 0
        #: When the first key frame of this piece is shown.
        self._key: float | None = None

    def add(self, packet: av.Packet[Any]) -> None:
        """Count a packet that is not empty."""
        lasts = packet.duration * self._unit if packet.duration else self._usual
        shown = None if packet.pts is None else packet.pts * self._unit
        decoded = None if packet.dts is None else packet.dts * self._unit
        self.without_times += shown is None
        expected = self.times.expected
        if decoded is None:
            # Times of the first packets are often missing: those of showing are no substitute.
            decoded = expected if expected is not None else shown or 0.0
        if self.times.begins_anew(decoded):
            self._key = None
        self.times.lasts(lasts)
        shown = decoded if shown is None else shown
        if self._key is None and packet.is_keyframe and not packet.is_corrupt:
            self._key = shown
        # Those are decoded for others, and not shown.
        if packet.is_discard or _is_hidden(packet, self._codec):
            return
        if self._fields is not None and self._fields.is_second(bytes(packet)):
            self.times.show(shown, shown + lasts)
            return
        self._number += 1
        if self._key is None or shown < self._key or self._may_be_empty(packet):
            self._uncertain += 1
            self._late += 1
            # Where this is the first piece, and no other picture is before it.
            self._early += self.times.start is None or shown < self.times.start
            return
        self._late = 0
        if self.times.start is None or shown + lasts >= self.times.end:
            self._last = lasts
        self.times.show(shown, shown + lasts)

    def account(self, sound: SoundAccount | None, *, vague: bool, problem: str | None) -> Account:
        """What there was."""
        return Account(
            pictures=self._number,
            uncertain=self._uncertain,
            seconds=self.times.seconds,
            jumps=self.times.jumps,
            frame=max(self._usual, self._last),
            joins=self.times.joins,
            vague=vague,
            sound=sound,
            problem=problem,
            early=self._early,
            late=self._late,
        )

    def _may_be_empty(self, packet: av.Packet[Any]) -> bool:
        return packet.is_corrupt or (self._codec == "mpeg4" and packet.size <= _NOT_CODED)


class _Sound:
    """Adds up packets of an audio stream."""

    def __init__(self, stream: av.AudioStream, *, discontinuous: bool) -> None:
        self.stream = stream
        self._unit = float(stream.time_base or 1)
        self._codec = stream.codec_context.codec.canonical_name
        self._rate = stream.codec_context.sample_rate or 1
        self._times = Timekeeper(discontinuous=discontinuous, gap=GAP)
        self._lasts = self._priming = self._longest = 0.0
        self._first: float | None = None
        #: Until when a decoder drops what it decodes.
        self._audible: float | None = None

    def add(self, packet: av.Packet[Any]) -> None:
        """Add a packet that is not empty."""
        lasts = packet.duration * self._unit if packet.duration else self._lasts
        self._lasts, self._longest = lasts, max(lasts, self._longest)
        time = packet.pts if packet.pts is not None else packet.dts
        start = (self._times.expected or 0.0) if time is None else time * self._unit
        self._times.begins_anew(start)
        self._times.lasts(lasts)
        if self._first is None:
            self._first = start
        if packet.has_sidedata("skip_samples"):
            # What is dropped may be more than one packet, and those marked besides.
            data = bytes(packet.get_sidedata("skip_samples"))
            self._audible = start + int.from_bytes(data[:4], "little") / self._rate
        heard = start if self._audible is None else max(start, self._audible)
        if packet.is_discard or heard > start + lasts:
            return
        self._audible = None
        if self._times.start is None:
            self._priming = heard - self._first
        self._times.show(heard, start + lasts)

    def account(self, pictures: _Pictures) -> SoundAccount | None:
        """What there was, beside the pictures; None if there was nothing."""
        if self._times.start is None:
            return None
        return SoundAccount(
            start=self._times.start - (pictures.times.start or 0.0),
            seconds=self._times.seconds,
            gaps=self._times.gaps,
            end=self._times.end - pictures.times.end,
            packet=min(self._longest, GAP),
            held_back=2 * self._longest if self._codec in _HELD_BACK else 0.0,
            priming=self._priming,
            joins=self._times.joins,
        )


def _is_hidden(packet: av.Packet[Any], codec: str) -> bool:
    """Whether a packet holds a picture that is only referred to."""
    # Bit 4 of a frame tag of VP8 says that it is shown (RFC 6386, section 9.1).
    return codec == "vp8" and not memoryview(packet)[0] >> 4 & 1
