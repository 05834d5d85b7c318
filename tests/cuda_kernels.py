"""The CUDA kernels as tests call them: as loops on the CPU, or on a GPU."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from gvc import ops
from gvc.ops import Branches, KeypointField, YuvMatrix, warp

Given = TypeVar("Given", Branches, KeypointField)


class Array(ctypes.Structure):
    """gvc::Array4."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_int64 * 4),
        ("stride", ctypes.c_int64 * 4),
    ]


def described(tensor: Tensor | None) -> Array:
    if tensor is None:
        return Array(None, (0,) * 4, (0,) * 4)
    return Array(tensor.data_ptr(), tuple(tensor.shape), tensor.stride())


def like(tensor: Tensor, *size: int) -> Tensor:
    """Room for a result, in the layout of ``tensor``."""
    last = tensor.is_contiguous(memory_format=torch.channels_last) and tensor.shape[1] > 1
    layout = torch.channels_last if last else torch.contiguous_format
    return torch.full(size, float("nan")).contiguous(memory_format=layout)


class Loops:
    """The kernels' code on the CPU."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library = library

    def call(self, name: str, *arguments: Tensor | int | None) -> None:
        passed = [
            ctypes.c_int64(one) if isinstance(one, int) else ctypes.byref(described(one))
            for one in arguments
        ]
        if getattr(self.library, name)(*passed) != 0:
            raise ValueError(f"{name}: sizes do not fit each other")

    def warp(self, features: Tensor, grid: Tensor) -> Tensor:
        output = like(features, len(grid), features.shape[1], *grid.shape[1:3])
        self.call("warp_forward", features, grid, output)
        return output

    def warp_gradients(self, grad: Tensor, features: Tensor, grid: Tensor) -> list[Tensor]:
        gradients = [torch.zeros_like(features), torch.zeros_like(grid)]
        self.call("warp_backward", grad, features, grid, *gradients)
        return gradients

    def warp_by_flow(self, features: Tensor, displacement: Tensor) -> Tensor:
        output = like(features, len(displacement), *features.shape[1:])
        self.call("warp_by_flow", features, displacement, None, None, output)
        return output

    def blend_warped(
        self, inner: Tensor, features: Tensor, displacement: Tensor, gate: Tensor
    ) -> Tensor:
        self.call("warp_by_flow", features, displacement, gate, inner, inner)
        return inner

    def warp_by_flows(self, picture: Tensor, flows: Tensor, carried: Tensor, guided: int) -> Tensor:
        count, components, _, height, width = flows.shape
        flat = flows.flatten(1, 2)
        output = like(flat, count, components * picture.shape[1], height, width)
        self.call("warp_by_flows", picture, flat, carried, guided, output)
        return output

    def mix_flows(
        self, logits: Tensor, flows: Tensor, carried: Tensor, *, foreground: int, guided: int
    ) -> tuple[Tensor, Tensor]:
        count, _, height, width = logits.shape
        front, back = like(carried, *carried.shape), torch.empty(count, 2, height, width)
        front = front.contiguous()
        own = torch.empty(count, 3, height, width)
        self.call(
            "mix_flows", logits, flows.flatten(1, 2), carried, foreground, guided, front, back, own
        )
        return front, back

    def spread_keypoints(self, field: KeypointField, size: int) -> tuple[Tensor, ...]:
        count, labels = len(field.centres), field.labels.shape[1]
        maps = tuple(torch.empty(count, channels, size, size) for channels in (2, 1, labels))
        side = max(1, size // 4)
        constants = [(-2 * field.log_far).exp(), field.log_share.exp(), field.log_still.exp()]
        self.call(
            "spread_keypoints",
            field.centres[:, None],
            field.displacements[:, None],
            field.labels[None, None],
            torch.exp(-2 * field.log_reach)[None, None, None],
            torch.cat([field.middle, field.scale], dim=2)[:, None],
            torch.cat(constants)[None, None, None],
            *maps,
            torch.empty(count, 3, side, side),
        )
        return maps

    def compose_planes(self, branches: Branches, matrix: YuvMatrix) -> Tensor:
        count, (height, width) = len(branches.foreground), branches.key.shape[-2:]
        planes = torch.zeros(count, 1, height * 3 // 2, width, dtype=torch.uint8)
        given = [getattr(branches, one.name) for one in dataclasses.fields(branches)]
        self.call("compose_planes", *given, torch.tensor([[matrix.rows()]]), planes)
        return planes[:, 0]


class Gpu:
    """The kernels on a GPU, as networks call them."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        operation = getattr(ops, name)

        def call(*arguments: object, **options: int) -> object:
            with torch.no_grad():
                found = operation(*map(moved, arguments), **options)
            return found.cpu() if isinstance(found, Tensor) else tuple(one.cpu() for one in found)

        return call

    def warp_gradients(self, grad: Tensor, features: Tensor, grid: Tensor) -> list[Tensor]:
        given = [features.cuda().requires_grad_(), grid.cuda().requires_grad_()]
        warp(*given).backward(grad.cuda())
        return [one.grad.cpu() for one in given]


def moved(one: object) -> object:
    if isinstance(one, (Branches, KeypointField)):
        return each(one, Tensor.cuda)
    return one.cuda() if isinstance(one, Tensor) else one


def each(given: Given, change: Callable[[Tensor], Tensor]) -> Given:
    names = [one.name for one in dataclasses.fields(given)]
    return type(given)(**{name: change(getattr(given, name)) for name in names})
