"""The priors that ship, read without a library: part of :mod:`reference_decoder`."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "gvc" / "model" / "pretrained"


@functools.cache
def shipped() -> Mapping[bytes, dict[str, Any]]:
    """Tensors as nested lists, by the fingerprints of clause 6."""
    return dict(map(read, FOLDER.glob("*.prior")))


def read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A safetensors file of integers: eight bytes of length, JSON, values."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    described = json.loads(data[8:start])
    described.pop("__metadata__")
    digest, tensors = hashlib.sha256(), {}
    for name in sorted(described):
        entry = described[name]
        size = {"I8": 1, "I16": 2}[entry["dtype"]]
        first, last = (start + offset for offset in entry["data_offsets"])
        values = [
            int.from_bytes(data[at : at + size], "little", signed=True)
            for at in range(first, last, size)
        ]
        digest.update(f"{name}:<i2:{','.join(map(str, entry['shape']))}\n".encode())
        digest.update(b"".join(value.to_bytes(2, "little", signed=True) for value in values))
        tensors[name] = nested(values, entry["shape"])
    return digest.digest()[:16], tensors


def nested(values: Sequence[int], shape: Sequence[int]) -> Any:
    if len(shape) == 1:
        return list(values)
    size = math.prod(shape[1:])
    return [nested(values[at : at + size], shape[1:]) for at in range(0, len(values), size)]
