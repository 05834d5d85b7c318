"""Golden files with pictures, by whatever arithmetic: what is exact, and how close the rest is.

The bounds are those of docs/bitstream.md, clause 6.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import picture_vectors
import pytest
import torch
from conftest import environment_with_tests
from picture_vectors import KINDS, described, digest, path_of, pictures, portrait, stored, supply
from reference_decoder import decode_file

from gvc.bitstream import BitstreamReader
from gvc.model import priors

#: Bounds of the mean and of the greatest difference of 8-bit samples: arithmetic in float32, and
#: with convolutions of less precision.
FLOAT32 = 0.05, 2
REDUCED = 1.0, 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return supply(tmp_path_factory.mktemp("weights"))


@pytest.fixture(autouse=True)
def _as_it_was():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def usual() -> np.ndarray:
    return portrait()


def assert_close(found: np.ndarray, wanted: np.ndarray, bounds: tuple[float, int]) -> None:
    assert found.shape == wanted.shape
    apart = np.abs(found.astype(int) - wanted)
    print(f"mean {apart.mean():.5f}, greatest {apart.max()}")
    assert apart.mean(axis=(1, 2)).max() <= bounds[0]
    assert apart.max() <= bounds[1]


@pytest.mark.parametrize("name", KINDS)
def test_times_types_levels_and_key_pictures_are_exact(name, folder):
    data = path_of(name).read_bytes()
    expected = json.loads(path_of(name).with_suffix(".json").read_text())
    assert described(data, folder) == expected
    header = BitstreamReader(io.BytesIO(data)).header.video
    kind = KINDS[name]
    assert (header.key_codec, header.entropy_model) == (kind.codec, kind.model)
    assert (header.width, header.height) == kind.shown
    assert header.colour == kind.colour


@pytest.mark.parametrize("name", KINDS)
def test_the_second_decoder_agrees(name, folder):
    expected = json.loads(path_of(name).with_suffix(".json").read_text())
    prior = priors.load(folder / "vectors.prior")
    plain = {prior.fingerprint: {name: array.tolist() for name, array in prior.arrays.items()}}
    found = decode_file(path_of(name).read_bytes(), plain)
    assert found["video"]["weights"].hex() == expected["weights"]
    for group, told in zip(found["groups"], expected["groups"], strict=True):
        assert group["pts"] == told["pts"]
        kinds = ["MPI"[kind] for kind, _, _ in group["moving"][0]["choices"]]
        assert [letter for letter in told["types"] if letter in "MPI"] == kinds
        assert digest(levels_of(group["moving"])) == told["levels"]


def levels_of(moving: list[dict[str, Any]]) -> list[np.ndarray]:
    """Levels frame by frame, of one rectangle after the other."""
    coming = [iter(each["levels"]) for each in moving]
    return [
        np.array(next(levels), "<i4")
        for frame in zip(*(each["choices"] for each in moving), strict=True)
        for (kind, _, _), levels in zip(frame, coming, strict=True)
        if kind == 0
    ]


@pytest.mark.parametrize("name", KINDS)
def test_pictures_are_what_they_were(name, folder):
    assert stored(name).std() > 5
    assert_close(pictures(name, folder), stored(name), FLOAT32)


def other_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gvc.ops.arrays.native", None)


def other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gvc.codec.decoder.set_threads", lambda count: torch.set_num_threads(3))


def other_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)


@pytest.mark.parametrize("change", [other_operators, other_threads, other_convolutions])
def test_other_float32_is_close(change: Callable[..., None], folder, usual, monkeypatch):
    change(monkeypatch)
    assert_close(portrait(), usual, FLOAT32)
    assert_close(pictures("keys", folder), stored("keys"), FLOAT32)


@pytest.mark.parametrize(
    "environment",
    [
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
        {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    ],
    ids=["sse", "avx2"],
)
def test_other_processors_are_close(environment, usual, tmp_path):
    """In processes of their own, since torch chooses once."""
    command = [sys.executable, picture_vectors.__file__, "decode", str(tmp_path)]
    done = subprocess.run(
        command, env=environment_with_tests(**environment), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_close(np.load(tmp_path / "portrait.npy"), usual, FLOAT32)
    for name in KINDS:
        expected = json.loads(path_of(name).with_suffix(".json").read_text())
        assert json.loads((tmp_path / f"{name}.json").read_text()) == expected
        assert_close(np.load(tmp_path / f"{name}.npy"), stored(name), FLOAT32)


def test_bfloat16_is_not_far(folder, usual, monkeypatch):
    """Convolutions as autocast runs them; nothing in gvc does."""
    real = torch.nn.functional.conv2d

    def reduced(*given: object, **options: object) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return real(*given, **options).float()

    monkeypatch.setattr(torch.nn.functional, "conv2d", reduced)
    assert_close(portrait(), usual, REDUCED)
    assert_close(pictures("keys", folder), stored("keys"), REDUCED)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_is_not_far(folder):
    for name in KINDS:
        assert_close(pictures(name, folder, device="cuda"), stored(name), REDUCED)
