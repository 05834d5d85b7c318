"""How the files of an archive are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gvc.api.input import InputContainer


@dataclass(frozen=True, slots=True)
class Decoding:
    """Options of a decoder.

    :param weights: a weights file or a folder of them, besides those that ship.
    :param packs: likewise of speaker packs. :param device: where the network runs.
    :param threads: CPU threads.
    """

    weights: Path | None = None
    packs: Path | None = None
    device: str = "cpu"
    threads: int | None = None

    def open(self, path: Path) -> InputContainer:
        """A .gvc file, to be decoded so.

        :raises GvcError: if it is none, or cannot be opened.
        """
        return InputContainer(
            path,
            weights=self.weights,
            packs=self.packs,
            device=self.device,
            threads=self.threads,
        )
