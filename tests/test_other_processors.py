"""Kernels give the same bits on ARM (NEON) as here; needs a cross compiler and qemu to run."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPILER, RUNNER = "aarch64-linux-gnu-g++", "qemu-aarch64"
FLAGS = ["-std=c++17", "-O3", "-ffp-contract=off", "-pthread", "-static"]


def checksums(compiler: str, target: Path, runner: list[str]) -> list[str]:
    """What tests/kernel_checksums.cpp prints when built by ``compiler``."""
    sources = [str(path) for path in sorted((ROOT / "csrc" / "cpu").glob("*.cpp"))]
    folders = [f"-I{ROOT / 'csrc' / part}" for part in ("include", "cpu")]
    main = str(ROOT / "tests" / "kernel_checksums.cpp")
    subprocess.run([compiler, *FLAGS, *folders, main, *sources, "-o", str(target)], check=True)
    done = subprocess.run([*runner, str(target)], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(
    not (shutil.which(COMPILER) and shutil.which(RUNNER) and shutil.which("g++"))
    or platform.machine() != "x86_64",
    reason=f"needs g++, {COMPILER} and {RUNNER} (Debian: g++-aarch64-linux-gnu, qemu-user)",
)
def test_arm_computes_the_same_bits(tmp_path):
    here = checksums("g++", tmp_path / "here", [])
    there = checksums(COMPILER, tmp_path / "there", [RUNNER])
    assert len(here) == len(set(here)) == 12
    assert there == here
