"""The motion codes that an encoder sends for a video, before they are quantised.

They are what entropy models are measured on and what the learned one learns from.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.api.transcode import encode
from gvc.bitstream import BitstreamReader, Group
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_path import find_path
from gvc.codec.motion_run import read_run
from gvc.codec.settings import EncoderSettings
from gvc.media import AudioMode

#: Quantiser step with which codes are read off: far below every step that files use.
_FINE = Fraction(1, 64)


@dataclass(frozen=True, slots=True)
class GroupMotion:
    """The motion of a group as its encoder saw it.

    :param codes: of all inter frames, float32 [N, code_length] in units of the coder's spread.
    :param times: their places in the group, [N].
    """

    codes: npt.NDArray[np.float32]
    times: npt.NDArray[np.int64]

    def levels(self, settings: EncoderSettings) -> npt.NDArray[np.int32]:
        """The levels that ``settings`` would have sent, int32 [sent, code_length]."""
        path = find_path(
            self.codes,
            self.times,
            step=settings.step,
            bit_cost=settings.error_per_bit(settings.step),
            most_interpolated=settings.interpolate,
        )
        return path.levels


def motion_codes(source: Path, settings: EncoderSettings) -> list[GroupMotion]:
    """The motion codes of all inter frames of a video, group by group.

    The video is coded as ``settings`` say, but for a motion step of 1/64, plain rounding and no
    interpolation.

    :raises GvcError: if the video cannot be coded.
    """
    file = io.BytesIO()
    fine = replace(
        settings, motion_step=_FINE, bit_cost=0.0, interpolate=0, entropy_model="adaptive"
    )
    encode(source, file, settings=fine, audio=AudioMode.NONE)
    file.seek(0)
    reader = BitstreamReader(file)
    video = reader.header.video
    coding = LevelCoding.for_decoder(video, extra=settings.weights)
    groups = []
    for unit in reader:
        if not isinstance(unit, Group) or unit.frames == len(unit.keys):
            continue
        frames = list(read_run(coding, unit, frame_duration=video.frame_duration))
        codes = [(frame.code, time) for time, frame in enumerate(frames) if frame.code is not None]
        # Of video, and of frames that are no better than the key frame, nothing is sent.
        if codes:
            sent, times = zip(*codes, strict=True)
            groups.append(GroupMotion(np.stack(sent), np.array(times)))
    return groups
