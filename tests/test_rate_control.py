"""Bit rates that are asked for: the account of a file, and files that keep to it."""

from __future__ import annotations

import io
import itertools
import subprocess

import av
import numpy as np
import pytest
from conftest import draw_head, run_gvc, write_clip

import gvc
from gvc.bitstream import FrameType
from gvc.codec.rate_control import (
    GREATEST_QP,
    LEAST_QP,
    PROBE_QPS,
    GroupRate,
    RateControl,
    RateCurve,
)
from gvc.codec.summary import summarise

SIZE = 128


def some_groups(count: int, seed: int) -> list[GroupRate]:
    """Groups of different lengths, some of which take four times as much as others."""
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(count):
        sizes = (
            6000 * rng.uniform(0.5, 2) * 2.0 ** (-(np.array(PROBE_QPS) - 22) / rng.uniform(5, 7))
        )
        groups.append(GroupRate(RateCurve(tuple(sizes)), rng.uniform(2, 10)))
    return groups


def run(control: RateControl, groups: list[GroupRate], seed: int) -> tuple[list[int], float]:
    """QPs, and bytes of a file whose groups take something else than expected, as they do."""
    rng = np.random.default_rng(seed)
    qps, total = [], 100.0
    for group in groups:
        ratio, motion = rng.uniform(0.85, 1.05), rng.uniform(20, 50)
        while True:
            qp = control.qp(group)
            keys = round(group.curve.size(qp) * ratio)
            size = round(keys + motion * group.seconds)
            control.learn(group, qp=qp, keys=keys, size=size)
            if not control.begins or control.qp(group) == qp:
                break
        control.coded(group, qp=qp, size=size)
        qps.append(qp)
        total += size
    return qps, total


@pytest.mark.parametrize("size", [200.0, 1000.0, 4321.0, 8000.0])
def test_a_curve_finds_the_qp_of_a_size(size):
    curve = RateCurve((9000.0, 3000.0, 900.0, 300.0))
    assert curve.size(curve.qp(size)) == pytest.approx(size, rel=0.01)
    for qp, known in zip(PROBE_QPS, curve.sizes, strict=True):
        assert curve.size(qp) == pytest.approx(known)


def test_a_curve_keeps_within_the_bounds():
    curve = RateCurve((9000.0, 3000.0, 900.0, 300.0))
    assert curve.qp(1e9) == pytest.approx(LEAST_QP, abs=0.02)
    assert curve.qp(1.0) == pytest.approx(GREATEST_QP, abs=0.02)
    sizes = [curve.size(qp) for qp in np.arange(LEAST_QP, GREATEST_QP, 0.5)]
    assert all(more > less for more, less in itertools.pairwise(sizes))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bit_rate", [1500, 4000, 9000])
def test_two_passes_keep_the_rate_at_one_quality(bit_rate, seed):
    groups = some_groups(20, seed)
    qps, total = run(RateControl(bit_rate, groups), groups, seed)
    seconds = sum(group.seconds for group in groups)
    assert total * 8 / seconds == pytest.approx(bit_rate, rel=0.03)
    assert max(qps) - min(qps) <= 4


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bit_rate", [1500, 4000, 9000])
def test_one_pass_keeps_the_rate_in_the_long_run(bit_rate, seed):
    groups = some_groups(40, seed)
    qps, total = run(RateControl(bit_rate), groups, seed)
    seconds = sum(group.seconds for group in groups)
    assert total * 8 / seconds == pytest.approx(bit_rate, rel=0.05)
    assert all(abs(after - before) <= 4 for before, after in itertools.pairwise(qps))


def coded(bit_rate: int, frames: int = 60, **options: str) -> bytes:
    file = io.BytesIO()
    chosen = {"key_preset": "faster", "bit_rate": str(bit_rate)} | options
    with gvc.open(file, "w", options=chosen, threads=2) as output:
        stream = output.add_stream("gvc", rate=25)
        for index in range(frames):
            picture = draw_head(index, SIZE, SIZE)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return file.getvalue()


def test_files_of_one_group_take_at_most_what_they_may():
    for bit_rate in (2000, 5000):
        rate = len(coded(bit_rate)) * 8 / 2.4
        assert 0.65 * bit_rate <= rate <= 1.02 * bit_rate


def test_a_stream_takes_its_bit_rate_as_in_pyav():
    file = io.BytesIO()
    with gvc.open(file, "w", options={"key_preset": "faster"}) as output:
        stream = output.add_stream("gvc", rate=25)
        assert stream.bit_rate is None
        stream.bit_rate = 3000
        for index in range(30):
            picture = draw_head(index, SIZE, SIZE)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    assert len(file.getvalue()) * 8 / 1.2 <= 3000 * 1.02


def test_more_than_key_frames_can_use_becomes_video():
    """Generated pictures get no better from some rate on; pictures coded one by one do."""
    summary = summarise(io.BytesIO(coded(150_000, frames=24)))
    assert summary.frames == {FrameType.VIDEO: 24}
    assert summary.size * 8 / 0.96 <= 150_000 * 1.05


def complaint(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    text = done.stderr.decode()
    assert done.returncode == code, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("passes", [1, 2])
def test_the_command_line_keeps_a_bit_rate(passes, tmp_path):
    source, target = tmp_path / "in.mp4", tmp_path / "out.gvc"
    write_clip(source, frames=75, width=SIZE, height=SIZE)
    options = ["--key-preset", "faster", "-g", 25, "--audio", "none", "--passes", passes]
    done = run_gvc("encode", source, target, "--bitrate", "5k", *options)
    assert done.returncode == 0, done.stderr
    summary = summarise(io.BytesIO(target.read_bytes()))
    assert 3500 <= summary.size * 8 / float(summary.seconds) <= 5250


def test_what_cannot_be_asked_for_is_said(tmp_path):
    source, target = tmp_path / "in.mp4", tmp_path / "out.gvc"
    write_clip(source, frames=5, width=SIZE, height=SIZE)

    def failed(*options: object) -> str:
        return complaint(run_gvc("encode", source, target, *options), code=2)

    assert "--key-qp" in failed("--bitrate", "5k", "--key-qp", 30)
    assert "out of range" in failed("--bitrate", "20")
    assert "bit rate" in failed("--bitrate", "fast")
    assert "bit rate" in failed("--passes", 2)
    assert "distance" in failed("--bitrate", "5k", "--max-distance", 0.2)
    piped = run_gvc("encode", "-", target, "--bitrate", "5k", "--passes", 2, input=b"")
    assert "two passes" in complaint(piped, code=2)
    assert not target.exists()
