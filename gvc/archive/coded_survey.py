"""An account of a .gvc file by its own bitstream; nothing is decoded."""

from __future__ import annotations

from pathlib import Path

from gvc.archive.account import Account, SoundAccount
from gvc.archive.timekeeping import GAP, Timekeeper
from gvc.bitstream import AudioHeader, AudioPacket, BitstreamReader, Group
from gvc.errors import InvalidDataError


def survey_coded(path: Path) -> Account:
    """Count the pictures of a file's groups, and add up the times of its audio packets.

    :raises InvalidDataError: if it is damaged, or holds no picture.
    :raises OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        reader = BitstreamReader(file)
        video, audio = reader.header.video, reader.header.audio
        sound = None if audio is None else _Sound(audio)
        pictures, first, end = 0, None, None
        for unit in reader:
            if isinstance(unit, Group):
                pictures += unit.frames
                first = unit.pts if first is None else first
                end = unit.end_pts
            elif sound is not None:
                for packet in unit.packets:
                    sound.add(packet)
        index = reader.stored_index
    if end is None and index is not None:
        end = index.end_pts
    if first is None or end is None:
        raise InvalidDataError("holds no pictures, or does not say when they end", path=path)
    unit_seconds = float(video.time_base)
    return Account(
        pictures=pictures,
        uncertain=0,
        seconds=(end - first) * unit_seconds,
        jumps=0.0,
        frame=video.frame_duration * unit_seconds,
        joins=0,
        vague=False,
        sound=None if sound is None else sound.account(first * unit_seconds, end * unit_seconds),
    )


class _Sound:
    """Adds up stored audio packets."""

    def __init__(self, header: AudioHeader) -> None:
        self._unit = float(header.time_base)
        self._usual = header.frame_size
        self._priming = header.initial_padding / header.sample_rate
        self._times = Timekeeper(discontinuous=False, gap=GAP)

    def add(self, packet: AudioPacket) -> None:
        """Add a packet."""
        start = packet.pts * self._unit
        lasts = (packet.duration or self._usual) * self._unit
        self._times.begins_anew(start)
        self._times.lasts(lasts)
        if self._times.start is None:
            # A decoder drops the beginning.
            self._times.show(start + self._priming, max(start + lasts, start + self._priming))
        else:
            self._times.show(start, start + lasts)

    def account(self, first: float, end: float) -> SoundAccount | None:
        """What there was.

        :param first: seconds of the first picture. :param end: when the last one ends.
        """
        if self._times.start is None:
            return None
        return SoundAccount(
            start=self._times.start - first,
            seconds=self._times.seconds,
            gaps=self._times.gaps,
            end=self._times.end - end,
            priming=self._priming,
            joins=self._times.joins,
        )
