"""Without the native module the network makes the same pictures, by torch's operators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gvc.ops import build_info

NATIVE = pytest.mark.skipif(not build_info()["native"], reason="built without a compiler")

PROGRAM = """
import sys
if sys.argv[2] == "torch":
    sys.modules["gvc._native"] = None  # importing it fails from here on
import numpy, torch
from gvc.model.mttf import Mttf
from gvc.model.profiles import LITE
from gvc.ops import build_info

assert build_info()["native"] is (sys.argv[2] == "native")
torch.manual_seed(0)
network = Mttf(LITE).eval().to(memory_format=torch.channels_last)
with torch.no_grad():
    # Points apart from each other, as those of a face are.
    network.extractor.detector.offset.bias.normal_(std=0.3)
    for module in (network.motion.flow, network.motion.weight):
        module.head.weight.mul_(20)  # as far as trained flows and weights differ
# Smooth: where neighbouring pixels differ by 1, a thousandth of a pixel is already 1e-3.
key = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 20), size=(192, 240), mode="bilinear")
key = key.contiguous(memory_format=torch.channels_last)
with torch.inference_mode():
    state = network.key_state(key)
    made = network.synthesise(state, state.code + 0.5 * torch.randn(3, 40))
print(float(made.motion.foreground.abs().max()), float(made.motion.labels.std()))
numpy.save(sys.argv[1], made.picture.numpy())
"""


@NATIVE
def test_pictures_are_the_same(tmp_path: Path):
    made = []
    for kind in ("native", "torch"):
        path = tmp_path / f"{kind}.npy"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path), kind], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        furthest, described = map(float, done.stdout.split())
        assert furthest > 0.05
        assert described > 0.1
        made.append(np.load(path))
    assert made[0].shape == (3, 3, 192, 240)
    assert made[0].std() > 0.05
    assert np.abs(made[0] - made[1]).max() < 1e-4
