"""The clips that a model is trained on: their table, and a decoded cache of their frames.

A folder of clips holds square video files and a ``clips.tsv`` with at least the columns
``file``, ``identity``, ``split`` (``train`` or ``val``) and ``kind`` (``talking-head`` or
``body``). Decoding is done once: every clip becomes one ``.npy`` of RGB frames, held in memory
afterwards, so that random access to any pair of frames costs neither decoding nor disk.
"""

from __future__ import annotations

import csv
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gvc.errors import InvalidDataError, MediaError

#: Frames kept of one clip; longer clips are thinned evenly in time.
MAX_FRAMES_PER_CLIP = 120


class Split(enum.StrEnum):
    """Which side of the identity split a clip is on."""

    TRAIN = "train"
    VALIDATION = "val"


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of ``clips.tsv``."""

    path: Path
    identity: str
    split: Split
    kind: str


def read_table(folder: Path) -> list[Clip]:
    """Read ``clips.tsv`` of ``folder`` and check that no identity is on both sides of the split.

    :raises MediaError: if the table cannot be read.
    :raises InvalidDataError: if a column is missing or the split leaks an identity.
    """
    table = folder / "clips.tsv"
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=table) from error
    try:
        clips = [
            Clip(folder / row["file"], row["identity"], Split(row["split"]), row["kind"])
            for row in rows
        ]
    except (KeyError, ValueError) as error:
        raise InvalidDataError(f"not a clip table: {error}", path=table) from error
    sides: dict[str, Split] = {}
    for clip in clips:
        if sides.setdefault(clip.identity, clip.split) is not clip.split:
            raise InvalidDataError(f"identity {clip.identity} is in both splits", path=table)
    return clips


def decode_clip(clip: Clip, size: int) -> npt.NDArray[np.uint8]:
    """Decode ``clip`` to RGB frames, uint8 of shape [F, size, size, 3], evenly thinned in time."""
    # A machine that only trains gets the cache from elsewhere, and need not have PyAV.
    import av

    with av.open(str(clip.path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        frames = [
            frame.to_ndarray(format="rgb24", width=size, height=size, interpolation="LANCZOS")
            for frame in container.decode(stream)
        ]
    if not frames:
        raise InvalidDataError("holds no video frame", path=clip.path)
    count = min(len(frames), MAX_FRAMES_PER_CLIP)
    kept = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return np.stack([frames[index] for index in kept])


def load_frames(
    clips: Sequence[Clip], cache: Path, *, size: int = 256
) -> list[npt.NDArray[np.uint8]]:
    """Load the frames of ``clips``, decoding into ``cache`` what is not there yet.

    :returns: one array per clip, uint8 RGB of shape [F, size, size, 3]; 24 MB a clip at most.
    """
    cache.mkdir(parents=True, exist_ok=True)
    arrays = []
    for clip in clips:
        path = cache / f"{clip.path.stem}-{size}.npy"
        if not path.exists():
            partial = path.with_suffix(".partial.npy")
            np.save(partial, decode_clip(clip, size))
            partial.replace(path)
        arrays.append(np.load(path))
    return arrays


Arrays = dict[str, npt.NDArray[Any]]


def cached(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """The arrays stored in ``path`` (.npz); made and stored there if it does not exist."""
    if not path.exists():
        partial = path.with_suffix(".partial.npz")
        arrays: dict[str, Any] = make()
        np.savez_compressed(partial, **arrays)
        partial.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
