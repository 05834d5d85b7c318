"""How alike decoded pictures and their reference are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gvc.bench.ffmpeg import raw_input, run_ffmpeg
from gvc.bench.identity import VERIFIED
from gvc.bench.reference import Planes, Reference
from gvc.errors import MediaError
from gvc.metrics import Lpips
from gvc.model.device import select_device, set_threads

#: Pairs of pictures that LPIPS sees at once.
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of quality.

    :param name: in results. :param title: for people. :param digits: behind the point.
    :param higher_is_better: which way it runs.
    :param note: what it is, in a sentence.
    """

    name: str
    title: str
    digits: int
    higher_is_better: bool
    note: str


#: All metrics, the one that judges first.
METRICS = (
    Metric(
        "lpips_alex", "LPIPS-alex", 4, False,
        "LPIPS 0.1 on AlexNet. The judge: nothing of gvc was trained or tuned on it.",
    ),
    Metric(
        "lpips_squeeze", "LPIPS-squeeze (trained on)", 4, False,
        "LPIPS 0.1 on SqueezeNet. gvc is trained on it, so that it favours gvc.",
    ),
    Metric(
        "tlp_alex", "tLP-alex", 4, False,
        "TecoGAN's tLP with LPIPS-alex: the mean of |LPIPS(x_t, x_t-1) - LPIPS(y_t, y_t-1)| over "
        "pairs of consecutive pictures, x original, y decoded. Low where as much changes from "
        "picture to picture as in the original.",
    ),
    Metric("vmaf", "VMAF", 2, True, "libvmaf's vmaf_v0.6.1, mean over pictures."),
    Metric("ms_ssim", "MS-SSIM", 4, True, "libvmaf's float_ms_ssim on luma, mean over pictures."),
    Metric(
        "psnr_y", "PSNR-Y", 2, True,
        "Of luma in dB, mean over pictures; libvmaf gives 60 dB to those that are identical.",
    ),
)  # fmt: skip

#: Further ones, where what sees faces is at hand, of clips that show one; how well something
#: follows, of clips where it moves.
FACE_METRICS = (
    Metric(
        "face_similarity", "face similarity", 4, True,
        "Mean cosine between faces as MobileFaceNet sees them, original and decoded, cut out at "
        "the points found in the original.",
    ),
    Metric(
        "face_verified", "faces verified", 3, True,
        f"Share of pictures in which that cosine is above {VERIFIED}: of pairs of different people "
        "one in a hundred is.",
    ),
    Metric(
        "mouth_follows", "mouth follows", 3, True,
        "Share of the variance of how far the mouth is open, as MediaPipe sees it, that decoded "
        "pictures explain: 1 is the same movement, 0 as good as none.",
    ),
    Metric("eyes_follow", "eyes follow", 3, True, "The same of both eyes."),
    Metric(
        "gaze_follows", "gaze follows", 3, True,
        "The same of where irises are between the corners of their eyes, along and across.",
    ),
    Metric(
        "mouth_lpips_alex", "LPIPS-alex of the mouth", 4, False,
        "LPIPS-alex of the mouth alone, cut out of both pictures at the points found in the "
        "original and enlarged to 128×96.",
    ),
    Metric(
        "eyes_lpips_alex", "LPIPS-alex of the eyes", 4, False,
        "The same of both eyes and brows, enlarged to 192×80.",
    ),
)  # fmt: skip


class Judge(Protocol):
    """Gives scores; :class:`Scorer` is the one that runs use."""

    def settings(self) -> Mapping[str, str]:
        """What changes the scores."""

    def score(self, reference: Reference, decoded: Path, folder: Path) -> dict[str, float]:
        """Scores by the names of :data:`METRICS`; those of :data:`FACE_METRICS` may lack."""


class FaceJudge(Protocol):
    """Gives scores of faces."""

    @property
    def fingerprint(self) -> str:
        """Names what gives them."""

    def score(self, reference: Reference, decoded: Planes) -> dict[str, float]:
        """Some of :data:`FACE_METRICS`."""


class Scorer:
    """Computes all of :data:`METRICS`, and :data:`FACE_METRICS` where ``faces`` does.

    :param weights: folder of LPIPS's networks, see :class:`gvc.metrics.Lpips`.
    :param every: LPIPS and tLP look at every so manieth picture; libvmaf at all.
    :param device: where LPIPS runs. :param threads: CPU threads, None for the libraries' choice.
    :param faces: what compares faces.
    :raises WeightsError: if a network of LPIPS is not found.
    """

    def __init__(
        self,
        *,
        weights: Path | None,
        every: int,
        device: str,
        threads: int | None,
        faces: Sequence[FaceJudge] = (),
    ) -> None:
        self._device = select_device(device)
        self._torch_threads = threads
        self._threads = threads or os.cpu_count() or 1
        self._every = every
        self._faces = faces
        self._alex = Lpips("alex", weights).to(self._device)
        self._squeeze = Lpips("squeeze", weights).to(self._device)

    def settings(self) -> Mapping[str, str]:
        """See :class:`Judge`."""
        own = {"every": str(self._every)}
        names = ",".join(judge.fingerprint for judge in self._faces)
        return own | {"faces": names} if names else own

    def score(self, reference: Reference, decoded: Path, folder: Path) -> dict[str, float]:
        """Compare the pictures in the file ``decoded`` with their reference.

        :param folder: for files that are needed meanwhile.
        :raises InvalidDataError: if there are not as many pictures.
        :raises MediaError: if libvmaf fails.
        """
        # Our codec leaves torch with one, see gvc.codec.pipeline.share.
        set_threads(self._torch_threads)
        original, other = reference.planes(), reference.planes(decoded)
        scores = self._perceptual(reference, original, other)
        scores |= libvmaf(reference, decoded, folder, threads=self._threads)
        for judge in self._faces:
            scores |= judge.score(reference, other)
        return scores

    @torch.inference_mode()
    def _perceptual(
        self, reference: Reference, original: Planes, decoded: Planes
    ) -> dict[str, float]:
        alex, squeeze, changes = [], [], []
        for now in _batches(reference.frames, self._every):
            x, y = (self._tensor(reference.rgb(p, now)) for p in (original, decoded))
            seen_x, seen_y = self._alex.describe(x), self._alex.describe(y)
            alex.append(self._alex.distance(seen_x, seen_y))
            squeeze.append(self._squeeze(x, y))
            later = [index + 1 for index in now if index + 1 < reference.frames]
            if later:
                x, y = (self._tensor(reference.rgb(p, later)) for p in (original, decoded))
                changes.append((self._change(seen_x, x) - self._change(seen_y, y)).abs())
        means = (torch.cat(values).mean().item() for values in (alex, squeeze, changes))
        return dict(zip(("lpips_alex", "lpips_squeeze", "tlp_alex"), means, strict=True))

    def _change(self, seen: list[Tensor], later: Tensor) -> Tensor:
        """LPIPS-alex between described pictures and those that follow them; the last may lack."""
        return self._alex.distance(
            [features[: len(later)] for features in seen], self._alex.describe(later)
        )

    def _tensor(self, pictures: npt.NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(pictures).to(self._device).permute(0, 3, 1, 2).float() / 255


def _batches(frames: int, every: int) -> Iterator[list[int]]:
    """Indices of the pictures that LPIPS looks at."""
    chosen = range(0, frames, every)
    for first in range(0, len(chosen), _BATCH):
        yield list(chosen[first : first + _BATCH])


def libvmaf(reference: Reference, decoded: Path, folder: Path, *, threads: int) -> dict[str, float]:
    """VMAF, MS-SSIM and PSNR-Y of decoded pictures, by the names of :data:`METRICS`.

    :param decoded: a file of as many pictures as ``reference`` has.
    :param folder: for a file that is needed meanwhile. :param threads: of libvmaf.
    :raises MediaError: if ffmpeg fails.
    """
    rate = str(reference.rate)
    log = folder / "vmaf.json"
    # The name of the log stands bare in the filter's arguments, which know many special characters.
    options = f"log_fmt=json:log_path={log.name}:n_threads={threads}"
    arguments = [
        *raw_input(decoded.resolve(), reference.side, rate),
        *raw_input(reference.path.resolve(), reference.side, rate),
        "-lavfi", f"libvmaf={options}:feature=name=psnr|name=float_ms_ssim", "-f", "null", "-",
    ]  # fmt: skip
    run_ffmpeg(arguments, folder=folder, what=f"libvmaf on {reference.clip}")
    try:
        pooled = json.loads(log.read_text(encoding="utf-8"))["pooled_metrics"]
        names = {"vmaf": "vmaf", "ms_ssim": "float_ms_ssim", "psnr_y": "psnr_y"}
        return {name: float(pooled[theirs]["mean"]) for name, theirs in names.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        # A mean of pictures that have nothing in common may be null.
        raise MediaError(f"libvmaf gave no figures for {reference.clip}: {error}") from error
