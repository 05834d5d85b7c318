"""Options that are lists: what they are in text, and what commands take."""

from __future__ import annotations

from fractions import Fraction

import click


def parse_names(_: click.Context, __: click.Parameter, text: str) -> tuple[str, ...]:
    """Names from ``gvc,vvc``."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def parse_qps(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    """Ascending QPs from ``22,32``."""
    try:
        values = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers; 22,32, say") from None
    if not all(0 <= value <= 63 for value in values):
        raise click.BadParameter("QPs are 0 to 63")
    return tuple(values)


def parse_steps(_: click.Context, __: click.Parameter, text: str | None) -> tuple[Fraction, ...]:
    """Ascending steps from ``1/5,0.4``."""
    if text is None:
        return ()
    try:
        values = sorted({Fraction(part.strip()) for part in text.split(",")})
    except (ValueError, ZeroDivisionError):
        raise click.BadParameter(f"{text!r} is not a list of numbers; 1/5,0.4, say") from None
    if not all(Fraction(1, 1000) <= value <= 100 for value in values):
        raise click.BadParameter("steps are 0.001 to 100")
    return tuple(values)


def parse_options(
    _: click.Context, __: click.Parameter, texts: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Names and values from ``name=value``."""
    pairs = [text.partition("=") for text in texts]
    for name, sign, value in pairs:
        if not (name and sign and value):
            raise click.BadParameter(f"{name + sign + value!r} is not NAME=VALUE")
    return tuple((name, value) for name, _, value in pairs)


def parse_distances(_: click.Context, __: click.Parameter, text: str) -> tuple[float, ...]:
    """Ascending distances from ``0.15,0.2``."""
    try:
        values = sorted({float(part) for part in text.split(",")})
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a list of numbers; 0.15,0.2, say") from None
    if not all(0.001 <= value <= 10 for value in values):
        raise click.BadParameter("distances are 0.001 to 10")
    return tuple(values)
