"""Options that mean the same wherever they are: decorators of commands."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from gvc.codec.settings import Precision


def _default_threads() -> int:
    from gvc.codec.settings import default_threads

    return default_threads()


class FiniteRange(click.FloatRange):
    """A number with bounds; "nan" and "inf", which no bound keeps out, are none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number.

        :raises click.BadParameter: if it is not finite, or out of bounds.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


#: What generators of random numbers take.
SEED = click.IntRange(0, (1 << 63) - 1)

weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="Weights in place of the shipped."
)
metric_weights_option = click.option(
    "--metric-weights",
    type=click.Path(path_type=Path),
    default=lambda: os.environ.get("GVC_METRIC_WEIGHTS"),
    help="Folder of LPIPS's networks.  [$GVC_METRIC_WEIGHTS]",
)
precision_option = click.option(
    "--precision",
    type=click.Choice([each.value for each in Precision]),
    default="auto",
    show_default=True,
    help="How pictures are computed; int8 is faster on a CPU with VNNI, which auto finds out.",
)
loss_option = click.option(
    "--loss",
    type=click.Choice(["distance", "lpips", "both"]),
    default="distance",
    show_default=True,
    help="To minimise: the distance that ships, LPIPS-squeeze, whose network does not, or both.",
)
device_option = click.option(
    "--device", default="cpu", show_default=True, help="cpu, cuda, cuda:1…"
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=_default_threads,
    help="CPU threads; results do not depend on it.  [all, up to 8]",
)
job_threads_option = click.option(
    "--threads", type=click.IntRange(1, 1024), help="CPU threads of each job.  [its share of all]"
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Files at once."
)
known_weights_option = click.option(
    "--weights", type=click.Path(path_type=Path), help="A weights file, or a folder."
)
known_packs_option = click.option(
    "--pack", type=click.Path(path_type=Path), help="A speaker pack (.gvcp), or a folder of them."
)
json_lines_option = click.option(
    "--json", "as_json", is_flag=True, help="A line for each file, for machines."
)
overwrite_option = click.option(
    "-y", "--overwrite", is_flag=True, help="Replace an existing output."
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Say at the end what was done.")
