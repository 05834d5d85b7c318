"""Priors of motion codes: the trained integers of the entropy model ``learned``.

Each belongs to one set of weights, whose codes it was trained on. Files are safetensors of integers
with the name of the profile and the fingerprint of those weights, and end in ``.prior``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gvc.errors import WeightsError
from gvc.model import weights as weights_files
from gvc.model.tensor_files import TensorKind, read_arrays, write_arrays
from gvc.model.weights import PRETRAINED

#: Files of priors; the largest that is read has 2^24 bytes.
_KIND = TensorKind("prior", ("I8", "I16"), limit=1 << 24)

_SUFFIX = ".prior"


@dataclass(frozen=True, slots=True)
class Prior:
    """The integers of one trained prior.

    :param weights: fingerprint of the weights whose codes it knows.
    :param arrays: by name, int8 or int16.
    :param fingerprint: see :func:`fingerprint`.
    """

    weights: bytes
    arrays: Mapping[str, npt.NDArray[np.integer]]
    fingerprint: bytes


def fingerprint(arrays: Mapping[str, npt.NDArray[np.integer]]) -> bytes:
    """The first 16 bytes of SHA-256 over names, shapes and values as little-endian int16."""
    return weights_files.fingerprint(arrays, dtype="<i2")


def save(prior: Prior, path: Path) -> None:
    """Write a prior; a file under the final name is always whole."""
    write_arrays(path, prior.arrays, {"weights": prior.weights.hex()})


def load(path: Path) -> Prior:
    """Read a prior.

    :raises WeightsError: if it is missing, beyond a limit, or no prior.
    """
    arrays, metadata = read_arrays(path, _KIND)
    try:
        return Prior(bytes.fromhex(metadata.get("weights", "")), arrays, fingerprint(arrays))
    except ValueError as error:
        raise WeightsError("not a prior: does not say of which weights", path=path) from error


def belonging_to(weights: bytes, *, extra: Path | None = None) -> Prior | None:
    """The prior for the weights with a given fingerprint, or None.

    :param extra: a file or folder of weights beside which to look first.
    """
    found = (prior for prior in _all(extra) if prior.weights == weights)
    return next(found, None)


def find(wanted: bytes, *, extra: Path | None = None) -> Prior:
    """The prior with a given fingerprint.

    :param extra: a file or folder of weights beside which to look first.
    :raises WeightsError: if it is not there, naming the fingerprint.
    """
    for prior in _all(extra):
        if prior.fingerprint == wanted:
            return prior
    raise WeightsError(
        f"made with the prior {wanted.hex()}, which is not here",
        hint="give the folder that holds it with --weights",
    )


def _all(extra: Path | None) -> Iterator[Prior]:
    if extra is not None:
        folder = extra if extra.is_dir() else extra.parent
        yield from map(load, sorted(folder.glob(f"*{_SUFFIX}")))
    yield from map(load, sorted(PRETRAINED.glob(f"*{_SUFFIX}")))
