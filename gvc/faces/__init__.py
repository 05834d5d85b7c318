"""Where faces are in pictures, for encoders and measurements; decoders need none of this.

May import :mod:`gvc.errors`. Encoders find faces with dlib, which comes with gvc and is loaded when
it is needed. Measurements need points of faces: MediaPipe, the extra ``faces``.
"""

from gvc.faces.detector import finder
from gvc.faces.face import Face, Faces
from gvc.faces.landmarks import FacePoints

__all__ = ["Face", "FacePoints", "Faces", "finder"]
