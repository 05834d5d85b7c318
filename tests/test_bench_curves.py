"""Curves of rate and score: BD-rates, and what a greatest distance saves."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from conftest import write_clip
from metric_weights import weights_folder

pytest.importorskip("bjontegaard", reason="the extra gvc[bench] is not installed")

from gvc.bench.clips import Selection, find_clips
from gvc.bench.curves import Curve, bd_rate
from gvc.bench.rho import RhoPoint, RhoRow, RhoSettings, measure_rho, rate_at, rho_table
from gvc.bench.scores import METRICS
from gvc.bitstream import FrameType

LPIPS, PSNR = METRICS[0], METRICS[-1]

pytestmark = pytest.mark.usefixtures("torch_threads")


# Deltas


def curve(rates, scores) -> Curve:
    return Curve(tuple(rates), tuple(scores))


@pytest.mark.parametrize("metric", [PSNR, LPIPS], ids=lambda metric: metric.name)
def test_bd_rate_of_known_curves(metric):
    rates = (2.0, 4.0, 8.0, 16.0)
    scores = (28.0, 30.5, 32.0, 33.0) if metric is PSNR else (0.4, 0.25, 0.15, 0.1)
    anchor = curve(rates, scores)
    assert bd_rate(anchor, anchor, metric).percent == pytest.approx(0, abs=1e-6)
    half = curve((rate / 2 for rate in rates), scores)
    assert bd_rate(anchor, half, metric).percent == pytest.approx(-50)
    assert bd_rate(half, anchor, metric).percent == pytest.approx(100)
    assert bd_rate(anchor, half, metric).overlap == pytest.approx(1)


def test_bd_rate_is_none_where_curves_say_nothing():
    rates = (2.0, 4.0, 8.0, 16.0)
    low, high = curve(rates, (20, 21, 22, 23)), curve(rates, (30, 31, 32, 33))
    assert bd_rate(low, high, PSNR).percent is None
    assert "above" in bd_rate(low, high, PSNR).reason
    assert "below" in bd_rate(high, low, PSNR).reason
    touching = bd_rate(low, curve(rates, (22.9, 25, 27, 29)), PSNR)
    assert (touching.percent, "share only" in touching.reason) == (None, True)
    falling = bd_rate(low, curve(rates, (23, 22, 21, 20)), PSNR)
    assert (falling.percent, "fewer" in falling.reason) == (None, True)


def test_points_that_buy_nothing_are_left_out():
    rates = (2.0, 4.0, 8.0, 16.0)
    anchor = curve(rates, (28.0, 30.5, 32.0, 33.0))
    with_waste = curve((2.0, 3.0, 4.0, 8.0, 16.0), (28.0, 27.0, 30.5, 32.0, 33.0))
    assert bd_rate(anchor, with_waste, PSNR).percent == pytest.approx(0, abs=1e-6)


# With a greatest distance


def rho_point(kbps: float, lpips: float, worst: float = 0.2) -> RhoPoint:
    types = Counter({FrameType.KEY: 1, FrameType.INTERPOLATED: 3})
    return RhoPoint(kbps, lpips, {"shipped": worst, "lpips": worst}, types)


def test_the_rate_of_the_plain_encoder_is_read_off_its_curve():
    # The third is dearer than the first and no better.
    curve = [rho_point(2, 0.3), rho_point(8, 0.1), rho_point(4, 0.35)]
    assert rate_at(curve, 0.3) == pytest.approx(2)
    assert rate_at(curve, 0.2) == pytest.approx(4)
    assert rate_at(curve, 0.1) == pytest.approx(8)
    assert rate_at(curve, 0.09) is None
    assert rate_at(curve, 0.31) is None


def test_the_table_says_what_a_greatest_distance_saves():
    points = (rho_point(3, 0.2), rho_point(5, 0.1, worst=0.25))
    rows = [RhoRow("shipped", None, points, (4.0, None)), RhoRow("lpips", 0.25, points, (4.0, 6.0))]
    lines = rho_table(rows).splitlines()
    assert "| shipped | none | 4.00 | 4.00 | +25.0 % |" in lines[2]
    assert (
        "| lpips | 0.25 | 4.00 | 5.00 | +20.0 % | 0.1500 | 25.0 | 0.0 | 0.0 | 75.0 | 0.0 |"
        in lines[3]
    )
    assert lines[3].endswith("| 0.2500 |")


def test_rates_with_a_greatest_distance_are_measured(tmp_path):
    clip = write_clip(tmp_path / "head.mp4", width=128, height=128, frames=6)
    told: list[str] = []
    settings = RhoSettings(
        limits=(0.3,),
        distances=("shipped", "lpips"),
        key_qp=42,
        plain_qps=(37, 47),
        plain_steps=(Fraction(1),),
        size=128,
        frames=6,
        every=2,
        metric_weights=weights_folder(),
        threads=1,
    )
    rows = measure_rho(find_clips([clip], Selection()), settings, on_point=told.append)
    assert [row.limit for row in rows] == [None, 0.3, None, 0.3]
    for row in rows[1::2]:
        (limited,) = row.points
        assert limited.worst[row.distance] <= 0.3
        assert limited.types.total() == 6
    assert len(told) == 5
