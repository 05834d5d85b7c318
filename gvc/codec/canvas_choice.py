"""Whether a stream gets a canvas."""

from __future__ import annotations

import av

from gvc import faces
from gvc.codec.rectangles import FACES_EVERY
from gvc.codec.settings import CanvasMode, EncoderSettings, canvas_pays
from gvc.faces import Faces
from gvc.media import VideoInfo, to_rgb

#: Where frames decide, so many are looked at, at most: two seconds, or so.
_MOST = 7


class CanvasChoice:
    """What the settings say of a canvas, or what the first frames say where they leave it open.

    :param info: the stream.
    :param finder: what finds faces; None takes what this machine has.
    :raises UnsupportedError: if a canvas was asked for, or would pay, and nothing here finds faces:
        the picture would come back blurred without a word.
    """

    def __init__(self, info: VideoInfo, settings: EncoderSettings, finder: Faces | None) -> None:
        self._size = info.width, info.height
        self._seen = 0
        #: Whether there is one; None while frames have to be looked at.
        self.made: bool | None = None
        #: Height of the largest face by which that was decided, in pixels.
        self.face: float | None = None
        pays = canvas_pays(info.width, info.height, settings.size)
        if settings.canvas == CanvasMode.ON:
            self.made = True
        elif settings.canvas == CanvasMode.OFF or not pays:
            self.made = False
        if finder is None and self.made is not False:
            finder = faces.finder(
                "a canvas" if self.made else f"a picture of {info.width}x{info.height}"
            )
        #: What finds faces; None where there is no canvas.
        self.finder = finder if self.made is not False else None

    def settle(self) -> bool:
        """What was decided; where frames would have to be looked at still, there is no canvas."""
        self.made = bool(self.made)
        return self.made

    def look(self, frame: av.VideoFrame) -> None:
        """Look at the next frame, if that is needed."""
        if self.made is not None or self.finder is None:
            return
        if self._seen % FACES_EVERY == 0:
            found = self.finder.find(to_rgb(frame, *self._size))
            self.face = max((face.height for face in found), default=None)
            self.made = True if found else None
        self._seen += 1
        if self.made is None and self._seen > FACES_EVERY * (_MOST - 1):
            self.made = False
