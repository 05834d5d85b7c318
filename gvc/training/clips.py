"""The clips that a model is trained on, and a decoded cache of their frames.

A folder of clips holds square video files and their table, see :mod:`gvc.clips`. Decoding is done
once: every clip becomes one ``.npy`` of RGB frames, held in memory afterwards, so that random
access to any pair of frames costs neither decoding nor disk.
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
