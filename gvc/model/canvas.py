"""Generated parts of pictures: a key picture held, and in it a rectangle that moves.

The network sees the rectangle at a size of its own and says what moves where in it, and what is
new. Here the rectangle of the key picture itself is moved, at full size, and what is new is added,
scaled up: so detail that the network never saw stays where it belongs. Where the network does not
trust what is moved, that detail fades. Outside of the person, and towards the border of the
rectangle, motion and what is new fade to nothing, so that no seam can show. Several rectangles are
drawn one after the other: what was there before shows as far as a rectangle fades.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

from gvc.model.layers import resize
from gvc.model.mttf import KeyState
from gvc.ops import Branches, YuvMatrix, to_planes, warp_by_flow

#: How far inside of the rectangle's border everything moves as it should, as a share of its sides.
_FEATHER = 0.14

#: How far around the person pictures are as the network makes them, and how far on they fade to the
#: key picture, as shares of the rectangle's sides.
_AROUND, _FADE = 0.03, 0.05

#: By how much the network's colours are off is found in so many by so many tiles of the background,
#: and smoothed over the tiles within this distance.
_TILES, _REACH = 16, 3

#: Numbers of the planes that are drawn together: luma, chroma.
_PLANES = (0,), (1, 2)

#: Background that a tile has to have, as a share, for half of what is found in it to count.
_LEAST_BACKGROUND = 0.05


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of a picture, in pixels; all numbers are even.

    :param left: of its first column. :param top: of its first row. :param width: of it, at least 2.
    :param height: of it, at least 2.
    """

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Maps:
    """What the network says of N frames, at a fraction of its size.

    :param motion: displacements as in :func:`gvc.ops.warp_by_flow`, [N, 2, h, w].
    :param share: how much of the picture is the network's, [N, 1, h, w] in [0, 1].
    :param untrusted: how much of it the key picture does not show, likewise.
    :param background: where nobody is, neither here nor in the key picture, likewise.
    """

    motion: Tensor
    share: Tensor
    untrusted: Tensor
    background: Tensor


class Canvas:
    """A key picture of which a rectangle is animated.

    :param state: of the rectangle, as the network sees it, one key frame.
    :param planes: the picture 4:2:0, uint8 [H·3/2, W], H and W even, as
        ``av.VideoFrame.to_ndarray`` gives yuv420p.
    :param place: of the rectangle in it.
    :param matrix: from RGB to the picture's Y'CbCr.
    """

    def __init__(
        self,
        state: KeyState,
        planes: npt.NDArray[np.uint8],
        place: Place,
        matrix: YuvMatrix,
    ) -> None:
        #: What it was made with.
        self.state = state
        self.matrix = matrix
        self._planes = planes
        self._place = place
        self._seen = _split(to_planes(state.picture, matrix))
        self._parts = [
            _with_detail(torch.stack([_plane(planes, index, place) for index in part]), seen)
            for part, seen in zip(_PLANES, self._seen, strict=True)
        ]
        self._border = _feather(place, _size(planes), state.picture)

    def draw(
        self,
        branches: Branches,
        generated: Tensor,
        pictures: npt.NDArray[np.uint8] | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Whole pictures of what the network says of N frames of the rectangle.

        :param branches: what it says. :param generated: planes of that, uint8, as
            :func:`gvc.ops.compose_planes` makes them.
        :param pictures: where it is drawn, uint8 [N, H·3/2, W], which may show another rectangle,
            or be of another key picture; None takes the key picture.
        :returns: uint8 [N, H·3/2, W].
        """
        maps = self._maps(branches)
        result = np.repeat(self._planes[None], len(generated), axis=0)
        if pictures is not None:
            result[:] = pictures
        for numbers, part, seen, made in zip(
            _PLANES, self._parts, self._seen, _split(generated), strict=True
        ):
            places = [
                [_plane_of(each, number, self._place) for number in numbers] for each in result
            ]
            drawn = self._part(part, seen, made, maps)
            if pictures is not None:
                there = torch.from_numpy(np.array(places)).to(drawn.device)
                other = there - part[:, : len(numbers)]
                drawn = drawn + (1 - resize(maps.share, *drawn.shape[-2:])) * other
            samples = drawn.round().clamp(0, 255).byte().cpu().numpy()
            for place, values in zip(places, samples, strict=True):
                for plane, channel in zip(place, values, strict=True):
                    plane[:] = channel
        return result

    def _part(self, part: Tensor, seen: Tensor, made: Tensor, maps: _Maps) -> Tensor:
        """Luma, or both chroma planes, of the rectangle at full size, [N, C, h, w].

        :param part: the key picture and its detail, [1, 2·C, h, w]. :param seen: what the network
            saw of it, [1, C, h', w']. :param made: what it made of that, [N, C, h', w'].
        """
        size = part.shape[-2:]
        new = made - warp_by_flow(seen, maps.motion)
        new = _without_lattice(new - _usual(new, maps.background))
        moved, detail = warp_by_flow(part, maps.motion * maps.share).chunk(2, dim=1)
        new = resize(maps.share, *new.shape[-2:]) * new
        drawn = moved + functional.interpolate(new, size, mode="bicubic", align_corners=False)
        return drawn - resize(maps.share * maps.untrusted, *size) * detail

    def _maps(self, branches: Branches) -> _Maps:
        size = branches.foreground.shape[-2:]
        fold = branches.key.shape[-1] // size[-1]
        # Logits of f×f pixels stand side by side.
        front = branches.foreground.unflatten(1, (-1, fold**2)).mean(dim=2)
        mask = torch.sigmoid(front[:, 3:4] + resize(branches.person, *size))
        before = resize(self.state.person, *size)
        motion = torch.lerp(
            resize(branches.background_motion, *size),
            resize(branches.foreground_motion, *size),
            mask,
        )
        untrusted = torch.zeros_like(mask)
        if front.shape[1] > 4:
            # Where the person was, a background that is still cannot be fetched.
            untrusted = torch.lerp(before, torch.sigmoid(front[:, 4:]), mask)
        person = torch.maximum(mask, before)
        share = _around(person) * resize(self._border, *size)
        return _Maps(motion, share, untrusted, 1 - person)


def _size(planes: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width."""
    return planes.shape[0] * 2 // 3, planes.shape[1]


def _plane_of(planes: npt.NDArray[np.uint8], number: int, place: Place) -> npt.NDArray[np.uint8]:
    """A rectangle of plane 0 (Y), 1 (Cb) or 2 (Cr), to be read and written."""
    height, width = _size(planes)
    flat = planes.reshape(-1)
    if number == 0:
        plane, half = flat[: height * width].reshape(height, width), 1
    else:
        start = height * width * (number + 3) // 4
        plane = flat[start : start + height * width // 4].reshape(height // 2, width // 2)
        half = 2
    rows = slice(place.top // half, (place.top + place.height) // half)
    return plane[rows, place.left // half : (place.left + place.width) // half]


def _plane(planes: npt.NDArray[np.uint8], number: int, place: Place) -> Tensor:
    return torch.from_numpy(_plane_of(planes, number, place).astype(np.float32))


def _split(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Luma [N, 1, H, W] and chroma [N, 2, H/2, W/2] of planes [N, H·3/2, W], float32."""
    height, width = planes.shape[-2] * 2 // 3, planes.shape[-1]
    luma = planes[:, :height].float()
    chroma = planes[:, height:].reshape(-1, 2, height // 2, width // 2).float()
    return luma[:, None], chroma


def _with_detail(part: Tensor, seen: Tensor) -> Tensor:
    """A part of the key picture, and what of it the network did not see: [1, 2·C, h, w].

    :param part: [C, h, w]. :param seen: [1, C, h', w'].
    """
    part = part[None].to(seen.device)
    shown = functional.interpolate(seen, part.shape[-2:], mode="bicubic", align_corners=False)
    return torch.cat([part, part - shown], dim=1)


def _feather(place: Place, size: tuple[int, int], like: Tensor) -> Tensor:
    """How much counts where in the rectangle: less towards those borders that the picture shows.

    :param size: height and width of the picture.
    :returns: [1, 1, h, w] in [0, 1], of the size of ``like``.
    """

    def ramp(length: int, *, first: bool, last: bool) -> Tensor:
        near = (torch.arange(length, device=like.device) + 0.5) / length / _FEATHER
        both = torch.ones_like(near)
        for wanted, distance in ((first, near), (last, near.flip(0))):
            if wanted:
                both = both * distance.clamp(max=1)
        return both * both * (3 - 2 * both)

    rows, columns = like.shape[-2:]
    down = ramp(rows, first=place.top > 0, last=place.top + place.height < size[0])
    across = ramp(columns, first=place.left > 0, last=place.left + place.width < size[1])
    return (down[:, None] * across)[None, None]


def _around(person: Tensor) -> Tensor:
    """1 where a person is and close by, 0 far off, [N, 1, h, w]."""
    side = max(person.shape[-2:])
    reach, fade = (2 * round(share * side) + 1 for share in (_AROUND + _FADE / 2, _FADE / 2))
    grown = functional.max_pool2d(person, reach, stride=1, padding=reach // 2)
    return functional.avg_pool2d(grown, fade, stride=1, padding=fade // 2, count_include_pad=False)


def _without_lattice(new: Tensor) -> Tensor:
    """``new`` without what alternates from pixel to pixel: f×f pixels are made from one feature."""
    padded = functional.pad(new, (1, 1, 1, 1), mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(padded, 2, stride=1), 2, stride=1)


def _usual(new: Tensor, background: Tensor) -> Tensor:
    """What is new in the background around, smoothed: by how much colours are off, [N, C, h, w]."""
    weight = functional.adaptive_avg_pool2d(background, _TILES)
    tiles = functional.adaptive_avg_pool2d(new * resize(background, *new.shape[-2:]), _TILES)
    side = 2 * _REACH + 1
    for _ in range(2):
        weight, tiles = (
            functional.avg_pool2d(each, side, stride=1, padding=_REACH, count_include_pad=False)
            for each in (weight, tiles)
        )
    return resize(tiles / (weight + _LEAST_BACKGROUND), *new.shape[-2:])
