"""Rate-distortion curves, and the Bjøntegaard delta between two of them."""

from __future__ import annotations

import math
import statistics
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gvc.bench.records import Record
from gvc.bench.scores import Metric

#: Fewest points of a curve, and least part of the narrower curve's range of quality that the
#: other has to cover too, for a delta that says anything.
MIN_POINTS = 3
MIN_OVERLAP = 0.2


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality by rate, ordered by rate.

    :param kbps: rates in kb/s. :param scores: as the metric gives them.
    """

    kbps: tuple[float, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BdRate:
    """How much more rate a codec needs than an anchor for the same quality, on average.

    :param percent: negative if it needs less; None if the curves do not say.
    :param overlap: part of the narrower curve's range of quality that the other covers too.
    :param reason: why there is no figure.
    """

    percent: float | None
    overlap: float
    reason: str | None = None


def curve_of(records: Iterable[Record], metric: Metric) -> Curve:
    """The curve of one clip and codec."""
    pairs = sorted(
        (record.kbps, record.scores[metric.name])
        for record in records
        if metric.name in record.scores
    )
    return Curve(tuple(rate for rate, _ in pairs), tuple(score for _, score in pairs))


def mean_curve(records: Iterable[Record], metric: Metric) -> Curve:
    """The curve of one codec with, for each of its points, means of rate and score over clips."""
    points: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if metric.name in record.scores:
            points[record.point].append(record)
    pairs = sorted(
        (
            statistics.fmean(record.kbps for record in group),
            statistics.fmean(record.scores[metric.name] for record in group),
        )
        for group in points.values()
    )
    return Curve(tuple(rate for rate, _ in pairs), tuple(score for _, score in pairs))


def bd_rate(anchor: Curve, test: Curve, metric: Metric) -> BdRate:
    """The Bjøntegaard delta rate of ``test`` against ``anchor`` (piecewise cubic, log rate).

    Points at which more rate gives no better quality are left out of a curve first, since the
    delta needs rate as a function of quality.
    """
    from bjontegaard import bd_rate as delta

    (rate_a, good_a), (rate_t, good_t) = _rising(anchor, metric), _rising(test, metric)
    if min(len(rate_a), len(rate_t)) < MIN_POINTS:
        return BdRate(None, 0.0, f"fewer than {MIN_POINTS} points at which quality rises with rate")
    shared = min(good_a[-1], good_t[-1]) - max(good_a[0], good_t[0])
    overlap = shared / min(good_a[-1] - good_a[0], good_t[-1] - good_t[0])
    if overlap <= 0:
        best = "above" if good_t[0] >= good_a[-1] else "below"
        return BdRate(None, 0.0, f"no overlap: all points are {best} the anchor's quality")
    if overlap < MIN_OVERLAP:
        return BdRate(None, overlap, f"the curves share only {overlap:.0%} of their quality")
    with warnings.catch_warnings():
        # It warns of small overlaps, which we report with the figure.
        warnings.simplefilter("ignore")
        percent = delta(
            rate_a, good_a, rate_t, good_t,
            method="pchip", require_matching_points=False, min_overlap=0,
        )  # fmt: skip
    if not math.isfinite(percent):
        return BdRate(None, overlap, "no finite figure")
    return BdRate(float(percent), overlap)


def _rising(curve: Curve, metric: Metric) -> tuple[Sequence[float], Sequence[float]]:
    """Rates and qualities, the more the better, of points that no cheaper one equals."""
    rates: list[float] = []
    goods: list[float] = []
    for rate, score in zip(curve.kbps, curve.scores, strict=True):
        good = score if metric.higher_is_better else -score
        if not goods or good > goods[-1]:
            rates.append(rate)
            goods.append(good)
    return rates, goods
