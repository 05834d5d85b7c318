"""VVC key frames: VVenC inside the ffmpeg program that imageio-ffmpeg carries."""

from __future__ import annotations

import contextlib
import subprocess
import threading

import av
import imageio_ffmpeg

from gvc.bitstream import ColourDescription
from gvc.errors import KeyFrameError, UsageError
from gvc.keyframe.annexb import nal_units, split_picture
from gvc.keyframe.codec import CodedKeyFrame, KeyFrameCodec, KeyFrameDecoder, KeyFrameEncoder
from gvc.keyframe.ffmpeg_decoder import FFmpegDecoder

_PRESETS = ("faster", "fast", "medium", "slow", "slower")

#: NAL unit types of H.266, table 5: coded slices, picture header, adaptation parameter sets.
_SLICES = range(12)
_PICTURE = (*_SLICES, 17, 19)

#: Video, sequence and picture parameter sets, decoding capability information.
_PARAMETERS = (13, 14, 15, 16)

#: NAL unit type of the delimiter that begins each picture.
_DELIMITER = 20


class VvcCodec(KeyFrameCodec):
    """VVC (H.266), intra pictures."""

    name = "vvc"

    def encoder(
        self,
        *,
        width: int,
        height: int,
        qp: int,
        colour: ColourDescription,
        preset: str | None = None,
    ) -> KeyFrameEncoder:
        """See :class:`KeyFrameCodec`; presets are VVenC's, ``slower`` by default."""
        preset = preset or "slower"
        if preset not in _PRESETS:
            raise UsageError(f"VVenC has no preset {preset!r}", hint=", ".join(_PRESETS))
        return _VvencProcess(width, height, qp, colour, preset)

    def decoder(self, parameters: bytes) -> KeyFrameDecoder:
        """See :class:`KeyFrameCodec`."""
        return FFmpegDecoder("vvc", parameters)


def _nal_type(unit: bytes) -> int:
    return unit[1] >> 3 if len(unit) > 1 else -1


class _VvencProcess(KeyFrameEncoder):
    """One ffmpeg process for all pictures; they come back when VVenC's look-ahead lets them go."""

    def __init__(
        self, width: int, height: int, qp: int, colour: ColourDescription, preset: str
    ) -> None:
        command = [
            _ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin",
            "-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{width}x{height}",
            "-framerate", "1", "-i", "pipe:0",
            "-c:v", "libvvenc", "-preset", preset, "-qp", str(qp), "-g", "1",
            "-color_range", "pc" if colour.full_range else "tv",
            "-f", "vvc", "pipe:1",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise KeyFrameError(f"cannot run ffmpeg: {error.strerror}") from error
        self._output = bytearray()
        self._messages = bytearray()
        self._readers = [
            threading.Thread(target=_drain, args=(pipe, store), daemon=True)
            for pipe, store in (
                (self._process.stdout, self._output),
                (self._process.stderr, self._messages),
            )
        ]
        for reader in self._readers:
            reader.start()

    def push(self, frame: av.VideoFrame) -> list[CodedKeyFrame]:
        """See :class:`KeyFrameEncoder`; VVenC gives nothing before it knows the end."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame.to_ndarray().tobytes())
        except OSError as error:
            raise self._failure() from error
        return []

    def finish(self) -> list[CodedKeyFrame]:
        """See :class:`KeyFrameEncoder`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        for reader in self._readers:
            reader.join()
        if self._process.wait() != 0:
            raise self._failure()
        return [
            split_picture(
                picture,
                is_parameters=lambda unit: _nal_type(unit) in _PARAMETERS,
                is_picture=lambda unit: _nal_type(unit) in _PICTURE,
            )
            for picture in _pictures(bytes(self._output))
        ]

    def close(self) -> None:
        """See :class:`KeyFrameEncoder`."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _failure(self) -> KeyFrameError:
        self.close()
        for reader in self._readers:
            reader.join()
        lines = self._messages.decode(errors="replace").strip().splitlines()
        return KeyFrameError(f"VVenC failed: {lines[0] if lines else 'no reason given'}")


def _ffmpeg() -> str:
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise KeyFrameError(
            "no ffmpeg with libvvenc for the key frames", hint="pip install imageio-ffmpeg"
        ) from error


def _drain(pipe: object, store: bytearray) -> None:
    while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]
        store += data


def _pictures(stream: bytes) -> list[bytes]:
    """The byte stream of each picture; every one begins with an access unit delimiter."""
    pictures: list[list[bytes]] = []
    for unit in nal_units(stream):
        if _nal_type(unit) == _DELIMITER or not pictures:
            pictures.append([])
        pictures[-1].append(unit)
    return [b"".join(b"\x00\x00\x01" + unit for unit in units) for units in pictures]
