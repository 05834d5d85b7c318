"""Key frames as decoders see them: coded by VVC and decoded again, prepared once for each clip.

A decoder never sees a key frame as it was filmed. Coding one in every training step would cost
more than the step, so that a few of each clip are coded beforehand, over the range of QPs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.clips import Clip
from gvc.training.clips import Arrays, cached

#: Coded key frames of each clip.
COUNT = 8

#: QPs that they are coded with, as often as they are listed.
_QPS = (22, 27, 32, 32, 37, 37, 42, 47, 52)


@dataclass(frozen=True, slots=True)
class CodedKeys:
    """Coded key frames of one clip.

    :param indices: which frame of the clip each one is, int64 [K].
    :param qps: with which each one was coded, int64 [K].
    :param pictures: decoded again, uint8 RGB [K, S, S, 3].
    """

    indices: npt.NDArray[np.int64]
    qps: npt.NDArray[np.int64]
    pictures: npt.NDArray[np.uint8]


def load_coded_keys(
    clips: Sequence[Clip],
    frames: Sequence[npt.NDArray[np.uint8]],
    cache: Path,
    *,
    seed: int,
    size: int = 256,
) -> list[CodedKeys]:
    """Coded key frames of ``clips``; what is not in ``cache`` yet is coded now."""
    rng = np.random.default_rng(seed)
    plans = [
        (np.sort(rng.choice(len(pictures), len(qps), replace=False)), qps)
        for pictures, qps in (
            (pictures, rng.choice(_QPS, COUNT)[: len(pictures)]) for pictures in frames
        )
    ]
    paths = [cache / f"{clip.path.stem}-{size}-keys.npz" for clip in clips]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    pictures = _code_all({number: (frames[number], *plans[number]) for number in missing})
    loaded = []
    for number, path in enumerate(paths):

        def made(number: int = number) -> Arrays:
            indices, qps = plans[number]
            return {"indices": indices, "qps": qps, "pictures": pictures[number]}

        arrays = cached(path, made)
        loaded.append(CodedKeys(**arrays))
    return loaded


#: A clip's frames, the indices to code, and a QP for each.
_Plan = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def _code_all(plans: dict[int, _Plan]) -> dict[int, npt.NDArray[np.uint8]]:
    """Code what each plan says, all pictures of one QP and size through one encoder."""
    jobs: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    results = {}
    for number, (frames, indices, qps) in plans.items():
        results[number] = np.empty((len(indices), *frames.shape[1:]), np.uint8)
        for place, qp in enumerate(qps):
            jobs[int(qp), frames.shape[1]].append((number, place))
    for (qp, side), places in jobs.items():
        sources = [plans[number][0][plans[number][1][place]] for number, place in places]
        coded = code_pictures(sources, qp=qp, side=side)
        for (number, place), picture in zip(places, coded, strict=True):
            results[number][place] = picture
    return results


def code_pictures(
    pictures: Sequence[npt.NDArray[np.uint8]], *, qp: int, side: int
) -> list[npt.NDArray[np.uint8]]:
    """Code RGB pictures [side, side, 3] as VVC key frames and decode them again."""
    # A machine that only trains gets the cache from elsewhere, and need not have PyAV.
    from gvc import keyframe
    from gvc.bitstream import ColourDescription
    from gvc.media import from_rgb, tag, to_rgb

    colour = ColourDescription(1, 1, 1)
    codec = keyframe.get("vvc")
    encoder = codec.encoder(width=side, height=side, qp=qp, colour=colour, preset="faster")
    frames = [from_rgb(picture, side, side, colour) for picture in pictures]
    coded = encoder.encode(frames, inter=False)
    decoder = codec.decoder(coded.parameters)
    return [
        to_rgb(tag(frame, colour), side, side)
        for data in coded.pictures
        for frame in decoder.decode([data])
    ]
