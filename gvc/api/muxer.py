"""Orders groups of pictures and audio packets into one bitstream."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO

from gvc.bitstream import (
    AudioBlock,
    AudioHeader,
    AudioPacket,
    BitstreamWriter,
    FileHeader,
    Group,
    VideoHeader,
)
from gvc.errors import InvalidDataError, UsageError

#: Most audio packets in one block: 20 s of Opus.
_BLOCK = 1000

_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class Muxer:
    """Writes a file in one pass: before each group the audio that plays with it.

    The header is written with the first group, since only then is it complete; audio that comes
    earlier waits. Audio goes first so that a player has it when the group's pictures come out.

    :param file: a binary file object; it is never sought and not closed.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._writer = BitstreamWriter(file)
        self._header: FileHeader | None = None
        self._audio: deque[AudioPacket] = deque()
        self._end = 0
        self._last: int | None = None

    @property
    def has_header(self) -> bool:
        """Whether :meth:`write_header` was called."""
        return self._header is not None

    @property
    def position(self) -> int:
        """Bytes written."""
        return self._writer.position

    def write_header(
        self,
        video: VideoHeader,
        audio: AudioHeader | None,
        metadata: Mapping[str, str],
        *,
        pack: bytes | None = None,
        video_metadata: Mapping[str, str] = _NO_TAGS,
        audio_metadata: Mapping[str, str] = _NO_TAGS,
    ) -> None:
        """Write the header; once, before the first group.

        :param metadata: of the file; :param video_metadata: of the video stream, such as its
            language; :param audio_metadata: of the audio stream.
        :param pack: the speaker pack that ``video`` names, if the file is to hold it.
        """
        self._header = FileHeader(
            video,
            audio,
            tuple(metadata.items()),
            embeds_pack=pack is not None,
            compact=True,
            video_metadata=tuple(video_metadata.items()),
            audio_metadata=tuple(audio_metadata.items()),
        )
        self._writer.write_header(self._header, pack=pack)

    def write_audio(self, packet: AudioPacket) -> None:
        """Take an audio packet; packets come in order."""
        self._audio.append(packet)

    def write_group(self, group: Group, *, end_pts: int) -> None:
        """Write a group and the audio up to its end.

        :param end_pts: when its last frame ends, in the video's time base.
        """
        self._write_audio(end_pts)
        self._writer.write_group(group)
        self._end, self._last = end_pts, group.pts

    def check_group(self, group: Group) -> None:
        """Make sure that a group can follow those before it.

        :raises UsageError: if it does not begin behind them.
        """
        if self._last is not None and group.pts <= self._last:
            raise UsageError(
                f"the packet at {group.pts} does not follow that at {self._last}",
                hint="write packets in order, and each once",
            )

    def close(self) -> None:
        """Write what is left, and the index where the file needs one.

        :raises InvalidDataError: if no group was written: a file needs a picture.
        """
        if self._header is None:
            raise InvalidDataError("no video frame to write")
        self._write_audio(None)
        self._writer.close(end_pts=self._end)

    def _write_audio(self, end_pts: int | None) -> None:
        assert self._header is not None
        video, audio = self._header.video, self._header.audio
        if audio is None:
            self._audio.clear()
            return
        packets: list[AudioPacket] = []
        end = None if end_pts is None else end_pts * video.time_base / audio.time_base
        while self._audio and (end is None or self._audio[0].pts < end):
            packets.append(self._audio.popleft())
            if len(packets) == _BLOCK:
                self._writer.write_audio(AudioBlock(tuple(packets)))
                packets.clear()
        if packets:
            self._writer.write_audio(AudioBlock(tuple(packets)))
