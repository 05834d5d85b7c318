"""gvc: a codec for talking heads, at a few kilobits a second.

>>> import gvc
>>> with gvc.open("examples/portrait.gvc") as container:
...     print(container.streams.video[0].width)
256

Importing gvc imports neither torch nor FFmpeg; opening a file does, where it needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gvc.api.av_file import as_file as as_file
    from gvc.api.limits import DecodeLimits as DecodeLimits
    from gvc.api.open import open as open

__version__ = "0.1.0"

__all__ = ["DecodeLimits", "__version__", "as_file", "open"]


def __getattr__(name: str) -> object:
    """Import the door to files when it is first used."""
    if name == "DecodeLimits":
        from gvc.api.limits import DecodeLimits

        return DecodeLimits
    if name == "as_file":
        from gvc.api.av_file import as_file

        return as_file
    if name == "open":
        from gvc.api.open import open as gvc_open

        return gvc_open
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
