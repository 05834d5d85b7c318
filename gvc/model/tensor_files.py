"""Files of arrays (safetensors), checked against limits before memory is taken for a value.

A safetensors file is the length of a header, 8 bytes little-endian, the header in JSON and the
values of all tensors. Everything that takes memory is said in the header, and held against limits
and against the bytes that are there; nothing in such a file is code. See ``docs/bitstream.md``,
clause 6.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from gvc.errors import WeightsError

#: Most bytes of a header, tensors of a file, dimensions of a tensor and characters of its name.
MAX_HEADER_BYTES = 1 << 20
MAX_TENSORS = 4096
MAX_DIMENSIONS = 8
MAX_NAME = 256

#: Bytes of the header's length.
_LENGTH_BYTES = 8

#: Bytes of a value, by the types that files of gvc hold.
_SIZES = {"F16": 2, "I8": 1, "I16": 2}

#: Where the header says what belongs to no tensor.
_METADATA = "__metadata__"

#: Arrays by name.
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TensorKind:
    """What a file of arrays should be.

    :param name: for messages. :param types: those of its values, as safetensors calls them.
    :param limit: most bytes of a file.
    """

    name: str
    types: tuple[str, ...]
    limit: int


def write_arrays(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file; a file under the final name is always whole."""
    partial = path.with_suffix(".partial")
    safetensors.numpy.save_file(dict(arrays), partial, metadata=dict(metadata))
    partial.replace(path)


def read_arrays(path: Path, kind: TensorKind) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    :raises WeightsError: if it is missing, beyond a limit, or no such file.
    """
    try:
        _check_file(path, kind)
        with safetensors.safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except OSError as error:
        raise WeightsError(error.strerror or str(error), path=path) from error
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        raise WeightsError(f"not a {kind.name}: {error}", path=path) from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"tensor {name} holds values that are not finite", path=path)
    return arrays, metadata


def _check_file(path: Path, kind: TensorKind) -> None:
    """Look at the header alone.

    :raises WeightsError: if a limit is exceeded. :raises ValueError: if it is not well formed.
    """
    size = path.stat().st_size
    if size > kind.limit:
        raise WeightsError(f"larger than any {kind.name}", path=path, hint=f"{kind.limit} bytes")
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > min(MAX_HEADER_BYTES, size - _LENGTH_BYTES):
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(file.read(length), object_pairs_hook=_without_duplicates)
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    entries = [(name, entry) for name, entry in header.items() if name != _METADATA]
    if len(entries) > MAX_TENSORS:
        raise WeightsError(f"holds more than {MAX_TENSORS} tensors", path=path)
    spans = [_span(name, entry, kind) for name, entry in entries]
    _check_spans(spans, size - _LENGTH_BYTES - length)


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in the header")
    return found


def _span(name: str, entry: object, kind: TensorKind) -> tuple[int, int]:
    """Where the values of a tensor begin and end."""
    if len(name) > MAX_NAME or not (name.isascii() and name.isprintable()):
        raise ValueError("the name of a tensor is too long or not plain")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name} is not described as it should be")
    if entry["dtype"] not in kind.types:
        raise ValueError(f"tensor {name} is not of {' or '.join(kind.types)}")
    shape, span = _integers(entry["shape"], name), _integers(entry["data_offsets"], name)
    if len(shape) > MAX_DIMENSIONS or len(span) != 2:
        raise ValueError(f"tensor {name} is not described as it should be")
    size = _SIZES[entry["dtype"]]
    for side in shape:
        size *= side
        if not 0 < size <= kind.limit:
            raise ValueError(f"tensor {name} is empty or too large")
    if span[1] - span[0] != size:
        raise ValueError(f"tensor {name} has another size than its shape says")
    return span[0], span[1]


def _integers(values: object, name: str) -> list[int]:
    # True and False are integers to isinstance.
    if not isinstance(values, list) or any(type(value) is not int or value < 0 for value in values):
        raise ValueError(f"tensor {name} is not described as it should be")
    return values


def _check_spans(spans: Sequence[tuple[int, int]], size: int) -> None:
    """Tensors lie one behind the other, and nothing else is there."""
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise ValueError("tensors overlap, or there is something between them")
        end = stop
    if end != size:
        raise ValueError("tensors do not fill the file")
