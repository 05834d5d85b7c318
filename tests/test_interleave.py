"""Four maps of every other pixel become one of twice the size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gvc.ops import interleave
from gvc.ops.build import native

NATIVE = pytest.mark.skipif(native is None, reason="built without a compiler")


def expected(maps: np.ndarray) -> np.ndarray:
    count, channels, rows, columns = maps.shape
    made = np.empty((count, channels // 4, 2 * rows - 2, 2 * columns - 2))
    for y in range(made.shape[2]):
        for x in range(made.shape[3]):
            first = (2 * (y % 2) + x % 2) * made.shape[1]
            pixel = maps[:, first : first + made.shape[1], (y + 1) // 2, (x + 1) // 2]
            made[:, :, y, x] = pixel
    return made


@pytest.mark.parametrize("shape", [(1, 4, 2, 2), (2, 12, 5, 3), (3, 128, 9, 17)])
@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("path", [pytest.param("native", marks=NATIVE), "torch"])
def test_pixels_come_to_their_places(shape, integers, threads, path, monkeypatch):
    if path == "torch":
        monkeypatch.setattr("gvc.ops.arrays.native", None)
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(7)
    maps = torch.randint(0, 256, shape, generator=generator).float() - (0 if integers else 99.5)
    if integers:
        maps = maps.to(torch.uint8)
    for laid in (maps, maps.contiguous(memory_format=torch.channels_last)):
        found = interleave(laid, 0.5)
        assert found.dtype == torch.float32
        assert found.is_contiguous(memory_format=torch.channels_last)
        assert np.array_equal(found.numpy(), expected(maps.numpy()) * 0.5)
    torch.set_num_threads(1)


@NATIVE
@pytest.mark.parametrize("channels", [3, 8])
def test_the_kernel_refuses_what_does_not_fit(channels):
    maps, output = torch.zeros(1, 12, 3, 3), torch.zeros(1, channels, 4, 4)

    def described(tensor: torch.Tensor):
        return tensor.data_ptr(), tuple(tensor.shape), tensor.stride()

    # Channels have to lie side by side, and there have to be four times as many.
    with pytest.raises(ValueError, match="sizes do not fit"):
        native.interleave(described(maps), False, 1.0, described(output), threads=1)
