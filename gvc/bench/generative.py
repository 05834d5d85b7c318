"""Our own codec, through the public API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import av
import numpy as np

import gvc
from gvc.api.open import open as open_gvc
from gvc.api.output_video import OutputVideoStream
from gvc.bench.points import Coded, Point
from gvc.bench.reference import Reference
from gvc.bench.settings import RdSettings
from gvc.codec.summary import summarise
from gvc.errors import InvalidDataError
from gvc.media import tag
from gvc.model import models

#: Key QP at which the motion step is varied.
MOTION_STEP_KEY_QP = 32

#: Names and values of encoder options.
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GenerativeCodec:
    """This codec; see :class:`gvc.bench.points.Codec`.

    :param points: their values are ``option=value`` pairs, separated by spaces.
    :param options: further options, the same at all points.
    :param weights: a weights file in place of the one that ships.
    :param device: where the network runs. :param threads: CPU threads, None for torch's choice.
    """

    name: str
    title: str
    note: str
    points: tuple[Point, ...]
    options: Options = ()
    weights: Path | None = None
    device: str = "cpu"
    threads: int | None = None
    suffix: str = ".gvc"

    def settings(self) -> Mapping[str, str]:
        """The version, and the fingerprint of the weights.

        :raises WeightsError: if the weights cannot be read.
        """
        name = dict(self.options).get("model", models.FACE)
        # With auto, the files themselves say which it was.
        names = models.NAMES if name == models.AUTO and self.weights is None else [name]
        found = [models.weights_for(each, self.weights) for each in names]
        own = {
            "gvc": gvc.__version__,
            "weights": " ".join(each.fingerprint.hex() for each in found),
            "model": found[0].model,
        }
        return own | dict(self.options)

    def encode(self, reference: Reference, point: Point, target: Path) -> Coded:
        """Code frame by frame; every byte of the file counts.

        :raises GvcError: if coding fails.
        """
        options = {"size": str(reference.side)} | dict(self.options)
        options |= dict(pair.split("=") for pair in point.value.split())
        with open_gvc(
            target, "w",
            options=options, weights=self.weights, device=self.device, threads=self.threads,
        ) as output:  # fmt: skip
            stream = output.add_stream("gvc", rate=reference.rate)
            assert isinstance(stream, OutputVideoStream)
            for picture in reference.planes():
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="yuv420p")
                output.mux(stream.encode(tag(frame, reference.colour)))
            output.mux(stream.encode())
        return _count(target)

    def decode(self, reference: Reference, source: Path, target: Path) -> None:
        """Decode frame by frame.

        :raises GvcError: if the file is damaged.
        """
        with (
            open_gvc(
                source, weights=self.weights, device=self.device, threads=self.threads
            ) as container,
            target.open("wb") as file,
        ):
            for frame in container.decode(video=0):
                assert isinstance(frame, av.VideoFrame)
                file.write(frame.to_ndarray().tobytes())


def own_codecs(settings: RdSettings) -> list[GenerativeCodec]:
    """Our codec at several QPs of the key frames, and at several steps of the motion codes."""
    codec = partial(
        GenerativeCodec,
        options=settings.options,
        weights=settings.weights,
        device=settings.device,
        threads=settings.threads_each,
    )
    described = _described(settings.options)
    codecs = []
    if "gvc" in settings.codecs:
        codecs.append(
            codec(
                name="gvc",
                title="gvc",
                note=f"this codec, {described}the QP of key frames; all bytes of the file",
                points=tuple(Point(f"qp{qp}", f"key_qp={qp}") for qp in settings.key_qps),
            )
        )
    if settings.motion_steps:
        codecs.append(
            codec(
                name="gvc-motion",
                title=f"gvc, motion step varied at key QP {MOTION_STEP_KEY_QP}",
                note=f"this codec at key QP {MOTION_STEP_KEY_QP}, {described}the step of the "
                "motion codes; all bytes of the file",
                points=tuple(
                    Point(f"step{float(step):g}", f"key_qp={MOTION_STEP_KEY_QP} motion_step={step}")
                    for step in settings.motion_steps
                ),
            )
        )
    return codecs


def _described(options: Options) -> str:
    return "default settings but for " + "".join(f"{name} {value}, " for name, value in options)


def _count(path: Path) -> Coded:
    with path.open("rb") as file:
        summary = summarise(file)
    if summary.problem is not None:
        raise InvalidDataError(summary.problem, path=path)
    split = {
        "key_frames": summary.key_frames,
        "motion_codes": summary.motion_codes,
        "overhead": summary.overhead,
    }
    if summary.pack:
        split["speaker_pack"] = summary.pack
    return Coded(summary.size, split)
