"""Files as VVC streams and back, in memory."""

from __future__ import annotations

import io
from pathlib import Path

from gvc.sei import StreamReport, export_stream, import_stream


def exported(data: bytes, weights: Path | None = None) -> tuple[bytes, StreamReport]:
    stream = io.BytesIO()
    report = export_stream(io.BytesIO(data), stream, extra_weights=weights)
    return stream.getvalue(), report


def imported(stream: bytes, weights: Path | None = None) -> bytes:
    file = io.BytesIO()
    import_stream(io.BytesIO(stream), file, extra_weights=weights)
    return file.getvalue()
