"""Frames and audio packets from where reading stands, within limits, and past damage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

import av

from gvc.api.concealment import OnLoss, PictureConcealment, SoundGaps
from gvc.api.cursor import Cursor
from gvc.api.limits import Meter
from gvc.bitstream import AudioPacket, BitstreamReader, Chunk, Damage, Group
from gvc.codec.decoder import VideoDecoder
from gvc.errors import InvalidDataError


@dataclass(slots=True)
class Playback:
    """Video frames and audio packets in the order of the file, from one loop to the next.

    A loop may end within a group of pictures; the next one goes on with its other frames.

    :param cursor: stands where the pass begins. :param reader: its reader.
    :param decoder: gives that of the video stream.
    :param meter: of this pass.
    """

    cursor: Cursor
    reader: BitstreamReader
    decoder: Callable[[], VideoDecoder]
    meter: Meter
    #: Frames of the group in which the last loop ended.
    frames: Iterator[av.VideoFrame] | None = field(default=None, init=False)

    def play(self, kinds: Collection[str]) -> Iterator[av.VideoFrame | AudioPacket]:
        """What comes out up to the end of the file.

        :param kinds: ``video``, ``audio``, or both.
        :raises InvalidDataError: where it is damaged. :raises LimitError: where it goes too far.
        """
        yield from self.remaining(kinds)
        for _, unit in self.cursor:
            self.meter.check_time()
            if isinstance(unit, AudioPacket) and "audio" in kinds:
                yield unit
            elif isinstance(unit, Group) and "video" in kinds:
                self.meter.check_group(unit)
                self.frames = self.decoder().decode(unit)
                yield from self.remaining(kinds)

    def remaining(self, kinds: Collection[str]) -> Iterator[av.VideoFrame]:
        """The frames of the group in progress; each counts."""
        if self.frames is not None and "video" in kinds:
            # Not ``yield from``, which would end the group with the loop.
            for frame in self.frames:
                assert frame.pts is not None
                self.meter.count(frame.pts)
                yield frame
        self.frames = None


class ConcealingPlayback:
    """The same past damage, with pictures for those that are lost.

    :param playback: as it would be without damage.
    :param begin: pts of the group at which the pass begins, None at the beginning.
    :param say: is told of what is lost.
    """

    def __init__(self, playback: Playback, *, begin: int | None, say: OnLoss) -> None:
        self._playback = playback
        header = playback.reader.header
        self._pictures = PictureConcealment(header.video, begin, say)
        self._gaps = SoundGaps(header.audio, say) if header.audio is not None else None
        self._finished = False

    def play(self, kinds: Collection[str]) -> Iterator[av.VideoFrame | AudioPacket]:
        """What comes out up to the end of the file.

        :param kinds: ``video``, ``audio``, or both.
        :raises InvalidDataError: if no picture at all can be decoded.
        """
        shown, heard = "video" in kinds, "audio" in kinds and self._gaps is not None
        yield from self._playback.remaining(kinds)
        for piece, unit in self._playback.cursor:
            self._playback.meter.check_time()
            if isinstance(piece, Damage):
                if shown:
                    self._pictures.lose(piece, unit if isinstance(unit, Group) else None)
                if heard and self._gaps is not None:
                    self._gaps.lose(piece)
            elif isinstance(unit, Group) and shown:
                self._playback.frames = self._group(piece, unit)
                yield from self._playback.remaining(kinds)
            elif isinstance(unit, AudioPacket) and heard and self._gaps is not None:
                self._gaps.hear(unit)
                yield unit
        if shown and not self._finished:
            self._finished = True
            self._playback.frames = self._pictures.finish(self._playback.reader.stored_index)
            yield from self._playback.remaining(kinds)

    def _group(self, chunk: Chunk, group: Group) -> Iterator[av.VideoFrame]:
        """Frames of ``group`` as far as it can be decoded, behind those that are missing."""
        end = chunk.offset + chunk.size
        if self._pictures.is_past(group.pts):
            self._pictures.lose(Damage(chunk.offset, end, "a group comes too late"))
            return
        self._playback.meter.check_group(group)
        index, shown = self._playback.reader.stored_index, 0
        try:
            for frame in self._playback.decoder().decode(group):
                yield from self._pictures.held(frame, index)
                self._pictures.show(frame)
                shown += 1
                yield frame
        except InvalidDataError as error:
            self._pictures.lose(Damage(chunk.offset, end, error.cause), group, shown=shown)
