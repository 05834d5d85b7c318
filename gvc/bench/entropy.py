"""Bits a frame of motion codes, by every entropy model and by the public GFVC software's scheme."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from gvc import entropy
from gvc.api.motion_codes import motion_codes
from gvc.bench.clips import Clip
from gvc.bench.gfvc_motion import code_group
from gvc.codec.levels import LevelCoding
from gvc.codec.settings import EncoderSettings
from gvc.errors import InvalidDataError
from gvc.model import models

#: What the reference is called in tables.
REFERENCE = "GFVC software's scheme"

Levels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class EntropyRow:
    """What one model takes at one step.

    :param model: name of an entropy model, or :data:`REFERENCE`. :param step: of the quantiser.
    :param frames: inter frames, all clips together. :param size: bytes of their motion payload.
    :param decode_ms: processor time of decoding a frame, milliseconds; None for the reference.
    """

    model: str
    step: Fraction
    frames: int
    size: int
    decode_ms: float | None

    @property
    def bits(self) -> float:
        """Bits an inter frame."""
        return 8 * self.size / self.frames


def measure_entropy(
    clips: Sequence[Clip],
    steps: Sequence[Fraction],
    settings: EncoderSettings,
    *,
    on_clip: Callable[[str], None],
) -> list[EntropyRow]:
    """Code the motion of all clips with every model at every step; decode it and compare.

    :param settings: how the clips are coded apart from that.
    :param on_clip: told each clip's name before it is coded.
    :raises GvcError: if a clip cannot be coded, or a model does not decode to what was coded.
    """
    codes = []
    for clip in clips:
        on_clip(clip.name)
        codes += motion_codes(clip.path, settings)
    if not codes:
        raise InvalidDataError("no clip has an inter frame")
    rows = []
    for step in steps:
        groups = [group.levels(replace(settings, motion_step=step)) for group in codes]
        size = sum(len(frame) for group in groups for frame in code_group(group))
        frames = sum(len(group.codes) for group in codes)
        rows.append(EntropyRow(REFERENCE, step, frames, size, None))
        for model in entropy.names():
            coding = _coding(replace(settings, motion_step=step, entropy_model=model))
            size, seconds = _coded(groups, coding)
            rows.append(EntropyRow(model, step, frames, size, 1000 * seconds / frames))
    return rows


def entropy_table(rows: Sequence[EntropyRow]) -> str:
    """The rows as a Markdown table: a line a model, columns by step."""
    steps = sorted({row.step for row in rows})
    models = list(dict.fromkeys(row.model for row in rows))
    cells = {(row.model, row.step): row for row in rows}
    lines = [
        f"Bits a frame of {rows[0].frames} inter frames, and less than the reference; decoding, ms",
        "",
        "| model |" + "".join(f" step {step} |" for step in steps) + " ms a frame |",
        "|" + " --- |" * (len(steps) + 2),
    ]
    for model in models:
        line = f"| {model} |"
        for step in steps:
            row, reference = cells[model, step], cells[REFERENCE, step]
            less = "" if row is reference else f" ({100 * row.size / reference.size - 100:+.0f} %)"
            line += f" {row.bits:.2f}{less} |"
        times = [cells[model, step].decode_ms for step in steps]
        lines.append(line + " " + ", ".join(f"{ms:.2f}" for ms in times if ms is not None) + " |")
    return "\n".join(lines)


def _coding(settings: EncoderSettings) -> LevelCoding:
    found = models.weights_for(settings.model, settings.weights)
    return LevelCoding.for_encoder(settings, found)


def _coded(groups: Sequence[Levels], coding: LevelCoding) -> tuple[int, float]:
    """Bytes of all groups, and seconds that decoding them takes."""
    size, seconds = 0, 0.0
    for levels in groups:
        encoder = coding.encoder()
        for frame in levels:
            encoder.encode(frame)
        data = encoder.finish()
        size += len(data)
        started = time.process_time()
        decoder = coding.decoder(data)
        decoded = [decoder.decode() for _ in levels]
        seconds += time.process_time() - started
        if not np.array_equal(np.stack(decoded), levels):
            raise InvalidDataError(f"{coding.model} does not decode to what was coded")
    return size, seconds
