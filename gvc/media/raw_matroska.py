"""Matroska files of raw pictures whose places are known before any picture is (RFC 9559).

Every picture stands in a cluster of its own, and every number has a fixed width, so that an element
takes the same bytes whatever it says. Of what a file will hold, only the sizes must be known to say
where each byte of it is.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from gvc.bitstream import AudioHeader, VideoHeader
from gvc.media.ebml import element
from gvc.media.pixel_shape import shape_of
from gvc.media.template import audio_track, codec_delay

_NANOSECONDS = 1_000_000_000

#: Numbers of the tracks.
_VIDEO, _AUDIO = 1, 2

#: Identities of elements, by the names of RFC 9559.
_EBML, _DOC_TYPE, _DOC_VERSION, _DOC_READ_VERSION = 0x1A45DFA3, 0x4282, 0x4287, 0x4285
_SEGMENT, _INFO, _TIMESTAMP_SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_TITLE, _MUXING_APP, _WRITING_APP = 0x7BA9, 0x4D80, 0x5741
_TRACKS, _TRACK_ENTRY, _TRACK_NUMBER, _TRACK_UID = 0x1654AE6B, 0xAE, 0xD7, 0x73C5
_LANGUAGE, _NAME, _TRACK_TYPE, _FLAG_LACING, _CODEC_ID, _DEFAULT_DURATION = (
    0x22B59C,
    0x536E,
    0x83,
    0x9C,
    0x86,
    0x23E383,
)
_VIDEO_ELEMENT, _PIXEL_WIDTH, _PIXEL_HEIGHT, _INTERLACED = 0xE0, 0xB0, 0xBA, 0x9A
_COLOUR_SPACE, _COLOUR, _MATRIX, _RANGE = 0x2EB524, 0x55B0, 0x55B1, 0x55B9
_TRANSFER, _PRIMARIES = 0x55BA, 0x55BB
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_CUES, _CUE_POINT, _CUE_TIME, _CUE_POSITIONS = 0x1C53BB6B, 0xBB, 0xB3, 0xB7
_CUE_TRACK, _CUE_CLUSTER = 0xF7, 0xF1
_TAGS, _TAG, _TARGETS, _SIMPLE_TAG = 0x1254C367, 0x7373, 0x63C0, 0x67C8
_TAG_NAME, _TAG_STRING = 0x45A3, 0x4487
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK, _VOID = 0x1F43B675, 0xE7, 0xA3, 0xEC

_PROGRESSIVE, _AS_RATIO, _LIMITED, _FULL, _KEY = 2, 3, 1, 2, 0x80

#: Bytes of a cluster before the picture or the packet in it, and of the shortest filling.
CLUSTER_HEAD = 42
LEAST_FILLING = 9


@dataclass(frozen=True, slots=True)
class Cue:
    """A place from which reading can begin.

    :param time: in seconds. :param offset: of a cluster, in bytes behind the head of the file.
    """

    time: Fraction
    offset: int


@dataclass(frozen=True, slots=True)
class RawMatroska:
    """The elements of one file.

    :param video: the pictures, 8-bit 4:2:0. :param audio: the sound, or None.
    :param video_tags: of the stream of pictures: ``language`` and ``title`` are told.
    :param audio_tags: of the sound, likewise.
    :param delay: seconds by which all times are later in the file, where none may be negative.
    """

    video: VideoHeader
    audio: AudioHeader | None
    delay: Fraction = Fraction(0)
    video_tags: Mapping[str, str] = field(default_factory=dict)
    audio_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> int:
        """Nanoseconds of a tick: those of the video's time base, if these are all that count."""
        unit = self.video.time_base * _NANOSECONDS
        exact = (
            self.audio is None and unit.denominator == 1 and not self.delay * _NANOSECONDS % unit
        )
        return int(unit) if exact else 1

    @property
    def picture_size(self) -> int:
        """Bytes of a picture."""
        width, height = self.video.width, self.video.height
        return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)

    def head(
        self,
        metadata: Mapping[str, str],
        cues: Sequence[Cue],
        *,
        duration: Fraction,
        size: int,
    ) -> bytes:
        """All that stands before the first cluster.

        :param duration: of the file in seconds. :param size: bytes of all that comes after.
        """
        start = self._parts(metadata, duration)
        # Their length does not depend on what they say.
        length = len(start) + len(self._cues(cues, 0))
        content = start + self._cues(cues, length)
        ebml = element(
            _EBML,
            element(_DOC_TYPE, b"matroska")
            + element(_DOC_VERSION, b"\x04")
            + element(_DOC_READ_VERSION, b"\x02"),
        )
        return ebml + _opening(_SEGMENT, length + size) + content

    def picture_head(self, pts: int, *, key: bool) -> bytes:
        """What stands before a picture.

        :param pts: in the video's time base. :param key: whether reading may begin with it.
        """
        ticks = self._ticks(pts * self.video.time_base + self.delay)
        return _cluster_head(_VIDEO, ticks, self.picture_size, _KEY if key else 0)

    def packet(self, pts: int, data: bytes) -> bytes:
        """A packet of sound with all that belongs to it; ``pts`` in the audio's time base."""
        assert self.audio is not None
        late = self.delay + Fraction(codec_delay(self.audio), _NANOSECONDS)
        ticks = self._ticks(pts * self.audio.time_base + late)
        return _cluster_head(_AUDIO, ticks, len(data), _KEY) + data

    def _ticks(self, time: Fraction) -> int:
        """``time`` in ticks, rounded up: readers that divide by a rate round down."""
        return max(0, math.ceil(time * _NANOSECONDS / self.unit))

    def _parts(self, metadata: Mapping[str, str], duration: Fraction) -> bytes:
        """Information, tracks and tags."""
        title = metadata.get("title")
        info = (
            element(_TIMESTAMP_SCALE, _wide(self.unit))
            + element(_MUXING_APP, b"gvc")
            + element(_WRITING_APP, b"gvc")
            + element(_DURATION, struct.pack(">d", float(duration * _NANOSECONDS / self.unit)))
            + (element(_TITLE, title.encode()) if title is not None else b"")
        )
        tracks = element(_TRACK_ENTRY, self._video_track())
        if self.audio is not None:
            sound = audio_track(self.audio, number=_AUDIO) + _described(self.audio_tags)
            tracks += element(_TRACK_ENTRY, sound)
        tags = b"".join(
            element(_SIMPLE_TAG, element(_TAG_NAME, key.encode()) + element(_TAG_STRING, text))
            for key, text in ((key, value.encode()) for key, value in metadata.items())
            if key != "title"
        )
        parts = element(_INFO, info) + element(_TRACKS, tracks)
        if tags:
            parts += element(_TAGS, element(_TAG, element(_TARGETS, b"") + tags))
        return parts

    def _video_track(self) -> bytes:
        video = self.video
        shown = Fraction(video.width, video.height) * shape_of(video)
        colour = (
            element(_MATRIX, bytes([video.colour.matrix]))
            + element(_RANGE, bytes([_FULL if video.colour.full_range else _LIMITED]))
            + element(_TRANSFER, bytes([video.colour.transfer]))
            + element(_PRIMARIES, bytes([video.colour.primaries]))
        )
        picture = (
            element(_PIXEL_WIDTH, _wide(video.width))
            + element(_PIXEL_HEIGHT, _wide(video.height))
            + element(_INTERLACED, bytes([_PROGRESSIVE]))
            + element(_COLOUR_SPACE, b"I420")
            + element(_COLOUR, colour)
        )
        if shape_of(video) != 1:
            picture += (
                element(_DISPLAY_WIDTH, _wide(shown.numerator))
                + element(_DISPLAY_HEIGHT, _wide(shown.denominator))
                + element(_DISPLAY_UNIT, bytes([_AS_RATIO]))
            )
        return (
            element(_TRACK_NUMBER, bytes([_VIDEO]))
            + element(_TRACK_UID, bytes([_VIDEO]))
            + element(_TRACK_TYPE, b"\x01")
            + element(_FLAG_LACING, b"\x00")
            + _described(self.video_tags)
            + element(_CODEC_ID, b"V_UNCOMPRESSED")
            + element(_DEFAULT_DURATION, _wide(round(_NANOSECONDS / video.frame_rate)))
            + element(_VIDEO_ELEMENT, picture)
        )

    def _cues(self, cues: Sequence[Cue], head: int) -> bytes:
        """The index, of a file whose clusters begin after ``head`` bytes of its segment."""
        tracks = (_VIDEO,) if self.audio is None else (_VIDEO, _AUDIO)
        points = []
        for cue in cues:
            point = element(_CUE_TIME, _wide(self._ticks(cue.time + self.delay)))
            for track in tracks:
                place = element(_CUE_TRACK, bytes([track]))
                place += element(_CUE_CLUSTER, _wide(head + cue.offset))
                point += element(_CUE_POSITIONS, place)
            points.append(element(_CUE_POINT, point))
        return element(_CUES, b"".join(points))


def _described(tags: Mapping[str, str]) -> bytes:
    """Language and title of a track; without a language, Matroska would say that it is English."""
    title = tags.get("title")
    named = element(_NAME, title.encode()) if title else b""
    return element(_LANGUAGE, tags.get("language", "und").encode()) + named


def filling(size: int) -> bytes:
    """The head of an element without meaning that takes ``size`` bytes, :data:`LEAST_FILLING` at
    least; zeros follow.
    """
    return _opening(_VOID, size - LEAST_FILLING)


def _cluster_head(track: int, ticks: int, size: int, flags: int) -> bytes:
    time = element(_TIMESTAMP, _wide(ticks))
    block = bytes([0x80 | track, 0, 0, flags])
    opened = _opening(_SIMPLE_BLOCK, len(block) + size) + block
    return _opening(_CLUSTER, len(time) + len(opened) + size) + time + opened


def _opening(identity: int, size: int) -> bytes:
    """An element's identity and size, as :func:`~gvc.media.ebml.element` writes them."""
    return element(identity, b"")[:-8] + (size | 1 << 56).to_bytes(8, "big")


def _wide(value: int) -> bytes:
    return value.to_bytes(8, "big")
