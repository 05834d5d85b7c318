"""The mixture of flows equals torch's operators in float64, whatever runs it."""

from __future__ import annotations

import pytest
import torch

from gvc.ops import build_info, mix_flows

NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")

SIZES = [
    # flows, weights, dense motion
    ((8, 6), (16, 12), (32, 24)),
    ((5, 7), (5, 7), (5, 7)),
    ((3, 4), (5, 11), (7, 19)),
    ((1, 1), (1, 3), (2, 3)),
    ((9, 9), (7, 8), (10, 8)),
    ((16, 16), (8, 8), (4, 4)),  # areas are averaged
]


def inputs(sizes, *, channels_last=False, components=12):
    generator = torch.Generator().manual_seed(2)
    flow, weight, motion = sizes
    maps = 3 * torch.randn(2, components + 2, *weight, generator=generator)
    flows = torch.randn(2, 2 * components, *flow, generator=generator)
    if channels_last:
        maps = maps.contiguous(memory_format=torch.channels_last)
        flows = flows.contiguous(memory_format=torch.channels_last)
    carried = torch.randn(2, 2, *motion, generator=generator)
    return maps[:, :-2], flows.unflatten(1, (components, 2)), carried


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("foreground", "guided"), [(9, 4), (9, 0), (9, 9), (1, 1)])
@pytest.mark.parametrize("sizes", SIZES)
def test_it_equals_torch(sizes, foreground, guided, channels_last):
    given = inputs(sizes, channels_last=channels_last)
    found = mix_flows(*given, foreground=foreground, guided=guided)
    exact = mix_flows(*(one.double() for one in given), foreground=foreground, guided=guided)
    for one, other in zip(found, exact, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("spread", [1e-3, 30.0, 1e4])
def test_logits_of_any_size(spread):
    """One that stands out takes all; far below the others one has nothing."""
    logits, flows, carried = inputs(SIZES[0])
    found = mix_flows(logits * spread, flows, carried, foreground=9, guided=4)
    exact = mix_flows(
        (logits * spread).double(), flows.double(), carried.double(), foreground=9, guided=4
    )
    for one, other in zip(found, exact, strict=True):
        # A softmax is as exact as its logits.
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=2e-7 * max(50, spread))
    logits[:, 3] = 1e30
    logits[:, 10] = -float("inf")
    front, back = mix_flows(logits, flows, carried, foreground=9, guided=4)
    assert torch.isfinite(front).all()
    assert torch.isfinite(back).all()


def test_flows_that_are_no_numbers_stay_where_they_are():
    logits, flows, carried = inputs(SIZES[1])
    clean = mix_flows(logits, flows, carried, foreground=9, guided=4)
    flows[0, 2, 0, 2, 2] = float("nan")
    front, back = mix_flows(logits, flows, carried, foreground=9, guided=4)
    assert front[0, 0, 2, 2].isnan()
    assert torch.equal(back, clean[1])
    touched = front.isnan().sum()
    assert touched <= 4
    assert torch.equal(front[1], clean[0][1])


@NATIVE
def test_results_do_not_depend_on_threads():
    given = inputs(((24, 20), (48, 40), (96, 80)), channels_last=True, components=40)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found.append(mix_flows(*given, foreground=35, guided=17))
    finally:
        torch.set_num_threads(before)
    for tensors in zip(*found, strict=True):
        assert all(torch.equal(tensors[0], tensor) for tensor in tensors[1:])


def test_gradients_pass():
    mine = [tensor.clone().requires_grad_() for tensor in inputs(SIZES[2])]
    exact = [tensor.double().requires_grad_() for tensor in inputs(SIZES[2])]
    for given in (mine, exact):
        front, back = mix_flows(*given, foreground=9, guided=4)
        (front.square().sum() + back.square().sum()).backward()
    for one, other in zip(mine, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-3, atol=1e-4)


@NATIVE
def test_what_does_not_fit_is_refused():
    logits, flows, carried = inputs(SIZES[0])
    for given, foreground, guided in [
        ((logits, flows[:, :-1], carried), 9, 4),
        ((logits, flows, carried[:1]), 9, 4),
        ((logits, flows[:, :, :, :0], carried), 9, 4),
        ((logits, flows, carried), 12, 4),
        ((logits, flows, carried), 0, 0),
        ((logits, flows, carried), 9, 10),
    ]:
        with pytest.raises(ValueError, match="sizes"):
            mix_flows(*given, foreground=foreground, guided=guided)
