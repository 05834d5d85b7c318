"""Video frames to groups of pictures, by a model that the first frames may choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import av

from gvc.bitstream import VideoHeader
from gvc.codec.canvas_choice import CanvasChoice
from gvc.codec.encoder import Planner, VideoEncoder
from gvc.codec.group_coder import CodedGroup, GroupCoder
from gvc.codec.model_choice import choose_model, is_open
from gvc.codec.settings import EncoderSettings, coded_size
from gvc.codec.shown import Shown
from gvc.errors import KeyFrameError
from gvc.faces import Faces
from gvc.media import VideoInfo, to_rgb
from gvc.model import models
from gvc.model.distance import Distance

#: Where frames decide, one in so many is looked at, and so many at most: two seconds, or so.
_EVERY, _MOST = 8, 7


class StreamEncoder:
    """Codes a video stream by a :class:`VideoEncoder`, whose parameters it has.

    Where the settings leave the model open, the first frames are held until it is chosen. On a
    canvas, which is made around a head, it is the one for faces.

    :raises GvcError: if the settings cannot be carried out.
    """

    def __init__(
        self,
        info: VideoInfo,
        settings: EncoderSettings,
        distance: Distance,
        *,
        planner: Callable[[GroupCoder, Shown], Planner] | None = None,
        faces: Faces | None = None,
    ) -> None:
        self._make = partial(VideoEncoder, info, distance=distance, planner=planner, faces=faces)
        self._settings, self._distance = settings, distance
        self._size = coded_size(info.width, info.height, settings.size)
        self._held: list[av.VideoFrame] = []
        self._encoder: VideoEncoder | None = None
        self._canvas = CanvasChoice(info, settings, faces)
        if not is_open(settings):
            open_name = settings.model == models.AUTO
            self._encoder = self._make(
                replace(settings, model=models.FACE) if open_name else settings,
                canvas=self._canvas,
            )

    @property
    def header(self) -> VideoHeader:
        """What a decoder has to know; complete once the first group has come out."""
        return self._chosen.header

    @property
    def embedded_pack(self) -> bytes | None:
        """The speaker pack that the file is to hold, or None."""
        return self._chosen.embedded_pack

    def push(self, frame: av.VideoFrame) -> list[CodedGroup]:
        """Take the next frame, upright, its pts in the stream's time base; give whole groups."""
        if self._encoder is not None:
            return self._encoder.push(frame)
        self._held.append(frame)
        self._canvas.look(frame)
        enough = len(self._held) > _EVERY * (_MOST - 1)
        return self._begin() if enough or self._canvas.made else []

    def flush(self) -> list[CodedGroup]:
        """Finish; give the groups that are left, of which the last one knows its end."""
        coded = self._begin() if self._encoder is None else []
        coded += self._chosen.flush()
        if coded:
            last = coded[-1]
            coded[-1] = replace(last, group=replace(last.group, end_pts=last.end_pts))
        return coded

    def close(self) -> None:
        """Release the threads, also where the encoding was not finished."""
        if self._encoder is not None:
            self._encoder.close()

    @property
    def _chosen(self) -> VideoEncoder:
        if self._encoder is None:
            raise KeyFrameError("no key frame has been coded yet")
        return self._encoder

    def _begin(self) -> list[CodedGroup]:
        """Choose the model, and code the frames that waited for it."""
        model = models.FACE
        if not self._canvas.settle():
            looked_at = [to_rgb(frame, *self._size) for frame in self._held[::_EVERY]]
            candidates = {name: models.weights_for(name) for name in models.NAMES}
            model = choose_model(looked_at, candidates, self._settings, self._distance)
        self._encoder = self._make(replace(self._settings, model=model), canvas=self._canvas)
        held, self._held = self._held, []
        return [group for frame in held for group in self._encoder.push(frame)]
