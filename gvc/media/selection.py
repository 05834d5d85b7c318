"""Which streams of a media file are taken, and which are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.stream import Disposition

from gvc.errors import one_line
from gvc.media.tags import repaired

#: What the disposition "default" counts, in pixels or channels, where ffmpeg chooses a stream.
_DEFAULT = 5_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """What is taken of a file.

    :param video: the stream that ffmpeg would take: of most pixels, where none is the default one.
    :param audio: likewise, of most channels; None if there is none, or none is wanted.
    :param left_out: a line for each stream that is not taken, and one for chapters.
    """

    video: av.VideoStream
    audio: av.AudioStream | None
    left_out: tuple[str, ...]


def select(container: av.container.InputContainer, *, sound: bool) -> Selection | None:
    """Choose streams; None if no stream is a video (a cover picture is none).

    :param sound: whether sound is wanted. Where it is not, nobody misses it.
    """
    video = max(filter(_moves, container.streams.video), key=_pixels, default=None)
    if video is None:
        return None
    sounds = filter(_can_be_read, container.streams.audio) if sound else ()
    audio = max(sounds, key=_channels, default=None)
    return Selection(video, audio, tuple(_left_out(container, video, audio, sound=sound)))


def _left_out(
    container: av.container.InputContainer,
    video: av.VideoStream,
    audio: av.AudioStream | None,
    *,
    sound: bool,
) -> Iterator[str]:
    for stream in container.streams:
        if stream in (video, audio) or (stream.type == "audio" and not sound):
            continue
        yield f"stream #0:{stream.index} ({_description(stream)}) is left out"
    chapters = len(container.chapters())
    if chapters:
        yield f"{chapters} chapter{'s are' if chapters > 1 else ' is'} left out"


def _can_be_read(stream: Any) -> bool:
    """Whether FFmpeg knows the codec."""
    return stream.codec_context is not None


def _moves(stream: av.VideoStream) -> bool:
    return _can_be_read(stream) and not stream.disposition & Disposition.attached_pic


def _pixels(stream: av.VideoStream) -> int:
    context = stream.codec_context
    return context.width * context.height + _DEFAULT * _is_default(stream)


def _channels(stream: av.AudioStream) -> int:
    return stream.codec_context.channels + _DEFAULT * _is_default(stream)


def _is_default(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.default)


def _description(stream: Any) -> str:
    """Kind, codec, language and title of a stream, as far as they are known."""
    context = getattr(stream, "codec_context", None)
    codec = context.codec.canonical_name if context is not None else stream.metadata.get("filename")
    cover = "cover picture" if stream.disposition & Disposition.attached_pic else None
    kind = f"{stream.type}: {codec}" if codec else stream.type
    parts = (kind, cover, stream.metadata.get("language"), stream.metadata.get("title"))
    return one_line(", ".join(repaired(part) for part in parts if part))
