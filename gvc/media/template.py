"""An audio stream described to FFmpeg.

PyAV sets up a stream for packets that are already coded only from another stream; a few
bytes of Matroska describe one, with the codec's name and configuration.
"""

from __future__ import annotations

import io
import struct

import av

from gvc.bitstream import AudioHeader
from gvc.errors import UnsupportedError
from gvc.media.ebml import element

#: Codecs that are stored, with their names in Matroska (RFC 9559 and its codec mappings).
_NAMES = {
    "opus": b"A_OPUS",
    "aac": b"A_AAC",
    "mp3": b"A_MPEG/L3",
    "mp2": b"A_MPEG/L2",
    "ac3": b"A_AC3",
    "eac3": b"A_EAC3",
    "vorbis": b"A_VORBIS",
    "flac": b"A_FLAC",
    "pcm_s16le": b"A_PCM/INT/LIT",
}


def is_storable(codec: str) -> bool:
    """Whether a .gvc file may hold packets of ``codec``, which can be written out again later."""
    return codec in _NAMES


def check_storable(codec: str) -> None:
    """Make sure that packets of ``codec`` may be stored.

    :raises UnsupportedError: if not.
    """
    if not is_storable(codec):
        raise UnsupportedError(
            f"audio codec {codec!r} cannot be copied", hint="--audio opus codes it anew"
        )


def open_template(header: AudioHeader) -> av.container.InputContainer:
    """A container whose only stream is described by ``header``; it has no packets."""
    track = audio_track(header, number=1)
    file = element(0x1A45DFA3, element(0x4282, b"matroska"))
    cluster = element(0x1F43B675, element(0xE7, b"\x00"))
    file += element(0x18538067, element(0x1654AE6B, element(0xAE, track)) + cluster)
    return av.open(io.BytesIO(file), "r", format="matroska")


def audio_track(header: AudioHeader, *, number: int) -> bytes:
    """The content of Matroska's TrackEntry for a stream.

    :param number: of the track in its file.
    :raises UnsupportedError: if the codec is none that is stored.
    """
    check_storable(header.codec)
    audio = (
        element(0xB5, struct.pack(">d", header.sample_rate))
        + element(0x9F, bytes([header.channels]))
        + (element(0x6264, b"\x10") if header.codec.startswith("pcm") else b"")
    )
    return (
        element(0xD7, bytes([number]))
        + element(0x73C5, bytes([number]))
        + element(0x83, b"\x02")
        + element(0x86, _NAMES[header.codec])
        + (element(0x63A2, header.extradata) if header.extradata else b"")
        + element(0x56AA, struct.pack(">Q", codec_delay(header)))
        + element(0xE1, audio)
    )


def codec_delay(header: AudioHeader) -> int:
    """What the decoder is to drop at the beginning, in nanoseconds: Matroska's CodecDelay."""
    return round(header.initial_padding * 1_000_000_000 / header.sample_rate)
