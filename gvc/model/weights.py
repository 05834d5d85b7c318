"""Weights files: safetensors with the profile's name, known by a fingerprint of their tensors.

Free of torch, so that looking for the weights that a file asks for costs little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.errors import WeightsError
from gvc.model.tensor_files import Arrays, TensorKind, read_arrays, write_arrays

#: Length in bytes of a fingerprint in file headers.
FINGERPRINT_BYTES = 16

#: Weights files; the largest that is read has 2^30 bytes.
_KIND = TensorKind("weights file", ("F16",), limit=1 << 30)

#: The weights that ship with gvc, a file and a model card each.
PRETRAINED = Path(__file__).with_name("pretrained")


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

    :raises WeightsError: if it is missing, beyond a limit, or no weights file.
    """
    arrays, metadata = read_arrays(path, _KIND)
    return Weights(metadata.get("model", ""), arrays, fingerprint(arrays))


def default(model: str) -> Weights:
    """The weights that ship under the name ``model``.

    :raises WeightsError: if none do.
    """
    path = PRETRAINED / f"{model}.safetensors"
    if not path.is_file():
        raise WeightsError(
            f"no trained weights ship for the model {model!r}", hint="give yours with --weights"
        )
    return load(path)


def load_or_default(path: Path | None, model: str) -> Weights:
    """The weights in ``path``, or, given None, those that ship under a name.

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
