"""VVC key frames: VVenC inside the ffmpeg program that imageio-ffmpeg carries."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
from collections.abc import Sequence

import av

from gvc.bitstream import ColourDescription
from gvc.errors import KeyFrameError, UnsupportedError, UsageError
from gvc.keyframe.annexb import split_pictures
from gvc.keyframe.codec import (
    CodedPictures,
    KeyFrameCodec,
    KeyFrameDecoder,
    KeyFrameEncoder,
)
from gvc.keyframe.ffmpeg_decoder import FFmpegDecoder
from gvc.keyframe.picture_size import vvc_size
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
#: block importance) costs bits here. Its default offset would code intra pictures at another QP
#: than the one asked for. Its adaptive filters behind the deblocking save squared error by
#: smoothing: without them pictures of the same size are 6 % closer by LPIPS-squeeze (eight faces,
#: QP 32). Deblocking smooths, too: as weak as this it leaves pictures of the same bytes closer, by
#: as much as 6 % of the rate by LPIPS-alex and 1 % by LPIPS-squeeze (QP 24 to 48); without it
#: blocks show.
_KEY_FRAMES = (
    "MCTF=0:BIM=0:LookAhead=0:MaxParallelFrames=0:ALF=0:CCALF=0:SAO=0"
    ":LoopFilterBetaOffset_div2=-8:LoopFilterTcOffset_div2=-8"
)

#: Pictures in order, as lowdelay_slow.cfg of VVenC (cfg/experimental) sets it.
_IN_ORDER = "PicReordering=0:DecodingRefreshType=0:GOPSize=8:MCTFFutureReference=0"

#: What to do where FFmpeg says this. VVenC gives up when a picture takes more than its buffer.
_HINTS = {
    "Unknown encoder": "this ffmpeg lacks libvvenc",
    "Error submitting video frame": "ask for a higher QP; noise, say, takes too many bits",
}

#: An intra picture at the beginning and nowhere else.
_ONE_INTRA = 1 << 16


class VvcCodec(KeyFrameCodec):
    """VVC (H.266)."""

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
        return _Vvenc(width, height, qp, colour, preset)

    def decoder(self, parameters: bytes, *, size: tuple[int, int] | None = None) -> KeyFrameDecoder:
        """See :class:`KeyFrameCodec`."""
        return FFmpegDecoder("vvc", parameters, read_size=vvc_size, size=size)


def _nal_type(unit: bytes) -> int:
    return unit[1] >> 3 if len(unit) > 1 else -1


class _Vvenc(KeyFrameEncoder):
    """An ffmpeg process for each call."""

    def __init__(
        self, width: int, height: int, qp: int, colour: ColourDescription, preset: str
    ) -> None:
        self._program = _program()
        self._size = f"{width}x{height}"
        self._qp = qp
        self._range = "pc" if colour.full_range else "tv"
        self._preset = preset

    def encode(
        self,
        pictures: Sequence[av.VideoFrame],
        *,
        inter: bool = True,
        first_qp: int | None = None,
    ) -> CodedPictures:
        """See :class:`KeyFrameEncoder`."""
        offset = 0 if first_qp is None else first_qp - self._qp
        parameters = f"{_KEY_FRAMES}:IntraQPOffset={offset}"
        if inter:
            parameters += f":{_IN_ORDER}"
        stream = self._run(
            pictures, qp=self._qp, period=_ONE_INTRA if inter else 1, parameters=parameters
        )
        starts = [match.start() for match in _DELIMITER.finditer(stream)]
        if len(starts) != len(pictures):
            raise KeyFrameError("VVenC failed: it returned fewer pictures than it was given")
        return split_pictures(
            (stream[start:end] for start, end in itertools.pairwise([*starts, len(stream)])),
            is_parameters=lambda unit: _nal_type(unit) in _PARAMETERS,
            is_picture=lambda unit: _nal_type(unit) in _PICTURE,
        )

    def encode_video(self, pictures: Sequence[av.VideoFrame], *, qp: int) -> bytes:
        """See :class:`KeyFrameEncoder`."""
        return self._run(pictures, qp=qp, period=_ONE_INTRA, parameters="MaxParallelFrames=0")

    def _run(
        self, pictures: Sequence[av.VideoFrame], *, qp: int, period: int, parameters: str
    ) -> bytes:
        # Said of input and output alike: the samples stay as they are.
        colour_range = ["-color_range", self._range]
        command = [
            self._program, "-hide_banner", "-loglevel", "error", "-nostdin",
            *colour_range, "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-video_size", self._size, "-framerate", "25", "-i", "pipe:0",
            "-c:v", "libvvenc", "-preset", self._preset, "-qp", str(qp), "-g", str(period),
            # On five threads VVenC makes other pictures than on one or two, and larger ones.
            "-threads", "1",
            # VVenC's perceptual adaptation spends more bits for the same PSNR and SSIM here.
            "-qpa", "0", "-vvenc-params", parameters,
            *colour_range, "-f", "vvc", "pipe:1",
        ]  # fmt: skip
        samples = b"".join(picture.to_ndarray().tobytes() for picture in pictures)
        try:
            done = subprocess.run(command, input=samples, capture_output=True, check=False)
        except OSError as error:
            raise KeyFrameError(f"cannot run ffmpeg: {error.strerror}") from error
        if done.returncode != 0:
            raise _failure(done.stderr.decode(errors="replace"))
        return done.stdout


def _failure(messages: str) -> KeyFrameError:
    lines = [line for line in messages.strip().splitlines() if line]
    reasons = [line for line in lines if not line.startswith("Configuration warning")]
    reason = reasons[0] if reasons else "no reason given"
    hints = (hint for said, hint in _HINTS.items() if said in reason)
    return KeyFrameError(f"VVenC failed: {reason}", hint=next(hints, None))


def _program() -> str:
    try:
        program = ffmpeg_program()
    except UnsupportedError as error:
        raise KeyFrameError(f"{error.cause} for the key frames", hint=error.hint) from error
    if shutil.which(program) is None:
        raise KeyFrameError("cannot run ffmpeg for the key frames", hint=program)
    return program
