"""Bjøntegaard deltas as text."""

from __future__ import annotations

from gvc.bench.curves import BdRate
from gvc.bench.summary import Summary


def table(summary: Summary) -> str:
    """BD-rates of ours against each anchor, on mean curves and as mean of clips, as text."""
    if not summary.comparisons:
        return "no BD-rates: they need gvc and one other codec at least"
    anchors = summary.anchors
    width = max(len(metric.title) for metric in summary.metrics)
    columns = [max(len(anchor.title), 24) for anchor in anchors]
    head = "  ".join(f"{anchor.title:>{w}}" for anchor, w in zip(anchors, columns, strict=True))
    lines = [
        f"BD-rate of gvc, {len(summary.clips)} clips: on mean curves / mean of clips (how many)",
        f"{'':{width}}  {head}",
    ]
    for metric in summary.metrics:
        cells = []
        for anchor, w in zip(anchors, columns, strict=True):
            found = summary.comparison(anchor.name, metric)
            mean = "–" if found.mean is None else f"{found.mean:+.1f} %"
            cells.append(f"{percent(found.on_means)} / {mean} ({len(found.known)})".rjust(w))
        lines.append(f"{metric.title:{width}}  {'  '.join(cells)}")
    lines += [f"no figure: {reason}" for reason in reasons(summary)]
    return "\n".join(lines)


def percent(delta: BdRate) -> str:
    """A delta as text; a dash if there is none."""
    return "–" if delta.percent is None else f"{delta.percent:+.1f} %"


def reasons(summary: Summary) -> list[str]:
    """Why mean curves gave no figure, each with metric and anchor."""
    titles = {metric.name: metric.title for metric in summary.metrics}
    names = {codec.name: codec.title for codec in summary.codecs}
    return [
        f"{titles[found.metric]}, {names[found.anchor]}: {found.on_means.reason}"
        for found in summary.comparisons
        if found.on_means.reason is not None
    ]
