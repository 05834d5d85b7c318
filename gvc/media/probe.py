"""Whether a file is a recording, found out in a millisecond."""

from __future__ import annotations

from pathlib import Path

import av

from gvc.errors import MediaError
from gvc.media.selection import select

#: Enough of a file to know its format, and to find its streams. FFmpeg would go on for a megabyte
#: where it knows nothing, which takes it 40 ms.
_OPTIONS = {"formatprobesize": "16384", "probesize": "1000000", "analyzeduration": "1000000"}

#: Formats of pictures, some of which move a little, and "formats" that paint pictures of any text.
_NO_RECORDINGS = {"image2", "gif", "apng", "ico", "webp", "tty", "bin", "xbin", "adf", "idf"}

#: FFmpeg's AVFMT_NOTIMESTAMPS.
_NO_TIMESTAMPS = 0x80


def holds_video(path: Path) -> bool:
    """Whether FFmpeg finds moving pictures in a file; stills and cover pictures are none.

    :raises MediaError: if the file cannot be read.
    """
    try:
        with av.open(
            f"file:{path}", options=_OPTIONS, metadata_errors="surrogateescape"
        ) as container:
            name = container.format.name
            if name in _NO_RECORDINGS or name.endswith("_pipe"):
                return False
            chosen = select(container, sound=False)
            # Bare bitstreams have no signature, and much may look like one.
            bare = bool(container.format.flags & _NO_TIMESTAMPS)
            return chosen is not None and (chosen.video.codec_context.width > 0 or not bare)
    except OSError as error:
        raise MediaError(error.strerror or str(error), path=path) from error
    except (av.FFmpegError, ValueError):
        return False
