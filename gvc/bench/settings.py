"""What a run of the benchmark is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from gvc.bench.anchors import ANCHORS
from gvc.bench.clips import Selection
from gvc.codec.settings import SIDE_UNIT
from gvc.errors import UsageError

#: Smallest side of pictures at which libvmaf computes MS-SSIM (five scales, a window of 11), and
#: largest that our codec codes unscaled.
MIN_SIDE, MAX_SIDE = 176, 768

#: Names of all codecs.
CODECS = ("gvc", *ANCHORS)


@dataclass(frozen=True, slots=True)
class RdSettings:
    """What a run is asked for, checked when it is made.

    :param sources: video files and folders of clips, see :func:`gvc.bench.clips.find_clips`.
    :param output: folder of results; made if it is not there.
    :param selection: which of the clips there.
    :param size: side of the pictures in pixels. :param frames: most pictures of a clip.
    :param codecs: names of :data:`CODECS`.
    :param key_qps: points of our codec. :param motion_steps: points of its further curve.
    :param options: further encoder options of our codec, by the names of
        :class:`gvc.codec.settings.EncoderSettings`.
    :param every: LPIPS looks at every so manieth picture.
    :param metric_weights: folder of LPIPS's networks.
    :param weights, device, threads: of our codec; the last two of metrics too.
    :param jobs: points measured at once; they share the CPU unless ``threads`` says how many.
    :param restart: whether to forget earlier results.
    :raises UsageError: if a value makes no sense.
    """

    sources: tuple[Path, ...]
    output: Path
    selection: Selection = field(default_factory=Selection)
    size: int = 256
    frames: int = 150
    codecs: tuple[str, ...] = CODECS
    key_qps: tuple[int, ...] = (22, 32, 42, 52)
    motion_steps: tuple[Fraction, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    every: int = 2
    metric_weights: Path | None = None
    weights: Path | None = None
    device: str = "cpu"
    threads: int | None = None
    jobs: int = 1
    restart: bool = False

    def __post_init__(self) -> None:
        for name in self.codecs:
            if name not in CODECS:
                raise UsageError(f"no codec is called {name!r}", hint=", ".join(CODECS))
        if self.size % SIDE_UNIT or not MIN_SIDE <= self.size <= MAX_SIDE:
            raise UsageError(
                f"size {self.size} cannot be measured",
                hint=f"{MIN_SIDE} to {MAX_SIDE}, a multiple of {SIDE_UNIT}",
            )
        if self.frames < 2:
            raise UsageError("a clip has to have two pictures at least")
        if self.output.exists() and not self.output.is_dir():
            raise UsageError("is not a folder", path=self.output)

    @property
    def work(self) -> Path:
        """Folder of references and coded files, which can be deleted after the run."""
        return self.output / "work"

    @property
    def threads_each(self) -> int | None:
        """CPU threads of one job; None for the libraries' choice."""
        if self.threads is not None or self.jobs == 1:
            return self.threads
        return max(1, (os.cpu_count() or 1) // self.jobs)
