"""What a comparison says of single clips: the worst one, and the share that is lost."""

from __future__ import annotations

import pytest

from gvc.bench.curves import BdRate
from gvc.bench.summary import Comparison
from gvc.bench.tables import of_clips


def comparison(**percents: float | None) -> Comparison:
    by_clip = {clip: BdRate(percent, 0.5) for clip, percent in percents.items()}
    return Comparison("vvc", "lpips_alex", BdRate(-50.0, 1.0), by_clip)


def test_the_worst_clip_is_the_one_that_needs_most():
    found = comparison(calm=-80.0, lively=12.5, none=None, nod=-40.0)
    assert found.worst == ("lively", 12.5)
    assert found.lost == pytest.approx(1 / 3)
    assert of_clips(found) == "-35.8 % (3), worst +12.5 %, lost 33%"


def test_without_figures_nothing_is_won_or_lost():
    found = comparison(one=None)
    assert found.worst is None
    assert found.lost is None
    assert of_clips(found) == "– (0)"
