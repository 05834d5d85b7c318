"""Weights files: safetensors with the profile's name, known by a fingerprint of their tensors.

Free of torch, so that looking for the weights that a file asks for costs little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from gvc.errors import WeightsError

#: Length in bytes of a fingerprint in file headers.
FINGERPRINT_BYTES = 16

#: Largest weights file that is read.
MAX_FILE_BYTES = 1 << 30

#: The weights that ship with gvc, one file and one model card for each profile.
PRETRAINED = Path(__file__).with_name("pretrained")

#: Arrays by name.
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Weights:
    """The arrays of one trained network.

    :param model: name of the profile they belong to.
    :param arrays: by parameter name, float16.
    :param fingerprint: see :func:`fingerprint`.
    """

    model: str
    arrays: Mapping[str, npt.NDArray[np.float16]]
    fingerprint: bytes


def fingerprint(arrays: Arrays, *, dtype: str = "<f2") -> bytes:
    """The first 16 bytes of SHA-256 over names, dtypes, shapes and little-endian data, by name.

    :param dtype: what values are before they are hashed.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], dtype=dtype)
        digest.update(f"{name}:{array.dtype.str}:{','.join(map(str, array.shape))}\n".encode())
        digest.update(array.tobytes())
    return digest.digest()[:FINGERPRINT_BYTES]


def save(weights: Weights, path: Path) -> None:
    """Write a weights file; a file under the final name is always whole."""
    write_arrays(path, weights.arrays, {"model": weights.model})


def load(path: Path) -> Weights:
    """Read a weights file.

    :raises WeightsError: if it is missing, too large or not a weights file.
    """
    arrays, metadata = read_arrays(path, kind="weights file", limit=MAX_FILE_BYTES)
    if any(array.dtype != np.float16 for array in arrays.values()):
        raise WeightsError("holds tensors that are not float16", path=path)
    return Weights(metadata.get("model", ""), arrays, fingerprint(arrays))


def write_arrays(path: Path, arrays: Arrays, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file; a file under the final name is always whole."""
    partial = path.with_suffix(".partial")
    safetensors.numpy.save_file(dict(arrays), partial, metadata=dict(metadata))
    partial.replace(path)


def read_arrays(path: Path, *, kind: str, limit: int) -> tuple[dict[str, Any], dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    :param kind: what the file should be, for messages. :param limit: most bytes of such a file.
    :raises WeightsError: if it is missing, too large or no safetensors file.
    """
    try:
        if path.stat().st_size > limit:
            raise WeightsError(f"larger than any {kind}", path=path)
        with safetensors.safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return arrays, file.metadata() or {}
    except OSError as error:
        raise WeightsError(error.strerror or str(error), path=path) from error
    except safetensors.SafetensorError as error:
        raise WeightsError(f"not a safetensors file: {error}", path=path) from error


def default(model: str) -> Weights:
    """The weights that ship for the profile ``model``.

    :raises WeightsError: if none do.
    """
    path = PRETRAINED / f"{model}.safetensors"
    if not path.is_file():
        raise WeightsError(
            f"no trained weights ship for the model {model!r}", hint="give yours with --weights"
        )
    return load(path)


def load_or_default(path: Path | None, model: str) -> Weights:
    """The weights in ``path``, or, given None, those that ship for the profile ``model``.

    :raises WeightsError: as :func:`load` and :func:`default`.
    """
    return default(model) if path is None else load(path)


def find(wanted: bytes, *, extra: Path | None = None) -> Weights:
    """The weights with a given fingerprint: from ``extra``, or from those that ship.

    :param extra: a weights file, or a folder of them, to look at first.
    :raises WeightsError: if they are not there, naming the fingerprint.
    """
    for path in _candidates(extra):
        weights = load(path)
        if weights.fingerprint == wanted:
            return weights
    raise WeightsError(
        f"made with weights {wanted.hex()}, which are not here",
        hint="give the weights file, or the folder that holds it, with --weights",
    )


def _candidates(extra: Path | None) -> Iterator[Path]:
    if extra is not None and extra.is_dir():
        yield from sorted(extra.glob("*.safetensors"))
    elif extra is not None:
        yield extra
    yield from sorted(PRETRAINED.glob("*.safetensors"))
