"""Recordings coded without a network: VVC in MP4, by the ffmpeg program, sound copied."""

from __future__ import annotations

import subprocess
from pathlib import Path

from gvc.archive import files
from gvc.errors import MediaError
from gvc.media.program import ffmpeg_program

#: QPs that are tried, until one is close enough.
QPS = (32, 27, 22)


def code_vvc(
    source: Path, target: Path, *, qp: int, preset: str, sound: bool, threads: int | None
) -> None:
    """Code a recording at its own size; sound and tags stay, times as far as a fixed rate has them.

    Frames that say that they are interlaced are deinterlaced, as for .gvc.

    :param target: written, or written over. :param preset: VVenC's. :param sound: whether to keep
        it.
    :param threads: CPU threads; None leaves the choice to ffmpeg.
    :raises UnsupportedError: if there is no ffmpeg program.
    :raises MediaError: if it fails, with the first line of its complaint; without room for the
        file, too.
    """
    arguments: list[str | Path] = [
        "-i", source, "-sn", "-dn", *([] if sound else ["-an"]), "-map_metadata", "0",
        # VVenC loses frames where its unit of time is another one than that of a frame.
        "-vf", "bwdif=mode=send_frame:deint=interlaced", "-fps_mode", "passthrough",
        # Ten bits are what VVenC computes with anyway, and keep what a source has of them.
        "-pix_fmt", "yuv420p10le", "-c:v", "libvvenc", "-preset", preset, "-qp", str(qp),
        "-qpa", "0", *_threads(threads), "-c:a", "copy", "-f", "mp4", target,
    ]  # fmt: skip
    _run(arguments, path=source)


def to_h264(source: Path, target: Path, *, threads: int | None) -> None:
    """Make of such a file one that plays anywhere.

    Parameters and errors are those of :func:`code_vvc`.
    """
    arguments: list[str | Path] = [
        "-i", source, "-map", "0", "-map_metadata", "0", "-fps_mode", "passthrough",
        "-enc_time_base:v", "demux", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-crf", "16",
        *_threads(threads), "-c:a", "copy", "-f", "mp4", target,
    ]  # fmt: skip
    _run(arguments, path=source)


def _threads(threads: int | None) -> list[str]:
    return [] if threads is None else ["-threads", str(threads)]


def _run(arguments: list[str | Path], *, path: Path) -> None:
    command = [ffmpeg_program(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        return
    complaint = done.stderr.decode(errors="replace").strip()
    if files.says_full(complaint):
        # Whatever it said first, this is what has to be done something about.
        complaint = files.FULL
    first = complaint.splitlines()[0] if complaint else "no reason given"
    raise MediaError(f"ffmpeg failed: {first}", path=path)
