"""Scores of pictures against their originals, for training, benchmarks and archives.

Networks that judge are loaded from where their owners put them; none is shipped. May import
:mod:`gvc.errors`.
"""

from gvc.metrics.lpips import Lpips
from gvc.metrics.mobilefacenet import FaceEmbedding

__all__ = ["FaceEmbedding", "Lpips"]
