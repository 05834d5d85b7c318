"""``gvc info``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

import gvc
from gvc.cli.files import opened
from gvc.codec.summary import StreamSummary, summarise
from gvc.errors import MediaError, UsageError, one_line


@click.command("info")
@click.argument("source", metavar="[FILE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="For machines; the keys are stable.")
@click.option("--build", is_flag=True, help="Say how gvc itself was built.")
def command(source: str | None, as_json: bool, build: bool) -> None:
    """Say what FILE (a .gvc file, - for standard input) holds, counted to the byte.

    The exit code is 1 if the file is damaged or cut off.
    """
    if build:
        _print(_build(), as_json=as_json)
        return
    if source is None:
        raise UsageError("no file given", hint="gvc info FILE, or gvc info --build")
    summary = _summarise(source)
    _print(describe(summary), as_json=as_json)
    if summary.problem is not None:
        click.echo(one_line(f"gvc: warning: {source}: {summary.problem}"), err=True)
        sys.exit(1)


def describe(summary: StreamSummary) -> dict[str, Any]:
    """All that is known of a file, in nested dictionaries of plain values."""
    video, audio = summary.header.video, summary.header.audio
    seconds = float(summary.seconds)

    def rate(size: int) -> float:
        return round(size * 8 / 1000 / seconds, 3) if seconds > 0 else 0.0

    described: dict[str, Any] = {
        "format": "gvc",
        "size": summary.size,
        "seconds": round(seconds, 6),
        "kbps": rate(summary.size),
        "whole": summary.problem is None,
        "bytes": {
            "key_frames": summary.key_frames,
            "motion_codes": summary.motion_codes,
            "speaker_pack": summary.pack,
            "audio": summary.audio,
            "overhead": summary.overhead,
        },
        "video": {
            "width": video.width,
            "height": video.height,
            "coded_width": video.coded_width,
            "coded_height": video.coded_height,
            "canvas": list(video.canvas) if video.canvas else None,
            "rectangles": [
                [each.left, each.top, each.width, each.height] for each in summary.rectangles
            ],
            "frame_rate": str(video.frame_rate),
            "time_base": str(video.time_base),
            "sample_aspect_ratio": str(video.sample_aspect_ratio),
            "groups": summary.groups,
            "predicted_groups": summary.predicted,
            "frames": {kind.value: number for kind, number in summary.frames.items()},
            "key_frame_kbps": rate(summary.key_frames),
            "motion_code_kbps": rate(summary.motion_codes),
            "key_codec": video.key_codec,
            "entropy_model": video.entropy_model,
            "motion_step": str(video.motion_step),
            "model": video.model,
            "weights": video.weights.hex(),
            "prior": video.prior.hex() if video.prior else None,
            "pack": video.pack.hex() if video.pack else None,
            **_named(summary.header.video_metadata),
        },
        "audio": None,
        "metadata": dict(summary.header.metadata),
    }
    if audio is not None:
        described["audio"] = {
            "codec": audio.codec,
            "sample_rate": audio.sample_rate,
            "channels": audio.channels,
            "packets": summary.audio_packets,
            "kbps": rate(summary.audio),
            **_named(summary.header.audio_metadata),
        }
    return described


def _named(tags: tuple[tuple[str, str], ...]) -> dict[str, str | None]:
    """Language and title of a stream."""
    of_stream = dict(tags)
    return {name: of_stream.get(name) for name in ("language", "title")}


def _build() -> dict[str, Any]:
    from gvc.ops import build_info

    info = build_info()
    kernels = "native" if info["native"] else "none (torch's own operators, slower)"
    return {"version": gvc.__version__, "kernels": kernels, **info}


def _summarise(source: str) -> StreamSummary:
    try:
        with opened(source) as file:
            return summarise(file)
    except MediaError:
        raise
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=source) from error


def _printable(value: Any) -> Any:
    """The same with text that any terminal shows on a line: tags may hold anything."""
    if isinstance(value, dict):
        return {one_line(key): _printable(item) for key, item in value.items()}
    return one_line(value) if isinstance(value, str) else value


def _print(described: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(described, indent=2, ensure_ascii=False))
        return
    described = _printable(described)
    for key, value in described.items():
        if isinstance(value, dict):
            if value:
                click.echo(f"{key}:")
            for name, item in value.items():
                text = (
                    " ".join(f"{k}={v}" for k, v in item.items())
                    if isinstance(item, dict)
                    else item
                )
                click.echo(f"  {name:20} {text}")
        elif value is not None:
            click.echo(f"{key:22} {value}")
