"""The spread of keypoints equals its definition in float64, whatever runs it."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as functional

from gvc.ops import KeypointField, build_info, spread_keypoints

NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")


def field(*, count=2, points=62, labels=4, scale=0.2) -> KeypointField:
    generator = torch.Generator().manual_seed(4)

    def draw(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator)

    return KeypointField(
        middle=0.2 * draw(count, 1, 2),
        scale=scale * (1 + torch.rand(count, 1, 1, generator=generator)),
        centres=draw(count, points, 2),
        displacements=0.1 * draw(count, points, 2),
        labels=draw(points, labels),
        log_reach=-2 + 0.5 * draw(points),
        log_far=torch.tensor([-0.7]),
        log_share=torch.tensor([-3.0]),
        log_still=torch.tensor([-5.0]),
    )


def doubled(given: KeypointField) -> KeypointField:
    names = [one.name for one in dataclasses.fields(given)]
    return KeypointField(**{name: getattr(given, name).double() for name in names})


def definition(given: KeypointField, size: int) -> list[torch.Tensor]:
    """Weights of all pixels and keypoints, one by one."""

    def weights(side: int, log_reach: torch.Tensor) -> torch.Tensor:
        axis = (torch.arange(side).double() * 2 + 1) / side - 1
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        place = (torch.stack([x, y], dim=2)[None] - given.middle[:, None]) / given.scale[:, None]
        distance = (place[:, :, :, None] - given.centres[:, None, None]).norm(dim=4)
        return (1 + (distance / log_reach.exp()) ** 2) ** -3

    def spread(weight: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nyxk,nkc->ncyx", weight, values)

    near, far = weights(size, given.log_reach), weights(max(1, size // 4), given.log_far)
    moves = torch.cat([given.displacements, torch.ones_like(given.displacements[:, :, :1])], dim=2)
    far_moves = functional.interpolate(spread(far, moves), size=(size, size), mode="bilinear")
    both = spread(near, moves) + given.log_share.exp() * far_moves
    whole = both[:, 2:] + given.log_still.exp()
    labels = spread(near, given.labels.expand(len(near), -1, -1))
    labels = labels / (near.sum(dim=3)[:, None] + 0.1)
    return [-both[:, :2] / whole, both[:, 2:] / whole, labels]


@pytest.mark.parametrize(
    ("size", "kinds"),
    [
        (32, {}),
        (37, {"count": 1, "points": 5, "labels": 1}),
        (1, {"points": 1}),
        (6, {"points": 63, "scale": 0.02}),
        (3, {"labels": 7}),
        (128, {"count": 1}),
    ],
)
def test_it_equals_its_definition(size, kinds):
    given = field(**kinds)
    expected = definition(doubled(given), size)
    for run in (given, doubled(given)):
        for one, other in zip(spread_keypoints(run, size), expected, strict=True):
            torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=2e-5)


def test_strided_input():
    given = field()
    strided = dataclasses.replace(
        given,
        centres=given.centres.mT.contiguous().mT,
        displacements=given.displacements[:1].expand(2, -1, -1),
        labels=given.labels.mT.contiguous().mT,
    )
    plain = dataclasses.replace(
        strided, displacements=strided.displacements.contiguous(), centres=given.centres
    )
    for one, other in zip(spread_keypoints(strided, 16), spread_keypoints(plain, 16), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("value", [1e18, -1e18])
def test_points_from_far_away_weigh_nothing(value):
    given = field()
    given.centres[:, :3] = value
    for maps in spread_keypoints(given, 16):
        assert torch.isfinite(maps).all()


def test_a_point_that_is_no_number_is_its_frames_own_affair():
    given = field()
    clean = spread_keypoints(given, 16)
    given.centres[0, 5] = float("nan")
    found = spread_keypoints(given, 16)
    assert found[0][0].isnan().all()
    for one, other in zip(found, clean, strict=True):
        assert torch.equal(one[1], other[1])


@NATIVE
def test_results_do_not_depend_on_threads():
    given = field(count=3)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found.append(spread_keypoints(given, 96))
    finally:
        torch.set_num_threads(before)
    for tensors in zip(*found, strict=True):
        assert all(torch.equal(tensors[0], tensor) for tensor in tensors[1:])


def test_gradients_pass():
    given = field()
    given.displacements.requires_grad_()
    spread_keypoints(given, 16)[0].square().sum().backward()
    assert given.displacements.grad.abs().max() > 0


@NATIVE
def test_what_does_not_fit_is_refused():
    given = field()
    for wrong in [
        dataclasses.replace(given, displacements=given.displacements[:1]),
        dataclasses.replace(given, labels=given.labels[1:]),
        dataclasses.replace(given, centres=given.centres[:, :0]),
    ]:
        with pytest.raises(ValueError, match="sizes"):
            spread_keypoints(wrong, 16)
    with pytest.raises(ValueError, match="sizes"):
        spread_keypoints(given, 0)
