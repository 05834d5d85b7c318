"""The manifest of an archive: one row for each recording, in an SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from gvc.archive.entry import Entry, Form, State, Verification
from gvc.errors import InvalidDataError, MediaError, UnsupportedError

#: Name of the file in the folder of an archive.
MANIFEST_NAME = "manifest.sqlite"

#: SQLite's ``application_id``: "gvcA".
_APPLICATION = 0x67766341

#: SQLite's ``user_version``: the schema below.
SCHEMA_VERSION = 2

#: Seconds to wait for whoever is writing a row just now.
_PATIENCE = 30.0

#: Paths are blobs: they may hold any bytes.
_SCHEMA = """
CREATE TABLE files (
    name BLOB PRIMARY KEY,
    source BLOB NOT NULL,
    source_size INTEGER,
    source_mtime_ns INTEGER,
    source_hash TEXT,
    state TEXT NOT NULL,
    settings TEXT,
    form TEXT,
    target BLOB,
    target_size INTEGER,
    target_mtime_ns INTEGER,
    target_hash TEXT,
    seconds REAL,
    frames INTEGER,
    verification TEXT,
    compared INTEGER NOT NULL,
    distance_mean REAL,
    distance_worst REAL,
    damaged INTEGER NOT NULL,
    note TEXT,
    error TEXT,
    begun REAL,
    ended REAL,
    elapsed REAL,
    worker TEXT,
    source_deleted INTEGER NOT NULL,
    partial BLOB,
    surveyed INTEGER NOT NULL DEFAULT 0,
    difference TEXT
) WITHOUT ROWID;
CREATE INDEX files_by_state ON files (state);
"""

#: What version 1 did not have.
_ADDED = ("surveyed INTEGER NOT NULL DEFAULT 0", "difference TEXT")

_COLUMNS = tuple(field.name for field in fields(Entry))
_PUT = (
    f"INSERT OR REPLACE INTO files ({', '.join(_COLUMNS)}, partial) "
    f"VALUES ({', '.join('?' * len(_COLUMNS))}, ?)"
)

#: Columns that are more than text and numbers, and what makes of them what an entry holds.
_FROM_SQL: Mapping[str, Callable[[Any], object]] = {
    "name": lambda value: Path(os.fsdecode(value)),
    "source": lambda value: Path(os.fsdecode(value)),
    "target": lambda value: Path(os.fsdecode(value)),
    "state": State,
    "form": Form,
    "verification": Verification,
    "damaged": bool,
    "source_deleted": bool,
    "surveyed": bool,
}


class Manifest:
    """The table of an archive; a context manager.

    While somebody writes, what is new stands in a log beside the file (SQLite's WAL) where the file
    system can do that; closing leaves one file, which can be read from anywhere. Changes are on
    disk when a method returns, each as a whole or not at all.

    :param folder: of the archive.
    :param writable: whether rows will be written. The file is made then, if there is none.
    :raises MediaError: if it cannot be opened, or is not there.
    :raises InvalidDataError, UnsupportedError: if it is something else, or of a newer version.
    """

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        self.path = folder / MANIFEST_NAME
        self._writable = writable
        self._columns = _COLUMNS
        if not writable and not self.path.is_file():
            raise MediaError("is no archive", path=folder, hint=f"it has no {MANIFEST_NAME}")
        with self._reporting():
            self._sql = self._connect()
            try:
                self._prepare()
            except BaseException:
                self._sql.close()
                raise

    def entries(self, *states: State) -> list[Entry]:
        """All entries, or those in one of ``states``, by name."""
        where = f" WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        with self._reporting():
            rows = self._sql.execute(f"{self._select}{where} ORDER BY name", states).fetchall()
        return [self._entry(row) for row in rows]

    def get(self, name: Path) -> Entry | None:
        """The entry of that name."""
        with self._reporting():
            found = self._sql.execute(f"{self._select} WHERE name = ?", (os.fsencode(name),))
            row = found.fetchone()
        return None if row is None else self._entry(row)

    def counts(self) -> dict[State, int]:
        """How many entries are in each state that any is in."""
        with self._reporting():
            rows = self._sql.execute("SELECT state, count(*) FROM files GROUP BY state")
            return {State(state): count for state, count in rows}

    def partials(self) -> dict[Path, Path]:
        """Files that are whole and do not have their name yet: temporary paths by entry's name."""
        with self._reporting():
            rows = self._sql.execute("SELECT name, partial FROM files WHERE partial IS NOT NULL")
            return {Path(os.fsdecode(name)): Path(os.fsdecode(partial)) for name, partial in rows}

    def put(self, *entries: Entry, partial: Path | None = None) -> None:
        """Write rows, in place of those of the same names, in one transaction.

        :param partial: for a single entry that is whole: where its file is until it has its name,
            relative to the archive.
        """
        self.put_all(entries, partial=partial)

    def put_all(self, entries: Iterable[Entry], *, partial: Path | None = None) -> None:
        """The same for many."""
        temporary = None if partial is None else os.fsencode(partial)
        with self._reporting(), self._sql:
            self._sql.executemany(_PUT, ((*_row(entry), temporary) for entry in entries))

    def remove(self, names: Collection[Path]) -> None:
        """Forget entries."""
        with self._reporting(), self._sql:
            self._sql.executemany(
                "DELETE FROM files WHERE name = ?", ((os.fsencode(name),) for name in names)
            )

    def close(self) -> None:
        """Close the file; what was written stays."""
        if self._writable:
            # Refused while somebody reads; then the log stays, which does no harm.
            with suppress(sqlite3.Error):
                self._sql.execute("PRAGMA busy_timeout = 0")
                self._sql.execute("PRAGMA journal_mode = DELETE")
        self._sql.close()

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> sqlite3.Connection:
        # Percent signs and question marks have a meaning in a URI, which as_uri takes care of.
        address = self.path.absolute().as_uri()
        mode = "rwc" if self._writable else "ro"
        sql = sqlite3.connect(f"{address}?mode={mode}", uri=True, timeout=_PATIENCE)
        try:
            sql.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError:
            # On a medium that cannot be written, next to a log that was not cleared away.
            sql.close()
            if self._writable:
                raise
            sql = sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)
        return sql

    def _prepare(self) -> None:
        (version,) = self._sql.execute("PRAGMA user_version").fetchone()
        (application,) = self._sql.execute("PRAGMA application_id").fetchone()
        (tables,) = self._sql.execute("SELECT count(*) FROM sqlite_master").fetchone()
        new = version == application == tables == 0
        if new and not self._writable:
            raise InvalidDataError("is empty", path=self.path)
        if not new and application != _APPLICATION:
            raise InvalidDataError("is not the manifest of an archive", path=self.path)
        if version > SCHEMA_VERSION:
            raise UnsupportedError(
                f"manifest of version {version} is not known", path=self.path, hint="update gvc"
            )
        if not self._writable:
            # An older one is read as it is.
            there = {row[1] for row in self._sql.execute("PRAGMA table_info(files)")}
            self._columns = tuple(column for column in _COLUMNS if column in there)
            return
        self._sql.execute("PRAGMA journal_mode = WAL")
        # Sources may be deleted on the strength of a row.
        self._sql.execute("PRAGMA synchronous = FULL")
        if new:
            self._sql.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION};"
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version < SCHEMA_VERSION:
            changes = "".join(f"ALTER TABLE files ADD COLUMN {column};" for column in _ADDED)
            self._sql.executescript(
                f"BEGIN; {changes} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )

    @property
    def _select(self) -> str:
        return f"SELECT {', '.join(self._columns)} FROM files"

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        values = dict(zip(self._columns, row, strict=True))
        for column, read in _FROM_SQL.items():
            if values.get(column) is not None:
                values[column] = read(values[column])
        return Entry(**values)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Name the file and SQLite's reason where it fails."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            kind = MediaError if isinstance(error, sqlite3.OperationalError) else InvalidDataError
            raise kind(f"manifest: {error}", path=self.path) from error


def _row(entry: Entry) -> tuple[Any, ...]:
    values = (getattr(entry, column) for column in _COLUMNS)
    return tuple(os.fsencode(value) if isinstance(value, Path) else value for value in values)
