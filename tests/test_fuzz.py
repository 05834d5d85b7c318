"""A short fuzz with a fixed seed: the targets that run for hours elsewhere (docs/robustness.md)."""

from __future__ import annotations

import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import fuzz
import pytest
from fuzz.changes import change_bytes

ROOT = Path(__file__).resolve().parents[1]
KERNELS = sorted(path.stem for path in (ROOT / "csrc" / "fuzz").glob("*.cpp"))
KERNELS.remove("standalone")

#: Changes of inputs for each target; with the corpus, about twenty seconds of all.
CHANGES = {
    "container": 20_000,
    "bitstream": 6000,
    "entropy": 600,
    "decode": 20,
    "speaker_pack": 30_000,
    "vvc_stream": 500,
}

#: Inputs of a fixed seed for each kernel.
INPUTS = 150

SANITIZERS = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"]
FLAGS = ["-std=c++17", "-O0", "-g1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_any_bytes_end_well(name):
    target, chance = fuzz.target(name), random.Random(name)
    inputs = [path.read_bytes() for path in fuzz.corpus(name)]
    for data in inputs:
        target.check(data)
    for _ in range(CHANGES[name]):
        changed = target.mutate(chance.choice(inputs), chance, partial(change_bytes, chance=chance))
        target.check(changed)


@pytest.fixture(scope="module")
def objects(tmp_path_factory) -> Path:
    """The kernels and the targets, compiled with sanitizers."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler on this machine")
    folder = tmp_path_factory.mktemp("objects")
    includes = [f"-I{ROOT / 'csrc' / part}" for part in ("include", "cpu")]

    def compile_one(source: Path) -> None:
        target = folder / f"{source.parent.name}-{source.stem}.o"
        command = ["g++", *FLAGS, *SANITIZERS, *includes, "-c", str(source), "-o", str(target)]
        subprocess.run(command, check=True)

    with ThreadPoolExecutor(2) as threads:
        sources = [*(ROOT / "csrc" / "cpu").glob("*.cpp"), *(ROOT / "csrc" / "fuzz").glob("*.cpp")]
        list(threads.map(compile_one, sources))
    return folder


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_stay_within_their_arrays(name, objects, tmp_path):
    parts = [objects / f"fuzz-{name}.o", objects / "fuzz-standalone.o", *objects.glob("cpu-*.o")]
    program = tmp_path / name
    command = ["g++", *SANITIZERS, *map(str, parts), "-pthread", "-o", str(program)]
    subprocess.run(command, check=True)
    inputs = fuzz.corpus(name)
    done = subprocess.run(
        [str(program), str(INPUTS), *map(str, inputs)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{INPUTS + len(inputs)} inputs\n"
