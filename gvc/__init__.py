"""gvc: a codec for talking heads, at a few kilobits per second.

>>> import gvc
>>> with gvc.open("examples/portrait.gvc") as container:
...     print(container.streams.video[0].width)
256

Importing gvc imports neither torch nor FFmpeg; opening a file does, where it needs them. All names
below are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

# Whether a process was forked is seen by the one that imported gvc.
from gvc import errors as errors
from gvc import process as _process  # noqa: F401

if TYPE_CHECKING:
    from gvc.api.av_file import as_file as as_file
    from gvc.api.input import InputContainer as InputContainer
    from gvc.api.limits import DecodeLimits as DecodeLimits
    from gvc.api.open import open as open
    from gvc.api.output import OutputContainer as OutputContainer
    from gvc.api.packet import Packet as Packet
    from gvc.api.progress import Progress as Progress
    from gvc.api.progress import Report as Report
    from gvc.api.whole_file import transcode as transcode
    from gvc.archive.archive import Archive as Archive

__version__ = "0.1.0"

#: Names that are imported when they are first used, and from where.
_LAZY = {
    "Archive": "gvc.archive.archive",
    "DecodeLimits": "gvc.api.limits",
    "InputContainer": "gvc.api.input",
    "OutputContainer": "gvc.api.output",
    "Packet": "gvc.api.packet",
    "Progress": "gvc.api.progress",
    "Report": "gvc.api.progress",
    "as_file": "gvc.api.av_file",
    "open": "gvc.api.open",
    "transcode": "gvc.api.whole_file",
}

__all__ = [
    "Archive",
    "DecodeLimits",
    "InputContainer",
    "OutputContainer",
    "Packet",
    "Progress",
    "Report",
    "__version__",
    "as_file",
    "errors",
    "open",
    "transcode",
]


def __getattr__(name: str) -> object:
    """Import the door to files, and what belongs to it, when it is first used."""
    if name in _LAZY:
        value: object = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What there is, imported already or not."""
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING", "annotations", "importlib"})
