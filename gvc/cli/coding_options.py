"""Options that say how recordings are coded, shared by the commands that code them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import click

from gvc.cli.options import (
    device_option,
    metric_weights_option,
    precision_option,
    weights_option,
)
from gvc.codec.presets import DEFAULT_PRESET, PRESETS
from gvc.codec.settings import (
    DEFAULT_KEY_QP,
    DEFAULT_REFRESH,
    DISTANCES,
    CanvasMode,
    EncoderSettings,
    Precision,
    Purpose,
)
from gvc.errors import UsageError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def parse_bit_rate(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Bits a second from ``24000`` or ``24k``."""
    if text is None:
        return None
    try:
        return int(float(text[:-1]) * 1000) if text.lower().endswith("k") else int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a bit rate; 5k or 5000, say") from None


def parse_audio_bit_rate(context: click.Context, option: click.Parameter, text: str | None) -> int:
    """The same, for Opus."""
    value = parse_bit_rate(context, option, text)
    if value is None:
        from gvc.media import DEFAULT_OPUS_BIT_RATE

        return DEFAULT_OPUS_BIT_RATE
    if not 6000 <= value <= 510_000:
        raise click.BadParameter("Opus takes 6k to 510k")
    return value


def parse_step(_: click.Context, __: click.Parameter, text: str | None) -> Fraction | None:
    """A step from ``0.1`` or ``1/10``."""
    try:
        return None if text is None else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(f"{text!r} is not a number") from None


_CODING = (
    click.option(
        "--preset",
        default=DEFAULT_PRESET,
        show_default=True,
        metavar="NAME",
        help=f"Encoding time for bits: {', '.join(PRESETS)}.",
    ),
    click.option(
        "--for",
        "purpose",
        type=click.Choice([each.value for each in Purpose]),
        default="people",
        show_default=True,
        help="Who looks at it; machine keeps what recognises a face, and flattens all else.",
    ),
    click.option(
        "--size", default=256, show_default=True, help="Side of the square of equal area."
    ),
    click.option(
        "--canvas",
        type=click.Choice([each.value for each in CanvasMode]),
        default="auto",
        show_default=True,
        help="Keep the picture at its size and code a head in it; auto does where that pays.",
    ),
    click.option(
        "--faces",
        default=1,
        show_default=True,
        metavar="N",
        help="With a canvas, most heads that are coded, the largest ones first: 1 to 4.",
    ),
    click.option("--key-qp", type=int, help=f"QP of key frames, 0 to 63.  [{DEFAULT_KEY_QP}]"),
    click.option(
        "--bitrate",
        "bit_rate",
        callback=parse_bit_rate,
        metavar="RATE",
        help="Bits a second of all but the sound, in place of --key-qp; 5k, say.",
    ),
    click.option(
        "--passes",
        type=click.IntRange(1, 2),
        help="For --bitrate: two give better pictures, and need a file.  [2 for files]",
    ),
    click.option(
        "--key-codec", default="vvc", show_default=True, help="Key-frame codec: vvc, hevc."
    ),
    click.option("--key-preset", help="Preset of the key-frame codec.  [as --preset says]"),
    click.option(
        "-g", "--gop-size", default=250, show_default=True, help="Most frames of a group."
    ),
    click.option(
        "--refresh",
        type=float,
        default=DEFAULT_REFRESH,
        show_default=True,
        metavar="SECONDS",
        help="For how long key frames may be predicted from that of one earlier group; 0: never.",
    ),
    click.option("--key-frames", default=4, show_default=True, help="Most key frames of a group."),
    click.option(
        "--max-distance",
        type=float,
        metavar="RHO",
        help="No frame further from its original than this, on the scale of LPIPS; 0.2, say. "
        "Motion is sent as sparsely as that allows.",
    ),
    click.option(
        "--distance",
        type=click.Choice(DISTANCES),
        default=DISTANCES[0],
        show_default=True,
        help="What says how far: a small network that ships, or LPIPS where its weights are at "
        "hand.",
    ),
    metric_weights_option,
    click.option(
        "--scene-cut", default=0.25, show_default=True, help="Threshold, 0 to 1; 0 is off."
    ),
    click.option(
        "--motion-step",
        callback=parse_step,
        help="Quantiser step of motion codes.  [1/2, from key QP 37 on 1]",
    ),
    click.option(
        "--entropy",
        "entropy_model",
        metavar="MODEL",
        help="Of motion codes: adaptive, kalman, learned.  [learned, if there is a prior]",
    ),
    click.option(
        "--refine",
        type=int,
        metavar="STEPS",
        help="Fit the motion codes to the pictures: slower, and nearer to them. 8, say."
        "  [as --preset says]",
    ),
    click.option(
        "--audio",
        type=click.Choice(["opus", "copy", "none"]),
        default="opus",
        show_default=True,
        help="What becomes of the sound.",
    ),
    click.option(
        "--audio-bitrate",
        metavar="RATE",
        callback=parse_audio_bit_rate,
        help="Of Opus: 24k, say, for music.  [16k]",
    ),
    click.option(
        "--model",
        default="face",
        show_default=True,
        metavar="NAME",
        help="Of what the picture shows: face, body, or auto, which tries both on the first "
        "frames.",
    ),
    weights_option,
    precision_option,
    click.option(
        "--pack",
        type=click.Path(path_type=Path),
        help="Speaker pack (.gvcp) of gvc adapt to code with.",
    ),
    click.option(
        "--embed-pack", is_flag=True, help="Store the pack in OUT, which then stands alone."
    ),
    device_option,
)


def coding_options(command: _Command) -> _Command:
    """Options of the encoder and of sound, as arguments of their names.

    All but ``audio``, ``audio_bitrate`` and ``passes`` go to :func:`coding_settings`, and so does
    ``threads``, which commands declare themselves.
    """
    for option in reversed(_CODING):
        command = option(command)
    return command


def coding_settings(given: Mapping[str, Any]) -> EncoderSettings:
    """What the options of :func:`coding_options` ask the encoder for.

    :raises UsageError: if they make no sense together.
    """
    values = dict(given)
    if values["bit_rate"] is not None and values["key_qp"] is not None:
        raise UsageError("--bitrate chooses the QP of key frames", hint="leave out --key-qp")
    for name in ("key_qp", "key_preset", "refine"):
        # The preset, or the default, says.
        if values[name] is None:
            del values[name]
    return EncoderSettings.of_preset(
        values.pop("preset"),
        **{
            **values,
            "purpose": Purpose(values["purpose"]),
            "canvas": CanvasMode(values["canvas"]),
            "precision": Precision(values["precision"]),
        },
    )
