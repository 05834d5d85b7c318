"""Golden files: what was written once is read for ever.

``python tests/test_vectors.py write`` writes those that are missing. Other bytes in place of one
that is there, which only a new major version of the format can justify, take ``--overwrite``.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zlib
from dataclasses import asdict, astuple, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from reference_decoder import DICTIONARIES, decode_file
from test_entropy import random_prior
from vector_files import MANIFEST, VECTORS, manifest, write_vector

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
    Index,
    KeyFrame,
    Rectangle,
    Reference,
    SpeakerPack,
    VideoHeader,
    fingerprint_of,
)
from gvc.bitstream.compression import compress
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_run import InterFrame, write_run
from gvc.container import INDEX_KIND, ChunkReader, ChunkWriter
from gvc.entropy import InterType, KeyChoice
from gvc.model import priors

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
    *("settings", "older", "newer", "still"),
    *("compact", "only"),
)

#: Those in which frames last longer or shorter than usual.
VARIABLE = ("variable", "inside", "video", "learned", "faces", "settings", "only")

#: The numbers of groups in files of one.
ALONE = {"still": 0, "only": 1}

#: A speaker pack.
PACK = (VECTORS / "speaker.gvcp").read_bytes()

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
    assert reader.index is not None
    return canvas | {
        "size": [video.width, video.height, video.coded_width, video.coded_height],
        "time_base": str(video.time_base),
        "frame_rate": str(video.frame_rate),
        "sample_aspect_ratio": str(video.sample_aspect_ratio),
        "colour": [*astuple(video.colour)],
        "key_codec": video.key_codec,
        "key_parameters": video.key_parameters.hex(),
        "entropy_model": video.entropy_model,
        "model": video.model,
        "motion_step": str(video.motion_step),
        "code_length": video.code_length,
        "weights": video.weights.hex(),
        "prior": video.prior.hex() if video.prior else None,
        "pack": video.pack.hex() if video.pack else None,
        "embedded_pack": hashlib.sha256(reader.pack).hexdigest() if reader.pack else None,
        "audio": audio_of(reader.header.audio),
        "metadata": dict(reader.header.metadata),
        "sound": sound.hexdigest(),
        "index": [[each.offset, each.pts, each.frames] for each in reader.index.groups],
        "end": reader.index.end_pts,
        "groups": groups,
    }


def audio_of(audio: AudioHeader | None) -> dict[str, Any] | None:
    if audio is None:
        return None
    return asdict(audio) | {"time_base": str(audio.time_base), "extradata": audio.extradata.hex()}


def second_opinion(data: bytes) -> dict[str, Any]:
    """The same as :func:`described`, by the decoder that was written from the specification."""
    found = decode_file(data, {FINGERPRINT: {name: a.tolist() for name, a in PRIOR.items()}})
    video, audio = found["video"], found["audio"]
    sound = hashlib.sha256()
    for pts, duration, packet in found["sound"]:
        sound.update(f"{pts} {duration} ".encode() + packet)
    told = {"canvas": video["canvas"]} if video["canvas"] else {}
    told["size"] = [video[side] for side in ("width", "height", "coded_width", "coded_height")]
    for name in ("time_base", "frame_rate", "sample_aspect_ratio", "motion_step"):
        told[name] = str(Fraction(*video[name]))
    *points, full_range = video["colour"]
    told["colour"] = [*points, bool(full_range)]
    for name in ("key_codec", "entropy_model", "model", "code_length"):
        told[name] = video[name]
    for name in ("key_parameters", "weights"):
        told[name] = video[name].hex()
    for name in ("prior", "pack"):
        told[name] = video[name].hex() or None
    if audio:
        audio["time_base"] = str(Fraction(*audio["time_base"]))
        audio["extradata"] = audio["extradata"].hex()
    pack = found["pack"]
    return told | {
        "embedded_pack": hashlib.sha256(pack).hexdigest() if pack else None,
        "audio": audio,
        "metadata": dict(found["metadata"]),
        "sound": sound.hexdigest(),
        "index": [list(entry) for entry in found["index"]],
        "end": found["end"],
        "groups": [summary_of(**group) for group in found["groups"]],
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


def test_no_golden_file_changes_unseen():
    """Who changes one on purpose writes the manifest anew, and says so."""
    assert manifest() == MANIFEST.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_golden_files_read_as_they_always_did(name):
    data = (VECTORS / f"{name}.gvc").read_bytes()
    expected = json.loads((VECTORS / f"{name}.json").read_text())
    assert described(data) == expected
    assert second_opinion(data) == expected


@pytest.mark.parametrize("name", NAMES)
def test_golden_files_are_written_as_they_always_were(name):
    assert make(name) == (VECTORS / f"{name}.gvc").read_bytes()


def make(name: str) -> bytes:
    """A file of one kind, from fixed numbers."""
    if name == "older":
        return with_first_dictionary(make_file(name))
    if name == "newer":
        return of_a_later_version(make_file(name))
    return make_file(name)


def make_file(name: str) -> bytes:
    header, rng = header_of(name), np.random.Generator(np.random.PCG64(len(name)))
    file = io.BytesIO()
    writer = BitstreamWriter(file)
    writer.write_header(header, pack=PACK if header.embeds_pack else None)
    video, pts = header.video, -3
    irregular = name in VARIABLE
    for number in [ALONE[name]] if name in ALONE else range(3):
        if header.audio:
            packets = [
                AudioPacket(960 * i - 312 + (i * irregular), 960, rng.bytes(20 + i))
                for i in range(4 * number, 4 * number + 4)
            ]
            if name == "settings":  # gaps, overlaps, durations of their own, no data
                packets[1:3] = [AudioPacket(77, 5, b""), AudioPacket(40, 10**6, b"late")]
            writer.write_audio(AudioBlock(tuple(packets)))
        frames = 1 + 9 * number
        delays = [irregular * (int(i % 3 == 2) - (i == 4)) for i in range(frames - 1)]
        group = make_group(name, number, pts, delays, video, rng)
        pts += frames * video.frame_duration + sum(delays)
        writer.write_group(replace(group, end_pts=pts) if name == "only" else group)
    writer.close(end_pts=pts)
    return file.getvalue()


def header_of(name: str) -> FileHeader:
    large, variable = name == "large", name in VARIABLE
    model = name if name in entropy.names() else "adaptive"
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
        prior=FINGERPRINT if entropy.needs_prior(model) else None,
        canvas=(320, 240) if name in ("canvas", "faces") else None,
    )
    sound = AudioHeader("opus", 48_000, 1, "mono", Fraction(1, 48_000), b"OpusHead", 960, 312)
    silent = name in ("large", "still", "only")
    compact = name in ("compact", "only")
    header = FileHeader(video, None if silent else sound, (("title", name),), compact=compact)
    return with_unusual_settings(header) if name == "settings" else header


def with_unusual_settings(header: FileHeader) -> FileHeader:
    """All fields of a header that other golden files leave as they usually are."""
    video = replace(
        header.video,
        frame_rate=Fraction(1000, 7),
        sample_aspect_ratio=Fraction(64, 45),
        colour=ColourDescription(9, 16, 9, full_range=True),
        key_codec="hevc",
        key_parameters=b"",
        model="paper",
        weights=SpeakerPack.from_bytes(PACK).weights,
        motion_step=Fraction(4294967295, 4294967296),
        code_length=3,
        pack=fingerprint_of(PACK),
    )
    layout = Fraction(1, 90_000)
    sound = AudioHeader("aac", 96_000, 6, "5.1", layout, bytes(5), 0, 1 << 20, 1 << 40)
    metadata = ("title", "Grüße, 世界"), ("", ""), ("comment", "x" * 300)
    return FileHeader(video, sound, metadata, embeds_pack=True)


def with_first_dictionary(data: bytes) -> bytes:
    """The same file with a header as the first version wrote it."""
    dictionary = (DICTIONARIES / "header-1.bin").read_bytes()
    coder = zlib.compressobj(9, wbits=-15, zdict=dictionary)
    header = BitstreamReader(io.BytesIO(data)).header.plain()
    return rewritten(data, b"\1" + coder.compress(header) + coder.flush())


def of_a_later_version(data: bytes) -> bytes:
    """The same file with all that a later minor version may add."""
    plain = BitstreamReader(io.BytesIO(data)).header.plain() + b"a field of version 1.7"
    more = {0x9F: b"what nobody knows", 0x80: b""}
    made = rewritten(data, compress(plain), more=more, behind_index=b"\7\7")
    return made[:5] + b"\7" + made[6:]


def rewritten(
    data: bytes, header: bytes, *, more: dict[int, bytes] | None = None, behind_index: bytes = b""
) -> bytes:
    """A file with another header, with more chunks behind it and more bytes in the index."""
    file = io.BytesIO()
    writer = ChunkWriter(file)
    _, *chunks = ChunkReader(io.BytesIO(data))
    writer.write(2, header)
    for kind, payload in (more or {}).items():
        writer.write(kind, payload)
    moved = writer.offset - chunks[0].offset
    for chunk in chunks:
        if chunk.kind != INDEX_KIND:
            writer.write(chunk.kind, chunk.payload)
            continue
        index = Index.from_bytes(chunk.payload)
        groups = tuple(replace(each, offset=each.offset + moved) for each in index.groups)
        writer.finish(Index(groups, index.end_pts).to_bytes() + behind_index)
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
    start = b"\0\0\1" if name in ("compact", "only") else b""
    keys = tuple(KeyFrame(place, start + rng.bytes(50)) for place in places.get(name, [0]))
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
    steps = rng.integers(-6, 7, (count, coding.length)) * spread // 4
    levels = steps.cumsum(axis=0).astype(np.int32)
    kinds = rng.choice(list(InterType), count) if name in ("several", "faces") else [0] * count
    inter = [
        InterFrame(InterType(kind), choice_of(rng, keys), each if kind == 0 else None)
        for kind, each in zip(kinds, levels, strict=True)
    ]
    return write_run(coding, delays, inter, keys=keys)


def choice_of(rng: np.random.Generator, keys: int) -> KeyChoice:
    return KeyChoice(int(rng.integers(keys)), bool(rng.integers(2)))


if __name__ == "__main__" and "write" in sys.argv:
    for vector in NAMES:
        written = make(vector)
        write_vector(f"{vector}.gvc", written)
        write_vector(f"{vector}.json", (json.dumps(described(written), indent=1) + "\n").encode())
