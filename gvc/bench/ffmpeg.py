"""The ffmpeg program that imageio-ffmpeg carries, run to its end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gvc.errors import MediaError
from gvc.media.program import ffmpeg_program


def run_ffmpeg(arguments: Sequence[str | Path], *, folder: Path, what: str) -> None:
    """Run ffmpeg in ``folder``.

    :param arguments: all but the name of the program and how much it says.
    :param what: the purpose, for messages.
    :raises UnsupportedError: if there is no such program.
    :raises MediaError: if it fails, with the first line of its complaint.
    """
    command = [ffmpeg_program(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    # SVT-AV1 does not know ffmpeg's log level.
    environment = {**os.environ, "SVT_LOG": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise MediaError(f"{what} failed: {lines[0] if lines else 'no reason given'}")


def raw_input(path: Path, side: int, rate: str) -> list[str | Path]:
    """Arguments that read square 8-bit yuv420p pictures without a header."""
    return [
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", f"{side}x{side}",
        "-framerate", rate, "-i", path,
    ]  # fmt: skip
