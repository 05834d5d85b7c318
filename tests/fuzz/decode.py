"""The whole way from bytes to pictures and sound."""

from __future__ import annotations

import contextlib
import io
import random
import zlib
from functools import cache, cached_property
from itertools import islice

import av

from fuzz import structure
from fuzz.changes import Change
from gvc.api import transcode
from gvc.api.input import InputContainer
from gvc.api.transcode import Progress
from gvc.codec.decoder import VideoDecoder
from gvc.codec.networks import for_decoding
from gvc.codec.settings import Precision
from gvc.errors import GvcError
from gvc.media import SinkOptions
from gvc.model import weights
from gvc.model.inference import for_inference
from gvc.model.mttf import Mttf, network_from

#: What is decoded of a file at most; time grows with the pictures, not with the bytes.
_FRAMES, _PIXELS = 24, 1 << 18

#: What becomes of the pictures: files in these formats, by FFmpeg's names, or None.
CODED = ("mp4", "matroska", "mov")
FORMS = (None, "nut", "yuv4mpegpipe", *CODED)


class Container(InputContainer):
    """A file whose network is at hand already if it is the one that ships: 0.15 s less each."""

    @cached_property
    def video_decoder(self) -> VideoDecoder:
        header = self.header.video
        shipped = header.pack is None and header.weights == shipped_fingerprint()
        if not shipped:
            return super().video_decoder
        return VideoDecoder(header, size=self._size, threads=1, network=shipped_network())


@cache
def shipped_fingerprint() -> bytes:
    return weights.default("lite").fingerprint


@cache
def shipped_network() -> Mttf:
    network = for_inference(network_from(weights.default("lite")))
    return for_decoding(network, shipped_fingerprint(), Precision.AUTO)


class EnoughError(GvcError):
    """So many pictures were seen that the rest would show nothing new."""


def check(data: bytes) -> None:
    """Pictures and sound up to the first error; in which form depends on the bytes."""
    with contextlib.suppress(GvcError):
        decode(
            data,
            form_of(data),
            size=size_of(data),
            on_error=on_error_of(data),
            frames=_FRAMES,
            pixels=_PIXELS,
        )


def form_of(data: bytes) -> str | None:
    """In which form a file is decoded here."""
    return FORMS[zlib.crc32(data) % len(FORMS)]


def size_of(data: bytes) -> int | None:
    """At which size a file is decoded here."""
    return (None, 64)[zlib.crc32(data) >> 16 & 1]


def on_error_of(data: bytes) -> str:
    """What becomes of damage here."""
    return ("stop", "conceal")[zlib.crc32(data) >> 17 & 1]


def decode(
    data: bytes,
    form: str | None,
    *,
    size: int | None = None,
    on_error: str = "stop",
    frames: int,
    pixels: int,
) -> str | None:
    """Decode a file, or its first ``frames`` pictures.

    :param form: None decodes pictures and sound, others write a file as ``gvc decode`` does.
    :param size: as for :func:`gvc.open`. :param on_error: likewise.
    :param pixels: nothing is decoded of files whose pictures have more.
    :returns: why the rest of the file cannot be decoded, if that is so.
    :raises GvcError: if nothing can be decoded.
    """
    with Container(io.BytesIO(data), size=size, on_error=on_error, threads=1) as source:
        video = source.header.video
        sides = (video.width, video.height), (video.coded_width, video.coded_height), video.key_size
        if max(width * height for width, height in sides) > pixels:
            raise EnoughError("larger than what is decoded here")
        if form is None:
            _frames(source, frames)
            return None

        def stop(progress: Progress) -> None:
            if progress.frames == frames:
                raise EnoughError("more pictures than are decoded here")

        options = SinkOptions(threads=1, preset="ultrafast" if form in CODED else None)
        with contextlib.suppress(EnoughError):
            report = transcode.decode(
                source, io.BytesIO(), container=form, options=options, on_progress=stop
            )
            return report.problem
    return None


def _frames(source: InputContainer, most: int) -> None:
    """All pictures and all sound, up to ``most`` pictures."""
    video, seen = source.streams.video[0], 0
    assert source.duration is None or source.bit_rate is None or source.bit_rate >= 0
    for frame in islice(source.decode(), 4 * most):
        if isinstance(frame, av.VideoFrame):
            assert (frame.width, frame.height) == (video.width, video.height)
            seen += 1
        if seen == most:
            break


def mutate(data: bytes, chance: random.Random, change: Change) -> bytes:
    """Inside of chunks, whose checksums then fit."""
    return structure.mutate(data, chance, change)
