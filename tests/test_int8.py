"""Generators in 8-bit integers: close to float32, and the same however they are run."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gvc
from gvc.errors import UsageError, WeightsError
from gvc.model import int8, ranges, weights
from gvc.model.inference import RectifiedConvolution, for_inference
from gvc.model.int8 import Int8Convolution, in_integers
from gvc.model.layers import AddedConvolution
from gvc.model.mttf import network_from
from gvc.model.ranges import Range, Ranges
from gvc.ops import quantise
from gvc.ops.build import native

PORTRAIT = Path(__file__).parents[1] / "examples" / "portrait.gvc"

VNNI = pytest.mark.skipif(not int8.is_fast(), reason="needs a CPU with AVX-512 VNNI")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


# ── quantised features ──


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 7), (3, 33, 17, 2), (1, 8, 64, 300)])
@pytest.mark.parametrize("threads", [1, 3])
def test_numbers_are_the_nearest(shape, threads):
    torch.set_num_threads(threads)
    features = 3 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = quantise(features, 40.0, 77)
    assert found.dtype == torch.uint8
    assert found.is_contiguous(memory_format=torch.channels_last)
    expected = (features.double() * 40 + 77).clamp(0, 255)
    assert (found.double() - expected).abs().max() <= 0.5 + 1e-4


def test_numbers_of_what_is_none():
    strange = [np.nan, -np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-40, -0.0]
    features = torch.tensor(strange).reshape(1, 2, 2, 2)
    assert quantise(features, 2.0, 5).flatten().tolist() == [0, 0, 255, 0, 255, 0, 5, 5]


@pytest.mark.skipif(native is None, reason="built without a compiler")
def test_numbers_without_the_kernel(monkeypatch):
    features = 3 * torch.randn(2, 5, 6, 7)
    features[0, 0, 0, :3] = torch.tensor([np.nan, np.inf, -np.inf])
    found = quantise(features, 31.7, 100)
    monkeypatch.setattr("gvc.ops.arrays.native", None)
    assert torch.equal(quantise(features, 31.7, 100), found)


@pytest.mark.skipif(native is None, reason="built without a compiler")
@pytest.mark.parametrize(
    ("size", "stride"), [((1, 2, 3, 5), (30, 15, 5, 1)), ((1, 2, 3, 4), (24, 1, 9, 2))]
)
def test_the_kernel_refuses_what_does_not_fit(size, stride):
    features = torch.zeros(1, 2, 3, 4)
    output = torch.zeros(64, dtype=torch.uint8)
    described = features.data_ptr(), tuple(features.shape), features.stride()
    with pytest.raises(ValueError, match="sizes do not fit"):
        native.quantise(described, 1.0, 0.0, (output.data_ptr(), size, stride), threads=1)


# ── single convolutions ──


@VNNI
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 24), (45, 32), (32, 20)])
@pytest.mark.parametrize("low", [0.0, -1.5])
def test_a_convolution_of_exact_numbers_is_exact(stride, inputs, outputs, low):
    generator = torch.Generator().manual_seed(2)
    bounds = Range(low, low + 2.55)
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1).requires_grad_(False)
    # Weights and features that are multiples of their steps: nothing is rounded.
    convolution.weight.copy_(
        torch.randint(-127, 128, convolution.weight.shape, generator=generator) / 127
    )
    convolution.weight[:, 0, 0, 0] = 1.0
    numbers = torch.randint(0, 256, (2, inputs, 9, 12), generator=generator)
    features = numbers * 0.01 + low
    found = Int8Convolution(convolution, bounds)(features)
    expected = convolution.double()(features.double())
    assert (found - expected).abs().max() < 1e-3
    assert expected.abs().max() > 1


@VNNI
@pytest.mark.parametrize("output", [None, Range(0.0, 4.0)])
def test_neither_batches_nor_threads_change_a_number(output):
    torch.manual_seed(3)
    plain = nn.Conv2d(40, 20, 3, padding=1).requires_grad_(False)
    convolution = Int8Convolution(
        RectifiedConvolution(plain.weight, torch.rand(20)), Range(-1.0, 3.0), output
    )
    features = torch.randn(9, 40, 33, 21)
    whole = convolution(features)
    assert torch.equal(torch.cat([convolution(each[None]) for each in features]), whole)
    torch.set_num_threads(3)
    assert torch.equal(convolution(features), whole)
    assert whole.float().std() > 0.1


@VNNI
def test_results_as_integers():
    torch.manual_seed(3)
    plain = nn.Conv2d(8, 16, 2, padding=1).requires_grad_(False)
    rectified = RectifiedConvolution(plain.weight, plain.bias)
    features = torch.rand(2, 8, 6, 7)
    integers = Int8Convolution(rectified, Range(0.0, 1.0), Range(0.0, 2.55))
    found = integers(features)
    assert found.dtype == torch.uint8
    assert integers.step == pytest.approx(0.01)
    assert (found * integers.step - rectified(features)).abs().max() < 0.03


@VNNI
def test_a_sum_is_added():
    torch.manual_seed(3)
    convolution = AddedConvolution(8, 16).requires_grad_(False)
    features, to = torch.rand(2, 8, 6, 7), torch.randn(2, 16, 6, 7)
    expected = convolution(features, to)
    found = Int8Convolution(convolution, Range(0.0, 1.0))(features, to.clone())
    assert (found - expected).abs().max() < 0.03
    rectified = RectifiedConvolution(convolution.weight, convolution.bias)
    found = Int8Convolution(rectified, Range(0.0, 1.0))(features)
    assert (found - rectified(features)).abs().max() < 0.03
    assert found.min() == 0


@VNNI
def test_what_lies_outside_is_moved_to_the_nearest():
    convolution = nn.Conv2d(1, 1, 1, bias=False).requires_grad_(False)
    convolution.weight.fill_(1.0)
    limited = Int8Convolution(convolution, Range(-1.0, 3.0))
    features = torch.tensor([-5.0, -1.0, 0.0, 3.0, 99.0]).reshape(1, 1, 1, 5)
    found = limited(features).flatten()
    assert torch.allclose(found, torch.tensor([-1.0, -1.0, 0.0, 3.0, 3.0]), atol=0.02)
    nothing = Int8Convolution(convolution, Range(0.0, 0.0))(torch.zeros(1, 1, 2, 2))
    assert torch.equal(nothing, torch.zeros(1, 1, 2, 2))


# ── the network that ships ──


def decoded(*, size: int | None = None, **options) -> np.ndarray:
    with gvc.open(PORTRAIT, size=size, **options) as container:
        frames = itertools.islice(container.decode(video=0), 20)
        return np.stack([frame.to_ndarray() for frame in frames])


@VNNI
@pytest.mark.parametrize("size", [None, 128])
def test_pictures_are_those_of_float32(size):
    wanted = decoded(size=size, precision="float32", threads=1)
    found = decoded(size=size, precision="int8", threads=1)
    assert not np.array_equal(found, wanted)
    assert psnr(found, wanted) > 48
    assert np.array_equal(decoded(size=size, precision="auto", threads=1), found)


@VNNI
def test_threads_do_not_change_a_picture():
    one, three = (decoded(precision="int8", threads=threads) for threads in (1, 3))
    assert np.array_equal(one, three)


def test_every_convolution_of_a_frame_has_a_range():
    shipped = weights.default("lite")
    known = ranges.belonging_to(shipped.fingerprint)
    assert known is not None
    names = {name for name, _ in for_inference(network_from(shipped)).named_modules()}
    assert known.inputs.keys() <= names
    for part in ("foreground.residual", "foreground.decoder", "background.decoder", "motion"):
        assert any(name.startswith(part) for name in known.inputs)


# ── where it cannot be ──


def without_vnni(monkeypatch) -> None:
    monkeypatch.setattr("gvc.codec.networks.int8.is_fast", lambda: False)


def test_other_processors_take_float32(monkeypatch):
    wanted = decoded(precision="float32", threads=1)
    without_vnni(monkeypatch)
    assert np.array_equal(decoded(precision="auto", threads=1), wanted)
    with pytest.raises(UsageError, match="VNNI"):
        decoded(precision="int8")


@VNNI
def test_weights_without_ranges_take_float32(monkeypatch, tmp_path):
    wanted = decoded(precision="float32", threads=1)
    monkeypatch.setattr("gvc.model.ranges.PRETRAINED", tmp_path)
    assert np.array_equal(decoded(precision="auto", threads=1), wanted)
    with pytest.raises(UsageError, match="ranges"):
        decoded(precision="int8")


def test_no_such_precision():
    with pytest.raises(UsageError, match="int4"):
        gvc.open(PORTRAIT, precision="int4")
    with pytest.raises(UsageError, match="options"):
        gvc.open("never-written.gvc", "w", precision="int8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-9],
        lambda text: "[]",
        lambda text: text.replace("-1.0", "NaN"),
        lambda text: text.replace("-1.0", "0.5"),
        lambda text: text.replace("-1.0,", ""),
        lambda text: text.replace("ab", "xy"),
        lambda text: "\0" * (2 << 20),
    ],
)
def test_damaged_ranges(tmp_path, damage):
    path = tmp_path / "own.ranges"
    ranges.save(Ranges(b"\xab" * 16, {"a.b": Range(-1.0, 2.0)}, {}), path)
    assert ranges.load(path).inputs == {"a.b": Range(-1.0, 2.0)}
    assert ranges.belonging_to(b"\xab" * 16, extra=tmp_path) is not None
    assert ranges.belonging_to(b"\xcd" * 16, extra=tmp_path) is None
    path.write_text(damage(path.read_text()))
    with pytest.raises(WeightsError, match=r"own\.ranges"):
        ranges.load(path)


def test_ranges_of_another_network():
    network = for_inference(network_from(weights.default("lite")))
    with pytest.raises(WeightsError, match="foreground"):
        in_integers(network, Ranges(b"", {"foreground": Range(0.0, 1.0)}, {}))
    with pytest.raises(WeightsError, match="nowhere"):
        in_integers(network, Ranges(b"", {"nowhere": Range(0.0, 1.0)}, {}))
