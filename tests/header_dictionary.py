"""How the dictionary that compresses headers came about.

``python tests/header_dictionary.py FILE`` writes one. The dictionaries in ``gvc/bitstream`` are
never written anew: files need them as they are. A better one gets the next number.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from gvc import keyframe
from gvc.bitstream import AudioHeader, ColourDescription, FileHeader, VideoHeader
from gvc.bitstream.fields import FieldWriter
from gvc.codec.levels import LevelCoding
from gvc.codec.settings import EncoderSettings
from gvc.model import models

#: Width and height of a source, and at which it is coded; the most frequent last.
SIZES = (
    ((512, 512), (512, 512)),
    ((640, 480), (288, 224)),
    ((1080, 1920), (192, 336)),
    ((1280, 720), (336, 192)),
    ((1920, 1080), (336, 192)),
    ((256, 256), (256, 256)),
)

#: Time bases and rates: of MP4 as x264, phones and cameras write it, of Matroska, of no container.
RATES = (
    *((Fraction(1, 30), Fraction(30)), (Fraction(1, 25), Fraction(25))),
    *((Fraction(1, 600), Fraction(30)), (Fraction(1, 24_000), Fraction(24_000, 1001))),
    *((Fraction(1, 60_000), Fraction(60_000, 1001)), (Fraction(1, 15_360), Fraction(60))),
    *((Fraction(1, 90_000), Fraction(25)), (Fraction(1, 12_288), Fraction(24))),
    *((Fraction(1, 90_000), Fraction(30_000, 1001)), (Fraction(1, 90_000), Fraction(30))),
    *((Fraction(1, 1000), Fraction(30_000, 1001)), (Fraction(1, 1000), Fraction(25))),
    *((Fraction(1, 1000), Fraction(30)), (Fraction(1, 30_000), Fraction(30_000, 1001))),
    *((Fraction(1, 15_360), Fraction(30)), (Fraction(1, 12_800), Fraction(25))),
)

#: Primaries, transfer and matrix: BT.601 of two kinds, what scaling programs leave, none, BT.709.
COLOURS = (
    ColourDescription(5, 6, 5),
    ColourDescription(6, 6, 6),
    ColourDescription(2, 2, 6),
    ColourDescription(2, 2, 5),
    ColourDescription(),
    ColourDescription(1, 1, 1),
)

#: Presets of VVenC besides the usual one; parameter sets differ.
OTHER_PRESETS = ("faster", "fast", "slow")

#: Opus as FFmpeg writes it: version, channels, pre-skip 312, 48 kHz, gain 0, mapping 0.
OPUS = b"OpusHead\x01%c\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


def header(
    shown: tuple[int, int],
    size: tuple[int, int],
    channels: int,
    preset: str = "medium",
    model: str = models.FACE,
    key_qp: int = 32,
) -> bytes:
    """A typical header."""
    colour = ColourDescription(1, 1, 1)
    encoder = keyframe.get("vvc").encoder(
        width=size[0], height=size[1], qp=32, colour=colour, preset=preset
    )
    grey = np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)
    coded = encoder.encode([av.VideoFrame.from_ndarray(grey, format="yuv420p")])
    shipped = models.weights_for(model)
    coding = LevelCoding.for_encoder(EncoderSettings(key_qp=key_qp), shipped)
    video = VideoHeader(
        width=shown[0],
        height=shown[1],
        coded_width=size[0],
        coded_height=size[1],
        time_base=Fraction(1, 12_800),
        frame_rate=Fraction(25),
        sample_aspect_ratio=Fraction(1),
        colour=colour,
        key_codec="vvc",
        key_parameters=coded.parameters,
        entropy_model=coding.model,
        model=shipped.model,
        weights=shipped.fingerprint,
        motion_step=coding.step,
        code_length=coding.length,
        prior=coding.fingerprint,
    )
    layout = "mono" if channels == 1 else "stereo"
    extradata = OPUS % channels
    base = Fraction(1, 48_000)
    sound = AudioHeader("opus", 48_000, channels, layout, base, extradata, 960, 312, 24_000)
    return FileHeader(video, sound if channels else None, compact=True).plain()


def beginnings(sides: tuple[int, ...]) -> list[bytes]:
    """Headers up to the range of the samples, for all rates and colours."""
    found = []
    for colour in COLOURS:
        for time_base, rate in RATES:
            fields = FieldWriter()
            for side in sides:
                fields.unsigned(side)
            for value in (time_base, rate, Fraction(1)):
                fields.fraction(value)
            fields.raw(bytes([colour.primaries, colour.transfer, colour.matrix, 0]))
            found.append(fields.to_bytes())
    return found


def dictionary() -> bytes:
    """Beginnings of headers, then headers of all sizes, without sound last."""
    headers = [header(*sizes, channels=index % 2 + 1) for index, sizes in enumerate(SIZES)]
    others = [header(*SIZES[-1], channels=1, preset=preset) for preset in OTHER_PRESETS]
    others += [header(*SIZES[-1], channels=1, model=model) for model in ("lite", models.BODY)]
    # Its quantiser step is another one.
    others.append(header(*SIZES[-1], channels=0, key_qp=42))
    usual = header(*SIZES[-1], channels=0)
    starts = beginnings((256, 256, 256, 256))
    return b"".join([*others, *headers, *(usual[:1] + start for start in starts), usual])


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(dictionary())
