"""Times of the native kernels beside the same steps in torch's operators, on the decoder's shapes.

``python -m gvc.bench.kernels`` prints the table of docs/performance.md.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gvc.ops import (
    Branches,
    KeypointField,
    YuvMatrix,
    blend_warped,
    compose_planes,
    mix_flows,
    resize,
    spread_keypoints,
    warp_by_flow,
    warp_by_flows,
)

#: Frames that a decoder makes at a time.
_BATCH = 8


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One step, measured both ways.

    :param step: what is done.
    :param threads: of torch and of the kernel.
    :param native_ms: milliseconds a frame, median: of the processor's time with one thread, which
        other programs do not lengthen, else of the clock's.
    :param torch_ms: the same by torch's operators.
    """

    step: str
    threads: int
    native_ms: float
    torch_ms: float

    @property
    def ratio(self) -> float:
        """How many times as fast the kernel is."""
        return self.torch_ms / self.native_ms


def measure_kernels(threads: Sequence[int] = (1, 2), repeats: int = 20) -> list[KernelRow]:
    """Time all kernels on the shapes of a 256×256 decode in batches of 8.

    The same program runs twice for each number of threads, in processes of their own: with the
    native module, and as gvc runs without one.
    """
    rows = []
    for number in threads:
        native = _run(number, repeats, native=True)
        plain = _run(number, repeats, native=False)
        rows += [KernelRow(step, number, native[step], plain[step]) for step in native]
    return rows


def table_of(rows: Sequence[KernelRow]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| step | threads | native, ms a frame | torch, ms a frame | ratio |",
        "|" + " --- |" * 5,
    ]
    lines += [
        f"| {row.step} | {row.threads} | {row.native_ms:.2f} | {row.torch_ms:.2f} "
        f"| {row.ratio:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _run(threads: int, repeats: int, *, native: bool) -> dict[str, float]:
    # A module that is None among the imported ones is one that cannot be imported.
    hidden = "" if native else "sys.modules['gvc._native'] = None; "
    program = f"import sys; {hidden}from gvc.bench.kernels import _report; _report(*sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(threads), str(repeats)],
        stdout=subprocess.PIPE,
        check=True,
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


def _report(threads: str, repeats: str) -> None:
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    with torch.inference_mode():
        times = {step: _median_ms(work, int(repeats)) for step, work in _steps().items()}
    print(json.dumps(times))


def _median_ms(work: Callable[[], object], repeats: int) -> float:
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    for _ in range(2):
        work()
    times = []
    for _ in range(repeats):
        begin = clock()
        work()
        times.append(clock() - begin)
    return statistics.median(times) * 1000 / _BATCH


def _interleaved(*size: int) -> Tensor:
    return torch.randn(*size).contiguous(memory_format=torch.channels_last)


def _steps() -> dict[str, Callable[[], object]]:
    inner, features = _interleaved(_BATCH, 32, 128, 128), _interleaved(1, 32, 128, 128)
    painted, key = _interleaved(_BATCH, 3, 256, 256), _interleaved(1, 3, 256, 256)
    # Heads move smoothly, by tenths of the picture.
    motion = resize(0.1 * torch.randn(_BATCH, 2, 8, 8), 128, 128)
    background = resize(motion, 64, 64)
    occlusion, gate = torch.rand(_BATCH, 1, 64, 64), torch.rand(_BATCH, 1, 256, 256)
    flows = (0.1 * _interleaved(_BATCH, 80, 32, 32)).unflatten(1, (40, 2))
    carried, thumbnail = resize(motion, 32, 32), torch.rand(1, 4, 32, 32)
    logits = _interleaved(_BATCH, 42, 64, 64)[:, :-2]
    branches = Branches(
        foreground=_interleaved(_BATCH, 20, 128, 128),
        background=_interleaved(_BATCH, 16, 128, 128),
        person=torch.randn(_BATCH, 1, 64, 64),
        key=key,
        foreground_motion=motion,
        background_motion=background,
    )
    matrix = YuvMatrix(0.2126, 0.0722)
    face = KeypointField(
        middle=torch.zeros(_BATCH, 1, 2),
        scale=torch.full((_BATCH, 1, 1), 0.25),
        centres=torch.randn(_BATCH, 62, 2),
        displacements=0.05 * torch.randn(_BATCH, 62, 2),
        labels=torch.randn(62, 4),
        log_reach=torch.full((62,), -2.0),
        log_far=torch.tensor([-0.7]),
        log_share=torch.tensor([-4.6]),
        log_still=torch.tensor([-6.7]),
    )
    return {
        "(a) warp 32×128², gated": lambda: blend_warped(inner, features, motion, occlusion),
        "(a) warp 3×256², gated": lambda: blend_warped(painted, key, motion, gate),
        "(a) warp 3×256² by 64²": lambda: warp_by_flow(key, background),
        "(b) 4×32² by 40 flows": lambda: warp_by_flows(thumbnail, flows, carried, 17),
        "(c) softmax and sums": lambda: mix_flows(logits, flows, motion, foreground=35, guided=17),
        "(d) compositing to YUV 4:2:0": lambda: compose_planes(branches, matrix),
        "(e) spread of keypoints": lambda: spread_keypoints(face, 128),
    }


if __name__ == "__main__":
    print(table_of(measure_kernels()))
