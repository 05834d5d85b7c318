"""One page of HTML that needs no other file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from gvc.bench.records import Record
from gvc.bench.scores import Metric
from gvc.bench.summary import Comparison, MeanPoint, Summary
from gvc.bench.tables import percent, reasons
from gvc.page.document import document, picture, table

_STYLE = """
img { background: white; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
"""


def write_page(summary: Summary, settings: Mapping[str, Any], folder: Path) -> None:
    """Write ``index.html``, with the figures and the sheet that are in ``folder`` inside.

    :param settings: as they are shown.
    """
    parts = [
        "<h1>Rate and quality: gvc beside standard codecs</h1>",
        f"<p>{len(summary.clips)} clips, {_seconds(summary):.0f} s; the same 8-bit pictures for "
        "all codecs, the same decoded size for all metrics. Rates count every byte that is named "
        "below; no sound.</p>",
        _deltas(summary),
        _sheet(folder / "sheet.png"),
        "<h2>Curves</h2>",
        '<p class="less">Means over clips of rate and score at each point.</p>',
        '<div class="figures">',
        *(_image(folder / f"rd-{metric.name}.png", metric.title) for metric in summary.metrics),
        "</div>",
        "<h2>On average</h2>",
        _points(summary, summary.means),
        "<h2>Clip by clip</h2>",
        *(_clip(summary, clip) for clip in summary.clips),
        _notes(summary, settings),
    ]
    page = document("gvc bench rd", "\n".join(parts), style=_STYLE)
    (folder / "index.html").write_text(page, encoding="utf-8")


def _seconds(summary: Summary) -> float:
    return sum({record.clip: record.seconds for record in summary.records}.values())


def _deltas(summary: Summary) -> str:
    if not summary.comparisons:
        return ""
    head = ["metric"]
    for anchor in summary.anchors:
        head += [f"{anchor.title}: on mean curves", "mean of clips", "clips", "worst clip", "lost"]
    rows = []
    for metric in summary.metrics:
        row = [metric.title]
        for anchor in summary.anchors:
            found = summary.comparison(anchor.name, metric)
            mean = "–" if found.mean is None else f"{found.mean:+.1f} %"
            row += [percent(found.on_means), mean, f"{len(found.known)}/{len(found.by_clip)}"]
            row += [_worst(found), "–" if found.lost is None else f"{found.lost:.0%}"]
        rows.append(row)
    why = "".join(f"<li>{escape(reason)}</li>" for reason in reasons(summary))
    return (
        "<h2>BD-rate of gvc</h2><p>How much more rate gvc needs for the same quality; negative is "
        "less. <em>Lost</em> is the share of clips with a figure on which the other codec needs "
        "less. A dash: the curves do not allow a figure.</p>"
        f'{table(head, rows)}<ul class="less">{why}</ul>'
    )


def _worst(found: Comparison) -> str:
    return "–" if found.worst is None else f"{found.worst[1]:+.1f} % ({found.worst[0]})"


def _sheet(path: Path) -> str:
    if not path.exists():
        return ""
    return (
        "<h2>Pictures</h2><p>Original, gvc at the point nearest 5 kb/s, VVC random access at the "
        f"nearest rate that is no lower; at three instants.</p>{_image(path, 'contact sheet')}"
    )


def _clip(summary: Summary, clip: str) -> str:
    records = [record for record in summary.records if record.clip == clip]
    deltas = []
    for metric in summary.metrics:
        found = [summary.comparison(anchor.name, metric) for anchor in summary.anchors]
        deltas.append([metric.title, *(percent(comparison.by_clip[clip]) for comparison in found)])
    head = ["BD-rate of gvc", *(anchor.title for anchor in summary.anchors)]
    inside = _points(summary, records) + (table(head, deltas) if summary.anchors else "")
    return f"<details><summary>{escape(clip)}</summary>{inside}</details>"


def _points(summary: Summary, points: Iterable[MeanPoint | Record]) -> str:
    """A table of points, ordered as the codecs are."""
    titles = {codec.name: codec.title for codec in summary.codecs}
    head = ["codec", "point", "kb/s", "of it key frames", "motion codes"]
    rows = []
    for point in sorted(points, key=lambda point: list(titles).index(point.codec)):
        row = [titles[point.codec], point.point, f"{point.kbps:.2f}"]
        for kind in ("key_frames", "motion_codes"):
            row.append(f"{_kbps(point, kind):.2f}" if kind in point.split else "")
        rows.append(row + [_score(point, metric) for metric in summary.metrics])
    return table([*head, *(metric.title for metric in summary.metrics)], rows)


def _score(point: MeanPoint | Record, metric: Metric) -> str:
    score = point.scores.get(metric.name)
    return "" if score is None else f"{score:.{metric.digits}f}"


def _kbps(point: MeanPoint | Record, kind: str) -> float:
    if isinstance(point, MeanPoint):
        return point.split[kind]
    return point.split[kind] * 8 / 1000 / point.seconds


def _notes(summary: Summary, settings: Mapping[str, Any]) -> str:
    terms = [(codec.title, codec.note) for codec in summary.codecs]
    terms += [(metric.title, metric.note) for metric in summary.metrics]
    terms += [(key, str(value)) for key, value in settings.items()]
    inside = "".join(f"<dt><b>{escape(a)}</b></dt><dd>{escape(b)}</dd>" for a, b in terms)
    return f"<h2>What is what</h2><dl>{inside}</dl>"


def _image(path: Path, text: str) -> str:
    return picture(path.read_bytes(), text, kind="png")
