"""Fuzz targets: each takes any bytes and may raise nothing that is not a finding.

``python -m fuzz TARGET`` runs one under atheris, see docs/robustness.md; tests/test_fuzz.py runs
all of them over the corpus and over changes of it, with a fixed seed.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

#: Names of the targets; each is a module with ``check`` and ``mutate``.
TARGETS = ("container", "bitstream", "entropy", "decode", "speaker_pack", "vvc_stream")

#: One folder of inputs for each.
CORPUS = Path(__file__).with_name("corpus")


def target(name: str) -> ModuleType:
    """The module of a target."""
    assert name in TARGETS, f"no target is called {name!r}: {', '.join(TARGETS)}"
    return import_module(f"{__name__}.{name}")


def corpus(name: str) -> list[Path]:
    """Its inputs."""
    return sorted((CORPUS / name).iterdir())
