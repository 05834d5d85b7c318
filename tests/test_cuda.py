"""The CUDA kernels equal torch's operators in float64.

Without a GPU their own code runs as loops on the CPU (``kernels_on_cpu.cpp``): what one thread
makes of one element, not how threads are started. With a GPU, and ``GVC_CUDA=1`` when the package
was built, the same tests run there through ``gvc.ops``.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import random
import shutil
import subprocess

import pytest
import torch
from conftest import ROOT
from cuda_kernels import Gpu, Loops, each
from torch import Tensor
from torch.nn.functional import grid_sample

from gvc.ops import (
    Branches,
    KeypointField,
    YuvMatrix,
    blend_warped,
    build_info,
    compose_planes,
    mix_flows,
    spread_keypoints,
    warp_by_flow,
    warp_by_flows,
)

SOURCES = sorted((ROOT / "csrc" / "cuda").glob("*.cu"))
FAR = [float("nan"), float("inf"), -float("inf"), 1e30, -1e30]


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> ctypes.CDLL:
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler on this machine")
    target = tmp_path_factory.mktemp("kernels") / "kernels_on_cpu.so"
    source = ROOT / "tests" / "kernels_on_cpu.cpp"
    done = subprocess.run(
        [compiler, "-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror",
         "-shared", "-fPIC", f"-I{ROOT}/csrc/include", f"-I{ROOT}/csrc/cuda", str(source),
         "-o", str(target)],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return ctypes.CDLL(str(target))


@pytest.fixture(params=["loops", "gpu"])
def kernels(request) -> Loops | Gpu:
    if request.param == "loops":
        return Loops(request.getfixturevalue("library"))
    if not torch.cuda.is_available():
        pytest.skip("no GPU on this machine")
    if not build_info()["cuda"]:
        pytest.skip("built without CUDA kernels")
    return Gpu()


class Draw:
    """Shapes, layouts and values by chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.generator = torch.Generator().manual_seed(seed)

    def whole(self, least: int, most: int) -> int:
        return self.chance.randint(least, most)

    def size(self, most: int = 33) -> tuple[int, int]:
        return self.whole(1, most), self.whole(1, most)

    def coarse(self, size: tuple[int, int]) -> tuple[int, int]:
        """A size that is not twice as large along both sides: that would be averaged."""
        return self.whole(1, 2 * size[0] - 1), self.whole(1, 2 * size[1])

    def normal(self, *size: int) -> Tensor:
        values = torch.randn(*size, generator=self.generator)
        last = len(size) == 4 and self.chance.random() < 0.5
        return values.contiguous(memory_format=torch.channels_last) if last else values


def warp_inputs(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Maps to blend into, features, displacement and gate."""
    draw = Draw(seed)
    count, channels, size = draw.whole(1, 3), draw.whole(1, 40), draw.size()
    features = draw.normal(draw.chance.choice([1, count]), channels, *size)
    inner = draw.normal(count, channels, *size)
    displacement = draw.normal(count, 2, *draw.coarse(size))
    return inner, features, displacement, draw.normal(count, 1, *draw.coarse(size)).sigmoid()


def close(found: Tensor, expected: Tensor, tolerance: float = 5e-5) -> None:
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=tolerance, equal_nan=True)


def doubled(tensors: tuple[Tensor, ...]) -> list[Tensor]:
    return [one.double() for one in tensors]


def readable(flow: Tensor) -> Tensor:
    """A flow in float64 that reads what this one does: the first pixel for what is no number."""
    return flow.double().nan_to_num(nan=-1e30, posinf=1e30, neginf=-1e30)


@pytest.mark.parametrize("seed", range(12))
def test_warps_and_blends(kernels, seed):
    inner, features, displacement, gate = warp_inputs(seed)
    exact = doubled((inner, features, displacement, gate))
    close(kernels.warp_by_flow(features, displacement), warp_by_flow(*exact[1:3]))
    close(kernels.blend_warped(inner.clone(), features, displacement, gate), blend_warped(*exact))


@pytest.mark.parametrize("value", FAR)
@pytest.mark.parametrize("seed", range(4))
def test_warps_by_flows_from_anywhere(kernels, seed, value):
    inner, features, _, gate = warp_inputs(seed)
    displacement = Draw(seed).normal(len(inner), 2, *features.shape[-2:])
    displacement[:, :, ::2, ::3] = value
    exact = doubled((inner, features, gate))
    close(
        kernels.warp_by_flow(features, displacement),
        warp_by_flow(exact[1], readable(displacement)),
    )
    close(
        kernels.blend_warped(inner.clone(), features, displacement, gate),
        blend_warped(exact[0], exact[1], readable(displacement), exact[2]),
    )


@pytest.mark.parametrize("value", FAR)
def test_resized_flows_from_anywhere_read_inside(kernels, value):
    inner, features, _, _ = warp_inputs(3)
    displacement = Draw(3).normal(len(inner), 2, 2, 3)
    displacement[:, :, :, 1] = value
    found = kernels.warp_by_flow(features, displacement)
    assert features.min() <= found.min() <= found.max() <= features.max()


def many_flows(seed: int) -> tuple[Tensor, Tensor, Tensor, int]:
    draw = Draw(seed)
    count, components, size = draw.whole(1, 3), draw.whole(1, 11), draw.size(15)
    picture = draw.normal(draw.chance.choice([1, count]), draw.whole(1, 4), *draw.size())
    flows = 0.6 * draw.normal(count, 2 * components, *size)
    carried = 0.2 * draw.normal(count, 2, *size)
    return picture, flows.unflatten(1, (components, 2)), carried, draw.whole(0, components)


@pytest.mark.parametrize("seed", range(12))
def test_many_flows(kernels, seed):
    *given, guided = many_flows(seed)
    close(kernels.warp_by_flows(*given, guided), warp_by_flows(*doubled(given), guided))


@pytest.mark.parametrize("value", FAR)
def test_many_flows_from_anywhere(kernels, value):
    picture, flows, carried, guided = many_flows(7)
    flows[:, ::2, :, ::2] = value
    expected = warp_by_flows(picture.double(), readable(flows), carried.double(), guided)
    close(kernels.warp_by_flows(picture, flows, carried, guided), expected)


def mixture_inputs(seed: int) -> tuple[tuple[Tensor, Tensor, Tensor], dict[str, int]]:
    draw = Draw(seed)
    count, components, size = draw.whole(1, 3), draw.whole(2, 40), draw.size(20)
    logits = 3 * draw.normal(count, components + 2, *size)
    flows = draw.normal(count, 2 * components, *draw.coarse(size))
    # The weights are resized to the motion carried: not to less than half of it along both sides.
    wide = size[0] // 2 + draw.whole(1, 20), draw.whole(1, 40)
    foreground = draw.whole(1, components - 1)
    counts = {"foreground": foreground, "guided": draw.whole(0, foreground)}
    given = logits[:, :-2], flows.unflatten(1, (components, 2)), draw.normal(count, 2, *wide)
    return given, counts


@pytest.mark.parametrize("seed", range(12))
def test_mixtures(kernels, seed):
    given, counts = mixture_inputs(seed)
    for found, expected in zip(
        kernels.mix_flows(*given, **counts), mix_flows(*doubled(given), **counts), strict=True
    ):
        close(found, expected, 2e-5)


@pytest.mark.parametrize("spread", [1e-3, 30.0, 1e4])
def test_mixtures_of_logits_from_anywhere(kernels, spread):
    (logits, flows, carried), counts = mixture_inputs(1)
    given = logits * spread, flows, carried
    for found, expected in zip(
        kernels.mix_flows(*given, **counts), mix_flows(*doubled(given), **counts), strict=True
    ):
        # A softmax is as exact as its logits.
        close(found, expected, 2e-7 * max(100, spread))
    logits[:, 0] = 1e30
    logits[:, -1] = -float("inf") if logits.shape[1] - counts["foreground"] > 1 else -1e30
    for found in kernels.mix_flows(*given, **counts):
        assert torch.isfinite(found).all()


@pytest.mark.parametrize("value", FAR)
def test_mixtures_of_flows_from_anywhere(kernels, value):
    draw = Draw(5)
    logits, flows = draw.normal(2, 12, 7, 5), draw.normal(2, 24, 7, 5).unflatten(1, (12, 2))
    carried = draw.normal(2, 2, 7, 5)
    flows[0, 2, 0, 2, 2] = value
    carried[1, 1, 3, 3] = value
    counts = {"foreground": 9, "guided": 4}
    given = logits, flows, carried
    for found, expected in zip(
        kernels.mix_flows(*given, **counts), mix_flows(*doubled(given), **counts), strict=True
    ):
        close(found, expected, 2e-5)


def keypoints(seed: int) -> KeypointField:
    draw = Draw(seed)
    count, points, labels = draw.whole(1, 3), draw.whole(1, 70), draw.whole(1, 19)
    return KeypointField(
        middle=0.2 * draw.normal(count, 1, 2),
        scale=0.2 + 0.2 * draw.normal(count, 1, 1).sigmoid(),
        centres=draw.normal(count, points, 2),
        displacements=0.1 * draw.normal(count, points, 2),
        labels=draw.normal(points, labels),
        log_reach=-2 + 0.5 * draw.normal(points),
        log_far=torch.tensor([-0.7]),
        log_share=torch.tensor([-3.0]),
        log_still=torch.tensor([-5.0]),
    )


@pytest.mark.parametrize(
    ("seed", "size"), [(0, 32), (1, 37), (2, 1), (3, 6), (4, 3), (5, 7), (6, 64)]
)
def test_keypoints(kernels, seed, size):
    given = keypoints(seed)
    expected = spread_keypoints(each(given, Tensor.double), size)
    for one, other in zip(kernels.spread_keypoints(given, size), expected, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("value", [1e18, -1e18, float("nan")])
def test_keypoints_from_anywhere(kernels, value):
    given = keypoints(8)
    others = [one[1:] for one in spread_keypoints(each(given, Tensor.double), 16)]
    given.centres[0, 0] = value
    found = kernels.spread_keypoints(given, 16)
    for one, other in zip(found, others, strict=True):
        assert one[0].isnan().any() if value != value else torch.isfinite(one[0]).all()
        torch.testing.assert_close(one[1:].double(), other, rtol=1e-4, atol=2e-5)


def branches(seed: int, *, gates: bool) -> Branches:
    draw = Draw(seed)
    count, fold = draw.whole(1, 3), draw.chance.choice([1, 2, 4])
    folded = 2 * draw.whole(1, 9), 2 * draw.whole(1, 9)
    size = fold * folded[0], fold * folded[1]
    return Branches(
        foreground=3 * draw.normal(count, (5 if gates else 4) * fold**2, *folded),
        background=3 * draw.normal(count, (4 if gates else 3) * fold**2, *folded),
        person=draw.normal(count, 1, *draw.coarse(size)),
        key=draw.normal(draw.chance.choice([1, count]), 3, *size).sigmoid(),
        foreground_motion=0.3 * draw.normal(count, 2, *draw.coarse(size)),
        background_motion=0.3 * draw.normal(count, 2, *draw.coarse(size)),
    )


def levels_apart(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype == torch.uint8
    return float((found.int() - expected.int()).abs().max())


@pytest.mark.parametrize("gates", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_composites(kernels, seed, gates):
    given, matrix = branches(seed, gates=gates), YuvMatrix(0.2126, 0.0722, bool(seed % 2))
    expected = compose_planes(each(given, Tensor.double), matrix)
    # Where both round, a hair more or less is another level.
    assert levels_apart(kernels.compose_planes(given, matrix), expected) <= 1


@pytest.mark.parametrize("value", FAR)
def test_composites_by_flows_from_anywhere(kernels, value):
    given, matrix = branches(3, gates=True), YuvMatrix(0.299, 0.114)
    motions = [torch.zeros(len(given.foreground), 2, *given.key.shape[-2:]) for _ in range(2)]
    for motion in motions:
        motion[:, :, ::2, ::3] = value
    given = dataclasses.replace(given, foreground_motion=motions[0], background_motion=motions[1])
    exact = each(given, Tensor.double)
    exact = dataclasses.replace(
        exact, foreground_motion=readable(motions[0]), background_motion=readable(motions[1])
    )
    found = kernels.compose_planes(given, matrix)
    assert levels_apart(found, compose_planes(exact, matrix)) <= 1


@pytest.mark.parametrize("seed", range(6))
def test_warps_by_grids(kernels, seed):
    draw = Draw(seed)
    count, channels = draw.whole(1, 3), draw.whole(1, 33)
    features = draw.normal(draw.chance.choice([1, count]), channels, *draw.size())
    grid = torch.rand(count, *draw.size(), 2, generator=draw.generator) * 2.6 - 1.3
    exact = [one.double().requires_grad_() for one in (features, grid)]
    expected = grid_sample(
        exact[0].expand(count, -1, -1, -1), exact[1], padding_mode="border", align_corners=False
    )
    found = kernels.warp(features, grid)
    close(found, expected.detach())
    grad = torch.randn(found.shape, generator=draw.generator)
    (expected * grad).sum().backward()
    for one, other in zip(kernels.warp_gradients(grad, features, grid), exact, strict=True):
        torch.testing.assert_close(one.double(), other.grad, rtol=1e-4, atol=1e-3)


def test_what_does_not_fit_is_refused(kernels):
    inner, features, displacement, gate = warp_inputs(0)
    (logits, flows, carried), counts = mixture_inputs(0)
    field, whole = keypoints(0), branches(0, gates=True)
    for refused in [
        lambda: kernels.blend_warped(inner, features, displacement[:, :1], gate),
        lambda: kernels.mix_flows(logits, flows[:, :-1], carried, **counts),
        lambda: kernels.mix_flows(logits, flows, carried, foreground=0, guided=0),
        lambda: kernels.spread_keypoints(
            dataclasses.replace(field, labels=torch.zeros(len(field.labels) + 1, 2)), 16
        ),
        lambda: kernels.compose_planes(
            dataclasses.replace(whole, background=whole.background[:, 1:]), YuvMatrix(0.3, 0.1)
        ),
    ]:
        with pytest.raises(ValueError, match="sizes"):
            refused()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_each_source_compiles(source, tmp_path):
    home = os.environ.get("CUDA_HOME")
    nvcc = shutil.which("nvcc") or (shutil.which("nvcc", path=f"{home}/bin") if home else None)
    if nvcc is None:
        pytest.skip("no nvcc on this machine")
    done = subprocess.run(
        [nvcc, "-std=c++17", "-arch=sm_80", f"-I{ROOT}/csrc/include", "-c", str(source),
         "-o", str(tmp_path / "compiled.o")],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(
    not build_info()["native"] or bool(build_info()["cuda"]), reason="built with CUDA kernels"
)
def test_kernels_that_were_not_built_refuse():
    from gvc import _native

    array = 0, (1, 2, 4, 4), (32, 16, 4, 1)
    with pytest.raises(RuntimeError, match="refused"):
        _native.warp_by_flow(array, array, array, array, array, threads=1, cuda=True)
