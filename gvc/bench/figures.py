"""Rate-distortion figures as PNG."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from gvc.bench.curves import mean_curve
from gvc.bench.scores import Metric
from gvc.bench.summary import Summary

#: Colours that stay apart for those who see fewer (Okabe and Ito), markers, and line styles.
_LOOKS = (
    ("#d55e00", "o", "-"),
    ("#e69f00", "D", ":"),
    ("#0072b2", "s", "-"),
    ("#56b4e9", "v", "--"),
    ("#009e73", "^", "-"),
    ("#cc79a7", "P", "-"),
    ("#000000", "X", "--"),
)

#: Places of the codecs among the looks, so that a codec looks the same in every run.
_PLACES = {
    **{"gvc": 0, "gvc-motion": 1, "vvc": 2, "vvc-ld": 3, "hevc": 4, "av1": 5},
    **{"gvc-refine": 2, "gvc-pack": 4, "gvc-pack-refine": 5},
}


def draw_curves(summary: Summary, metric: Metric, path: Path) -> None:
    """Draw one curve a codec, means over clips, rate on a logarithmic axis; write a PNG."""
    figure = Figure(figsize=(7.2, 4.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for codec in summary.codecs:
        curve = mean_curve(summary.of(codec.name), metric)
        colour, marker, style = _LOOKS[_PLACES.get(codec.name, len(_LOOKS) - 1)]
        axes.plot(
            curve.kbps, curve.scores,
            color=colour, marker=marker, linestyle=style, markersize=5, label=codec.title,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(_ticks(*axes.get_xlim()))
    if not metric.higher_is_better:
        axes.invert_yaxis()
    better = "higher" if metric.higher_is_better else "lower"
    unit = " [dB]" if metric.name == "psnr_y" else ""
    axes.set_xlabel("kb/s")
    axes.set_ylabel(f"{metric.title}{unit}, {better} is better")
    count = len(summary.clips)
    axes.set_title(f"{metric.title}: mean of {count} clip{'s' if count != 1 else ''}, up is better")
    axes.grid(which="both", alpha=0.25)
    axes.legend(fontsize="small")
    figure.savefig(path)


def _ticks(low: float, high: float) -> list[float]:
    """Round rates between two others."""
    steps = (1, 2, 3, 5, 7)
    rates = [step * 10.0**power for power in range(-2, 5) for step in steps]
    return [rate for rate in rates if low <= rate <= high]
