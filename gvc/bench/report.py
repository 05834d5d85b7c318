"""The files that tell what a run came to."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from gvc.bench.figures import draw_curves
from gvc.bench.page import write_page
from gvc.bench.run import Results
from gvc.bench.settings import RdSettings
from gvc.bench.sheet import draw_sheet
from gvc.bench.summary import Summary, summarise_run


def write_report(results: Results) -> Summary:
    """Write ``results.csv``, ``summary.json``, figures, ``sheet.png`` and ``index.html``.

    :raises GvcError: if pictures for the sheet have to be coded again, and that fails.
    """
    output = results.settings.output
    summary = summarise_run(results.codecs, results.records)
    _write_csv(summary, output / "results.csv")
    told = {"settings": described(results.settings), **summary.as_dict()}
    (output / "summary.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8"
    )
    for metric in summary.metrics:
        draw_curves(summary, metric, output / f"rd-{metric.name}.png")
    sheet = output / "sheet.png"
    if not draw_sheet(results, sheet):
        sheet.unlink(missing_ok=True)
    write_page(summary, described(results.settings), output)
    return summary


def described(settings: RdSettings) -> dict[str, Any]:
    """Settings as plain values, without those that change nothing."""
    chosen, options = settings.selection, dict(settings.options)
    return {
        "sources": [str(source) for source in settings.sources],
        "split": str(chosen.split),
        "kind": str(chosen.kind or "all"),
        "per_identity": chosen.per_identity or "unlimited",
        "limit": chosen.limit or "unlimited",
        "size": settings.size,
        "frames": settings.frames,
        "lpips_every": settings.every,
        "weights": str(settings.weights or "as shipped"),
        "options": " ".join(f"{name}={value}" for name, value in options.items()) or "default",
    }


def _write_csv(summary: Summary, path: Path) -> None:
    kinds = list(dict.fromkeys(kind for record in summary.records for kind in record.split))
    names = [metric.name for metric in summary.metrics]
    head = ["clip", "codec", "point", "frames", "seconds", "size", "kbps", *kinds, *names]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(head)
        for record in summary.records:
            rows.writerow(
                [
                    record.clip, record.codec, record.point, record.frames,
                    round(record.seconds, 4), record.size, round(record.kbps, 4),
                    *(record.split.get(kind, "") for kind in kinds),
                    *(
                        round(record.scores[name], 6) if name in record.scores else ""
                        for name in names
                    ),
                ]
            )  # fmt: skip
