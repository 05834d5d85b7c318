"""What a codec has to offer to be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gvc.bench.reference import Reference


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a codec's quality.

    :param label: such as ``qp32``; also part of file names.
    :param value: what the codec makes of it.
    """

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Coded:
    """What coding cost.

    :param size: bytes that count.
    :param split: where they are, if the codec can tell; adds up to ``size``.
    """

    size: int
    split: Mapping[str, int]


class Codec(Protocol):
    """A codec with the points at which it is measured."""

    @property
    def name(self) -> str:
        """Short and stable: the name in results and file names."""

    @property
    def title(self) -> str:
        """For people."""

    @property
    def note(self) -> str:
        """How it is used, and what of its output counts, in a sentence."""

    @property
    def suffix(self) -> str:
        """Of its files."""

    @property
    def points(self) -> tuple[Point, ...]:
        """From the best quality to the worst."""

    def settings(self) -> Mapping[str, str]:
        """Everything but the point that changes what it makes of a reference."""

    def encode(self, reference: Reference, point: Point, target: Path) -> Coded:
        """Code ``reference`` into the file ``target``.

        :raises GvcError: if that fails.
        """

    def decode(self, reference: Reference, source: Path, target: Path) -> None:
        """Decode ``source`` into pictures like those of ``reference``, in the file ``target``.

        :raises GvcError: if that fails.
        """
