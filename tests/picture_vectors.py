"""Golden files with pictures: real key frames, and what a network made of them that never changes.

``python tests/picture_vectors.py write`` writes those that are missing; see :mod:`vector_files`.
``python tests/picture_vectors.py decode FOLDER`` decodes all of them, for a test of another
processor's arithmetic.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from conftest import draw_head
from test_entropy import random_prior
from vector_files import VECTORS, write_vector
from vector_weights import vector_weights

import gvc
from gvc import keyframe
from gvc.bitstream import (
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    FrameType,
    FurtherRectangle,
    Group,
    KeyFrame,
    Rectangle,
    Reference,
    VideoHeader,
)
from gvc.codec import speaker_packs
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, frame_types, read_runs, write_run
from gvc.entropy import InterType, KeyChoice
from gvc.media import from_rgb
from gvc.model import priors, speaker, weights
from gvc.model.speaker import Difference

FOLDER = "pictures"

SAMPLE = Path(__file__).parents[1] / "examples" / "portrait.gvc"

BT709 = ColourDescription(1, 1, 1)

LETTERS = {"M": InterType.MOTION, "P": InterType.PREDICTED, "I": InterType.INTERPOLATED}


@dataclass(frozen=True, slots=True)
class Kind:
    """One golden file.

    :param coded: width and height of what the network makes. :param shown: of decoded pictures.
    :param stored: places of the frames whose pictures are kept.
    """

    coded: tuple[int, int]
    shown: tuple[int, int]
    stored: tuple[int, ...]
    colour: ColourDescription = BT709
    aspect: Fraction = Fraction(1)
    codec: str = "vvc"
    model: str = "adaptive"
    canvas: tuple[int, int] | None = None
    pack: bool = False

    @property
    def key_size(self) -> tuple[int, int]:
        return self.canvas or self.coded


KINDS = {
    "keys": Kind(
        *((96, 80), (95, 79), (3, 14)),
        colour=ColourDescription(6, 6, 6, full_range=True),
        aspect=Fraction(4, 3),
        model="learned",
    ),
    "canvas": Kind((64, 64), (160, 128), (4,), canvas=(160, 128), model="kalman"),
    "hevc": Kind((64, 64), (64, 64), (2, 5), codec="hevc"),
    "pack": Kind((64, 64), (64, 64), (3,), pack=True),
}


def supply(folder: Path) -> Path:
    """A folder with the weights and the prior that golden files need."""
    made = vector_weights()
    weights.save(made, folder / "vectors.safetensors")
    arrays = random_prior(40, seed=7)
    prior = priors.Prior(made.fingerprint, arrays, priors.fingerprint(arrays))
    priors.save(prior, folder / "vectors.prior")
    return folder


def path_of(name: str) -> Path:
    return VECTORS / FOLDER / f"{name}.gvc"


def stored(name: str) -> np.ndarray:
    """Pictures as they were when the golden file was made, see :func:`planes_of`: [N, H, W]."""
    with av.open(str(path_of(name).with_suffix(".png"))) as file:
        (frame,) = file.decode(video=0)
    planes = frame.to_ndarray(format="gray")
    return planes.reshape(len(KINDS[name].stored), -1, planes.shape[1])


def pictures(name: str, folder: Path, *, device: str = "cpu") -> np.ndarray:
    """The same, decoded now."""
    with gvc.open(
        path_of(name), weights=folder, precision="float32", threads=1, device=device
    ) as container:
        frames = list(container.decode(video=0))
    return np.stack([planes_of(frames[place]) for place in KINDS[name].stored])


def planes_of(frame: av.VideoFrame) -> np.ndarray:
    """8-bit planes of a frame: below Y, which odd widths leave a column of zeros, Cb beside Cr."""
    rows = [np.frombuffer(bytes(plane), np.uint8) for plane in frame.planes]
    sides = [(-(-frame.height // part), -(-frame.width // part)) for part in (1, 2, 2)]
    luma, blue, red = (
        row.reshape(-1, plane.line_size)[:height, :width]
        for row, plane, (height, width) in zip(rows, frame.planes, sides, strict=True)
    )
    luma = np.pad(luma, ((0, 0), (0, frame.width % 2)))
    return np.concatenate([luma, np.concatenate([blue, red], axis=1)])


def described(data: bytes, folder: Path) -> dict[str, Any]:
    """What is exact: times, types, levels, and the samples of what the key-frame codec makes."""
    reader = BitstreamReader(io.BytesIO(data))
    video = reader.header.video
    coding = LevelCoding.for_decoder(video, extra=folder)
    decoder = keyframe.get(video.key_codec).decoder(video.key_parameters)
    groups = []
    for group in reader:
        assert isinstance(group, Group)
        runs = list(read_runs(coding, group, frame_duration=video.frame_duration))
        # Steps are 1, so that codes that are sent are levels.
        levels = [
            np.asarray(frame.code, "<i4")
            for layers in runs
            for frame in layers
            if frame.kind is FrameType.MOTION
        ]
        if group.video:
            coded = list(decoder.decode_video(group.video))
        else:
            before = [group.reference.data] if group.reference else []
            coded = decoder.decode([*before, *(key.data for key in group.keys)])[len(before) :]
        groups.append(
            {
                "pts": [layers[0].pts for layers in runs],
                "types": "".join(kind.value for kind in frame_types(group)),
                "levels": digest(levels),
                "key_pictures": [digest([samples_of(frame)]) for frame in coded],
            }
        )
    return {"weights": video.weights.hex(), "groups": groups}


def samples_of(frame: av.VideoFrame) -> np.ndarray:
    planes = frame.to_ndarray()
    return planes.astype("<u2") if planes.dtype != np.uint8 else planes


def digest(arrays: Sequence[np.ndarray]) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()


# ── how they were made ──


def make(name: str, folder: Path) -> bytes:
    """A golden file; another key-frame encoder makes other bytes."""
    kind = KINDS[name]
    network = weights.load(folder / "vectors.safetensors")
    prior = priors.belonging_to(network.fingerprint, extra=folder)
    assert prior is not None
    learned = kind.model == "learned"
    pack = pack_for(network) if kind.pack else None
    maker = Maker(kind, LevelCoding(kind.model, 40, Fraction(1), prior if learned else None))
    groups = maker.groups(name)
    header = VideoHeader(
        *kind.shown,
        *kind.coded,
        time_base=Fraction(1, 1000),
        frame_rate=Fraction(25),
        sample_aspect_ratio=kind.aspect,
        colour=kind.colour,
        key_codec=kind.codec,
        key_parameters=maker.parameters,
        entropy_model=kind.model,
        model="lite",
        weights=network.fingerprint,
        motion_step=Fraction(1),
        code_length=40,
        prior=prior.fingerprint if learned else None,
        pack=pack.fingerprint if pack else None,
        canvas=kind.canvas,
    )
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    embedded = pack.data if pack else None
    writer.write_header(FileHeader(header, embeds_pack=pack is not None), pack=embedded)
    for group in groups:
        writer.write_group(group)
    writer.close(end_pts=groups[-1].pts + 40 * groups[-1].frames)
    return file.getvalue()


def pack_for(network: weights.Weights) -> speaker_packs.LoadedPack:
    rng = np.random.Generator(np.random.PCG64(5))
    names = speaker.biases(network.arrays)[:3]
    return speaker_packs.make(
        network,
        [
            Difference(name, rng.integers(-9, 10, network.arrays[name].shape, np.int32), 2.0**-4)
            for name in names
        ],
    )


class Maker:
    """Groups of one golden file."""

    def __init__(self, kind: Kind, coding: LevelCoding) -> None:
        self._kind = kind
        self._coding = coding
        self._rng = np.random.Generator(np.random.PCG64(1))
        self._encoder = keyframe.get(kind.codec).encoder(
            width=kind.key_size[0], height=kind.key_size[1], qp=34, colour=kind.colour
        )
        self.parameters = b""

    def groups(self, name: str) -> list[Group]:
        if name == "keys":
            first, behind = self._keys([4, 9], [23])
            group = self._group(0, 12, "MIIPMIMIIM", "0000011110", first, delays=[3, 0, -7] * 3)
            later = Group(
                *(480, 4, False, (KeyFrame(2, behind[0]),)),
                self._run("IMI", "000", 1),
                reference=Reference(0),
            )
            return [group, later, self._group(700, 1, "", "", self._keys([30], [])[0])]
        if name == "canvas":
            keys, _ = self._keys([0, 6], [])
            group = self._group(-40, 8, "MIMIMM", "001111", keys)
            part = FurtherRectangle(Rectangle(80, 24, 80, 104), self._run("MMPIIM", "010101", 2))
            return [replace(group, rectangle=Rectangle(8, 0, 88, 96), further=(part,))]
        if name == "hevc":
            frames = [self._picture(place) for place in range(4)]
            video = self._encoder.encode_video(frames, qp=34)
            moving = write_run(self._coding, [5, 0, 0], [], keys=0)
            alone = self._group(300, 3, "MM", "00", self._keys([5], [])[0])
            return [Group(0, 4, True, (), moving, video), alone]
        return [self._group(0, 4, "MMI", "000", self._keys([1], [])[0])]

    def _group(
        self,
        pts: int,
        frames: int,
        kinds: str,
        keys: str,
        coded: tuple[KeyFrame, ...],
        *,
        delays: Sequence[int] = (),
    ) -> Group:
        delays = [*delays, *([0] * (frames - 1 - len(delays)))]
        motion = self._run(kinds, keys, len(coded), delays)
        return Group(pts, frames, any(delays), coded, motion)

    def _run(self, kinds: str, keys: str, count: int, delays: Sequence[int] = ()) -> bytes:
        steps = self._rng.integers(-3, 4, (len(kinds), 40))
        levels = (5 * steps[:1] + steps.cumsum(axis=0)).astype(np.int32)
        frames = [
            InterFrame(LETTERS[kind], KeyChoice(int(key), True), own if kind == "M" else None)
            for kind, key, own in zip(kinds, keys, levels, strict=True)
        ]
        return write_run(self._coding, delays or [0] * 8, frames, keys=count)

    def _keys(
        self, places: Sequence[int], later: Sequence[int]
    ) -> tuple[tuple[KeyFrame, ...], list[bytes]]:
        """Key frames at ``places`` and, each from the first of these, at ``later`` ones."""
        coded = self._encoder.encode([self._picture(place) for place in places])
        self.parameters = coded.parameters
        behind = []
        for place in later:
            pair = self._encoder.encode([self._picture(each) for each in (places[0], place)])
            assert pair.pictures[0] == coded.pictures[0]
            behind.append(pair.pictures[1])
        # One that is alone is the first of its group, whatever it shows.
        first = places[0] if len(places) == 1 else 0
        own = zip(places, coded.pictures, strict=True)
        return tuple(KeyFrame(place - first, data) for place, data in own), behind

    def _picture(self, place: int) -> av.VideoFrame:
        width, height = self._kind.key_size
        return from_rgb(draw_head(place, width, height), width, height, self._kind.colour)


def write_all(folder: Path) -> None:
    """Write golden files, what is exact in them, and pictures."""
    for name in KINDS:
        data = make(name, folder) if not path_of(name).exists() else path_of(name).read_bytes()
        write_vector(f"{FOLDER}/{name}.gvc", data)
        text = json.dumps(described(data, folder), indent=1) + "\n"
        write_vector(f"{FOLDER}/{name}.json", text.encode())
        planes = np.concatenate(list(pictures(name, folder)))
        write_vector(f"{FOLDER}/{name}.png", grey_png(planes))


def grey_png(planes: np.ndarray) -> bytes:
    encoder = av.CodecContext.create("png", "w")
    encoder.height, encoder.width = planes.shape
    encoder.pix_fmt, encoder.time_base = "gray", Fraction(1)
    encoder.options = {"pred": "mixed", "compression_level": "9"}
    frame = av.VideoFrame.from_ndarray(planes, format="gray")
    return b"".join(bytes(packet) for part in (frame, None) for packet in encoder.encode(part))


def portrait() -> np.ndarray:
    """Frames of the sample that ships, by weights that ship: [N, H, W]."""
    with gvc.open(SAMPLE, size=96, precision="float32", threads=1) as container:
        return np.stack([planes_of(frame) for frame in islice(container.decode(video=0), 10)])


def decode_all(folder: Path) -> None:
    """What is exact and pictures, of all files, into ``folder``."""
    supply(folder)
    np.save(folder / "portrait.npy", portrait())
    for name in KINDS:
        np.save(folder / f"{name}.npy", pictures(name, folder))
        text = json.dumps(described(path_of(name).read_bytes(), folder))
        (folder / f"{name}.json").write_text(text)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "decode":
        decode_all(Path(rest[0]))
    if command == "write":
        with tempfile.TemporaryDirectory() as temporary:
            write_all(supply(Path(temporary)))
