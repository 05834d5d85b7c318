"""How far what was made of a recording is from it: files decoded again, and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gvc.api.input import InputContainer
from gvc.archive.decoding import Decoding
from gvc.archive.entry import Verification
from gvc.bitstream import AudioPacket, BitstreamReader, Group
from gvc.codec.frame_distance import frame_distance
from gvc.codec.settings import EncoderSettings, coded_size
from gvc.errors import InvalidDataError
from gvc.media import AudioMode, Source, to_rgb
from gvc.model.distance import Distance

if TYPE_CHECKING:
    import av

#: Of a sample: groups of pictures, and one of so many frames of each.
_GROUPS, _EVERY = 3, 4

#: Told how many frames were read.
OnFrame = Callable[[int], None]


@dataclass(slots=True)
class Quality:
    """Distances of frames from their originals.

    :param frames: number of frames of the recording. :param distances: of those that were compared,
        in order.
    """

    frames: int = 0
    distances: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Of all distances."""
        return float(np.mean(self.distances))

    @property
    def worst(self) -> float:
        """The greatest distance."""
        return float(np.max(self.distances))


class Comparison:
    """Compares files with the recordings that they were made of.

    :param settings: device and threads are taken, and the size at which pictures are compared
        where a file does not name it.
    :param mode: which frames are compared.
    :param audio: what became of the sound: where it is taken, times of pictures follow it, too.
    """

    def __init__(
        self, settings: EncoderSettings, mode: Verification, audio: AudioMode = AudioMode.NONE
    ) -> None:
        self._settings, self._mode, self._audio = settings, mode, audio
        self._decoding = Decoding(
            settings.weights, settings.pack, settings.device, settings.threads
        )
        self._distance = Distance.load(device=settings.device)

    def with_coded(self, source: Path, coded: Path, *, on_frame: OnFrame) -> Quality:
        """Compare a recording with the .gvc file that was made of it.

        All of the file is read, and each group has to begin at a frame of the recording and have as
        many. Where a canvas is used, frames are compared as a whole and around the head, and what
        is further counts; all at the size at which heads are coded.

        :raises InvalidDataError: if they do not belong together, or the file is damaged.
        :raises GvcError: if either cannot be decoded.
        """
        sampled = self._sampled(coded)
        quality = Quality()
        with (
            self._decoding.open(coded) as file,
            self._opened(source) as media,
        ):
            originals = _video(media)
            for number, group in enumerate(_groups(file)):
                decoded = self._decoded(file, group) if number in sampled else iter(())
                wanted = next(decoded, None)
                for place in range(group.frames):
                    original = next(originals, None)
                    if original is None or (place == 0 and original.pts != group.pts):
                        raise InvalidDataError("its frames are not those of the source")
                    quality.frames += 1
                    on_frame(quality.frames)
                    if wanted is not None and wanted.pts == original.pts:
                        found = frame_distance(
                            self._distance,
                            original,
                            wanted,
                            header=file.header.video,
                            rectangles=group.rectangles,
                        )
                        quality.distances.append(found)
                        wanted = next(decoded, None)
                if wanted is not None:
                    raise InvalidDataError("times of its frames are not those of the source")
            if next(originals, None) is not None:
                raise InvalidDataError("it has fewer frames than the source")
        return quality

    def with_video(self, source: Path, video: Path, *, on_frame: OnFrame) -> Quality:
        """Compare a recording with another video of the same frames.

        Raises as :meth:`with_coded` does.
        """
        every = 1 if self._mode is Verification.FULL else _EVERY
        quality = Quality()
        with self._opened(source) as media, self._opened(video) as other:
            size = coded_size(media.video.width, media.video.height, self._settings.size)
            duration = 1 / media.video.frame_rate
            late: Fraction | None = None
            for one, two in zip_longest(_video(media), _video(other)):
                if one is None or two is None:
                    raise InvalidDataError("its number of frames is not that of the source")
                apart = _time(two) - _time(one)
                late = apart if late is None else late
                if abs(apart - late) >= duration:
                    raise InvalidDataError("times of its frames are not those of the source")
                if quality.frames % every == 0:
                    pictures = to_rgb(one, *size), to_rgb(two, *size)
                    found = self._distance.distance(*([each] for each in pictures))
                    quality.distances.append(float(found[0]))
                quality.frames += 1
                on_frame(quality.frames)
        return quality

    def _opened(self, path: Path) -> Source:
        return Source(path, audio=self._audio, threads=self._settings.threads)

    def _sampled(self, coded: Path) -> set[int]:
        """Numbers of the groups whose frames are compared. Reads all of the file."""
        with coded.open("rb") as file:
            groups = sum(isinstance(unit, Group) for unit in BitstreamReader(file))
        if self._mode is Verification.FULL:
            return set(range(groups))
        return {round(each) for each in np.linspace(0, groups - 1, min(groups, _GROUPS))}

    def _decoded(self, file: InputContainer, group: Group) -> Iterator[av.VideoFrame]:
        decoder = file.video_decoder
        if self._mode is Verification.FULL:
            return decoder.decode(group)
        times = decoder.times(group)
        return decoder.decode(group, only=frozenset(times[::_EVERY]))


def _groups(file: InputContainer) -> Iterator[Group]:
    for packet in file.demux(video=0):
        assert isinstance(packet.unit, Group)
        yield packet.unit


def _time(frame: av.VideoFrame) -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base


def _video(media: Source) -> Iterator[av.VideoFrame]:
    return (unit for unit in media if not isinstance(unit, AudioPacket))
