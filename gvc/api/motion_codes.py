"""The motion codes that an encoder sends for a video, before they are quantised.

They are what entropy models are measured on and what the learned one learns from.
"""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.api.transcode import encode
from gvc.bitstream import BitstreamReader, Group
from gvc.codec.levels import LevelCoding
from gvc.codec.quantiser import dequantise
from gvc.codec.settings import EncoderSettings
from gvc.media import AudioMode

#: Quantiser step with which codes are read off: far below every step that files use.
_FINE = Fraction(1, 64)


def motion_codes(source: Path, settings: EncoderSettings) -> list[npt.NDArray[np.float32]]:
    """The motion codes of all inter frames of a video, group by group.

    The video is coded as ``settings`` say, but for a motion step of 1/64 and plain rounding.

    :returns: float32 [frames − 1, code_length] for each group, in units of the coder's spread.
    :raises GvcError: if the video cannot be coded.
    """
    file = io.BytesIO()
    fine = replace(settings, motion_step=_FINE, bit_cost=0.0, entropy_model="adaptive")
    encode(source, file, settings=fine, audio=AudioMode.NONE)
    file.seek(0)
    reader = BitstreamReader(file)
    video = reader.header.video
    coding = LevelCoding.for_decoder(video, extra=settings.weights)
    groups = []
    for unit in reader:
        if not isinstance(unit, Group):
            continue
        decoder = coding.decoder(unit.motion)
        levels = np.empty((unit.frames - 1, video.code_length), np.int32)
        for index in range(unit.frames):
            if index and unit.variable_rate:
                decoder.decode_delay()
            if index != unit.key_index:
                levels[index - (index > unit.key_index)] = decoder.decode()
        groups.append(dequantise(levels, _FINE))
    return groups
