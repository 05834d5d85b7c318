"""Ranges of features: what a network needs to run in 8-bit integers.

Each file belongs to one set of weights and says, for convolutions by name, between which numbers
their inputs lie. It is JSON and ends in ``.ranges``. Free of torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gvc.errors import WeightsError
from gvc.model.weights import PRETRAINED

#: Largest file that is read.
_MAX_FILE_BYTES = 1 << 20

SUFFIX = ".ranges"


@dataclass(frozen=True, slots=True)
class Range:
    """Between which numbers features lie; 0 is among them.

    :raises ValueError: if that is not so.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.high - self.low) and self.low <= 0 <= self.high):
            raise ValueError(f"from {self.low} to {self.high} is no range around 0")


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ranges of one trained network.

    :param weights: fingerprint of its weights.
    :param inputs: of convolutions, by their names in :func:`gvc.model.inference.for_inference`.
    :param outputs: of some of them, behind their ReLU.
    """

    weights: bytes
    inputs: Mapping[str, Range]
    outputs: Mapping[str, Range]


def save(ranges: Ranges, path: Path) -> None:
    """Write ranges; a file under the final name is always whole."""
    fields = {
        "weights": ranges.weights.hex(),
        "inputs": {name: [each.low, each.high] for name, each in ranges.inputs.items()},
        "outputs": {name: [each.low, each.high] for name, each in ranges.outputs.items()},
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def load(path: Path) -> Ranges:
    """Read ranges.

    :raises WeightsError: if the file is missing, too large or holds none.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise WeightsError("larger than any file of ranges", path=path)
        read = json.loads(path.read_text(encoding="utf-8"))
        return Ranges(
            bytes.fromhex(read["weights"]), _bounds(read["inputs"]), _bounds(read["outputs"])
        )
    except OSError as error:
        raise WeightsError(error.strerror or str(error), path=path) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"not a file of ranges: {error}", path=path) from error


def belonging_to(weights: bytes, *, extra: Path | None = None) -> Ranges | None:
    """The ranges for the weights with a given fingerprint, or None.

    :param extra: a file or folder of weights beside which to look first.
    :raises WeightsError: if a file there is damaged.
    """
    found = (ranges for ranges in map(load, _candidates(extra)) if ranges.weights == weights)
    return next(found, None)


def _bounds(read: Mapping[str, Sequence[float]]) -> dict[str, Range]:
    return {name: Range(*map(float, bounds)) for name, bounds in read.items()}


def _candidates(extra: Path | None) -> Iterator[Path]:
    if extra is not None:
        folder = extra if extra.is_dir() else extra.parent
        yield from sorted(folder.glob(f"*{SUFFIX}"))
    yield from sorted(PRETRAINED.glob(f"*{SUFFIX}"))
