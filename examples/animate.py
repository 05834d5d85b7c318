"""Animate a still portrait by the motion of a recording.

Only the key frame is the portrait's; the motion codes are those of the recording, moved so that the
first one leaves the portrait as it is. This is how the sample portrait.gvc was made.

    python examples/animate.py portrait.png talk.mp4 out.gvc
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from gvc import keyframe
from gvc.api.muxer import Muxer
from gvc.bitstream import ColourDescription, Group, KeyFrame, VideoHeader
from gvc.codec.levels import LevelCoding
from gvc.codec.motion_path import find_path
from gvc.codec.motion_run import inter_frames, write_run
from gvc.codec.settings import EncoderSettings
from gvc.entropy import KeyChoice
from gvc.media import AudioMode, Source, from_rgb, tag, to_rgb
from gvc.model import weights
from gvc.model.analysis import Analyser
from gvc.model.mttf import network_from

SIDE = 256
COLOUR = ColourDescription(primaries=1, transfer=1, matrix=1)


def animate(portrait: Path, recording: Path, target: Path, *, frames: int, qp: int = 32) -> None:
    """Write ``target``: the first picture of ``portrait``, moving like ``recording``."""
    with av.open(str(portrait)) as container:
        picture = to_rgb(next(container.decode(container.streams.video[0])), SIDE, SIDE)
    codec = keyframe.get("vvc")
    encoder = codec.encoder(width=SIDE, height=SIDE, qp=qp, colour=COLOUR)
    coded = encoder.encode([from_rgb(picture, SIDE, SIDE, COLOUR)])
    (decoded,) = codec.decoder(coded.parameters).decode(coded.pictures)

    shipped = weights.default("lite")
    analyser = Analyser(network_from(shipped))
    with Source(recording, audio=AudioMode.NONE) as source:
        rate = source.video.frame_rate
        pictures = [
            to_rgb(frame, SIDE, SIDE)
            for frame, _ in zip(source, range(frames), strict=False)
            if isinstance(frame, av.VideoFrame)
        ]
    if len(pictures) < 2:
        sys.exit(f"{recording}: nothing moves in a single picture")
    own = analyser.codes([to_rgb(tag(decoded, COLOUR), SIDE, SIDE)])[0]
    batches = (pictures[first : first + 16] for first in range(0, len(pictures), 16))
    codes = np.concatenate([analyser.codes(batch) for batch in batches])

    settings = EncoderSettings(key_qp=qp)
    path = find_path(
        own + codes[1:] - codes[0],
        np.arange(1, len(codes)),
        step=settings.step,
        bit_cost=settings.error_per_bit(settings.step),
        most_interpolated=settings.interpolate,
    )
    coding = LevelCoding.for_encoder(settings, shipped)
    header = VideoHeader(
        width=SIDE,
        height=SIDE,
        coded_width=SIDE,
        coded_height=SIDE,
        time_base=1 / rate,
        frame_rate=rate,
        sample_aspect_ratio=Fraction(1),
        colour=COLOUR,
        key_codec="vvc",
        key_parameters=coded.parameters,
        entropy_model=coding.model,
        model=shipped.model,
        weights=shipped.fingerprint,
        motion_step=settings.step,
        code_length=len(own),
        prior=coding.fingerprint,
    )
    moved = inter_frames(path, [KeyChoice(0)] * (len(codes) - 1))
    motion = write_run(coding, [0] * len(moved), moved, keys=1)
    with target.open("wb") as file:
        muxer = Muxer(file)
        muxer.write_header(header, None, {"title": portrait.stem})
        group = Group(0, len(codes), False, (KeyFrame(0, coded.pictures[0]),), motion)
        muxer.write_group(group, end_pts=len(codes))
        muxer.close()


if __name__ == "__main__":
    still, moving, made = map(Path, sys.argv[1:])
    animate(still, moving, made, frames=100)
