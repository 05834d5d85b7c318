"""The codecs that ours is measured against: encoders inside the carried ffmpeg program.

Each codes a clip as one group: an intra picture first and none forced later. Each runs on one
thread, because x265 and SVT-AV1 make other files on more; ``--jobs`` is for speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gvc.bench.ffmpeg import raw_input, run_ffmpeg
from gvc.bench.points import Coded, Point
from gvc.bench.reference import Reference
from gvc.media.program import ffmpeg_version

#: Without access unit delimiters, 7 bytes a picture that no decoder needs: 1.4 kb/s at 25 fps.
_VVC_PARAMETERS = "AccessUnitDelimiter=0"

#: What lowdelay_slow.cfg of VVenC (cfg/experimental) sets to keep pictures in order. Its picture
#: by picture QP offsets cannot be given this way; VVenC's own for eight pictures are used.
_VVC_LOW_DELAY = "PicReordering=0:DecodingRefreshType=0:GOPSize=8:MCTFFutureReference=0"

#: Seconds between intra pictures; more than any clip lasts.
_NEVER = "3600"

_VVC_QPS = (32, 37, 42, 47, 52, 57, 63)
_VVC_SLOW = ("-c:v", "libvvenc", "-preset", "slow", "-qpa", "0", "-period", _NEVER)
_X265 = (
    "-c:v", "libx265", "-preset", "slow", "-x265-params",
    "keyint=-1:scenecut=0:info=0:log-level=error:pools=none:frame-threads=1",
)  # fmt: skip
_SVT_AV1 = ("-c:v", "libsvtav1", "-preset", "4", "-g", "99999", "-svtav1-params", "lp=1")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A video codec of ffmpeg; see :class:`gvc.bench.points.Codec`.

    :param encoder: ffmpeg's arguments that choose and set up the encoder.
    :param option: ffmpeg's option that sets the quality, without its hyphen.
    :param values: that option takes, one a point.
    :param format: ffmpeg's name of the elementary stream's format.
    :param delimiter: bytes a picture in the file that containers leave out, and that do not count.
    """

    name: str
    title: str
    note: str
    encoder: tuple[str, ...]
    option: str
    values: tuple[int, ...]
    format: str
    suffix: str
    delimiter: int = 0

    @property
    def points(self) -> tuple[Point, ...]:
        """One for each value."""
        return tuple(Point(f"{self.option}{value}", str(value)) for value in self.values)

    def settings(self) -> Mapping[str, str]:
        """The encoder's arguments, and the version of ffmpeg that obeys them."""
        return {"ffmpeg": ffmpeg_version(), "arguments": " ".join(self.encoder)}

    def encode(self, reference: Reference, point: Point, target: Path) -> Coded:
        """Code with ffmpeg; the file counts to the byte, less delimiters.

        :raises MediaError: if ffmpeg fails.
        """
        arguments: list[str | Path] = [
            *raw_input(reference.path.resolve(), reference.side, str(reference.rate)),
            *self.encoder, f"-{self.option}", point.value, "-threads", "1",
            "-f", self.format, target.resolve(),
        ]  # fmt: skip
        run_ffmpeg(arguments, folder=target.parent, what=f"coding {reference.clip} as {self.title}")
        size = target.stat().st_size - self.delimiter * reference.frames
        return Coded(size, {})

    def decode(self, reference: Reference, source: Path, target: Path) -> None:
        """Decode with ffmpeg, to 8 bits.

        :raises MediaError: if ffmpeg fails.
        """
        arguments: list[str | Path] = [
            "-f", self.format, "-i", source.resolve(), "-fps_mode", "passthrough",
            "-pix_fmt", "yuv420p", "-f", "rawvideo", target.resolve(),
        ]  # fmt: skip
        run_ffmpeg(arguments, folder=target.parent, what=f"decoding {source.name}")


#: Anchors by name; another one is another entry.
ANCHORS: Mapping[str, Anchor] = {
    anchor.name: anchor
    for anchor in (
        Anchor(
            name="vvc",
            title="VVC random access",
            note="VVenC, preset slow, random access, constant QP; all bytes of the Annex B stream",
            encoder=(*_VVC_SLOW, "-vvenc-params", _VVC_PARAMETERS),
            option="qp",
            values=_VVC_QPS,
            format="vvc",
            suffix=".266",
        ),
        Anchor(
            name="vvc-ld",
            title="VVC low delay",
            note="VVenC, preset slow, pictures in order, constant QP; all bytes of the Annex B "
            "stream",
            encoder=(*_VVC_SLOW, "-vvenc-params", f"{_VVC_PARAMETERS}:{_VVC_LOW_DELAY}"),
            option="qp",
            values=_VVC_QPS,
            format="vvc",
            suffix=".266",
        ),
        Anchor(
            name="hevc",
            title="HEVC",
            note="x265, preset slow, CRF; all bytes of the Annex B stream",
            encoder=_X265,
            option="crf",
            values=(33, 37, 41, 45, 48, 51),
            format="hevc",
            suffix=".265",
        ),
        Anchor(
            name="av1",
            title="AV1",
            note="SVT-AV1, preset 4, CRF; all bytes of the OBU stream but its temporal delimiters, "
            "2 a picture",
            encoder=_SVT_AV1,
            option="crf",
            values=(43, 48, 53, 58, 63),
            format="obu",
            suffix=".obu",
            delimiter=2,
        ),
    )
}
