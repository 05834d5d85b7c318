"""``gvc import``."""

from __future__ import annotations

from pathlib import Path

import click

from gvc.cli.options import known_weights_option, overwrite_option


@click.command("import")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT")
@known_weights_option
@overwrite_option
def command(source: str, target: str, weights: Path | None, overwrite: bool) -> None:
    """Make OUT, a .gvc file, of IN, a VVC stream that gvc export wrote.

    Its groups are those of the file that was exported, to the bit.
    """
    from gvc.cli.files import opened, writable
    from gvc.sei import import_stream

    with (
        opened(source) as file,
        writable(target, source=source, overwrite=overwrite, endings=(".gvc",)) as output,
    ):
        import_stream(file, output, extra_weights=weights)
