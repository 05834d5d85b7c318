"""What a greatest distance costs and saves, beside the plain encoder at the same mean LPIPS."""

from __future__ import annotations

import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.api.distances import distance_of
from gvc.bench.clips import Clip
from gvc.bench.generative import GenerativeCodec
from gvc.bench.points import Point
from gvc.bench.reference import Reference, make_reference
from gvc.bitstream import FrameType
from gvc.codec.settings import EncoderSettings
from gvc.codec.summary import summarise
from gvc.metrics import Lpips
from gvc.model.device import select_device
from gvc.model.distance import Distance


@dataclass(frozen=True, slots=True)
class RhoSettings:
    """What is measured.

    :param limits: greatest distances. :param distances: of which kinds, by name; each with each.
    :param key_qp: of key frames with a greatest distance.
    :param plain_qps, plain_steps: QPs and motion steps without one, each with each.
    :param size: side of the pictures. :param frames: most of a clip.
    :param every: the mean LPIPS is of every so manieth picture.
    :param metric_weights: folder of LPIPS's networks.
    :param weights, device, threads: of the codec.
    """

    limits: tuple[float, ...]
    distances: tuple[str, ...]
    key_qp: int
    plain_qps: tuple[int, ...]
    plain_steps: tuple[Fraction, ...]
    size: int
    frames: int
    every: int
    metric_weights: Path | None = None
    weights: Path | None = None
    device: str = "cpu"
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class RhoPoint:
    """One coded clip.

    :param kbps: of the whole file. :param lpips: mean LPIPS-alex.
    :param worst: distance of the worst frame, by the kinds asked for.
    :param types: number of frames by type.
    """

    kbps: float
    lpips: float
    worst: Mapping[str, float]
    types: Counter[FrameType]


@dataclass(frozen=True, slots=True)
class RhoRow:
    """All clips at one greatest distance.

    :param distance: of which kind the distance is, by name.
    :param limit: the distance; None for the plain encoder with the same key QP.
    :param points: with it, clip by clip.
    :param plain: rate of the plain encoder at the same LPIPS, kb/s, or None where its curve does
        not reach so far.
    """

    distance: str
    limit: float | None
    points: tuple[RhoPoint, ...]
    plain: tuple[float | None, ...]


def measure_rho(
    clips: Sequence[Clip], settings: RhoSettings, *, on_point: Callable[[str], None]
) -> list[RhoRow]:
    """Code all clips with and without a greatest distance.

    :param on_point: told a line about each coded clip.
    :raises GvcError: if a clip cannot be coded, or the weights of LPIPS are not found.
    """
    bench = _Bench(settings)
    kinds = [
        (distance, limit) for distance in settings.distances for limit in (None, *settings.limits)
    ]
    points = defaultdict[tuple[str, float | None], list[RhoPoint]](list)
    plain = defaultdict[tuple[str, float | None], list[float | None]](list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip in clips:
            reference = make_reference(clip, folder, side=settings.size, frames=settings.frames)
            curve = []
            for qp, step in product(settings.plain_qps, settings.plain_steps):
                value = f"key_qp={qp} motion_step={step}"
                curve.append(bench.code(reference, value, folder))
                on_point(_line(clip, value, curve[-1]))
            value = f"key_qp={settings.key_qp}"
            plainly = bench.code(reference, value, folder, distances=settings.distances)
            on_point(_line(clip, value, plainly))
            for kind in kinds:
                distance, limit = kind
                point = plainly
                if limit is not None:
                    value = f"key_qp={settings.key_qp} distance={distance} max_distance={limit}"
                    point = bench.code(reference, value, folder, distances=(distance,))
                    on_point(_line(clip, value, point))
                points[kind].append(point)
                plain[kind].append(rate_at(curve, point.lpips))
            reference.path.unlink()
    return [RhoRow(*kind, tuple(points[kind]), tuple(plain[kind])) for kind in kinds]


class _Bench:
    """Codes clips and compares."""

    def __init__(self, settings: RhoSettings) -> None:
        self._settings = settings
        device = select_device(settings.device)
        alex = Lpips("alex", settings.metric_weights).to(device)
        self._alex = Distance(alex, device=settings.device)
        named = EncoderSettings(metric_weights=settings.metric_weights, device=settings.device)
        self._distances = {
            name: distance_of(replace(named, distance=name)) for name in settings.distances
        }

    def code(
        self, reference: Reference, value: str, folder: Path, *, distances: Sequence[str] = ()
    ) -> RhoPoint:
        """Code and decode a clip with options; ``distances`` are those that look at all frames."""
        settings = self._settings
        folders = [settings.metric_weights] if settings.metric_weights is not None else []
        codec = GenerativeCodec(
            name="gvc",
            title="gvc",
            note="",
            points=(),
            options=tuple(("metric_weights", str(each)) for each in folders),
            weights=settings.weights,
            device=settings.device,
            threads=settings.threads,
        )
        coded, pictures = folder / "coded.gvc", folder / "decoded.yuv"
        size = codec.encode(reference, Point("", value), coded).size
        codec.decode(reference, coded, pictures)
        with coded.open("rb") as file:
            types = summarise(file).frames
        chosen = range(0, reference.frames, settings.every)
        lpips = _compare(self._alex, reference, pictures, chosen)
        everything = range(reference.frames)
        worst = {
            name: float(_compare(self._distances[name], reference, pictures, everything).max())
            for name in distances
        }
        kbps = size * 8 / 1000 / reference.seconds
        return RhoPoint(kbps, float(lpips.mean()), worst, types)


def _compare(
    distance: Distance, reference: Reference, pictures: Path, places: Sequence[int]
) -> npt.NDArray[np.float32]:
    """Distance of each picture at ``places`` from its original."""
    original, decoded = reference.planes(), reference.planes(pictures)
    found = [
        distance.distance(reference.rgb(original, [place]), reference.rgb(decoded, [place]))
        for place in places
    ]
    return np.concatenate(found)


def rate_at(curve: Sequence[RhoPoint], lpips: float) -> float | None:
    """Rate, kb/s, of the plain encoder at an LPIPS: straight lines over its logarithm.

    Points that cost more for no better quality are left out.

    :returns: None if the curve does not reach so far.
    """
    best = list[RhoPoint]()
    for point in sorted(curve, key=lambda each: (each.kbps, each.lpips)):
        if not best or point.lpips < best[-1].lpips:
            best.append(point)
    for worse, better in pairwise(best):
        if better.lpips <= lpips <= worse.lpips:
            share = (worse.lpips - lpips) / (worse.lpips - better.lpips)
            logarithm = math.log(worse.kbps) * (1 - share) + math.log(better.kbps) * share
            return math.exp(logarithm)
    return None


def rho_table(rows: Sequence[RhoRow]) -> str:
    """The rows as a Markdown table."""
    types = list(FrameType)
    lines = [
        "| distance | rho | kb/s | plain at equal LPIPS | saved | LPIPS-alex | "
        + " | ".join(f"{kind.value} %" for kind in types)
        + " | worst frame |",
        "|" + " --- |" * (7 + len(types)),
    ]
    for row in rows:
        pairs = zip(row.points, row.plain, strict=True)
        known = [(point.kbps, plain) for point, plain in pairs if plain is not None]
        ours, theirs = np.mean(known, axis=0) if known else (0.0, 0.0)
        counts = sum((point.types for point in row.points), Counter[FrameType]())
        worst = max(point.worst[row.distance] for point in row.points)
        cells = [
            row.distance,
            "none" if row.limit is None else f"{row.limit:g}",
            f"{np.mean([point.kbps for point in row.points]):.2f}",
            f"{theirs:.2f}" if known else "-",
            f"{100 - 100 * ours / theirs:+.1f} %" if known else "-",
            f"{np.mean([point.lpips for point in row.points]):.4f}",
            *(f"{100 * counts[kind] / counts.total():.1f}" for kind in types),
            f"{worst:.4f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _line(clip: Clip, value: str, point: RhoPoint) -> str:
    worst = "".join(f" worst {name} {far:.4f}" for name, far in point.worst.items())
    return f"{clip.name} {value}: {point.kbps:.2f} kb/s LPIPS-alex {point.lpips:.4f}{worst}"
