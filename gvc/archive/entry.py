"""What is known of one recording of an archive."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from pathlib import Path


class State(enum.StrEnum):
    """How far a recording is.

    ``WHOLE``: the coded file is complete and verified, and about to get its name. ``GONE``: the
    source vanished before anything was made of it.
    """

    WAITING = "waiting"
    RUNNING = "running"
    WHOLE = "whole"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


class Form(enum.StrEnum):
    """As what a recording is kept: a .gvc file, VVC in MP4, or the source itself."""

    GVC = "gvc"
    VVC = "vvc"
    COPY = "copy"


class Verification(enum.StrEnum):
    """How a coded file is looked at before it gets its name.

    ``FULL`` decodes all of it and compares every frame with the source, ``SAMPLE`` reads all of it
    and compares the frames of some groups of pictures, ``NONE`` does nothing.
    """

    FULL = "full"
    SAMPLE = "sample"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording: its source, what was made of it, and how that went.

    Names may hold any bytes; paths carry those that are not UTF-8 as :func:`os.fsdecode` does.

    :param name: path of the recording in the archive's tree, relative: the one thing that no other
        entry has.
    :param source: where it was last found, absolute.
    :param source_size: bytes, and :param source_mtime_ns: time of the last change, when it was last
        seen; None if it could not be looked at.
    :param source_hash: BLAKE2b of the bytes that were coded, 64 hexadecimal digits; None until
        then.
    :param state: how far it is.
    :param settings: canonical JSON of everything that the coded file depends on but the source.
    :param form: as what it is kept. :param target: the file, relative to the archive. Both are None
        until there is one, as is everything that follows down to ``note``.
    :param target_size: in bytes. :param target_mtime_ns: its last change. :param target_hash:
        BLAKE2b of it.
    :param seconds: of video. :param frames: of video; None for copies that nobody decoded.
    :param verification: how it was verified.
    :param compared: number of frames that were compared with the source.
    :param distance_mean: of those frames from their originals, by the perceptual distance that
        ships (:class:`gvc.model.distance.Distance`), on the scale of LPIPS with SqueezeNet.
    :param distance_worst: the greatest of them.
    :param damaged: whether parts of the source could not be read, and are missing.
    :param note: what there is to say of a file that is done, in a line: streams left out, why it
        is kept as VVC.
    :param error: why it failed, in a line; None if it did not.
    :param begun: when work on it began, and :param ended: when that ended, in seconds since 1970.
    :param elapsed: seconds that a worker took, by a steady clock.
    :param worker: who works on it, or did: ``host:process``.
    :param source_deleted: whether the source was deleted once the file was verified.
    :param surveyed: whether the file was compared with the packets of the source
        (:mod:`gvc.archive.agreement`); of older archives it was not.
    :param difference: what of the source is missing in the file, or different, by that, in a line;
        None if nothing is known to be.
    """

    name: Path
    source: Path
    source_size: int | None = None
    source_mtime_ns: int | None = None
    source_hash: str | None = None
    state: State = State.WAITING
    settings: str | None = None
    form: Form | None = None
    target: Path | None = None
    target_size: int | None = None
    target_mtime_ns: int | None = None
    target_hash: str | None = None
    seconds: float | None = None
    frames: int | None = None
    verification: Verification | None = None
    compared: int = 0
    distance_mean: float | None = None
    distance_worst: float | None = None
    damaged: bool = False
    note: str | None = None
    error: str | None = None
    begun: float | None = None
    ended: float | None = None
    elapsed: float | None = None
    worker: str | None = None
    source_deleted: bool = False
    surveyed: bool = False
    difference: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether there is a file of it: that of an earlier version, if it is not done."""
        return self.target_hash is not None and self.state is not State.WHOLE

    @property
    def bit_rate(self) -> float | None:
        """Bits a second of the whole file, sound and all; None where that is not known."""
        if self.target_size is None or not self.seconds:
            return None
        return self.target_size * 8 / self.seconds

    @property
    def settings_fingerprint(self) -> str | None:
        """Eight hexadecimal digits that stand for the settings."""
        return None if self.settings is None else fingerprint_of(self.settings)

    @property
    def saved(self) -> int | None:
        """Bytes by which the file is smaller than its source; None where there is no file."""
        if self.target_size is None or self.source_size is None:
            return None
        return self.source_size - self.target_size


def fingerprint_of(settings: str) -> str:
    """Eight hexadecimal digits that stand for settings in canonical JSON."""
    return hashlib.blake2b(settings.encode(), digest_size=4).hexdigest()
