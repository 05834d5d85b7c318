"""What an archiving run is asked for."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field, fields, replace

from gvc.archive.entry import Verification
from gvc.codec.settings import EncoderSettings
from gvc.errors import UsageError
from gvc.media import DEFAULT_OPUS_BIT_RATE, AudioMode

#: Settings that files do not depend on.
_WITHOUT_EFFECT = {"threads", "device"}


class Redo(enum.StrEnum):
    """Which recordings that are done already are coded again.

    ``CHANGED``: those whose source has changed, or whose file is missing or damaged. ``SETTINGS``:
    also those that were coded with other settings. ``DIFFERENT``: also those whose file differs
    from the packets of its source. ``ALL``: all that are found.
    """

    CHANGED = "changed"
    DIFFERENT = "different"
    SETTINGS = "settings"
    ALL = "all"


class EngineName(enum.StrEnum):
    """Where work is done: in processes here, or on a Ray cluster."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is done, which the files that it makes do not depend on.

    :param jobs: how many recordings are worked on at once; None is one here, and as many as fit on
        a cluster.
    :param engine: where. :param redo: what is coded again.
    :param check: whether files that are done are read and hashed, which else have to be there with
        the size and the time that they got.
    :param rehash: whether sources that are done are read and hashed, which else have to have the
        size and time that they had.
    :param delete_source: whether sources are deleted once it is on disk that their files were
        verified in full.
    :raises UsageError: if there are to be no jobs.
    """

    jobs: int | None = None
    engine: EngineName = EngineName.LOCAL
    redo: Redo = Redo.CHANGED
    check: bool = False
    rehash: bool = False
    delete_source: bool = False

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"{self.jobs} jobs do nothing", hint="1 or more")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How each recording is coded and verified; checked when it is made.

    :param encoder: settings of the encoder; its threads are those of one worker.
    :param audio: what becomes of the sound. :param audio_bit_rate: of Opus, bits a second.
    :param passes: how often a source is read; None is 2 where a bit rate is asked for, else 1.
    :param verification: how files are looked at before they get their names.
    :param min_quality: the greatest mean distance of the frames that are compared
        (:attr:`~gvc.archive.entry.Entry.distance_mean`); what is further is kept as VVC or as it
        is, whichever takes less. None keeps everything as .gvc.
    :raises UsageError: if quality is asked for, and nothing to be verified.
    """

    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    audio: AudioMode = AudioMode.OPUS
    audio_bit_rate: int = DEFAULT_OPUS_BIT_RATE
    passes: int | None = None
    verification: Verification = Verification.SAMPLE
    min_quality: float | None = None

    def __post_init__(self) -> None:
        if self.min_quality is None:
            return
        if self.verification is Verification.NONE:
            raise UsageError("a quality is asked for, and nothing verified", hint="--verify sample")
        if not 0 < self.min_quality <= 10:
            raise UsageError(f"quality {self.min_quality} is out of range", hint="0 to 10")

    @property
    def canonical(self) -> str:
        """Everything that files depend on, as JSON, always in the same words."""
        encoder = {
            each.name: _plain(getattr(self.encoder, each.name))
            for each in fields(EncoderSettings)
            if each.name not in _WITHOUT_EFFECT
        }
        mine = {
            "audio": self.audio.value,
            "audio_bit_rate": self.audio_bit_rate if self.audio is AudioMode.OPUS else None,
            "passes": self.number_of_passes,
            "min_quality": self.min_quality,
        }
        return json.dumps({**encoder, **mine}, sort_keys=True)

    @property
    def number_of_passes(self) -> int:
        """How often a source is read."""
        return self.passes or (2 if self.encoder.bit_rate is not None else 1)

    def with_threads(self, threads: int) -> Recipe:
        """The same for a worker of so many threads."""
        return replace(self, encoder=replace(self.encoder, threads=threads))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
