"""The warp equals torch's grid_sample, forward and backward, whatever runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional

from gvc.ops import build_info, warp

ROOT = Path(__file__).resolve().parents[1]
NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")

SHAPES = [
    # features, grid height and width
    ((3, 5, 17, 13), 9, 21),
    ((1, 8, 16, 16), 7, 5),
    ((2, 3, 1, 9), 4, 4),
    ((1, 33, 31, 2), 64, 33),
    ((2, 1, 6, 6), 8, 8),
]


def reference(features: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    return functional.grid_sample(
        features.expand(len(grid), -1, -1, -1), grid, padding_mode="border", align_corners=False
    )


def inputs(shape, height, width, *, channels_last, reach=1.3):
    generator = torch.Generator().manual_seed(5)
    features = torch.randn(shape, generator=generator)
    if channels_last:
        features = features.contiguous(memory_format=torch.channels_last)
    batch = 3 if shape[0] == 1 else shape[0]
    grid = (torch.rand(batch, height, width, 2, generator=generator) * 2 - 1) * reach
    return features, grid


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("shape", "height", "width"), SHAPES)
def test_forward_and_backward_equal_grid_sample(shape, height, width, channels_last):
    features, grid = inputs(shape, height, width, channels_last=channels_last)
    mine = [tensor.clone().requires_grad_() for tensor in (features, grid)]
    exact = [tensor.double().requires_grad_() for tensor in (features, grid)]
    output, expected = warp(*mine), reference(*exact)
    torch.testing.assert_close(output.double(), expected, rtol=1e-5, atol=1e-5)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    (output * weights).sum().backward()
    (expected * weights).sum().backward()
    for one, other in zip(mine, exact, strict=True):
        torch.testing.assert_close(one.grad.double(), other.grad, rtol=1e-4, atol=1e-5 * width)


@NATIVE
@pytest.mark.parametrize("channels_last", [False, True])
def test_results_do_not_depend_on_threads(channels_last):
    features, grid = inputs((1, 16, 64, 64), 96, 80, channels_last=channels_last)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            one, other = features.clone().requires_grad_(), grid.clone().requires_grad_()
            output = warp(one, other)
            output.square().sum().backward()
            found.append((output.detach(), one.grad, other.grad))
    finally:
        torch.set_num_threads(before)
    for tensors in zip(*found, strict=True):
        assert all(torch.equal(tensors[0], tensor) for tensor in tensors[1:])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, -1e30])
def test_positions_from_anywhere_stay_inside(value):
    features, grid = inputs((2, 4, 8, 8), 5, 6, channels_last=True)
    grid[:, ::2] = value
    output = warp(features, grid.requires_grad_())
    assert torch.isfinite(output).all()
    assert output.min() >= features.min()
    assert output.max() <= features.max()
    output.sum().backward()
    assert (grid.grad[:, ::2] == 0).all()


def test_memory_format_is_kept_and_other_types_work():
    features, grid = inputs((2, 8, 9, 9), 9, 9, channels_last=True)
    assert warp(features, grid).is_contiguous(memory_format=torch.channels_last)
    doubled = warp(features.double(), grid.double())
    torch.testing.assert_close(doubled, reference(features.double(), grid.double()))


@NATIVE
def test_wrong_arguments_are_refused():
    from gvc import _native

    good = torch.zeros(1, 1, 4, 4)
    grid = torch.zeros(1, 4, 4, 2)

    def described(tensor, size=None):
        return tensor.data_ptr(), size or tuple(tensor.shape), tensor.stride()

    for size in [(1, 1, 4, 5), (2, 1, 4, 4), (1, 1, -4, 4), (1, 1, 2**62, 4)]:
        with pytest.raises(ValueError, match="sizes"):
            _native.warp_forward(described(good), described(grid), described(good, size), False, 1)


@pytest.mark.parametrize("header", sorted((ROOT / "csrc").rglob("*.h")), ids=lambda path: path.name)
def test_each_header_compiles_alone(header, tmp_path):
    source = tmp_path / "alone.cpp"
    source.write_text(f'#include "{header}"\n')
    command = ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    try:
        done = subprocess.run(
            [*command, f"-I{ROOT}/csrc/include", str(source)], capture_output=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no C++ compiler on this machine")
    assert done.returncode == 0, done.stderr.decode()


def test_without_a_compiler_the_package_still_builds(tmp_path):
    """The native module is left out, and the fallback says so and works."""
    environment = {"CC": "/bin/false", "CXX": "/bin/false", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build", "--build-base", str(tmp_path / "base"),
         "--build-lib", str(tmp_path / "lib")],
        cwd=ROOT, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert not list((tmp_path / "lib").rglob("_native*.so"))
    program = (
        # An editable installation would find its own native module for the package built here.
        "import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]; "
        "import torch; from gvc.ops import build_info, warp; "
        "assert build_info()['native'] is False; "
        "print(warp(torch.ones(1, 2, 4, 4), torch.zeros(1, 3, 3, 2)).sum().item())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")},
        capture_output=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.stdout.decode().strip() == "18.0", ran.stderr.decode()
