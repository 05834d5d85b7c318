"""``gvc bench adaptation``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gvc.cli.lists import parse_qps
from gvc.cli.options import (
    device_option,
    loss_option,
    metric_weights_option,
    quiet_option,
    threads_option,
)
from gvc.cli.progress import lines, record_lines

if TYPE_CHECKING:
    from gvc.bench.records import Record


@click.command("adaptation")
@click.argument(
    "sources", nargs=-1, required=True, metavar="SOURCES...", type=click.Path(path_type=Path)
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of results."
)
@click.option("--limit", type=click.IntRange(1), help="Most clips, different people first.")
@click.option("--size", default=256, show_default=True, help="Side of the square pictures.")
@click.option("--frames", default=150, show_default=True, help="Most pictures that are coded.")
@click.option(
    "--whole", is_flag=True, help="Learn from what is coded, not from the first half of a clip."
)
@click.option("--key-qp", "key_qps", default="22,32,42", show_default=True, callback=parse_qps)
@click.option("--refine", default=8, show_default=True, help="Steps of the refined variants.")
@click.option("--steps", default=600, show_default=True, help="Of gvc adapt.")
@click.option("--seconds", default=240.0, show_default=True, help="Of gvc adapt.")
@click.option("--worth", type=click.FloatRange(0), help="Of gvc adapt.")
@loss_option
@click.option("--every", default=4, show_default=True, help="LPIPS looks at so manieth pictures.")
@metric_weights_option
@device_option
@threads_option
@quiet_option
def adaptation(
    sources: tuple[Path, ...],
    output: Path,
    limit: int | None,
    size: int,
    frames: int,
    whole: bool,
    key_qps: tuple[int, ...],
    refine: int,
    steps: int,
    seconds: float,
    worth: float | None,
    loss: str,
    every: int,
    metric_weights: Path | None,
    device: str,
    threads: int | None,
    quiet: bool,
) -> None:
    """What --refine and gvc adapt gain: distances and rates of four variants, and a figure.

    SOURCES are video files, or folders with a clips.tsv, of which the talking heads of split val
    count. What is measured already is not measured again.
    """
    from gvc.bench.adaptation import AdaptationSettings, adaptation_table, run_adaptation
    from gvc.bench.clips import Selection, find_clips
    from gvc.bench.figures import draw_curves
    from gvc.bench.run import check_extra
    from gvc.bench.scores import METRICS, Scorer
    from gvc.bench.summary import summarise_run
    from gvc.training.speaker import AdaptSettings, Loss, adapt

    check_extra()
    settings = AdaptationSettings(
        clips=tuple(find_clips(sources, Selection(limit=limit))),
        output=output,
        key_qps=key_qps,
        refine=refine,
        frames=frames,
        whole=whole,
        learning=f"{steps} {seconds} {worth} {loss}",
        size=size,
        device=device,
        threads=threads,
    )

    def learn(video: Path, pack: Path) -> None:
        asked = AdaptSettings(
            (video,),
            size=size,
            steps=steps,
            seconds=seconds,
            worth=worth,
            loss=Loss(loss),
            metric_weights=metric_weights,
            device=device,
            threads=threads,
        )
        made = adapt(asked, report=record_lines(quiet=quiet)).pack
        if made is not None:
            pack.write_bytes(made.data)

    say = lines(quiet=quiet)

    def tell(record: Record) -> None:
        scores = f"{record.scores['lpips_alex']:.4f} {record.scores['lpips_squeeze']:.4f}"
        what = f"{record.clip} {record.codec} {record.point}"
        say(f"{what} {record.kbps:.2f} kb/s, LPIPS {scores}")

    judge = Scorer(weights=metric_weights, every=every, device=device, threads=threads)
    codecs, records = run_adaptation(settings, judge=judge, learn=learn, on_record=tell)
    summary = summarise_run(codecs, records)
    for metric in METRICS[:2]:
        draw_curves(summary, metric, output / f"adaptation-{metric.name}.png")
    click.echo(adaptation_table(codecs, records))
