"""Compositing to 4:2:0 equals torch's operators in float64 and swscale's colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from gvc.bitstream import ColourDescription
from gvc.media import from_planes, from_rgb, luma_weights, to_rgb
from gvc.ops import Branches, Layers, YuvMatrix, build_info, compose_planes, paint, resize

NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")

BT709, BT601 = YuvMatrix(0.2126, 0.0722), YuvMatrix(0.299, 0.114, full_range=True)

COLOURS = [ColourDescription(matrix=m, full_range=full) for m in (1, 6) for full in (False, True)]

#: Height and width, fold, key pictures, sizes of the person and of both motions.
SHAPES = [
    ((32, 48), 2, 1, (16, 24), (32, 48), (16, 24)),
    ((48, 32), 2, 3, (7, 5), (9, 11), (3, 2)),
    ((16, 16), 1, 3, (16, 16), (1, 1), (5, 7)),
    ((64, 16), 1, 1, (1, 2), (40, 10), (64, 16)),
    ((16, 80), 4, 1, (5, 9), (16, 40), (4, 80)),
    ((32, 16), 2, 1, (64, 64), (64, 32), (80, 90)),  # areas are averaged
]


def inputs(shape, *, gates=True, channels_last=True, reach=0.5, spread=3.0) -> Branches:
    """Three frames of random branches."""
    (height, width), fold, keys, person, front, back = shape
    generator = torch.Generator().manual_seed(7)

    def logits(maps: int) -> torch.Tensor:
        size = (3, maps * fold**2, height // fold, width // fold)
        drawn = spread * torch.randn(size, generator=generator)
        return drawn.contiguous(memory_format=torch.channels_last) if channels_last else drawn

    def motion(size) -> torch.Tensor:
        return (torch.rand((3, 2, *size), generator=generator) * 2 - 1) * reach

    key = torch.rand((keys, 3, height, width), generator=generator)
    return Branches(
        foreground=logits(5 if gates else 4),
        background=logits(4 if gates else 3),
        person=torch.randn((3, 1, *person), generator=generator),
        key=key.contiguous(memory_format=torch.channels_last) if channels_last else key,
        foreground_motion=motion(front),
        background_motion=motion(back),
    )


def doubled(branches: Branches) -> Branches:
    return Branches(*(getattr(branches, name).double() for name in Branches.__dataclass_fields__))


def difference(branches: Branches, matrix: YuvMatrix = BT709) -> float:
    """How far single and double precision are apart, in levels."""
    found, exact = compose_planes(branches, matrix), compose_planes(doubled(branches), matrix)
    assert found.dtype == exact.dtype == torch.uint8
    assert found.shape == exact.shape
    return float((found.int() - exact.int()).abs().max())


def showing(picture: torch.Tensor) -> Branches:
    """Branches without gates that show ``picture``, RGB [N, 3, H, W] within (0, 1)."""
    logits = torch.logit(picture.double()).float()
    mask = torch.full_like(logits[:, :1], 1e3)
    still = torch.zeros(len(picture), 2, 1, 1)
    return Branches(
        torch.cat([logits, mask], dim=1), torch.zeros_like(logits), torch.zeros_like(mask),
        picture, still, still,
    )  # fmt: skip


def smooth_picture(height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(4)
    coarse = torch.rand((1, 3, height // 16, width // 16), generator=generator)
    return functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0.02, 0.98)


@pytest.mark.parametrize("matrix", [BT709, BT601])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("gates", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_equals_torch(shape, gates, channels_last, matrix):
    branches = inputs(shape, gates=gates, channels_last=channels_last)
    planes = compose_planes(branches, matrix)
    height, width = shape[0]
    assert planes.shape == (3, height * 3 // 2, width)
    assert planes.float().std() > 20
    assert difference(branches, matrix) <= 1


@NATIVE
def test_strides_make_no_difference():
    branches = inputs(SHAPES[0])
    wide = torch.zeros(3, 23, 16, 48)
    wide[:, 2:22, :, ::2] = branches.foreground
    strided = replace(
        branches,
        foreground=wide[:, 2:22, :, ::2],
        background=branches.background.mT.contiguous().mT,
        person=branches.person.mT.contiguous().mT,
        key=branches.key.flip(3).contiguous().flip(3),
        foreground_motion=branches.foreground_motion.mT.contiguous().mT,
    )
    assert torch.equal(compose_planes(strided, BT709), compose_planes(branches, BT709))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 3.0])
def test_motion_from_anywhere_reads_inside(value):
    branches = inputs(SHAPES[0])
    branches.foreground_motion[:, :, ::2, 5:] = value
    branches.background_motion[:, 0] = value
    assert difference(branches) <= 1


@pytest.mark.parametrize("spread", [1e-6, 100.0, 1e30])
def test_logits_of_any_size(spread):
    assert difference(inputs(SHAPES[1], spread=spread)) <= 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_no_numbers_stay_where_they_are(value):
    branches = inputs(SHAPES[0])
    clean = compose_planes(branches, BT709).int()
    branches.foreground[1, 3, 4, 6] = value
    branches.foreground[1, 17, 4, 6] = value
    branches.background[1, 2, 4, 6] = value
    changed = compose_planes(branches, BT709).int() != clean
    assert not changed[0].any()
    assert not changed[2].any()
    luma = changed[1, :32]
    luma[8:10, 12:14] = False
    assert not luma.any()
    assert changed[1, 32:].sum() <= 2


def test_a_gate_chooses_between_own_and_key_picture():
    branches = inputs(SHAPES[0])
    still = replace(
        branches,
        foreground_motion=torch.zeros(3, 2, 4, 4),
        background_motion=torch.zeros(3, 2, 4, 4),
    )
    still.foreground[:, 16:] = -1e4
    still.background[:, 12:] = -1e4
    key = (branches.key * 0.96 + 0.02).expand(3, -1, -1, -1)
    shut = compose_planes(replace(still, key=key), BT709).int()
    assert (shut - compose_planes(showing(key), BT709).int()).abs().max() <= 1
    layers = paint(replace(still, key=key))
    torch.testing.assert_close(layers.flatten(), key, rtol=0, atol=1e-5)


def test_layers_are_one_picture():
    red, blue = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
    layers = Layers(red[None, :, None, None], blue[None, :, None, None], torch.tensor([[[[0.25]]]]))
    assert layers.flatten().flatten().tolist() == [0.25, 0, 0.75]


@NATIVE
def test_results_do_not_depend_on_threads():
    shape = ((128, 96), 2, 1, (32, 24), (64, 48), (32, 24))
    branches, found = inputs(shape), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found.append(compose_planes(branches, BT709))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0], planes) for planes in found[1:])


@pytest.mark.parametrize("matrix", [BT709, BT601])
def test_levels_of_plain_colours(matrix):
    """White, black and grey have no colour; pure blue and red are as far from it as can be."""
    white, black = (255, 0) if matrix.full_range else (235, 16)
    widest = 255 if matrix.full_range else 240
    blue = round(black + (white - black) * matrix.blue)
    for colour, expected in [
        ((1, 1, 1), (white, 128, 128)),
        ((0, 0, 0), (black, 128, 128)),
        ((0, 0, 1), (blue, widest, None)),
        ((1, 0, 0), (None, None, widest)),
    ]:
        logits = torch.tensor([[*colour, 1]]) * 200.0 - 100
        planes = compose_planes(
            replace(
                inputs(SHAPES[2], gates=False),
                foreground=logits[:, :, None, None].expand(3, -1, 16, 16),
                person=torch.zeros(3, 1, 1, 1),
            ),
            matrix,
        )
        for part, level in zip((planes[:, :16], planes[:, 16:20], planes[:, 20:]), expected,
                               strict=True):  # fmt: skip
            assert level is None or (part == level).all()


@pytest.mark.parametrize(
    "colour", [*COLOURS, *(ColourDescription(matrix=m) for m in (0, 2, 4, 5, 7, 9))], ids=str
)
def test_colours_are_those_of_swscale(colour):
    picture = smooth_picture(96, 128)
    matrix = YuvMatrix(*luma_weights(colour), full_range=colour.full_range)
    planes = compose_planes(showing(picture), matrix)[0].numpy().astype(int)
    rounded = (picture[0] * 255).round().byte().permute(1, 2, 0).numpy()
    other = from_rgb(rounded, 128, 96, colour).to_ndarray().astype(int)
    assert np.abs(planes - other).max() <= 2
    assert np.abs(planes - other).mean() < 0.5


@pytest.mark.parametrize("size", [(128, 96), (97, 63), (200, 150), (64, 48)])
@pytest.mark.parametrize("colour", COLOURS)
def test_planes_become_frames_of_any_size(colour, size):
    picture = smooth_picture(96, 128)
    matrix = YuvMatrix(*luma_weights(colour), full_range=colour.full_range)
    frame = from_planes(compose_planes(showing(picture), matrix)[0].numpy(), *size, colour)
    assert (frame.format.name, frame.width, frame.height) == ("yuv420p", *size)
    assert frame.colorspace == colour.matrix
    shown = to_rgb(frame, *size).astype(int)
    expected = resize(picture, size[1], size[0])[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(shown - expected).mean() < 2


def test_gradients_pass():
    branches = inputs(SHAPES[0])
    for name in Branches.__dataclass_fields__:
        getattr(branches, name).requires_grad_()
    paint(branches).flatten().square().sum().backward()
    for name in Branches.__dataclass_fields__:
        gradient = getattr(branches, name).grad
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0


@NATIVE
def test_what_does_not_fit_is_refused():
    branches = inputs(SHAPES[0])
    for wrong in (
        replace(branches, foreground=branches.foreground[:, :-1]),
        replace(branches, background=branches.background[:, :12]),
        replace(branches, background=branches.background[:, :, :-1]),
        replace(branches, person=branches.person[:, :, :0]),
        replace(branches, person=branches.person[:2]),
        replace(branches, key=branches.key.expand(2, -1, -1, -1)),
        replace(branches, foreground_motion=branches.foreground_motion[:, :1]),
        replace(branches, background_motion=branches.background_motion[:2]),
    ):
        with pytest.raises(ValueError, match="sizes"):
            compose_planes(wrong, BT709)
