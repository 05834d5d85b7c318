"""Read frames of a .gvc file into numpy, from the middle on.

python examples/frames.py examples/portrait.gvc
"""

from __future__ import annotations

import sys

import numpy as np

import gvc


def frames_from(path: str, seconds: float) -> np.ndarray:
    """Pictures from a time on, RGB uint8 [N, H, W, 3]; only the groups they are in are decoded."""
    with gvc.open(path) as container:
        container.seek(round(seconds * 1_000_000))
        return np.stack(
            [
                frame.to_ndarray(format="rgb24")
                for frame in container.decode(video=0)
                if frame.time >= seconds
            ]
        )


if __name__ == "__main__":
    pictures = frames_from(sys.argv[1], 0.2)
    print(f"{len(pictures)} frames of {pictures.shape[2]}x{pictures.shape[1]}")
    print(f"mean colour {pictures.mean(axis=(0, 1, 2)).round(1).tolist()}")
