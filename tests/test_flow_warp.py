"""Warps by coarse flows equal torch's operators in float64, whatever runs them."""

from __future__ import annotations

import pytest
import torch

from gvc.ops import blend_warped, build_info, warp_by_flow, warp_by_flows

NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")

SHAPES = [
    # features, height and width of the flow, of the gate
    ((1, 32, 24, 20), (24, 20), (12, 10)),
    ((3, 37, 17, 13), (9, 7), (17, 13)),
    ((1, 3, 33, 18), (5, 6), (33, 18)),
    ((3, 1, 1, 9), (1, 2), (1, 1)),
    ((1, 5, 31, 2), (20, 2), (7, 1)),
    ((1, 16, 8, 8), (16, 16), (32, 40)),  # areas are averaged
]


def inputs(shape, flow, gate, *, channels_last, reach=1.0):
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(shape, generator=generator)
    inner = torch.randn(3, *shape[1:], generator=generator)
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
        inner = inner.contiguous(memory_format=torch.channels_last)
    displacement = (torch.rand(3, 2, *flow, generator=generator) * 2 - 1) * reach
    return inner, features, displacement, torch.rand(3, 1, *gate, generator=generator)


def doubled(tensors):
    return [tensor.double() for tensor in tensors]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("shape", "flow", "gate"), SHAPES)
def test_warps_and_blends_equal_torch(shape, flow, gate, channels_last):
    given = inputs(shape, flow, gate, channels_last=channels_last)
    exact = doubled(given)
    moved = warp_by_flow(given[1], given[2])
    torch.testing.assert_close(
        moved.double(), warp_by_flow(exact[1], exact[2]), rtol=1e-5, atol=5e-5
    )
    torch.testing.assert_close(
        blend_warped(*given).double(), blend_warped(*exact), rtol=1e-5, atol=5e-5
    )


def test_no_displacement_changes_nothing():
    features = torch.randn(1, 19, 11, 14).contiguous(memory_format=torch.channels_last)
    moved = warp_by_flow(features, torch.zeros(2, 2, 5, 7))
    torch.testing.assert_close(moved, features.expand(2, -1, -1, -1), rtol=0, atol=2e-6)
    assert moved.is_contiguous(memory_format=torch.channels_last)


def test_a_pixel_to_the_right_is_one_pixel():
    picture = torch.arange(8.0).expand(1, 1, 4, 8)
    shift = torch.zeros(1, 2, 4, 8)
    shift[:, 0] = 2 / 8
    moved = warp_by_flow(picture, shift)
    assert moved[0, 0, 2].tolist() == pytest.approx([1, 2, 3, 4, 5, 6, 7, 7], abs=1e-5)


def test_what_shares_memory_is_left_alone():
    inner, features, displacement, gate = inputs((1, 3, 8, 8), (8, 8), (8, 8), channels_last=True)
    maps = torch.cat([inner, inner], dim=1)
    before = maps.clone()
    blended = blend_warped(maps[:, :3], features, displacement, gate)
    assert torch.equal(maps, before)
    same = blend_warped(inner[:1].expand(3, -1, -1, -1), features, displacement, gate)
    assert same.shape == blended.shape


def test_strided_flows_and_gates():
    inner, features, displacement, gate = inputs((1, 20, 9, 8), (9, 8), (4, 4), channels_last=True)
    wide = torch.zeros(3, 7, 9, 16).contiguous(memory_format=torch.channels_last)
    wide[:, 2:4, :, ::2] = displacement
    expected = blend_warped(inner.clone(), features, displacement, gate)
    found = blend_warped(inner, features, wide[:, 2:4, :, ::2], gate.mT.contiguous().mT)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, -1e30])
@pytest.mark.parametrize("channels", [3, 24])
def test_flows_from_anywhere_read_inside(value, channels):
    inner, features, displacement, gate = inputs(
        (1, channels, 8, 8), (4, 4), (8, 8), channels_last=True
    )
    displacement[:, :, ::2] = value
    low, high = features.min(), features.max()
    moved = warp_by_flow(features, displacement)
    assert low <= moved.min() <= moved.max() <= high
    blended = blend_warped(inner, features, displacement, gate)
    assert torch.isfinite(blended).all()
    flows = displacement[:, None].expand(-1, 5, -1, -1, -1)
    under = warp_by_flows(features[:, :3], flows, torch.zeros_like(displacement), 2)
    assert features[:, :3].min() <= under.min() <= under.max() <= features[:, :3].max()


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("picture_batch", [1, 2])
@pytest.mark.parametrize(("picture", "size"), [((3, 12, 9), (12, 9)), ((4, 7, 5), (6, 11))])
def test_many_flows_equal_torch(picture, size, picture_batch, channels_last):
    generator = torch.Generator().manual_seed(3)
    thumbnail = torch.rand(picture_batch, *picture, generator=generator)
    flat = torch.randn(2, 22, *size, generator=generator) * 0.6
    if channels_last:
        flat = flat.contiguous(memory_format=torch.channels_last)
    carried = torch.randn(2, 2, *size, generator=generator) * 0.2
    found = warp_by_flows(thumbnail, flat.unflatten(1, (11, 2)), carried, 4)
    expected = warp_by_flows(
        thumbnail.double(), flat.double().unflatten(1, (11, 2)), carried.double(), 4
    )
    assert found.shape == (2, 11 * picture[0], *size)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


@NATIVE
def test_results_do_not_depend_on_threads():
    inner, features, displacement, gate = inputs((1, 32, 64, 48), (64, 48), (32, 24),
                                                 channels_last=True)  # fmt: skip
    flows = displacement[:, None, :, ::2, ::2].expand(-1, 40, -1, -1, -1)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            blended = blend_warped(inner.clone(), features, displacement, gate)
            under = warp_by_flows(features[:, :3], flows, displacement[:, :, ::2, ::2], 17)
            found.append((blended, warp_by_flow(features, displacement), under))
    finally:
        torch.set_num_threads(before)
    for tensors in zip(*found, strict=True):
        assert all(torch.equal(tensors[0], tensor) for tensor in tensors[1:])


def test_gradients_pass():
    given = inputs((1, 6, 9, 7), (4, 4), (5, 3), channels_last=False)
    mine = [tensor.clone().requires_grad_() for tensor in given]
    exact = [tensor.double().requires_grad_() for tensor in given]
    blend_warped(*mine).square().sum().backward()
    blend_warped(*exact).square().sum().backward()
    for one, other in zip(mine, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wrong", ["features", "displacement", "batch", "channels"])
def test_what_does_not_fit_is_refused(wrong):
    inner, features, displacement, gate = inputs((1, 6, 9, 7), (4, 4), (5, 3), channels_last=False)
    if wrong == "features":
        features, inner = features[:, :, :0], inner[:, :, :0]
    elif wrong == "displacement":
        displacement = displacement[:, :, :0]
    elif wrong == "batch":
        features = features.expand(2, -1, -1, -1)
    else:
        displacement = displacement[:, :1]
    with pytest.raises((ValueError, RuntimeError, ZeroDivisionError)):
        blend_warped(inner, features, displacement, gate)
