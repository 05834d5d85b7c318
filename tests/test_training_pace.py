"""How training runs: people of a learning curve, the log's rates, and arithmetic in bfloat16."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch
from torch import nn

from gvc.clips import Clip, Kind, Split
from gvc.training.clips import of_people
from gvc.training.pace import Pace
from gvc.training.precision import convolve_in_bfloat16, prefers_bfloat16


def clip(name: str, identity: str) -> Clip:
    return Clip(Path(name), identity, Split.TRAIN, Kind.TALKING_HEAD)


def test_fewer_people_are_among_more_of_them():
    clips = [clip(f"{number}.mp4", f"person{number % 10}") for number in range(25)]
    found = [{one.identity for one in of_people(clips, count, 3)} for count in (2, 5, 9, 10, 50)]
    assert [len(people) for people in found] == [2, 5, 9, 10, 10]
    assert found[0] < found[1] < found[2] < found[3]
    assert of_people(clips, None, 3) == clips
    assert all(one in of_people(clips, 5, 3) for one in clips if one.identity in found[1])


def test_the_log_tells_work_from_waiting():
    def slow():
        for number in range(3):
            time.sleep(0.05)
            yield number

    pace = Pace()
    for _ in pace.waiting_for(slow()):
        pace.pairs += 4
        time.sleep(0.05)
    seconds, rates = pace.lap()
    assert seconds >= 0.3
    assert rates["pairs_per_second"] == pytest.approx(12 / seconds, rel=0.01)
    assert 0.2 < rates["waiting"] < 0.8
    assert pace.lap()[1] == {"pairs_per_second": 0.0, "waiting": 0.0}


def test_only_convolutions_are_rounded():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 4, 3))
    picture = torch.rand(2, 8, 20, 20, requires_grad=True)
    exact = network(picture)
    convolve_in_bfloat16(network)
    rounded = network(picture)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).abs().max() < 0.02 * exact.abs().max()
    rounded.square().mean().backward()
    assert picture.grad is not None
    assert network[0].weight.grad.dtype == torch.float32
    assert set(network.state_dict()) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_graphics_processors_take_bfloat16():
    assert prefers_bfloat16(torch.device("cuda"))
    assert isinstance(prefers_bfloat16(torch.device("cpu")), bool)
