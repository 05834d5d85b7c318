"""The pictures that all codecs code and are judged by: square, 8-bit yuv420p, without a header."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gvc.bench.clips import Clip
from gvc.bitstream import ColourDescription
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source, tag, to_rgb, to_yuv420

#: Pictures of a clip as the files hold them, uint8 [frames, side·3/2, side]: Y, then U and V.
Planes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reference:
    """The pictures of one clip.

    They are shown at a constant rate, the average of the source, whatever times it had.

    :param clip: name of the clip.
    :param path: the pictures, one after another.
    :param side: of a picture in pixels.
    :param frames: how many there are, at least 2.
    :param rate: frames a second.
    :param colour: what the samples mean.
    :param digest: SHA-256 of the samples and the rate, in hexadecimal.
    """

    clip: str
    path: Path
    side: int
    frames: int
    rate: Fraction
    colour: ColourDescription
    digest: str

    @property
    def seconds(self) -> float:
        """Duration."""
        return float(self.frames / self.rate)

    def planes(self, path: Path | None = None) -> Planes:
        """The pictures of the reference, or of a file with as many decoded ones; not in memory.

        :raises InvalidDataError: if ``path`` does not hold as many pictures of this size.
        """
        path = path or self.path
        picture = self.side * self.side * 3 // 2
        size = path.stat().st_size
        if size != picture * self.frames:
            raise InvalidDataError(
                f"{size / picture:g} pictures where {self.frames} were coded", path=path
            )
        shape = (self.frames, self.side * 3 // 2, self.side)
        return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)

    def rgb(self, planes: Planes, indices: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Pictures as RGB, uint8 [len(indices), side, side, 3], by the colours of the reference."""
        frames = (
            av.VideoFrame.from_ndarray(np.ascontiguousarray(planes[index]), format="yuv420p")
            for index in indices
        )
        return np.stack([to_rgb(tag(frame, self.colour), self.side, self.side) for frame in frames])


def make_reference(clip: Clip, folder: Path, *, side: int, frames: int) -> Reference:
    """Decode ``clip``, scale its first ``frames`` pictures to squares, and keep them.

    What is in ``folder`` from an earlier run with the same source and settings is taken.

    :param side: of the pictures, even.
    :raises MediaError, InvalidDataError: if the clip cannot be decoded, or has one picture only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stat = clip.path.stat()
    origin = [str(clip.path.resolve()), stat.st_size, stat.st_mtime_ns, side, frames]
    path, note = folder / f"{clip.name}.yuv", folder / f"{clip.name}.json"
    found = _found(clip.name, path, note, origin)
    if found is not None:
        return found
    note.unlink(missing_ok=True)
    with Source(clip.path, audio=AudioMode.NONE) as source, path.open("wb") as file:
        digest = hashlib.sha256(str(source.video.frame_rate).encode())
        count = 0
        for frame in itertools.islice(source, frames):
            assert isinstance(frame, av.VideoFrame)
            samples = to_yuv420(frame, side, side).to_ndarray().tobytes()
            digest.update(samples)
            file.write(samples)
            count += 1
        rate, colour = source.video.frame_rate, source.video.colour
    if count < 2:
        raise InvalidDataError("one picture is no video to measure on", path=clip.path)
    reference = Reference(clip.name, path, side, count, rate, colour, digest.hexdigest())
    note.write_text(json.dumps({"origin": origin, **_plain(reference)}), encoding="utf-8")
    return reference


def _plain(reference: Reference) -> dict[str, Any]:
    return {
        "side": reference.side,
        "frames": reference.frames,
        "rate": str(reference.rate),
        "colour": asdict(reference.colour),
        "digest": reference.digest,
    }


def _found(name: str, path: Path, note: Path, origin: list[Any]) -> Reference | None:
    """The reference of an earlier run, if it was made of the same source."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        if told.pop("origin") != origin:
            return None
        reference = Reference(
            name,
            path,
            told["side"],
            told["frames"],
            Fraction(told["rate"]),
            ColourDescription(**told["colour"]),
            told["digest"],
        )
        reference.planes()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return reference
