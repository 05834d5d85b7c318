"""Options by name, as text, to the settings of the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from gvc.codec.presets import preset_options
from gvc.codec.settings import CanvasMode, EncoderSettings, Purpose, precision_named
from gvc.errors import UsageError

_PARSERS: Mapping[str, Callable[[str], object]] = {
    "size": int,
    "purpose": Purpose,
    "canvas": CanvasMode,
    "faces": int,
    "key_qp": int,
    "bit_rate": int,
    "key_codec": str,
    "key_preset": str,
    "gop_size": int,
    "refresh": float,
    "key_frames": int,
    "max_distance": float,
    "distance": str,
    "metric_weights": Path,
    "scene_cut": float,
    "motion_step": Fraction,
    "bit_cost": float,
    "interpolate": int,
    "entropy_model": str,
    "refine": int,
    "model": str,
    "weights": Path,
    "precision": precision_named,
    "pack": Path,
    "embed_pack": lambda text: bool(int(text)),
    "device": str,
    "threads": int,
}


def encoder_settings(base: EncoderSettings, options: Mapping[str, str]) -> EncoderSettings:
    """``base`` with ``options`` set, by the names of :class:`~gvc.codec.settings.EncoderSettings`.

    ``preset`` is one more; what it sets, other options may set otherwise.

    :raises UsageError: if an option is unknown, or its value makes no sense.
    """
    if not isinstance(options, Mapping):
        raise UsageError(f"options are a dictionary, and not {options!r}")
    values: dict[str, object] = {}
    if "preset" in options:
        values |= preset_options(options["preset"])
    for name, text in options.items():
        if name == "preset":
            continue
        if name not in _PARSERS:
            raise UsageError(f"no option is called {name!r}", hint=", ".join(["preset", *_PARSERS]))
        try:
            values[name] = _PARSERS[name](text)
        except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
            raise UsageError(f"option {name} cannot be {text!r}") from error
    return replace(base, **values)  # type: ignore[arg-type]
