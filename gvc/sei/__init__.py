"""Files as plain VVC streams: what VVC cannot say rides in supplemental enhancement information.

Key frames are ordinary access units that every VVC decoder shows, motion codes are Generative Face
Video messages of H.274, and what these have no syntax for is in messages of our own. May import
:mod:`gvc.codec`, :mod:`gvc.entropy`, :mod:`gvc.bitstream` and :mod:`gvc.errors`; never a network.
See ``docs/sei.md``.
"""

from gvc.sei.exporting import StreamReport, export_stream
from gvc.sei.importing import import_stream

__all__ = ["StreamReport", "export_stream", "import_stream"]
