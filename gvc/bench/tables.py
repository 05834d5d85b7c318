"""Bjøntegaard deltas as text."""

from __future__ import annotations

from gvc.bench.curves import BdRate
from gvc.bench.summary import Comparison, Summary


def table(summary: Summary) -> str:
    """BD-rates of ours against each anchor, on mean curves and as mean of clips, as text."""
    if not summary.comparisons:
        return "no BD-rates: they need gvc and one other codec at least"
    anchors = summary.anchors
    width = max(len(metric.title) for metric in summary.metrics)
    columns = [max(len(anchor.title), 44) for anchor in anchors]
    head = "  ".join(f"{anchor.title:>{w}}" for anchor, w in zip(anchors, columns, strict=True))
    lines = [
        f"BD-rate of gvc, {len(summary.clips)} clips: on mean curves / mean of clips (how many), "
        "worst clip, share of clips that gvc loses",
        f"{'':{width}}  {head}",
    ]
    for metric in summary.metrics:
        cells = []
        for anchor, w in zip(anchors, columns, strict=True):
            found = summary.comparison(anchor.name, metric)
            cells.append(f"{percent(found.on_means)} / {of_clips(found)}".rjust(w))
        lines.append(f"{metric.title:{width}}  {'  '.join(cells)}")
    lines += [f"no figure: {reason}" for reason in reasons(summary)]
    return "\n".join(lines)


def of_clips(found: Comparison) -> str:
    """Mean of clips, how many have a figure, the worst one, and the share that the anchor wins."""
    if found.mean is None or found.worst is None or found.lost is None:
        return "– (0)"
    return (
        f"{found.mean:+.1f} % ({len(found.known)}), worst {found.worst[1]:+.1f} %, "
        f"lost {found.lost:.0%}"
    )


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
