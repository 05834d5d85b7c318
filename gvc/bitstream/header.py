"""The file header: what a decoder has to know before the first group."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fractions import Fraction

from gvc.bitstream.compression import compress, decompress
from gvc.bitstream.fields import FieldReader, FieldWriter
from gvc.bitstream.rectangle import RECTANGLE_UNIT
from gvc.errors import InvalidDataError, UnsupportedError

#: Limits of the fields; a reader refuses what is beyond them before it allocates anything.
MAX_SIDE = 16384
MAX_AREA = 1 << 25
MAX_CODED_SIDE = 2048
MAX_CODED_AREA = 1 << 20
MAX_CANVAS_AREA = 1 << 23
MAX_TERM = 1 << 32
MAX_RATE_TERM = (1 << 31) - 1  # as FFmpeg keeps time bases and rates
MAX_NAME = 64
MAX_BLOB = 1 << 16
MAX_METADATA = 64
MAX_FURTHER = 1024
MAX_TEXT = 4096
MAX_CODE_LENGTH = 1024
FINGERPRINT_BYTES = 16

#: Flags of the header. A reader refuses bits that it does not know.
_HAS_AUDIO = 1
_HAS_PRIOR = 2
_HAS_PACK = 4
_EMBEDS_PACK = 8
_HAS_CANVAS = 16
_COMPACT = 32
_KNOWN_FLAGS = _HAS_AUDIO | _HAS_PRIOR | _HAS_PACK | _EMBEDS_PACK | _HAS_CANVAS | _COMPACT


def check_size(width: int, height: int) -> None:
    """Make sure that a file may hold pictures of this size.

    :raises InvalidDataError: if they are too large.
    """
    if max(width, height) > MAX_SIDE or width * height > MAX_AREA:
        raise InvalidDataError(
            f"pictures of {width}×{height} are too large: at most {MAX_SIDE} pixels on a side and "
            f"{MAX_AREA} in all"
        )


#: What further tags begin with; other bytes behind the metadata are of a later version.
_TAGS = b"TAGS"

#: Minor version of the format that has further tags.
_MINOR_OF_TAGS = 1

#: A key and a value.
Tag = tuple[str, str]


class TagOwner(enum.IntEnum):
    """What a further tag belongs to."""

    FILE = 0
    VIDEO = 1
    AUDIO = 2


@dataclass(frozen=True, slots=True)
class ColourDescription:
    """Code points of ITU-T H.273; 2 means unspecified.

    :param primaries: ColourPrimaries. :param transfer: TransferCharacteristics.
    :param matrix: MatrixCoefficients. :param full_range: VideoFullRangeFlag.
    """

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


@dataclass(frozen=True, slots=True)
class VideoHeader:
    """The video stream.

    :param width: of decoded pictures, in pixels; :param height: likewise.
    :param coded_width: of what the network makes, and of key frames where there is no canvas;
        :param coded_height: likewise.
    :param time_base: unit of all pts, in seconds.
    :param frame_rate: nominal; frames of constant rate last :attr:`frame_duration`.
    :param sample_aspect_ratio: width over height of a decoded pixel.
    :param colour: of decoded pictures and key frames.
    :param key_codec: name of the key-frame codec.
    :param key_parameters: parameter sets that all key frames share.
    :param entropy_model: name of the entropy model of the motion codes.
    :param model: name of the network's profile.
    :param weights: fingerprint of its weights, 16 bytes.
    :param motion_step: quantiser step of the motion codes.
    :param code_length: coefficients of a motion code.
    :param prior: fingerprint of the prior that the entropy model needs, 16 bytes; None for models
        that need none.
    :param pack: fingerprint of the speaker pack that adapts the network, 16 bytes; None without.
    :param canvas: width and height of key frames, multiples of 8, of which the network makes a part
        only, or that it makes smaller; None where it makes all of them at their size.
    """

    width: int
    height: int
    coded_width: int
    coded_height: int
    time_base: Fraction
    frame_rate: Fraction
    sample_aspect_ratio: Fraction
    colour: ColourDescription
    key_codec: str
    key_parameters: bytes
    entropy_model: str
    model: str
    weights: bytes
    motion_step: Fraction
    code_length: int
    prior: bytes | None = None
    pack: bytes | None = None
    canvas: tuple[int, int] | None = None

    @property
    def key_size(self) -> tuple[int, int]:
        """Width and height of key frames, and of groups that are coded as video."""
        return self.canvas or (self.coded_width, self.coded_height)

    @property
    def frame_duration(self) -> int:
        """Nominal duration of a frame in units of the time base, at least 1."""
        return max(1, round(1 / (self.frame_rate * self.time_base)))

    def write(self, fields: FieldWriter) -> None:
        """Append the fields in the order of the specification."""
        for side in (self.width, self.height, self.coded_width, self.coded_height):
            fields.unsigned(side)
        for value in (self.time_base, self.frame_rate, self.sample_aspect_ratio):
            fields.fraction(value)
        colour = self.colour
        for point in (colour.primaries, colour.transfer, colour.matrix, colour.full_range):
            fields.byte(point)
        fields.text(self.key_codec)
        fields.blob(self.key_parameters)
        fields.text(self.entropy_model)
        fields.text(self.model)
        fields.raw(self.weights)
        fields.fraction(self.motion_step)
        fields.unsigned(self.code_length)
        if self.prior is not None:
            fields.raw(self.prior)
        if self.pack is not None:
            fields.raw(self.pack)
        for side in self.canvas or ():
            fields.unsigned(side // RECTANGLE_UNIT)

    @classmethod
    def read(cls, fields: FieldReader, flags: int) -> VideoHeader:
        """Read and check what :meth:`write` wrote.

        :param flags: of the file header.
        """
        width, height = (fields.unsigned("width or height", MAX_SIDE, low=1) for _ in range(2))
        coded = [fields.unsigned("coded size", MAX_CODED_SIDE, low=1) for _ in range(2)]
        check_size(width, height)
        if coded[0] * coded[1] > MAX_CODED_AREA:
            raise InvalidDataError("coded picture is too large")
        time_base, frame_rate = (fields.fraction("rate", MAX_RATE_TERM) for _ in range(2))
        aspect = fields.fraction("sample aspect ratio", MAX_TERM)
        primaries, transfer, matrix, full_range = fields.raw(4)
        if full_range > 1:
            raise InvalidDataError("colour range is neither limited nor full")
        return cls(
            width=width,
            height=height,
            coded_width=coded[0],
            coded_height=coded[1],
            time_base=time_base,
            frame_rate=frame_rate,
            sample_aspect_ratio=aspect,
            colour=ColourDescription(primaries, transfer, matrix, bool(full_range)),
            key_codec=fields.text("key-frame codec", MAX_NAME),
            key_parameters=fields.blob("parameter sets", MAX_BLOB),
            entropy_model=fields.text("entropy model", MAX_NAME),
            model=fields.text("model", MAX_NAME),
            weights=fields.raw(FINGERPRINT_BYTES),
            motion_step=fields.fraction("motion step", MAX_TERM),
            code_length=fields.unsigned("code length", MAX_CODE_LENGTH, low=1),
            prior=fields.raw(FINGERPRINT_BYTES) if flags & _HAS_PRIOR else None,
            pack=fields.raw(FINGERPRINT_BYTES) if flags & _HAS_PACK else None,
            canvas=_read_canvas(fields) if flags & _HAS_CANVAS else None,
        )


def _read_canvas(fields: FieldReader) -> tuple[int, int]:
    width, height = (
        RECTANGLE_UNIT * fields.unsigned("side of the canvas", MAX_SIDE // RECTANGLE_UNIT, low=2)
        for _ in range(2)
    )
    if width * height > MAX_CANVAS_AREA:
        raise InvalidDataError("canvas is too large")
    return width, height


@dataclass(frozen=True, slots=True)
class AudioHeader:
    """The audio stream; packets are those of an FFmpeg codec, untouched.

    :param codec: FFmpeg's name of the codec, ``opus`` or ``aac``, say.
    :param sample_rate: in hertz. :param channels: their number.
    :param layout: FFmpeg's name of the channel layout.
    :param time_base: unit of the packets' pts and durations, in seconds.
    :param extradata: the decoder's configuration.
    :param frame_size: usual duration of a packet in units of the time base, 0 if there is none.
    :param initial_padding: samples that a decoder drops at the beginning.
    :param bit_rate: nominal, bits a second, 0 if unknown.
    """

    codec: str
    sample_rate: int
    channels: int
    layout: str
    time_base: Fraction
    extradata: bytes = b""
    frame_size: int = 0
    initial_padding: int = 0
    bit_rate: int = 0

    def write(self, fields: FieldWriter) -> None:
        """Append the fields in the order of the specification."""
        fields.text(self.codec)
        fields.unsigned(self.sample_rate)
        fields.unsigned(self.channels)
        fields.text(self.layout)
        fields.fraction(self.time_base)
        fields.blob(self.extradata)
        fields.unsigned(self.frame_size)
        fields.unsigned(self.initial_padding)
        fields.unsigned(self.bit_rate)

    @classmethod
    def read(cls, fields: FieldReader) -> AudioHeader:
        """Read and check what :meth:`write` wrote."""
        return cls(
            codec=fields.text("audio codec", MAX_NAME),
            sample_rate=fields.unsigned("sample rate", 1 << 20, low=1),
            channels=fields.unsigned("number of channels", 64, low=1),
            layout=fields.text("channel layout", MAX_NAME),
            time_base=fields.fraction("audio time base", MAX_RATE_TERM),
            extradata=fields.blob("audio configuration", MAX_BLOB),
            frame_size=fields.unsigned("audio frame size", 1 << 30),
            initial_padding=fields.unsigned("initial padding", 1 << 20),
            bit_rate=fields.unsigned("audio bit rate", 1 << 40),
        )


@dataclass(frozen=True, slots=True)
class FileHeader:
    """Everything before the first group.

    :param video: the video stream.
    :param audio: the audio stream, or None.
    :param metadata: keys and values, such as a title.
    :param video_metadata: the same of the video stream, such as its language.
    :param audio_metadata: the same of the audio stream.
    :param embeds_pack: whether the speaker pack stands in the chunk behind the header.
    :param compact: whether what a reader can put back is left out: the first start code of each
        key frame, and the index of a file of one group.
    """

    video: VideoHeader
    audio: AudioHeader | None = None
    metadata: tuple[Tag, ...] = ()
    embeds_pack: bool = False
    compact: bool = False
    video_metadata: tuple[Tag, ...] = ()
    audio_metadata: tuple[Tag, ...] = ()

    @property
    def minor_version(self) -> int:
        """Minor version of the format that a file with this header has."""
        return _MINOR_OF_TAGS if self._further_tags() else 0

    def to_bytes(self) -> bytes:
        """The payload of the header chunk."""
        return compress(self.plain(), newest=self.compact)

    def plain(self) -> bytes:
        """The header before it is compressed."""
        fields = FieldWriter()
        flags = _HAS_AUDIO if self.audio else 0
        flags |= 0 if self.video.prior is None else _HAS_PRIOR
        flags |= 0 if self.video.pack is None else _HAS_PACK
        flags |= 0 if self.video.canvas is None else _HAS_CANVAS
        flags |= _EMBEDS_PACK if self.embeds_pack else 0
        fields.unsigned(flags | (_COMPACT if self.compact else 0))
        self.video.write(fields)
        if self.audio is not None:
            self.audio.write(fields)
        known = self.metadata[:MAX_METADATA]
        fields.unsigned(len(known))
        for key, value in known:
            fields.text(key)
            fields.text(value)
        further = self._further_tags()
        if further:
            fields.raw(_TAGS)
            fields.unsigned(len(further))
        for owner, key, value in further:
            fields.unsigned(owner)
            fields.text(key)
            fields.text(value)
        return fields.to_bytes()

    def _further_tags(self) -> list[tuple[TagOwner, str, str]]:
        """Tags that readers of version 1.0 pass over: beyond 64 of the file, and of streams."""
        return [
            *((TagOwner.FILE, key, value) for key, value in self.metadata[MAX_METADATA:]),
            *((TagOwner.VIDEO, key, value) for key, value in self.video_metadata),
            *((TagOwner.AUDIO, key, value) for key, value in self.audio_metadata),
        ]

    @classmethod
    def from_bytes(cls, data: bytes) -> FileHeader:
        """Read a header; what later minor versions append behind it is passed over.

        :raises InvalidDataError: if a field is cut off or out of range.
        :raises UnsupportedError: if it asks for what this version does not know.
        """
        fields = FieldReader(decompress(data))
        flags = fields.unsigned("flags", 1 << 62)
        if flags & ~_KNOWN_FLAGS:
            raise UnsupportedError("made by a newer version of gvc", hint="update gvc")
        if flags & _EMBEDS_PACK and not flags & _HAS_PACK:
            raise InvalidDataError("the header does not say which speaker pack the file holds")
        video = VideoHeader.read(fields, flags)
        audio = AudioHeader.read(fields) if flags & _HAS_AUDIO else None
        count = fields.unsigned("number of metadata entries", MAX_METADATA)
        metadata = tuple(
            (fields.text("metadata key", MAX_TEXT), fields.text("metadata value", MAX_TEXT))
            for _ in range(count)
        )
        further = _read_further(fields)
        return cls(
            video,
            audio,
            metadata + further[TagOwner.FILE],
            bool(flags & _EMBEDS_PACK),
            bool(flags & _COMPACT),
            further[TagOwner.VIDEO],
            further[TagOwner.AUDIO],
        )


def _read_further(fields: FieldReader) -> dict[TagOwner, tuple[Tag, ...]]:
    """Further tags by what they belong to; none where something else follows, or nothing."""
    found: dict[TagOwner, tuple[Tag, ...]] = dict.fromkeys(TagOwner, ())
    if fields.left < len(_TAGS) or fields.raw(len(_TAGS)) != _TAGS:
        return found
    for _ in range(fields.unsigned("number of further tags", MAX_FURTHER, low=1)):
        owner = TagOwner(fields.unsigned("owner of a tag", max(TagOwner)))
        tag = fields.text("tag's key", MAX_TEXT), fields.text("tag's value", MAX_TEXT)
        found[owner] += (tag,)
    return found
