"""The clips that a model is trained on, and a decoded cache of their frames.

A folder of clips holds square video files and their table, see :mod:`gvc.clips`. Decoding is done
once: every clip becomes one ``.npy`` of RGB frames, mapped into memory afterwards, so that random
access to any pair of frames costs no decoding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gvc.clips import Clip
from gvc.errors import InvalidDataError

#: Frames kept of one clip; longer clips are thinned evenly in time.
MAX_FRAMES_PER_CLIP = 120


def of_people(clips: Sequence[Clip], count: int | None, seed: int) -> list[Clip]:
    """The clips of ``count`` identities, drawn with ``seed``; of all if None.

    Fewer people drawn with the same seed are among more of them, as a learning curve needs.
    """
    identities = sorted({clip.identity for clip in clips})
    if count is None or count >= len(identities):
        return list(clips)
    chosen = set(np.random.default_rng(seed).permutation(identities)[:count].tolist())
    return [clip for clip in clips if clip.identity in chosen]


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
    """Map the frames of ``clips`` into memory, decoding into ``cache`` what is not there yet.

    The system reads what is used and drops what memory runs short of: hundreds of clips take more
    than a machine may have.

    :returns: one read-only array per clip, uint8 RGB of shape [F, size, size, 3]; 24 MB a clip at
        most.
    """
    cache.mkdir(parents=True, exist_ok=True)
    arrays = []
    for clip in clips:
        path = cache / f"{clip.path.stem}-{size}.npy"
        if not path.exists():
            partial = path.with_suffix(".partial.npy")
            np.save(partial, decode_clip(clip, size))
            partial.replace(path)
        arrays.append(np.load(path, mmap_mode="r"))
    return arrays


Arrays = dict[str, npt.NDArray[Any]]


def store(path: Path, arrays: Arrays) -> None:
    """Store ``arrays`` in ``path`` (.npz); a file under the final name is always whole."""
    partial = path.with_suffix(".partial.npz")
    named: dict[str, Any] = arrays
    np.savez_compressed(partial, **named)
    partial.replace(path)


def cached(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """The arrays stored in ``path`` (.npz); made and stored there if it does not exist."""
    if not path.exists():
        store(path, make())
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
