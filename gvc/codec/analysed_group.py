"""What an encoder knows of a group of pictures before it codes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt

from gvc.bitstream import Rectangle


@dataclass(slots=True)
class AnalysedPart:
    """What is known of a part of all frames of a group; it comes in as they are analysed.

    :param rectangle: the part; None for all of them.
    :param codes: motion codes, float32 [L] each, in units of the coder's spread.
    :param pictures: RGB uint8, small, see :func:`gvc.model.adaptation.shrink`.
    """

    rectangle: Rectangle | None = None
    codes: list[npt.NDArray[np.float32]] = field(default_factory=list)
    pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)


@dataclass(slots=True)
class AnalysedGroup:
    """The frames of a group and what is known of each part of them that may be generated.

    :param pts: in the stream's time base.
    :param frames: yuv420p of the size of key frames.
    :param parts: the largest face first; one at least, once they are chosen.
    :param recurs: whether what it shows goes on in the group behind it.
    """

    pts: list[int] = field(default_factory=list)
    frames: list[av.VideoFrame] = field(default_factory=list)
    parts: list[AnalysedPart] = field(default_factory=list)
    recurs: bool = False

    @property
    def analysed(self) -> bool:
        """Whether everything is known of all frames so far."""
        return bool(self.parts) and all(len(part.codes) == len(self.pts) for part in self.parts)

    @property
    def rectangles(self) -> tuple[Rectangle, ...]:
        """Those parts that are not all of the frames."""
        return tuple(part.rectangle for part in self.parts if part.rectangle is not None)

    @property
    def codes(self) -> npt.NDArray[np.float32]:
        """Motion codes of all parts, side by side: [N, parts · L]."""
        return np.concatenate([np.stack(part.codes) for part in self.parts], axis=1)

    def some(self, wanted: slice) -> AnalysedGroup:
        """Some frames of it."""
        return AnalysedGroup(
            pts=self.pts[wanted],
            frames=self.frames[wanted],
            parts=[
                AnalysedPart(part.rectangle, part.codes[wanted], part.pictures[wanted])
                for part in self.parts
            ],
            recurs=self.recurs or wanted.stop is not None,
        )
