"""Groups of pictures to video frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from gvc import entropy, keyframe
from gvc.bitstream import Group, VideoHeader
from gvc.codec.quantiser import dequantise
from gvc.codec.settings import SIDE_UNIT
from gvc.errors import InvalidDataError, UnsupportedError
from gvc.media import from_rgb, scale, tag, to_rgb
from gvc.model import weights
from gvc.model.device import set_threads
from gvc.model.mttf import network_from
from gvc.model.profiles import get_profile
from gvc.model.synthesis import Synthesiser

#: Inter frames generated in one batch.
_BATCH = 8


class VideoDecoder:
    """Decodes groups of one video stream, each on its own.

    :param header: of the stream.
    :param extra_weights: a weights file, or a folder of them, besides those that ship.
    :raises WeightsError: if the weights that the file was made with are not here.
    :raises UnsupportedError, UsageError: if the header asks for what this build lacks.
    """

    def __init__(
        self,
        header: VideoHeader,
        *,
        extra_weights: Path | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        set_threads(threads)
        self._header = header
        found = weights.find(header.weights, extra=extra_weights)
        if get_profile(found.model).code_length != header.code_length:
            raise InvalidDataError("motion codes do not have the length that the weights need")
        if header.coded_width % SIDE_UNIT or header.coded_height % SIDE_UNIT:
            raise UnsupportedError("coded size is not a multiple of 16")
        self._synthesiser = Synthesiser(network_from(found), device=device)
        self._key_frames = keyframe.get(header.key_codec).decoder(header.key_parameters)

    def decode(self, group: Group) -> Iterator[av.VideoFrame]:
        """Frames of ``group`` in order: yuv420p, at the size of the source, with pts.

        :raises InvalidDataError, KeyFrameError: if the group is damaged.
        """
        header = self._header
        key = self._key_frames.decode(group.key)
        if (key.width, key.height) != (header.coded_width, header.coded_height):
            raise InvalidDataError("key frame does not have the size that the header says")
        yield self._finish(scale(key, header.width, header.height, header.colour), group.pts)
        if group.frames == 1:
            return
        size = header.coded_width, header.coded_height
        state = self._synthesiser.prepare(to_rgb(tag(key, header.colour), *size))
        for times, levels in self._motion(group):
            codes = dequantise(levels, header.motion_step)
            for pts, picture in zip(times, self._synthesiser.animate(state, codes), strict=True):
                frame = from_rgb(picture, header.width, header.height, header.colour)
                yield self._finish(frame, pts)

    def _motion(self, group: Group) -> Iterator[tuple[list[int], npt.NDArray[np.int32]]]:
        """pts and quantised motion codes [N, code_length] of the inter frames, in batches."""
        header = self._header
        decoder = entropy.create_decoder(header.entropy_model, header.code_length, group.motion)
        pts, left = group.pts, group.frames - 1
        while left:
            times, levels = [], []
            for _ in range(min(left, _BATCH)):
                pts += header.frame_duration
                if group.variable_rate:
                    pts += decoder.decode_delay()
                times.append(pts)
                levels.append(decoder.decode())
            yield times, np.stack(levels)
            left -= len(times)

    def _finish(self, frame: av.VideoFrame, pts: int) -> av.VideoFrame:
        frame.pts = pts
        frame.time_base = self._header.time_base
        return frame
