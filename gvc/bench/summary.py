"""What the records of a run come to: mean curves, and our rate against each anchor's."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gvc.bench.curves import BdRate, bd_rate, curve_of, mean_curve
from gvc.bench.points import Codec
from gvc.bench.records import Record
from gvc.bench.scores import FACE_METRICS, METRICS, Metric

#: The codec whose rate is compared.
OURS = "gvc"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our rate against an anchor's at equal quality by one metric.

    :param anchor, metric: their names.
    :param on_means: of the curves of means over clips.
    :param by_clip: of each clip's own curves.
    """

    anchor: str
    metric: str
    on_means: BdRate
    by_clip: dict[str, BdRate]

    @property
    def mean(self) -> float | None:
        """Mean in percent over the clips that have a figure; None if none has."""
        known = self.known
        return statistics.fmean(known) if known else None

    @property
    def worst(self) -> tuple[str, float] | None:
        """The clip with the highest figure, and that; None if none has."""
        figures = {
            clip: delta.percent for clip, delta in self.by_clip.items() if delta.percent is not None
        }
        return max(figures.items(), key=lambda item: item[1], default=None)

    @property
    def lost(self) -> float | None:
        """Share of the clips with a figure on which the anchor needs less; None if none has."""
        known = self.known
        return sum(figure > 0 for figure in known) / len(known) if known else None

    @property
    def known(self) -> list[float]:
        """Figures in percent of the clips that have one."""
        return [delta.percent for delta in self.by_clip.values() if delta.percent is not None]


@dataclass(frozen=True, slots=True)
class MeanPoint:
    """Means over clips of one codec at one point.

    :param clips: how many. :param kbps: in kb/s; :param split: likewise, by kind of data.
    :param scores: by name of the metric, over the clips that have it.
    """

    codec: str
    point: str
    clips: int
    kbps: float
    split: dict[str, float]
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Summary:
    """All that tables show.

    :param clips: names, in the order in which they were measured.
    :param metrics: what was measured.
    """

    clips: tuple[str, ...]
    metrics: tuple[Metric, ...]
    codecs: tuple[Codec, ...]
    records: tuple[Record, ...]
    means: tuple[MeanPoint, ...]
    comparisons: tuple[Comparison, ...]

    def of(self, codec: str, clip: str | None = None) -> list[Record]:
        """The records of one codec, on one clip or on all."""
        return [
            record
            for record in self.records
            if record.codec == codec and clip in (None, record.clip)
        ]

    def comparison(self, anchor: str, metric: Metric) -> Comparison:
        """Ours against ``anchor`` by ``metric``."""
        return next(
            found
            for found in self.comparisons
            if (found.anchor, found.metric) == (anchor, metric.name)
        )

    @property
    def anchors(self) -> list[Codec]:
        """The codecs that ours was compared with."""
        names = {comparison.anchor for comparison in self.comparisons}
        return [codec for codec in self.codecs if codec.name in names]

    def as_dict(self) -> dict[str, Any]:
        """Everything but the single records, as plain values."""
        return {
            "clips": list(self.clips),
            "metrics": [asdict(metric) for metric in self.metrics],
            "codecs": {
                codec.name: {"title": codec.title, "note": codec.note} for codec in self.codecs
            },
            "means": [asdict(point) for point in self.means],
            "bd_rate": {
                anchor.name: {
                    metric.name: _plain(self.comparison(anchor.name, metric))
                    for metric in self.metrics
                }
                for anchor in self.anchors
            },
        }


def summarise_run(codecs: Sequence[Codec], records: Iterable[Record]) -> Summary:
    """Work out means and comparisons of ``records``."""
    records = tuple(records)
    clips = tuple(dict.fromkeys(record.clip for record in records))
    names = [codec.name for codec in codecs]
    metrics = METRICS + tuple(
        metric for metric in FACE_METRICS if any(metric.name in each.scores for each in records)
    )
    means = tuple(
        _mean(
            [record for record in records if (record.codec, record.point) == (codec.name, label)],
            metrics,
        )
        for codec in codecs
        for label in dict.fromkeys(r.point for r in records if r.codec == codec.name)
    )
    anchors = [name for name in names if not name.startswith(OURS)] if OURS in names else []
    comparisons = tuple(
        _compare(anchor, metric, clips, records) for anchor in anchors for metric in metrics
    )
    return Summary(clips, metrics, tuple(codecs), records, means, comparisons)


def _mean(group: Sequence[Record], metrics: Sequence[Metric]) -> MeanPoint:
    def rate(kind: str) -> float:
        return statistics.fmean(
            record.split.get(kind, 0) * 8 / 1000 / record.seconds for record in group
        )

    first = group[0]
    found = {
        metric.name: [each.scores[metric.name] for each in group if metric.name in each.scores]
        for metric in metrics
    }
    return MeanPoint(
        first.codec,
        first.point,
        len(group),
        statistics.fmean(record.kbps for record in group),
        {
            kind: rate(kind)
            for kind in dict.fromkeys(kind for record in group for kind in record.split)
        },
        {name: statistics.fmean(scores) for name, scores in found.items() if scores},
    )


def _compare(
    anchor: str, metric: Metric, clips: Sequence[str], records: Sequence[Record]
) -> Comparison:
    theirs = [record for record in records if record.codec == anchor]
    ours = [record for record in records if record.codec == OURS]

    def on(clip: str) -> BdRate:
        return bd_rate(
            curve_of((record for record in theirs if record.clip == clip), metric),
            curve_of((record for record in ours if record.clip == clip), metric),
            metric,
        )

    on_means = bd_rate(mean_curve(theirs, metric), mean_curve(ours, metric), metric)
    return Comparison(anchor, metric.name, on_means, {clip: on(clip) for clip in clips})


def _plain(comparison: Comparison) -> dict[str, Any]:
    return {
        "on_means": asdict(comparison.on_means),
        "mean_of_clips": comparison.mean,
        "clips_with_a_figure": len(comparison.known),
        "worst_clip": comparison.worst,
        "share_lost": comparison.lost,
        "by_clip": {clip: asdict(delta) for clip, delta in comparison.by_clip.items()},
    }
