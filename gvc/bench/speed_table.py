"""A run of ``gvc bench speed`` as text and as JSON."""

from __future__ import annotations

from typing import Any

from gvc.bench.sample import RATE
from gvc.bench.speed import SpeedReport


def speed_table(report: SpeedReport) -> str:
    """One line a figure, below what they depend on."""
    settings = report.settings
    name = settings.clip.name if settings.clip is not None else "a drawn head"
    lines = [
        f"{report.date}, {report.cpu}, {report.threads} threads, torch {report.torch}, "
        f"device {report.device}",
        f"{settings.size}×{settings.size}, {RATE} fps, {settings.seconds:g} s of {name}; warm, "
        f"medians of {settings.repeat}",
        "",
    ]
    width = max(len(figure.name) for figure in report.figures)
    if settings.paper:
        lines.append(f"{'':{width + 19}} × the paper's generator")
    for figure in report.figures:
        ratio = f"{figure.ratio:10.1f}" if figure.ratio is not None else ""
        value = f"{figure.value:9.{_decimals(figure.value)}f}"
        lines.append(f"{figure.name:{width}} {value} {figure.unit:8} {ratio}".rstrip())
    return "\n".join(lines)


def speed_json(report: SpeedReport) -> dict[str, Any]:
    """All that is known, in nested dictionaries of plain values; the keys are stable."""
    settings = report.settings
    return {
        "date": report.date,
        "cpu": report.cpu,
        "device": report.device,
        "torch": report.torch,
        "threads": report.threads,
        "clip": settings.clip.name if settings.clip is not None else None,
        "size": settings.size,
        "seconds": settings.seconds,
        "repeat": settings.repeat,
        "figures": [
            {
                "name": figure.name,
                "value": figure.value,
                "unit": figure.unit.value,
                "ratio": figure.ratio,
            }
            for figure in report.figures
        ],
    }


def _decimals(value: float) -> int:
    """As many as three figures need."""
    return 0 if value >= 100 else 1 if value >= 10 else 2
