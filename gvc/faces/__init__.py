"""Where faces are in pictures, for encoders; decoders need none of this.

May import :mod:`gvc.errors`. The library that finds them is optional (extra ``faces``).
"""

from gvc.faces.detector import can_be_found, finder
from gvc.faces.face import Face, Faces

__all__ = ["Face", "Faces", "can_be_found", "finder"]
