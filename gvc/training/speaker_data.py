"""What a speaker pack learns from: key frames and motion codes as decoders get them.

Recordings are coded as ``gvc encode`` does. What the networks that do not change make of a key
frame is computed once.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gvc.api.transcode import encode
from gvc.bitstream import BitstreamReader, Group, Rectangle, VideoHeader
from gvc.codec.decoder import VideoDecoder
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source, part_to_rgb, to_yuv420
from gvc.model.device import to_tensor
from gvc.model.mttf import KeyState, Mttf

#: Parts into which a recording is cut in time; every fifth is held out.
_PARTS, _HELD_EVERY = 10, 5

#: Fewest frames to learn from.
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class _Inter:
    """An inter frame in a coded recording.

    :param key: number of its key frame. :param code: its motion code.
    :param rectangle: the part of the picture that is generated; None for all of it.
    """

    pts: int
    key: int
    code: npt.NDArray[np.float32]
    rectangle: Rectangle | None


@dataclass(frozen=True, slots=True)
class _Coded:
    """A recording as a decoder has it.

    :param header: of the video.
    :param keys: what is animated of key frames, RGB uint8 [H, W, 3].
    :param inter: inter frames in order. :param bytes: of the whole file.
    """

    header: VideoHeader
    keys: list[npt.NDArray[np.uint8]]
    inter: list[_Inter]
    bytes: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is generated."""
        return self.header.coded_width, self.header.coded_height


@dataclass(frozen=True, slots=True)
class Shot:
    """An inter frame.

    :param key: number of its key frame. :param code: its motion code, [1, 2·N_F].
    :param target: the original, RGB uint8 [1, 3, H, W].
    """

    key: int
    code: Tensor
    target: Tensor


@dataclass(frozen=True, slots=True)
class Shots:
    """Frames to learn from, and others to judge by.

    :param keys: key frames. :param train, held: inter frames.
    :param size: width and height of the pictures.
    :param coded: bytes of the recordings as they were coded.
    """

    keys: list[KeyState]
    train: list[Shot]
    held: list[Shot]
    size: tuple[int, int]
    coded: float


def load_shots(
    recordings: Sequence[Path], network: Mttf, settings: Sequence[EncoderSettings], *, most: int
) -> Shots:
    """Code recordings and keep about ``most`` of their inter frames, evenly spread.

    :param settings: with which they are coded, in turn from frame to frame.
    :raises GvcError: if one cannot be read or coded.
    :raises InvalidDataError: if their pictures have different sizes, or too few are generated.
    """
    coded = [(path, [_code(path, each) for each in settings]) for path in recordings]
    every = max(1, -(-sum(len(variants[0].inter) for _, variants in coded) // most))
    sizes = [np.mean([variant.bytes for variant in variants]) for _, variants in coded]
    shots = Shots([], [], [], coded[0][1][0].size, float(sum(sizes)))
    for path, variants in coded:
        if variants[0].size != shots.size:
            raise InvalidDataError("has pictures of another size than the first", path=path)
        for turn, variant in enumerate(variants):
            rows = range(every * turn, len(variant.inter), every * len(variants))
            _add(shots, path, variant, rows, network)
    if len(shots.train) < _FEWEST or not shots.held:
        raise InvalidDataError("too few frames are generated to learn from")
    return shots


def _code(path: Path, settings: EncoderSettings) -> _Coded:
    """Code a recording as ``settings`` say and read it again."""
    file = io.BytesIO()
    encode(path, file, settings=settings, audio=AudioMode.NONE)
    file.seek(0)
    reader = BitstreamReader(file)
    video = reader.header.video
    decoder = VideoDecoder(video, extra_weights=settings.weights, threads=settings.threads)
    coded = _Coded(video, [], [], len(file.getbuffer()))
    for unit in reader:
        if not isinstance(unit, Group) or unit.video:
            continue
        first = len(coded.keys)
        coded.keys.extend(decoder.key_pictures(unit))
        for batch in decoder.motion(unit):
            for pts, code in zip(batch.times, batch.codes, strict=True):
                coded.inter.append(_Inter(pts, first + batch.key, code, unit.rectangle))
    return coded


def _pictures(path: Path, coded: _Coded, rows: range) -> Mapping[int, npt.NDArray[np.uint8]]:
    """The originals of some inter frames as encoders see them, by time."""
    wanted = {coded.inter[row].pts: coded.inter[row].rectangle for row in rows}
    header = coded.header
    found = {}
    with Source(path, audio=AudioMode.NONE) as source:
        for unit in source:
            if isinstance(unit, av.VideoFrame) and unit.pts is not None and unit.pts in wanted:
                kept, rectangle = to_yuv420(unit, *header.key_size), wanted[unit.pts]
                found[unit.pts] = part_to_rgb(kept, rectangle, coded.size, header.colour)
    return found


@torch.no_grad()
def _add(shots: Shots, path: Path, coded: _Coded, rows: range, network: Mttf) -> None:
    """Add the inter frames at ``rows`` of a coded recording."""
    pictures = _pictures(path, coded, rows)
    device = next(network.parameters()).device
    by_key = defaultdict[int, list[int]](list)
    for row in rows:
        by_key[coded.inter[row].key].append(row)
    for key, mine in by_key.items():
        # What a pack changes makes features of its own.
        state = network.key_state(to_tensor(coded.keys[key][None], device), features=False)
        shots.keys.append(state)
        for row in mine:
            code = torch.from_numpy(coded.inter[row].code[None]).to(device)
            target = torch.from_numpy(pictures[coded.inter[row].pts]).permute(2, 0, 1)
            shot = Shot(
                key=len(shots.keys) - 1,
                code=code * network.coder.spread,
                target=target[None].to(device),
            )
            part = row * _PARTS // len(coded.inter)
            (shots.held if part % _HELD_EVERY == _HELD_EVERY - 1 else shots.train).append(shot)
