"""``gvc encode``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from gvc.cli.options import (
    device_option,
    metric_weights_option,
    model_option,
    overwrite_option,
    precision_option,
    quiet_option,
    threads_option,
    verbose_option,
    weights_option,
)
from gvc.cli.start import keep_freed_memory, preload_torch
from gvc.codec.presets import DEFAULT_PRESET, PRESETS
from gvc.codec.settings import (
    DEFAULT_KEY_QP,
    DEFAULT_MOTION_STEP,
    DEFAULT_REFRESH,
    DISTANCES,
    CanvasMode,
    EncoderSettings,
    Precision,
    Purpose,
)
from gvc.errors import UsageError

#: What names of videos and pictures end in.
_NOT_OURS = (".mp4", ".mkv", ".mov", ".webm", ".y4m", ".nut", ".png", ".jpg", ".jpeg")


def parse_bit_rate(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Bits a second from ``24000`` or ``24k``."""
    if text is None:
        return None
    try:
        return int(float(text[:-1]) * 1000) if text.lower().endswith("k") else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a bit rate; 5k or 5000, say") from None


def parse_audio_bit_rate(context: click.Context, option: click.Parameter, text: str) -> int:
    """The same, for Opus."""
    value = parse_bit_rate(context, option, text)
    if value is None or not 6000 <= value <= 510_000:
        raise click.BadParameter("Opus takes 6k to 510k")
    return value


def parse_step(_: click.Context, __: click.Parameter, text: str) -> Fraction:
    """A step from ``0.1`` or ``1/10``."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(f"{text!r} is not a number") from None


@click.command("encode")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@click.option(
    "--preset",
    default=DEFAULT_PRESET,
    show_default=True,
    metavar="NAME",
    help=f"Encoding time for bits: {', '.join(PRESETS)}.",
)
@click.option(
    "--for",
    "purpose",
    type=click.Choice([each.value for each in Purpose]),
    default="people",
    show_default=True,
    help="Who looks at it; machine keeps what recognises a face, and flattens all else.",
)
@click.option("--size", default=256, show_default=True, help="Side of the square of equal area.")
@click.option(
    "--canvas",
    type=click.Choice([each.value for each in CanvasMode]),
    default="auto",
    show_default=True,
    help="Keep the picture at its size and code a head in it; auto does where that pays.",
)
@click.option("--key-qp", type=int, help=f"QP of key frames, 0 to 63.  [{DEFAULT_KEY_QP}]")
@click.option(
    "--bitrate",
    "bit_rate",
    callback=parse_bit_rate,
    metavar="RATE",
    help="Bits a second of all but the sound, in place of --key-qp; 5k, say.",
)
@click.option(
    "--passes",
    type=click.IntRange(1, 2),
    help="For --bitrate: two give better pictures, and need a file.  [2 for files]",
)
@click.option("--key-codec", default="vvc", show_default=True, help="Key-frame codec: vvc, hevc.")
@click.option("--key-preset", help="Preset of the key-frame codec.  [as --preset says]")
@click.option("-g", "--gop-size", default=250, show_default=True, help="Most frames of a group.")
@click.option(
    "--refresh",
    type=float,
    default=DEFAULT_REFRESH,
    show_default=True,
    metavar="SECONDS",
    help="For how long key frames may be predicted from that of one earlier group; 0: never.",
)
@click.option("--key-frames", default=4, show_default=True, help="Most key frames of a group.")
@click.option(
    "--max-distance",
    type=float,
    metavar="RHO",
    help="No frame further from its original than this, on the scale of LPIPS; 0.2, say. Motion is "
    "sent as sparsely as that allows.",
)
@click.option(
    "--distance",
    type=click.Choice(DISTANCES),
    default=DISTANCES[0],
    show_default=True,
    help="What says how far: a small network that ships, or LPIPS where its weights are at hand.",
)
@metric_weights_option
@click.option("--scene-cut", default=0.25, show_default=True, help="Threshold, 0 to 1; 0 is off.")
@click.option(
    "--motion-step",
    default=str(DEFAULT_MOTION_STEP),
    show_default=True,
    callback=parse_step,
    help="Quantiser step of motion codes.",
)
@click.option(
    "--entropy",
    "entropy_model",
    metavar="MODEL",
    help="Of motion codes: adaptive, kalman, learned.  [learned, if there is a prior]",
)
@click.option(
    "--refine",
    type=int,
    metavar="STEPS",
    help="Fit the motion codes to the pictures: slower, and nearer to them. 8, say."
    "  [as --preset says]",
)
@click.option(
    "--audio",
    type=click.Choice(["opus", "copy", "none"]),
    default="opus",
    show_default=True,
    help="What becomes of the sound.",
)
@click.option(
    "--audio-bitrate",
    default="24k",
    show_default=True,
    callback=parse_audio_bit_rate,
    help="Of Opus.",
)
@model_option
@weights_option
@precision_option
@click.option(
    "--pack",
    type=click.Path(path_type=Path),
    help="Speaker pack (.gvcp) of gvc adapt to code with.",
)
@click.option("--embed-pack", is_flag=True, help="Store the pack in OUT, which then stands alone.")
@device_option
@threads_option
@overwrite_option
@quiet_option
@verbose_option
def command(
    source: str,
    target: str,
    preset: str,
    purpose: str,
    size: int,
    canvas: str,
    key_qp: int | None,
    bit_rate: int | None,
    passes: int | None,
    key_codec: str,
    key_preset: str | None,
    gop_size: int,
    refresh: float,
    key_frames: int,
    max_distance: float | None,
    distance: str,
    metric_weights: Path | None,
    scene_cut: float,
    motion_step: Fraction,
    entropy_model: str | None,
    refine: int | None,
    audio: str,
    audio_bitrate: int,
    model: str,
    weights: Path | None,
    precision: str,
    pack: Path | None,
    embed_pack: bool,
    device: str,
    threads: int | None,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Code the video IN as OUT (a .gvc file); - is standard input or output.

    IN can be a still picture, too. Streams that are left out, and changes that are made to
    pictures, are said in a line each.
    """
    keep_freed_memory()
    preload_torch()
    from gvc.api.transcode import can_be_read_twice, encode
    from gvc.cli.files import readable, writable
    from gvc.cli.progress import lines, progress_line, summary
    from gvc.media import AudioMode

    if bit_rate is not None and key_qp is not None:
        raise UsageError("--bitrate chooses the QP of key frames", hint="leave out --key-qp")
    given = {"key_qp": key_qp, "key_preset": key_preset, "refine": refine}
    settings = EncoderSettings.of_preset(
        preset,
        **{name: value for name, value in given.items() if value is not None},
        purpose=Purpose(purpose),
        size=size,
        canvas=CanvasMode(canvas),
        bit_rate=bit_rate,
        key_codec=key_codec,
        gop_size=gop_size,
        refresh=refresh,
        key_frames=key_frames,
        max_distance=max_distance,
        distance=distance,
        metric_weights=metric_weights,
        scene_cut=scene_cut,
        motion_step=motion_step,
        entropy_model=entropy_model,
        model=model,
        weights=weights,
        precision=Precision(precision),
        pack=pack,
        embed_pack=embed_pack,
        device=device,
        threads=threads,
    )
    if target.lower().endswith(_NOT_OURS):
        raise UsageError("encode writes .gvc files", path=target, hint="gvc decode writes videos")
    say = lines(quiet=quiet)
    with (
        writable(target, source=source, overwrite=overwrite) as file,
        progress_line("encode", quiet=quiet) as on_progress,
    ):
        video = readable(source)
        if passes is None:
            passes = 2 if bit_rate is not None and can_be_read_twice(video) else 1
        report = encode(
            video,
            file,
            settings=settings,
            audio=AudioMode(audio),
            audio_bit_rate=audio_bitrate,
            passes=passes,
            on_progress=on_progress,
            on_warning=lambda line: say(f"gvc: warning: {source}: {line}"),
        )
    if report.problem is not None:
        say(f"gvc: warning: {source}: {report.problem}")
    if verbose:
        click.echo(summary(target, report), err=True)
