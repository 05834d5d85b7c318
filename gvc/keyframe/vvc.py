"""VVC key frames: VVenC inside the ffmpeg program that imageio-ffmpeg carries."""

from __future__ import annotations

import contextlib
import itertools
import queue
import re
import subprocess
import threading
from typing import IO

import av

from gvc.bitstream import ColourDescription
from gvc.errors import KeyFrameError, UnsupportedError, UsageError
from gvc.keyframe.annexb import split_picture
from gvc.keyframe.codec import CodedKeyFrame, KeyFrameCodec, KeyFrameDecoder, KeyFrameEncoder
from gvc.keyframe.ffmpeg_decoder import FFmpegDecoder
from gvc.media.program import ffmpeg_program

_PRESETS = ("faster", "fast", "medium", "slow", "slower")

#: NAL unit types of H.266, table 5: coded slices, picture header, adaptation parameter sets.
_SLICES = range(12)
_PICTURE = (*_SLICES, 17, 19)

#: Video, sequence and picture parameter sets, decoding capability information.
_PARAMETERS = (13, 14, 15, 16)

#: The access unit delimiter (NAL unit type 20) with which VVenC begins each picture.
_DELIMITER = re.compile(rb"\x00*\x00\x00\x01\x00[\xa0-\xa7]")

#: Key frames are far apart: what VVenC learns from the pictures around one (temporal filtering,
#: block importance) costs bits here, and waiting for them keeps it from giving pictures back as
#: they come. Its default offset would code intra pictures at another QP than the one asked for. Its
#: adaptive filters behind the deblocking save squared error by smoothing: without them pictures of
#: the same size are 6 % closer by LPIPS-squeeze (eight faces, QP 32).
_VVENC_PARAMETERS = (
    "MCTF=0:BIM=0:LookAhead=0:MaxParallelFrames=0:IntraQPOffset=0:ALF=0:CCALF=0:SAO=0"
)


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
        """See :class:`KeyFrameCodec`; presets are VVenC's, ``medium`` by default."""
        preset = preset or "medium"
        if preset not in _PRESETS:
            raise UsageError(f"VVenC has no preset {preset!r}", hint=", ".join(_PRESETS))
        return _VvencProcess(width, height, qp, colour, preset)

    def decoder(self, parameters: bytes) -> KeyFrameDecoder:
        """See :class:`KeyFrameCodec`."""
        return FFmpegDecoder("vvc", parameters)


def _nal_type(unit: bytes) -> int:
    return unit[1] >> 3 if len(unit) > 1 else -1


class _VvencProcess(KeyFrameEncoder):
    """One ffmpeg process for all pictures; each comes back one or two pictures later."""

    def __init__(
        self, width: int, height: int, qp: int, colour: ColourDescription, preset: str
    ) -> None:
        # Said of input and output alike: the samples stay as they are.
        colour_range = ["-color_range", "pc" if colour.full_range else "tv"]
        command = [
            _program(), "-hide_banner", "-loglevel", "error", "-nostdin",
            *colour_range, "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-video_size", f"{width}x{height}", "-framerate", "1", "-probesize", "32",
            "-i", "pipe:0",
            "-c:v", "libvvenc", "-preset", preset, "-qp", str(qp), "-g", "1",
            # On five threads VVenC makes other pictures than on one or two, and larger ones.
            "-threads", "1",
            # VVenC's perceptual adaptation spends more bits for the same PSNR and SSIM here.
            "-qpa", "0", "-vvenc-params", _VVENC_PARAMETERS,
            *colour_range, "-flush_packets", "1", "-f", "vvc", "pipe:1",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise KeyFrameError(f"cannot run ffmpeg: {error.strerror}") from error
        self._stream = bytearray()
        self._output: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        # Both pipes are emptied all the time, so that ffmpeg never waits for its reader.
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
        """See :class:`KeyFrameEncoder`."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(frame.to_ndarray().tobytes())
            self._process.stdin.flush()
        except OSError as error:
            raise self._failure() from error
        return self._pictures(ended=False)

    def finish(self) -> list[CodedKeyFrame]:
        """See :class:`KeyFrameEncoder`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        for reader in self._readers:
            reader.join()
        if self._process.wait() != 0:
            raise self._failure()
        return self._pictures(ended=True)

    def close(self) -> None:
        """See :class:`KeyFrameEncoder`."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _pictures(self, *, ended: bool) -> list[CodedKeyFrame]:
        """Pictures that are whole: the next one has begun, or the stream has ``ended``."""
        self._stream += _emptied(self._output)
        starts = [match.start() for match in _DELIMITER.finditer(self._stream)]
        if ended:
            starts.append(len(self._stream))
        pictures = [
            split_picture(
                bytes(self._stream[start:end]),
                is_parameters=lambda unit: _nal_type(unit) in _PARAMETERS,
                is_picture=lambda unit: _nal_type(unit) in _PICTURE,
            )
            for start, end in itertools.pairwise(starts)
        ]
        if starts:
            del self._stream[: starts[-1]]
        return pictures

    def _failure(self) -> KeyFrameError:
        self.close()
        lines = _emptied(self._messages).decode(errors="replace").strip().splitlines()
        reasons = [line for line in lines if line and not line.startswith("Configuration warning")]
        reason = reasons[0] if reasons else "no reason given"
        hint = "this ffmpeg lacks libvvenc" if "Unknown encoder" in reason else None
        return KeyFrameError(f"VVenC failed: {reason}", hint=hint)


def _program() -> str:
    try:
        return ffmpeg_program()
    except UnsupportedError as error:
        raise KeyFrameError(f"{error.cause} for the key frames", hint=error.hint) from error


def _drain(pipe: IO[bytes], store: queue.SimpleQueue[bytes]) -> None:
    while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]
        store.put(data)


def _emptied(store: queue.SimpleQueue[bytes]) -> bytes:
    """All that ``store`` holds now."""
    return b"".join(store.get() for _ in range(store.qsize()))
