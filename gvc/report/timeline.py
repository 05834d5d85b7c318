"""A file over time: distance, bits, frame types, one above the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gvc.bitstream import FrameType
from gvc.codec.summary import StreamSummary
from gvc.page.axis import Axis, linear_axis, time_axis
from gvc.page.charts import Block, Mark, blocks, legend, level, line, plot
from gvc.page.text import byte_size, kilobits, share
from gvc.report.comparison import Look
from gvc.report.kinds import FRAME_NAMES, Share, colour_of, shares_of, shares_of_file

#: Most bars of bits, and most columns of frame types: more could not be told apart.
_BARS, _COLUMNS = 120, 400

#: Heights of charts in pixels: where there is much to be seen, and where there is little.
_TALL, _LOW, _THICK, _FLAT = 96, 40, 28, 16

#: So many bars are few.
_FEW = 3

#: Letters of the frames that are shown as pictures.
LETTERS = "ABC"


@dataclass(frozen=True, slots=True)
class _Bar:
    """Some groups in a row: when, and their bytes."""

    begin: float
    end: float
    shares: dict[Share, int]

    @property
    def rate(self) -> float:
        """Bits a second."""
        return sum(self.shares.values()) * 8 / (self.end - self.begin)


def timeline(summary: StreamSummary, look: Look | None) -> str:
    """Charts of a file with one axis of time.

    :param look: distances of its frames, None if nobody looked.
    """
    axis = time_axis(float(summary.seconds))
    parts = []
    if look is not None and any(sample.distance is not None for sample in look.samples):
        parts.append(_distances(look, axis))
    parts += [_bits(summary, axis), _frames(summary, axis)]
    return f'<div class="timeline">{"".join(parts)}</div>'


def _distances(look: Look, axis: Axis) -> str:
    points = [
        (sample.seconds, sample.distance) for sample in look.samples if sample.distance is not None
    ]
    values = [distance for _, distance in points]
    mean, scale = sum(values) / len(values), linear_axis(max(values))
    marks = [
        Mark(axis.place(each.sample.seconds), scale.place(each.sample.distance or 0.0), letter)
        for letter, each in zip(LETTERS, look.instants, strict=False)
    ]
    drawn = line([(axis.place(when), scale.place(distance)) for when, distance in points])
    text = f"Distance over time: mean {mean:.3f}, at most {max(values):.3f}"
    chart = plot(
        drawn + level(scale.place(mean)),
        text,
        axis=axis,
        scale=scale,
        height=_TALL,
        marks=marks,
        labels=False,
    )
    return (
        "<h3>Distance from the source <small>0 is identical; dashed: mean "
        f"{mean:.3f}; worst {max(values):.3f}</small></h3>{chart}"
    )


def _bits(summary: StreamSummary, axis: Axis) -> str:
    bars = list(_bars(summary))
    scale = linear_axis(max((bar.rate for bar in bars), default=0.0) / 1000)
    chart = plot(
        blocks(block for bar in bars for block in _stack(bar, axis, scale)),
        "Bits a second of each group of pictures",
        axis=axis,
        scale=scale,
        height=_TALL if len(bars) > _FEW else _LOW,
        labels=False,
    )
    seconds = float(summary.seconds)
    items = [
        (colour_of(kind), kind.value, _amount(size, summary.size, seconds))
        for kind, size in shares_of_file(summary).items()
        if size
    ]
    return f"<h3>Bits <small>kb/s, group by group</small></h3>{chart}{legend(items)}"


def _amount(size: int, whole: int, seconds: float) -> str:
    rate = f"{kilobits(size * 8 / seconds)}, " if seconds else ""
    return f"{rate}{share(size, whole)}"


def _bars(summary: StreamSummary) -> Iterator[_Bar]:
    """Groups, some of them together where there are many."""
    groups = summary.by_group
    unit = summary.header.video.time_base
    begins = [float((group.pts - groups[0].pts) * unit) for group in groups]
    begins.append(float(summary.seconds))
    together = -(-len(groups) // _BARS)
    for first in range(0, len(groups), together):
        end = min(first + together, len(groups))
        shares = Counter[Share]()
        for group in groups[first:end]:
            shares.update(shares_of(group))
        if begins[end] > begins[first]:
            yield _Bar(begins[first], begins[end], dict(shares))


def _stack(bar: _Bar, axis: Axis, scale: Axis) -> Iterator[Block]:
    bottom = 0.0
    for kind in Share:
        size = bar.shares.get(kind, 0)
        top = bottom + size * 8 / (bar.end - bar.begin) / 1000
        title = f"{bar.begin:.1f} to {bar.end:.1f} s: {kind.value} {byte_size(size)}"
        left, right = axis.place(bar.begin), axis.place(bar.end)
        # A thin line between groups.
        right -= min(0.001, (right - left) / 4)
        yield Block(left, right, scale.place(bottom), scale.place(top), colour_of(kind), title)
        bottom = top


def _frames(summary: StreamSummary, axis: Axis) -> str:
    kinds = [kind for group in summary.by_group for kind in group.types]
    counts = Counter(kinds)
    chart = plot(
        blocks(_columns(kinds, _key_sizes(summary))),
        ", ".join(f"{counts[kind]} {name}" for kind, name in FRAME_NAMES.items() if counts[kind]),
        axis=axis,
        height=_FLAT if len(kinds) <= _COLUMNS else _THICK,
    )
    items = [
        (colour_of(kind), f"{kind.value} {name}", f"{counts[kind]:,}")
        for kind, name in FRAME_NAMES.items()
        if counts[kind]
    ]
    return f"<h3>Frames <small>how each is coded</small></h3>{chart}{legend(items)}"


def _key_sizes(summary: StreamSummary) -> dict[int, int]:
    """Bytes of key frames, by their numbers in the file."""
    sizes, start = dict[int, int](), 0
    for group in summary.by_group:
        sizes |= {start + place: size for place, size in group.keys.items()}
        start += len(group.types)
    return sizes


def _columns(kinds: Sequence[FrameType], sizes: Mapping[int, int]) -> Iterator[Block]:
    """Runs of frames of one type; of a long file, how many are of which.

    :param sizes: of key frames, for tooltips.
    """
    count = len(kinds)
    if count <= _COLUMNS:
        place = 0
        for kind, run in groupby(kinds):
            end = place + len(list(run))
            said = f"{end - place} frames" if end - place > 1 else "1 frame"
            size = sum(sizes.get(each, 0) for each in range(place, end))
            title = f"{kind.value} {FRAME_NAMES[kind]}, {said}" + (
                f", {byte_size(size)}" if size else ""
            )
            yield Block(place / count, end / count, 0.0, 1.0, colour_of(kind), title)
            place = end
        return
    for column in range(_COLUMNS):
        first, end = (count * each // _COLUMNS for each in (column, column + 1))
        bottom = 0.0
        for kind, number in sorted(
            Counter(kinds[first:end]).items(), key=lambda item: list(FRAME_NAMES).index(item[0])
        ):
            top = bottom + number / (end - first)
            left, right = column / _COLUMNS, (column + 1) / _COLUMNS
            yield Block(left, right, bottom, top, colour_of(kind))
            bottom = top
