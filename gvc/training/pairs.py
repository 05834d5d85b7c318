"""Batches of key frames with inter frames of the same clip, augmented, with a motion teacher.

Every batch is a function of (seed, step) alone, so that an interrupted run goes on as if it had
never stopped, however many workers prepare its batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gvc.training.clips import Clip

Picture = npt.NDArray[np.uint8]

#: Side of the pictures between which the teacher estimates optical flow.
_FLOW_SIDE = 128


@dataclass(frozen=True, slots=True)
class BatchShape:
    """How many pictures a batch holds, and how large they are.

    :param keys: key frames, each of another clip drawn anew.
    :param inters: inter frames for each key frame.
    :param size: side of the pictures in pixels.
    """

    keys: int
    inters: int
    size: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    :param key: uint8 RGB [keys, 3, H, W]: key frames.
    :param frames: uint8 RGB [keys·inters, 3, H, W], those of one key frame in a row.
    :param flow: float32 [keys·inters, 2, 64, 64]: displacement from each inter frame to its key
        frame by classical optical flow, in normalised coordinates (2 is the picture's side).
    """

    key: Tensor
    frames: Tensor
    flow: Tensor


class PairDataset(Dataset[Batch]):
    """Item i is the i-th batch of a run.

    Identities are drawn evenly, then one of the identity's clips, then frames from anywhere in it.

    :param frames: per clip, uint8 RGB [F, S, S, 3].
    :param shapes: batch shapes, taken in turn by step.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        frames: Sequence[Picture],
        shapes: Sequence[BatchShape],
        *,
        seed: int,
    ) -> None:
        self._frames = frames
        self._shapes = shapes
        self._seed = seed
        identities: defaultdict[str, list[int]] = defaultdict(list)
        for number, clip in enumerate(clips):
            identities[clip.identity].append(number)
        self._identities = list(identities.values())

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step])
        shape = self._shapes[step % len(self._shapes)]
        keys, frames, flows = [], [], []
        # Optical flow is a matter of single pictures; threads would fight with the training.
        cv2.setNumThreads(1)
        for _ in range(shape.keys):
            own = self._identities[rng.integers(len(self._identities))]
            clip = own[rng.integers(len(own))]
            key, inters = self._draw(clip, shape.inters, rng)
            augmentation = _Augmentation.draw(rng, shape.size)
            key = augmentation.apply(key)
            inters = [augmentation.apply(frame) for frame in inters]
            keys.append(key)
            frames += inters
            flows += [_optical_flow(frame, key) for frame in inters]
        return Batch(_stack(keys), _stack(frames), torch.from_numpy(np.stack(flows)))

    def _draw(
        self, clip: int, inters: int, rng: np.random.Generator
    ) -> tuple[Picture, list[Picture]]:
        available = self._frames[clip]
        indices = rng.integers(len(available), size=1 + inters)
        return available[indices[0]], [available[index] for index in indices[1:]]


@dataclass(frozen=True, slots=True)
class _Augmentation:
    """One geometric and photometric change, the same for all pictures of a draw."""

    size: int
    left: float
    top: float
    scale: float
    flip: bool
    gain: npt.NDArray[np.float32]
    gamma: float

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int) -> _Augmentation:
        scale = rng.uniform(0.8, 1.0)
        return cls(
            size=size,
            left=rng.uniform(0, 1 - scale),
            top=rng.uniform(0, 1 - scale),
            scale=scale,
            flip=bool(rng.random() < 0.5),
            gain=rng.uniform(0.9, 1.1, size=3).astype(np.float32),
            gamma=rng.uniform(0.8, 1.25),
        )

    def apply(self, picture: Picture) -> Picture:
        side = picture.shape[0]
        crop = max(8, round(self.scale * side))
        left = min(round(self.left * side), side - crop)
        top = min(round(self.top * side), side - crop)
        picture = picture[top : top + crop, left : left + crop]
        method = cv2.INTER_AREA if crop > self.size else cv2.INTER_CUBIC
        resized = cv2.resize(picture, (self.size, self.size), interpolation=method)
        if self.flip:
            resized = resized[:, ::-1]
        levels = (np.arange(256, dtype=np.float32)[:, None] / 255) ** self.gamma * self.gain
        table = np.clip(levels * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(np.ascontiguousarray(resized), table[None]), dtype=np.uint8)


def _optical_flow(frame: Picture, key: Picture) -> npt.NDArray[np.float32]:
    """Where each pixel of ``frame`` lies in ``key``: [2, 64, 64], normalised."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [
        cv2.cvtColor(
            cv2.resize(picture, (_FLOW_SIDE, _FLOW_SIDE), interpolation=cv2.INTER_AREA),
            cv2.COLOR_RGB2GRAY,
        )
        for picture in (frame, key)
    ]
    flow = method.calc(grey[0], grey[1], np.zeros((_FLOW_SIDE, _FLOW_SIDE, 2), np.float32))
    flow = cv2.resize(flow, (64, 64), interpolation=cv2.INTER_AREA) * (2 / _FLOW_SIDE)
    return np.ascontiguousarray(flow.transpose(2, 0, 1), dtype=np.float32)


def _stack(pictures: Sequence[Picture]) -> Tensor:
    """Stack RGB pictures [H, W, 3] to [N, 3, H, W] in channels-last memory."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
