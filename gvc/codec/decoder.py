"""Groups of pictures to video frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc import keyframe
from gvc.bitstream import ColourDescription, Group, VideoHeader
from gvc.codec.levels import LevelCoding
from gvc.codec.pipeline import share
from gvc.codec.quantiser import dequantise
from gvc.codec.settings import SIDE_UNIT, decoded_header
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.media import from_planes, luma_weights, scale, tag, to_rgb
from gvc.model import weights
from gvc.model.device import set_threads
from gvc.model.inference import for_inference
from gvc.model.mttf import network_from
from gvc.model.profiles import get_profile
from gvc.model.synthesis import Synthesiser, YuvMatrix

#: Inter frames generated in one batch.
_BATCH = 8


@dataclass(frozen=True, slots=True)
class MotionBatch:
    """Inter frames that are generated together.

    :param times: their pts. :param codes: float32 [N, code_length], in units of the coder's spread.
    :param key_time: pts of the key frame if it is the frame right after these, of which there may
        then be none.
    """

    times: list[int]
    codes: npt.NDArray[np.float32]
    key_time: int | None = None


def matrix_of(colour: ColourDescription) -> YuvMatrix:
    """How generated pictures become planes that have the colours ``colour``."""
    return YuvMatrix(*luma_weights(colour), full_range=colour.full_range)


class VideoDecoder:
    """Decodes groups of one video stream, each on its own.

    Pictures are generated in threads of their own, while those before are converted and taken.

    :param header: of the stream.
    :param size: decode at a reduced size, see :func:`gvc.codec.settings.decoded_header`.
    :param extra_weights: a weights file, or a folder of them, besides those that ship.
    :param threads: see :func:`gvc.codec.pipeline.share`.
    :raises WeightsError: if the weights that the file was made with are not here.
    :raises UnsupportedError, UsageError: if the header asks for what this build lacks.
    """

    def __init__(
        self,
        header: VideoHeader,
        *,
        size: int | None = None,
        extra_weights: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        self._shares = share(threads, side_by_side=device == "cpu")
        set_threads(self._shares.each)
        self._header = header
        #: The stream as it comes out: the file's own header but for the sizes.
        self.header = decoded_header(header, size)
        found = weights.find(header.weights, extra=extra_weights)
        if get_profile(found.model).code_length != header.code_length:
            raise InvalidDataError("motion codes do not have the length that the weights need")
        if header.coded_width % SIDE_UNIT or header.coded_height % SIDE_UNIT:
            raise UnsupportedError("coded size is not a multiple of 16")
        self._level_coding = LevelCoding.for_decoder(header, extra=extra_weights)
        self._synthesiser = Synthesiser(for_inference(network_from(found)), device=device)
        self._matrix = matrix_of(header.colour)
        self._key_frames = keyframe.get(header.key_codec).decoder(header.key_parameters)

    def decode(self, group: Group) -> Iterator[av.VideoFrame]:
        """Frames of ``group`` in order: yuv420p, of the size in :attr:`header`, with pts.

        :raises InvalidDataError, KeyFrameError: if the group is damaged.
        """
        header = self.header
        key = self._key_frame(group)
        shown = scale(key, header.width, header.height, header.colour)
        state = self._synthesiser.prepare(self._to_rgb(key)) if group.frames > 1 else None

        def generate(batch: MotionBatch) -> tuple[MotionBatch, Sequence[npt.NDArray[np.uint8]]]:
            if state is None or not batch.times:
                return batch, ()
            return batch, list(self._synthesiser.animate(state, batch.codes, self._matrix))

        with self._shares.stage(generate) as generator:
            for batch, pictures in generator.map(self.motion(group)):
                yield from self._frames(batch.times, pictures)
                if batch.key_time is not None:
                    yield self._finish(shown, batch.key_time)

    def key_picture(self, group: Group) -> npt.NDArray[np.uint8]:
        """What the network animates: the key frame as RGB, uint8 [H, W, 3], of the coded size.

        :raises InvalidDataError, KeyFrameError: if it is damaged.
        """
        return self._to_rgb(self._key_frame(group))

    def motion(self, group: Group) -> Iterator[MotionBatch]:
        """Times of all frames of ``group`` and the motion codes of its inter frames, in batches.

        :raises InvalidDataError: if they are damaged.
        """
        header = self._header
        decoder = self._level_coding.decoder(group.motion)
        pts, times = group.pts, list[int]()
        # Alone, so that there is something to show soon.
        wanted = 1
        levels = np.empty((_BATCH, header.code_length), np.int32)
        for index in range(group.frames):
            if index:
                pts += header.frame_duration
                if group.variable_rate:
                    pts += decoder.decode_delay()
            is_key = index == group.key_index
            if not is_key:
                levels[len(times)] = decoder.decode()
                times.append(pts)
            if is_key or len(times) == wanted or index == group.frames - 1:
                codes = dequantise(levels[: len(times)], header.motion_step)
                yield MotionBatch(times, codes, key_time=pts if is_key else None)
                times, wanted = [], _BATCH

    def _key_frame(self, group: Group) -> av.VideoFrame:
        key = self._key_frames.decode(group.key)
        if (key.width, key.height) != (self._header.coded_width, self._header.coded_height):
            raise InvalidDataError("key frame does not have the size that the header says")
        return tag(key, self._header.colour)

    def _to_rgb(self, key: av.VideoFrame) -> npt.NDArray[np.uint8]:
        return to_rgb(key, self.header.coded_width, self.header.coded_height)

    def _frames(
        self, times: list[int], pictures: Sequence[npt.NDArray[np.uint8]]
    ) -> Iterator[av.VideoFrame]:
        header = self.header
        for pts, planes in zip(times, pictures, strict=True):
            yield self._finish(from_planes(planes, header.width, header.height, header.colour), pts)

    def _finish(self, frame: av.VideoFrame, pts: int) -> av.VideoFrame:
        frame.pts = pts
        frame.time_base = self._header.time_base
        return frame
