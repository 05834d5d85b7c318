"""Read and write .gvc files with PyAV itself, as any library that is built on it does.

python examples/pyav_file.py examples/portrait.gvc out.gvc
"""

from __future__ import annotations

import sys

import av

import gvc


def shorten(source: str, target: str, *, start: float, frames: int) -> int:
    """Copy frames from a time on, in seconds, into a new file; returns how many."""
    copied = 0
    with (
        gvc.as_file(source) as file,
        av.open(file, "r") as container,
        gvc.as_file(target, "w", colorspace=1, options={"key_preset": "faster"}) as new_file,
        av.open(new_file, "w", format="nut") as output,
    ):
        shown = container.streams.video[0]
        assert shown.time_base is not None
        video = output.add_stream("rawvideo", rate=shown.average_rate)
        video.width, video.height, video.pix_fmt = shown.width, shown.height, shown.pix_fmt
        video.codec_context.time_base = shown.time_base
        output.metadata.update(container.metadata)
        container.seek(round(start / shown.time_base), stream=shown)
        for frame in container.decode(video=0):
            if frame.time >= start and copied < frames:
                output.mux(video.encode(frame))
                copied += 1
        output.mux(video.encode())
    return copied


if __name__ == "__main__":
    count = shorten(sys.argv[1], sys.argv[2], start=0.2, frames=5)
    print(f"{count} frames are in {sys.argv[2]}")
