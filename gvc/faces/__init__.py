"""Where faces are in pictures, for encoders and measurements; decoders need none of this.

May import :mod:`gvc.errors`. The libraries are optional: what encoders find faces with is in the
extra ``canvas``, what finds the points that measurements need in the extra ``faces``.
"""

from gvc.faces.detector import can_be_found, finder
from gvc.faces.face import Face, Faces
from gvc.faces.landmarks import FacePoints

__all__ = ["Face", "FacePoints", "Faces", "can_be_found", "finder"]
