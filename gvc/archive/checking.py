"""Files of an archive looked at again: whether they are there, unchanged, and can be decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av

from gvc.archive import files
from gvc.archive.decoding import Decoding
from gvc.archive.entry import Entry, Form
from gvc.archive.task import Step, Tell, reason_of
from gvc.bitstream import AudioPacket, BitstreamReader
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of the file of an entry.

    :param error: what is wrong with it, in a line; None if nothing is.
    """

    entry: Entry
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Reads, hashes and parses the file of an entry.

    :param folder: of the archive. :param decode: whether all of it is decoded, too.
    :param decoding: how .gvc files are decoded; videos take its threads.
    """

    entry: Entry
    folder: Path
    decode: bool
    decoding: Decoding

    def run(self, tell: Tell) -> Checked:
        """Do it; never raises, but for what ends the process."""
        try:
            self._check(tell)
        except Exception as error:
            return Checked(self.entry, reason_of(error))
        return Checked(self.entry)

    def _check(self, tell: Tell) -> None:
        entry = self.entry
        assert entry.target is not None
        path = self.folder / entry.target
        tell(Step("hash"))
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise InvalidDataError("is missing", path=path) from error
        if size != entry.target_size or files.hash_of(path) != entry.target_hash:
            raise InvalidDataError("is damaged: its hash is another one", path=path)
        if entry.form is Form.GVC:
            with path.open("rb") as file:
                for _ in BitstreamReader(file):
                    pass
        if self.decode and entry.form is not Form.COPY:
            frames = self._decoded(path, tell)
            if frames != entry.frames:
                raise InvalidDataError(f"has {frames} frames, not {entry.frames}", path=path)

    def _decoded(self, path: Path, tell: Tell) -> int:
        """How many frames can be decoded; sound is decoded, too."""
        frames = 0
        if self.entry.form is Form.VVC:
            with Source(path, audio=AudioMode.NONE, threads=self.decoding.threads) as media:
                for unit in media:
                    frames += not isinstance(unit, AudioPacket)
                    tell(Step("decode", frames, self.entry.frames))
            return frames
        with self.decoding.open(path) as container:
            for frame in container.decode():
                frames += isinstance(frame, av.VideoFrame)
                tell(Step("decode", frames, self.entry.frames))
        return frames
