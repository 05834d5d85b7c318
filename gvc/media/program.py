"""The ffmpeg program that imageio-ffmpeg carries, with encoders that PyAV's FFmpeg lacks."""

from __future__ import annotations

import imageio_ffmpeg

from gvc.errors import UnsupportedError


def ffmpeg_program() -> str:
    """Where the program is.

    :raises UnsupportedError: if there is none.
    """
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise UnsupportedError("no ffmpeg program", hint="pip install imageio-ffmpeg") from error


def ffmpeg_version() -> str:
    """The program's version, which stands for those of the encoders inside it.

    :raises UnsupportedError: if there is no program.
    """
    # First, so that a missing program is told in our words.
    ffmpeg_program()
    return imageio_ffmpeg.get_ffmpeg_version()
