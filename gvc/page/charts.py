"""Charts: SVG that stretches with the window, labels beside it.

Colours are classes of the style sheet, so that a thing has the same one everywhere: ``fill-…`` for
areas, see ``page.css``.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from gvc.page.axis import Axis, linear_axis
from gvc.page.text import significant

#: Units of an SVG's user space from left to right, and from top to bottom.
_WIDE, _HIGH = 1000, 100


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of a chart.

    :param left, right, bottom, top: as parts of the chart, 0 to 1, the bottom being 0.
    :param colour: name of its class, without ``fill-``.
    :param title: shown where a pointer rests on it.
    """

    left: float
    right: float
    bottom: float
    top: float
    colour: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A letter at a place of a chart, both parts of it, 0 to 1."""

    left: float
    bottom: float
    letter: str


def plot(
    inside: str,
    text: str,
    *,
    axis: Axis,
    height: int,
    scale: Axis | None = None,
    marks: Iterable[Mark] = (),
    labels: bool = True,
) -> str:
    """A chart of what :func:`blocks`, :func:`line` and :func:`upright` draw.

    :param text: says what there is to see. :param axis: from left to right.
    :param height: in pixels. :param scale: from bottom to top, whose ends are written.
    :param labels: whether ticks of ``axis`` are written below.
    """
    grid = "".join(_line_at(axis.place(value), "grid") for value, _ in axis.ticks)
    ends = ""
    if scale is not None:
        ends = f"<span>{escape(scale.ticks[-1][1])}</span><span>{escape(scale.ticks[0][1])}</span>"
    letters = "".join(
        f'<b style="left:{100 * mark.left:.2f}%;bottom:{100 * mark.bottom:.1f}%">'
        f"{escape(mark.letter)}</b>"
        for mark in marks
    )
    below = _ticks(axis) if labels else ""
    return (
        f'<div class="plot" role="img" aria-label="{escape(text)}">'
        f'<div class="ends">{ends}</div><div class="area" style="height:{height}px">'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" aria-hidden="true">'
        f"{grid}{inside}</svg>{letters}</div>{below}</div>"
    )


def _ticks(axis: Axis) -> str:
    inside = "".join(
        f'<span style="left:{100 * axis.place(value):.2f}%">{escape(label)}</span>'
        for value, label in axis.ticks
    )
    return f'<div class="ticks">{inside}</div>'


def blocks(items: Iterable[Block]) -> str:
    """Rectangles."""
    return "".join(_rect(item) for item in items if item.right > item.left)


def _rect(item: Block) -> str:
    title = f"<title>{escape(item.title)}</title>" if item.title else ""
    return (
        f'<rect class="fill-{item.colour}" x="{_WIDE * item.left:.2f}" '
        f'y="{_HIGH * (1 - item.top):.2f}" width="{_WIDE * (item.right - item.left):.2f}" '
        f'height="{_HIGH * (item.top - item.bottom):.2f}">{title}</rect>'
    )


def line(points: Sequence[tuple[float, float]]) -> str:
    """A line through places (left, bottom), and what is below it shaded."""
    if not points:
        return ""
    # A single place would not be seen.
    points = points if len(points) > 1 else [(0.0, points[0][1]), (1.0, points[0][1])]
    path = " ".join(f"{_WIDE * left:.1f},{_HIGH * (1 - low):.1f}" for left, low in points)
    first, last = (f"{_WIDE * left:.1f},{_HIGH}" for left in (points[0][0], points[-1][0]))
    return (
        f'<polygon class="below" points="{first} {path} {last}"/>'
        f'<polyline class="line" points="{path}"/>'
    )


def level(place: float) -> str:
    """A dashed line from left to right."""
    high = _HIGH * (1 - place)
    return f'<path class="dashed" d="M0 {high:.1f}H{_WIDE}"/>'


def upright(place: float) -> str:
    """A dashed line from bottom to top."""
    return _line_at(place, "dashed")


def _line_at(place: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{_WIDE * place:.1f} 0V{_HIGH}"/>'


def histogram(values: Sequence[float], axis: Axis, *, what: str, bins: int) -> str:
    """How many of ``values``, of which there is one at least, lie where; their median is dashed.

    :param axis: that all lie on. :param what: they are, for tooltips; ``kb/s``, say.
    :param bins: how many equally wide ones.
    """
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(axis.place(value) * bins))] += 1
    scale = linear_axis(max(counts), whole=True)
    median = statistics.median(values)
    # A gap between columns, for the eye.
    gap = 0.06 / bins
    columns = [
        Block(
            place / bins + gap,
            (place + 1) / bins - gap,
            0.0,
            scale.place(count),
            "column",
            f"{_range(axis, place / bins, (place + 1) / bins)} {what}: {count}",
        )
        for place, count in enumerate(counts)
        if count
    ]
    text = f"{len(values)} files: median {significant(median)} {what}, " + (
        f"from {significant(min(values))} to {significant(max(values))}"
    )
    inside = blocks(columns) + upright(axis.place(median))
    return plot(inside, text, axis=axis, scale=scale, height=120)


def _range(axis: Axis, low: float, high: float) -> str:
    return f"{significant(axis.value(low))} to {significant(axis.value(high))}"


def bins_for(count: int) -> int:
    """How many columns show ``count`` values well."""
    return max(6, min(24, round(2 * count**0.5)))


def legend(items: Iterable[tuple[str, str, str]]) -> str:
    """What colours mean: (colour, name, what there is of it)."""
    inside = "".join(
        f'<li><i class="swatch fill-{colour}"></i><span>{escape(name)}</span> '
        f"<b>{escape(amount)}</b></li>"
        for colour, name, amount in items
    )
    return f'<ul class="legend">{inside}</ul>'
