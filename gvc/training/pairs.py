"""Batches of key frames with inter frames of the same clip, augmented, with motion teachers.

Every batch is a function of (seed, step) alone, so that an interrupted run goes on as if it had
never stopped, however many workers prepare its batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gvc.clips import Clip, Kind
from gvc.training.coded_keys import CodedKeys
from gvc.training.faces import KEYPOINTS, MATTE_SIDE, Faces, features_map, openings

Picture = npt.NDArray[np.uint8]

#: Side of the pictures between which the teacher estimates optical flow.
_FLOW_SIDE = 128

#: Share of key frames that are coded ones.
_CODED_SHARE = 0.75

#: Share of these that are restored, where restored ones are at hand.
_RESTORED_SHARE = 0.7

#: Share of pictures shown smaller, with their borders drawn out around them.
_FAR_SHARE = 0.2

#: Share of pictures squeezed in width or height, as pictures that are not square are for E_F.
_SQUEEZED_SHARE = 0.3

Points = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Footage:
    """All that batches are drawn from, one entry a clip.

    :param frames: uint8 RGB [F, S, S, 3].
    :param faces: landmarks and mattes of the frames.
    :param keys: coded key frames; empty to use the frames as they are.
    :param restored: the same key frames, restored; empty to use them as they were decoded.
    """

    clips: Sequence[Clip]
    frames: Sequence[Picture]
    faces: Sequence[Faces]
    keys: Sequence[CodedKeys] = ()
    restored: Sequence[CodedKeys] = ()


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
class Sampling:
    """Which frames meet in a batch.

    :param bodies: share of key frames that are from clips of kind ``body``; None draws identities
        evenly, whatever their clips show.
    :param shares: of inter frames drawn by how eyes differ from the key frame's, how the mouth
        does, and how far the head has moved; the others are drawn by when they are seen.
    :param near: the chance of those others falls by a factor of e with so many frames between them
        and the key frame; None draws them evenly.
    :param least_person: clips of kind ``body`` where people fill less of the pictures are left out.
    """

    bodies: float | None = None
    shares: tuple[float, float, float] = (0.2, 0.25, 0.25)
    near: float | None = None
    least_person: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    :param key: uint8 RGB [keys, 3, H, W]: key frames.
    :param frames: uint8 RGB [keys·inters, 3, H, W], those of one key frame in a row.
    :param flow: float32 [keys·inters, 2, 64, 64]: displacement from each inter frame to its key
        frame by classical optical flow, in normalised coordinates (2 is the picture's side).
    :param key_landmarks: float32 [keys·inters, 478, 2]: face of each inter frame's key frame, in
        normalised coordinates; NaN without a face.
    :param landmarks: float32 [keys·inters, 478, 2]: face of each inter frame.
    :param mirrored: bool [keys·inters]: pictures that were flipped, so that a landmark shows what
        its mirror image should.
    :param features: uint8 [keys·inters, 1, 64, 64]: eyes and mouth of each inter frame.
    :param matte: uint8 [keys·inters, 1, 64, 64]: person in each inter frame.
    :param key_matte: uint8 [keys·inters, 1, 64, 64]: person in each inter frame's key frame.
    """

    key: Tensor
    frames: Tensor
    flow: Tensor
    key_landmarks: Tensor
    landmarks: Tensor
    mirrored: Tensor
    features: Tensor
    matte: Tensor
    key_matte: Tensor

    def on(self, device: torch.device) -> Batch:
        """This batch on ``device``, pictures and maps as float32 in [0, 1]."""
        moved: dict[str, Tensor] = {
            field.name: getattr(self, field.name).to(device, non_blocking=True)
            for field in fields(self)
        }
        for name in ("key", "frames", "features", "matte", "key_matte"):
            moved[name] = moved[name].float() / 255
        return Batch(**moved)

    def repeated_key(self) -> Tensor:
        """The key frame of each inter frame."""
        return self.key.repeat_interleave(len(self.frames) // len(self.key), dim=0)


class PairDataset(Dataset[Batch]):
    """Item i is the i-th batch of a run.

    Identities are drawn evenly, then one of the identity's clips, then frames of it.

    :param shapes: batch shapes, taken in turn by step.
    :param flow: estimate the optical flow, which takes the most time; zeros if False.
    """

    def __init__(
        self,
        footage: Footage,
        shapes: Sequence[BatchShape],
        *,
        seed: int,
        flow: bool = True,
        sampling: Sampling | None = None,
    ) -> None:
        self._flow = flow
        self._sampling = sampling or Sampling()
        self._footage = footage
        self._shapes = shapes
        self._seed = seed
        self._looks: dict[int, tuple[Points, Points]] = {}
        kinds = (None,) if self._sampling.bodies is None else (Kind.BODY, Kind.TALKING_HEAD)
        #: Numbers of clips by who is seen, for each of the kinds that are drawn apart.
        self._sources = [source for kind in kinds if (source := self._identities(kind))]

    def _identities(self, kind: Kind | None) -> list[list[int]]:
        identities: defaultdict[str, list[int]] = defaultdict(list)
        for number, clip in enumerate(self._footage.clips):
            filled = self._footage.faces[number].matte.mean() / 255
            # No matte at all is not known rather than empty.
            if clip.kind is Kind.BODY and 0 < filled < self._sampling.least_person:
                continue
            if kind is None or clip.kind is kind:
                identities[clip.identity].append(number)
        return list(identities.values())

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step])
        shape = self._shapes[step % len(self._shapes)]
        draws = []
        # Optical flow is a matter of single pictures; threads would fight with the training.
        cv2.setNumThreads(1)
        for _ in range(shape.keys):
            identities = self._source(rng)
            own = identities[rng.integers(len(identities))]
            clip = own[rng.integers(len(own))]
            draws.append(self._draw(clip, shape, rng))
        return Batch(*(torch.cat(parts) for parts in zip(*draws, strict=True)))

    def _source(self, rng: np.random.Generator) -> list[list[int]]:
        bodies = self._sampling.bodies
        if bodies is None or len(self._sources) == 1:
            return self._sources[0]
        return self._sources[0 if rng.random() < bodies else 1]

    def _draw(self, clip: int, shape: BatchShape, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """One key frame with its inter frames: the fields of :class:`Batch`, in order."""
        frames, faces = self._footage.frames[clip], self._footage.faces[clip]
        index, key = self._key(clip, rng)
        indices = self._inters(clip, index, shape.inters, rng)
        augmentation = _Augmentation.draw(rng, shape.size)
        key_points = augmentation.move(faces.landmarks[index], key.shape[0])
        key_matte = augmentation.crop(faces.matte[index], MATTE_SIDE)
        key = augmentation.apply(key)
        inters = [augmentation.apply(frames[number]) for number in indices]
        points = [augmentation.move(faces.landmarks[number], frames.shape[1]) for number in indices]
        mattes = [augmentation.crop(faces.matte[number], MATTE_SIDE) for number in indices]
        return (
            _stack([key]),
            _stack(inters),
            self._flows(key, inters),
            torch.from_numpy(np.stack([key_points] * shape.inters)),
            torch.from_numpy(np.stack(points)),
            torch.full((shape.inters,), augmentation.flip),
            torch.from_numpy(np.stack([features_map(one, MATTE_SIDE) for one in points]))[:, None],
            torch.from_numpy(np.stack(mattes))[:, None],
            torch.from_numpy(np.stack([key_matte] * shape.inters))[:, None],
        )

    def _inters(self, clip: int, key: int, count: int, rng: np.random.Generator) -> list[int]:
        """Frames of a clip: many whose eyes, mouth or place differ from the key frame's.

        Drawn evenly, hardly one in thirty would show a blink.
        """
        faces, length = self._footage.faces[clip], len(self._footage.frames[clip])
        if clip not in self._looks:
            landmarks = faces.landmarks.astype(np.float32)
            self._looks[clip] = openings(landmarks), landmarks[:, list(KEYPOINTS)]
        opened, points = self._looks[clip]
        moved = np.abs(points - points[key]).mean(axis=(1, 2))[:, None]
        change = np.nan_to_num(np.concatenate([opened - opened[key], moved], axis=1)) ** 2
        shares, near = self._sampling.shares, self._sampling.near
        apart = np.abs(np.arange(length) - key)
        even = np.zeros(length) if near is None else np.exp(-apart / near) * (apart > 0)
        drawn = []
        for _ in range(count):
            kind = rng.choice(len(shares) + 1, p=(*shares, 1 - sum(shares)))
            weights = change[:, kind] if kind < len(shares) else even
            total = weights.sum()
            drawn.append(int(rng.choice(length, p=weights / total if total > 0 else None)))
        return drawn

    def _flows(self, key: Picture, inters: Sequence[Picture]) -> Tensor:
        if not self._flow:
            return torch.zeros(len(inters), 2, 64, 64)
        return torch.from_numpy(np.stack([_optical_flow(frame, key) for frame in inters]))

    def _key(self, clip: int, rng: np.random.Generator) -> tuple[int, Picture]:
        """A key frame of a clip and its index: coded as a rule, where coded ones are at hand."""
        if self._footage.keys and rng.random() < _CODED_SHARE:
            footage = self._footage
            show_restored = footage.restored and rng.random() < _RESTORED_SHARE
            keys = (footage.restored if show_restored else footage.keys)[clip]
            place = rng.integers(len(keys.indices))
            return int(keys.indices[place]), keys.pictures[place]
        frames = self._footage.frames[clip]
        index = int(rng.integers(len(frames)))
        return index, frames[index]


@dataclass(frozen=True, slots=True)
class _Augmentation:
    """One geometric and photometric change, the same for all pictures of a draw."""

    size: int
    left: float
    top: float
    width: float
    height: float
    flip: bool
    gain: npt.NDArray[np.float32]
    gamma: float

    @classmethod
    def draw(cls, rng: np.random.Generator, size: int) -> _Augmentation:
        far = rng.random() < _FAR_SHARE
        scale = rng.uniform(1.0, 1.5) if far else rng.uniform(0.8, 1.0)
        squeezed = rng.random() < _SQUEEZED_SHARE
        aspect = float(np.exp(rng.uniform(-0.6, 0.6))) if squeezed else 1.0
        width, height = scale * aspect**0.5, scale / aspect**0.5
        return cls(
            size=size,
            left=rng.random() * (1 - width),
            top=rng.random() * (1 - height),
            width=width,
            height=height,
            flip=bool(rng.random() < 0.5),
            gain=rng.uniform(0.9, 1.1, size=3).astype(np.float32),
            gamma=float(np.exp(rng.uniform(-0.4, 0.4))),
        )

    def _box(self, side: int) -> npt.NDArray[np.int64]:
        """What is cut out of a picture, in pixels: (left, top) and (width, height).

        It may reach beyond the picture.
        """
        corner = np.rint(np.array((self.left, self.top)) * side)
        extent = np.rint(np.array((self.width, self.height)) * side).clip(8)
        inside = np.minimum(corner, side - extent)
        return np.array((np.where(extent <= side, inside, corner), extent)).astype(np.int64)

    def crop(self, picture: Picture, size: int) -> Picture:
        """The geometric change alone."""
        side = picture.shape[0]
        (left, top), (width, height) = self._box(side).tolist()
        framed = cv2.copyMakeBorder(
            picture,
            top=max(0, -top),
            bottom=max(0, top + height - side),
            left=max(0, -left),
            right=max(0, left + width - side),
            borderType=cv2.BORDER_REPLICATE,
        )
        left, top = max(0, left), max(0, top)
        cut = framed[top : top + height, left : left + width]
        method = cv2.INTER_AREA if min(width, height) > size else cv2.INTER_CUBIC
        resized = cv2.resize(cut, (size, size), interpolation=method)
        return np.ascontiguousarray(resized[:, ::-1] if self.flip else resized, dtype=np.uint8)

    def move(self, points: npt.NDArray[np.floating], side: int) -> Points:
        """The geometric change of points in normalised coordinates of a picture."""
        corner, extent = self._box(side).astype(np.float32)
        moved = ((points.astype(np.float32) + 1) * side - 2 * corner) / extent - 1
        if self.flip:
            moved *= np.array((-1, 1), np.float32)
        return np.asarray(moved, dtype=np.float32)

    def apply(self, picture: Picture) -> Picture:
        resized = self.crop(picture, self.size)
        levels = (np.arange(256, dtype=np.float32)[:, None] / 255) ** self.gamma * self.gain
        table = np.clip(levels * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(resized, table[None]), dtype=np.uint8)


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
