"""What is kept of a run: one JSON line a point, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gvc.errors import MediaError


@dataclass(frozen=True, slots=True)
class Record:
    """One clip coded by one codec at one point.

    :param key: says what was measured and how, see :func:`key_of`.
    :param clip, codec, point: their names.
    :param frames: pictures. :param seconds: their duration.
    :param size: bytes that count. :param kbps: the same a second, in kilobits (1000 bits).
    :param split: where the bytes are, if the codec can tell.
    :param scores: by the names of :data:`gvc.bench.scores.METRICS` and ``FACE_METRICS``.
    :param settings: what ``key`` was made of.
    """

    key: str
    clip: str
    codec: str
    point: str
    frames: int
    seconds: float
    size: int
    kbps: float
    split: Mapping[str, int]
    scores: Mapping[str, float]
    settings: Mapping[str, str]


def key_of(settings: Mapping[str, str]) -> str:
    """The same for the same settings, in hexadecimal; another one for others."""
    text = json.dumps(dict(settings), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class RecordFile:
    """A file of records, appended to as they come, by any thread.

    :raises MediaError: if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        except OSError as error:
            raise MediaError(error.strerror or str(error), path=path) from error
        for line in text.splitlines():
            record = _parse(line)
            if record is not None:
                self._records[record.key] = record
        #: A line that was cut off must not swallow the next one.
        self._begin = "" if not text or text.endswith("\n") else "\n"

    def find(self, key: str) -> Record | None:
        """The record with this key, if there is one."""
        return self._records.get(key)

    def append(self, record: Record) -> None:
        """Keep a record, on the disk too."""
        line = json.dumps(asdict(record), ensure_ascii=False)
        with self._lock:
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(f"{self._begin}{line}\n")
            except OSError as error:
                raise MediaError(error.strerror or str(error), path=self._path) from error
            self._begin = ""
            self._records[record.key] = record


def _parse(line: str) -> Record | None:
    """The record of a line; None if it was cut off when a run was killed, or has other fields."""
    try:
        told: dict[str, Any] = json.loads(line)
        return Record(**told)
    except (ValueError, TypeError):
        return None
