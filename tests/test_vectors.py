"""Golden files: what was written once is read for ever.

``python tests/test_vectors.py --regenerate`` writes them anew, which only a new major version of
the format can justify.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_decoder import decode_file
from test_entropy import random_prior

from gvc import entropy
from gvc.bitstream import (
    AudioBlock,
    AudioHeader,
    AudioPacket,
    BitstreamReader,
    BitstreamWriter,
    ColourDescription,
    FileHeader,
    FurtherRectangle,
    Group,
    KeyFrame,
    Rectangle,
    Reference,
    VideoHeader,
)
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.entropy import InterType, KeyChoice
from gvc.model import priors

VECTORS = Path(__file__).with_name("vectors")
NAMES = (
    "plain",
    "variable",
    "large",
    "inside",
    "several",
    "video",
    "kalman",
    "learned",
    "canvas",
    *("faces", "predicted"),
)

#: A prior that no training changes, and its fingerprint.
PRIOR = random_prior(40, seed=7)
FINGERPRINT = priors.fingerprint(PRIOR)


def described(data: bytes) -> dict[str, Any]:
    """What the product finds in a file, as plain values."""
    reader = BitstreamReader(io.BytesIO(data))
    video = reader.header.video
    groups = []
    sound = hashlib.sha256()
    for unit in reader:
        if isinstance(unit, AudioBlock):
            for packet in unit.packets:
                sound.update(f"{packet.pts} {packet.duration} ".encode() + packet.data)
            continue
        keys = [key.index for key in unit.keys]
        pts, moving = [unit.pts], []
        for run, sides in zip(unit.runs, sides_of(unit) or [[]], strict=True):
            decoder = coding_of(video).decoder(run)
            choices = []
            for _ in range(0 if unit.video else unit.frames - len(keys)):
                kind, choice = decoder.decode_choice(keys=len(keys))
                choices.append((int(kind), choice.key, choice.fades))
            for _ in range(unit.frames - len(pts)):
                delay = decoder.decode_delay() if unit.variable_rate else 0
                pts.append(pts[-1] + video.frame_duration + delay)
            levels = [decoder.decode().tolist() for kind, _, _ in choices if kind == 0]
            moving.append({"rectangle": sides, "choices": choices, "levels": levels})
        # All that the decoder of key frames is given.
        content = (unit.reference.data if unit.reference else b"") + unit.conventional
        groups.append(summary_of(pts, keys, content, moving))
    canvas = {"canvas": list(video.canvas)} if video.canvas else {}
    return canvas | {
        "size": [video.width, video.height, video.coded_width, video.coded_height],
        "time_base": str(video.time_base),
        "motion_step": str(video.motion_step),
        "weights": video.weights.hex(),
        "prior": video.prior.hex() if video.prior else None,
        "metadata": dict(reader.header.metadata),
        "sound": sound.hexdigest(),
        "groups": groups,
    }


def sides_of(group: Group) -> list[list[int]]:
    return [[each.left, each.top, each.width, each.height] for each in group.rectangles]


def coding_of(video: VideoHeader) -> LevelCoding:
    prior = priors.Prior(b"", PRIOR, FINGERPRINT) if video.prior else None
    return LevelCoding(video.entropy_model, video.code_length, video.motion_step, prior)


def summary_of(
    pts: list[int],
    keys: list[int],
    content: bytes,
    moving: list[dict[str, Any]],
) -> dict[str, Any]:
    first, *further = [motion_of(**each) for each in moving]
    more = {"further": further} if further else {}
    content_hash = hashlib.sha256(content).hexdigest()
    return {"pts": pts, "keys": keys, "content": content_hash} | first | more


def motion_of(
    rectangle: list[int], choices: list[tuple[int, int, bool]], levels: list[list[int]]
) -> dict[str, Any]:
    framed = {"rectangle": rectangle} if rectangle else {}
    return framed | {
        "types": "".join("MPI"[kind] for kind, _, _ in choices),
        "key_numbers": "".join(str(key) for _, key, _ in choices),
        "fades": "".join(str(int(fades)) for _, _, fades in choices),
        "levels": hashlib.sha256(json.dumps(levels).encode()).hexdigest(),
        "last_level": levels[-1] if levels else None,
    }


@pytest.mark.parametrize("name", NAMES)
def test_golden_files_read_as_they_always_did(name):
    data = (VECTORS / f"{name}.gvc").read_bytes()
    expected = json.loads((VECTORS / f"{name}.json").read_text())
    assert described(data) == expected
    second = decode_file(data, {FINGERPRINT: {name: a.tolist() for name, a in PRIOR.items()}})
    assert [summary_of(**group) for group in second["groups"]] == expected["groups"]


@pytest.mark.parametrize("name", NAMES)
def test_golden_files_are_written_as_they_always_were(name):
    assert make(name) == (VECTORS / f"{name}.gvc").read_bytes()


def make(name: str) -> bytes:
    """A file of one kind, from fixed numbers."""
    variable = name in ("variable", "inside", "video", "learned", "faces")
    large = name == "large"
    model = name if name in entropy.names() else "adaptive"
    prior = PRIOR if entropy.needs_prior(model) else None
    video = VideoHeader(
        width=1919 if large else 320,
        height=1079 if large else 240,
        coded_width=336,
        coded_height=192,
        time_base=Fraction(1, 1000) if variable else Fraction(1, 30_000),
        frame_rate=Fraction(30) if variable else Fraction(30_000, 1001),
        sample_aspect_ratio=Fraction(1),
        colour=ColourDescription(1, 1, 1),
        key_codec="vvc",
        key_parameters=b"\0\0\1 parameter sets",
        entropy_model=model,
        model="lite",
        weights=hashlib.sha256(name.encode()).digest()[:16],
        motion_step=Fraction(1, 5),
        code_length=40,
        prior=FINGERPRINT if prior else None,
        canvas=(320, 240) if name in ("canvas", "faces") else None,
    )
    sound = AudioHeader("opus", 48_000, 1, "mono", Fraction(1, 48_000), b"OpusHead", 960, 312)
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(FileHeader(video, None if large else sound, (("title", name),)))
    rng = np.random.Generator(np.random.PCG64(len(name)))
    pts = -3
    for number in range(3):
        if not large:
            packets = [
                AudioPacket(960 * i - 312 + (i * variable), 960, rng.bytes(20 + i))
                for i in range(4 * number, 4 * number + 4)
            ]
            writer.write_audio(AudioBlock(tuple(packets)))
        frames = 1 + 9 * number
        delays = [variable * (int(i % 3 == 2) - (i == 4)) for i in range(frames - 1)]
        writer.write_group(make_group(name, number, pts, delays, video, rng))
        pts += frames * video.frame_duration + sum(delays)
    writer.close(end_pts=pts)
    return file.getvalue()


def make_group(
    name: str,
    number: int,
    pts: int,
    delays: list[int],
    video: VideoHeader,
    rng: np.random.Generator,
) -> Group:
    """Group ``number`` of a file."""
    frames, coding = len(delays) + 1, coding_of(video)
    if name == "video" and number != 1:
        motion = write_run(coding, delays, [], keys=0)
        return Group(pts, frames, any(delays), (), motion, rng.bytes(90))
    several = [6 * number, 0, 4, 5][: 1 + 3 * (number > 0)]
    places = {"inside": [4 * number], "several": several, "faces": several, "predicted": several}
    keys = tuple(KeyFrame(place, rng.bytes(50)) for place in places.get(name, [0]))
    motion = run_of(name, delays, len(keys), coding, rng)
    if name == "predicted" and number:
        return Group(pts, frames, any(delays), keys, motion, reference=Reference(-3))
    if name not in ("canvas", "faces") or not number:
        return Group(pts, frames, any(delays), keys, motion)
    part, further = Rectangle(8 * number, 0, 240, 128), []
    if name == "faces":
        further = [
            FurtherRectangle(each, run_of(name, [0] * (frames - 1), len(keys), coding, rng))
            for each in (Rectangle(0, 112, 64, 128), Rectangle(200, 16, 120, 224))[:number]
        ]
    return Group(pts, frames, any(delays), keys, motion, rectangle=part, further=tuple(further))


def run_of(
    name: str, delays: list[int], keys: int, coding: LevelCoding, rng: np.random.Generator
) -> bytes:
    spread = 3000 if name == "large" else 1
    count = len(delays) + 1 - keys
    levels = (rng.integers(-6, 7, (count, 40)) * spread // 4).cumsum(axis=0).astype(np.int32)
    kinds = rng.choice(list(InterType), count) if name in ("several", "faces") else [0] * count
    inter = [
        InterFrame(InterType(kind), choice_of(rng, keys), each if kind == 0 else None)
        for kind, each in zip(kinds, levels, strict=True)
    ]
    return write_run(coding, delays, inter, keys=keys)


def choice_of(rng: np.random.Generator, keys: int) -> KeyChoice:
    return KeyChoice(int(rng.integers(keys)), bool(rng.integers(2)))


if __name__ == "__main__" and "--regenerate" in sys.argv:
    VECTORS.mkdir(exist_ok=True)
    for vector in NAMES:
        written = make(vector)
        (VECTORS / f"{vector}.gvc").write_bytes(written)
        (VECTORS / f"{vector}.json").write_text(json.dumps(described(written), indent=1) + "\n")
