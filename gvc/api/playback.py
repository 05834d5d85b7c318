"""One pass over a file: units to video frames, within limits, and past damage if that is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av

from gvc.api.concealment import OnLoss, PictureConcealment, SoundGaps
from gvc.api.limits import Meter
from gvc.bitstream import AudioBlock, AudioPacket, BitstreamReader, Chunk, Damage, Group
from gvc.codec.decoder import VideoDecoder
from gvc.errors import InvalidDataError


@dataclass(frozen=True, slots=True)
class Playback:
    """Video frames and audio packets in the order of the file.

    :param reader: stands where the pass begins.
    :param decoder: gives that of the video stream; None where only sound is wanted.
    :param sound: whether sound is wanted.
    :param meter: of this pass.
    """

    reader: BitstreamReader
    decoder: Callable[[], VideoDecoder] | None
    sound: bool
    meter: Meter

    def straight(self) -> Iterator[av.VideoFrame | AudioPacket]:
        """What comes out up to the end of the file.

        :raises InvalidDataError: where it is damaged. :raises LimitError: where it goes too far.
        """
        for unit in self.reader:
            self.meter.check_time()
            if isinstance(unit, AudioBlock):
                yield from unit.packets if self.sound else ()
            elif self.decoder is not None:
                self.meter.check_group(unit)
                for frame in self.decoder().decode(unit):
                    yield self._counted(frame)

    def concealing(
        self, *, begin: int | None, say: OnLoss
    ) -> Iterator[av.VideoFrame | AudioPacket]:
        """The same past damage, with pictures for those that are lost.

        :param begin: pts of the group at which the pass begins, None at the beginning.
        :param say: is told of what is lost.
        :raises InvalidDataError: if no picture at all can be decoded.
        """
        header = self.reader.header
        pictures = PictureConcealment(header.video, begin, say) if self.decoder else None
        gaps = SoundGaps(header.audio, say) if self.sound and header.audio else None
        for piece, unit in self.reader.salvage():
            self.meter.check_time()
            if isinstance(piece, Damage):
                if pictures is not None:
                    pictures.lose(piece, unit if isinstance(unit, Group) else None)
                if gaps is not None:
                    gaps.lose(piece)
            elif isinstance(unit, Group) and pictures is not None:
                yield from self._frames(piece, unit, pictures)
            elif isinstance(unit, AudioBlock) and gaps is not None:
                for packet in unit.packets:
                    gaps.hear(packet)
                    yield packet
        if pictures is not None:
            for frame in pictures.finish(self.reader.stored_index):
                yield self._counted(frame)

    def _frames(
        self, chunk: Chunk, group: Group, pictures: PictureConcealment
    ) -> Iterator[av.VideoFrame]:
        """Frames of ``group`` as far as it can be decoded, behind those that are missing."""
        assert self.decoder is not None
        end = chunk.offset + chunk.size
        if pictures.is_past(group.pts):
            pictures.lose(Damage(chunk.offset, end, "a group comes too late"))
            return
        self.meter.check_group(group)
        decoder, shown = self.decoder(), 0
        try:
            for frame in decoder.decode(group):
                for held in pictures.held(frame, self.reader.stored_index):
                    yield self._counted(held)
                pictures.show(frame)
                shown += 1
                yield self._counted(frame)
        except InvalidDataError as error:
            pictures.lose(Damage(chunk.offset, end, error.cause), group, shown=shown)

    def _counted(self, frame: av.VideoFrame) -> av.VideoFrame:
        assert frame.pts is not None
        self.meter.count(frame.pts)
        return frame
