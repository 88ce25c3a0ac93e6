"""A private place for the rows of a database copy: SQLite on disk, so that a large dump needs little memory.

It holds the listed columns of the rows of a dump, and a copy of an agent's ``.meta``, in which SQLite is set to refuse every column that is
not listed. The original is never opened by SQLite and never changed.
"""

from __future__ import annotations

import re
import sqlite3
from typing import IO, TYPE_CHECKING

from daganalysis.reading.databases.database_links import link_keys
from daganalysis.reading.databases.schema import LINK_COLUMN, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from daganalysis.reading.databases.database_rows import DumpedRow

_AT_A_TIME = 4096
_BLOCK = 1 << 20
_KEYS = {
    "dag_instance": "id",
    "node_instance": "id",
    "subtask_instance": "id",
    "sub_task_log": "id",
    "all_agent": "ip, port",
    "partial_maintenance": "lock_type, lock_name",
    "cluster_status": "id",
}
_NUMBERS = frozenset(
    ("id", "stage", "max_stage", "is_maintenance", "maintenance_type", "state", "operator", "dag_id", "dag_stage", "node_id")
    + ("executer_agent_port", "execute_times", "sub_task_id", "port", "agent_port", "agent_time", "status", "lock_type", "count")
)
_NUMBER = re.compile(rb"-?\d{1,19}")
_PLACES = {table.name: [place for place, name in enumerate(table.columns) if name in _NUMBERS] for table in TABLES.values()}
"""The positions of the numbers among the columns of each table."""
_WAL_MAGIC = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_WAL_HEADER, _FRAME_HEADER = 32, 24


def connect(path: Path) -> sqlite3.Connection:
    """Open a database in the private place; text that is not UTF-8 is replaced, not refused."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = FILE")
    return connection


def column_type(name: str) -> str:
    """Return the type of a listed column in a copy of a table.

    >>> column_type("execute_times"), column_type("log_content")
    ('INTEGER', 'TEXT')
    """
    return "INTEGER" if name in _NUMBERS else "TEXT"


class StagedDump:
    """The rows of one dump of ``ocs``, put aside as they come, in any order of the tables."""

    def __init__(self, path: Path) -> None:
        self.connection = connect(path)
        self.connection.text_factory = str  # what is put aside is valid
        self.connection.execute("PRAGMA journal_mode = OFF")
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute("PRAGMA cache_size = -16384")
        self.zone: str | None = None
        for table in TABLES.values():
            columns = [f"{name} {column_type(name)}" for name in table.columns]
            columns += [f"{LINK_COLUMN} TEXT"] if table.context else []
            columns += [f"PRIMARY KEY ({_KEYS[table.name]})"] if table.name in _KEYS else []
            self.connection.execute(f"CREATE TABLE {table.name} ({', '.join(columns)})")

    def add(self, rows: Iterable[DumpedRow], note: Callable[[str, str], None]) -> None:
        """Put rows aside; one with a text for a number is noted. Raises what reading them raises, when those before are in their place."""
        batch: list[DumpedRow] = []
        self.connection.execute("BEGIN")
        try:
            for row in rows:
                if not _has_numbers(row):
                    note(row.place, f"a row of {row.table.name} with a text in place of a number")
                    continue
                batch.append(row)
                if len(batch) == _AT_A_TIME:
                    self._insert(batch)
                    batch.clear()
        finally:
            self._insert(batch)
            self.connection.execute("COMMIT")

    def _insert(self, batch: Iterable[DumpedRow]) -> None:
        by_table: dict[str, list[list[object]]] = {}
        for row in batch:
            values: list[object] = [None if value is None else value.decode("utf-8", "replace") for value in row.values]
            by_table.setdefault(row.table.name, []).append([*values, row.links] if row.table.context else values)
        for name, rows in by_table.items():
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT OR REPLACE INTO {name} VALUES ({marks})", rows)  # noqa: S608 - a name of the list

    def finish(self) -> None:
        """Make the indexes that joining the tables takes."""
        self.connection.execute("CREATE INDEX node_of_dag ON node_instance (dag_id)")
        self.connection.execute("CREATE INDEX task_of_node ON subtask_instance (node_id)")
        self.connection.execute("CREATE INDEX line_of_task ON sub_task_log (sub_task_id)")


def _has_numbers(row: DumpedRow) -> bool:
    """Return whether what must be numbers in a row are; millions of rows come here, nearly all of them right."""
    numbers = [row.values[place] or b"0" for place in _PLACES[row.table.name]]
    return b"".join(numbers).isdigit() or all(map(_NUMBER.fullmatch, numbers))


def open_copy(path: Path) -> sqlite3.Connection:
    """Open the private copy of an agent's database to read the listed columns, and nothing else.

    ``path`` is the main file, which may be empty or absent if all its pages are in the write-ahead log beside it.
    """
    _restore_first_page(path)
    connection = connect(path)
    connection.create_function("link_keys", 1, lambda context: link_keys(_as_bytes(context)), deterministic=True)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def keep_to_list(connection: sqlite3.Connection) -> None:
    """Let SQLite refuse to read any column that is not listed."""
    connection.set_authorizer(_authorize)


def _authorize(action: int, one: str | None, other: str | None, _database: str | None, _trigger: str | None) -> int:
    if action != sqlite3.SQLITE_READ:
        return sqlite3.SQLITE_OK
    table = TABLES.get(one or "")
    if one in {"sqlite_master", "sqlite_schema"} or (one or "").startswith("pragma_") or not other:
        return sqlite3.SQLITE_OK
    allowed = table is not None and (other in table.columns or (table.context and other == "context"))
    return sqlite3.SQLITE_OK if allowed or other == "ROWID" else sqlite3.SQLITE_DENY


def _as_bytes(context: object) -> bytes | None:
    return context if isinstance(context, bytes) else context.encode() if isinstance(context, str) else None


def _restore_first_page(path: Path) -> None:
    """Give an empty main file its first page from the write-ahead log, because SQLite would delete a log beside an empty file."""
    log = path.with_name(path.name + "-wal")
    if (path.exists() and path.stat().st_size) or not log.exists():
        return
    with log.open("rb") as stream:
        header = stream.read(_WAL_HEADER)
        if header[:4] not in _WAL_MAGIC:
            return
        size = int.from_bytes(header[8:12])
        while len(head := stream.read(_FRAME_HEADER)) == _FRAME_HEADER:
            page = stream.read(size)
            if int.from_bytes(head[:4]) == 1 and len(page) == size:
                path.write_bytes(page)
                return


def copy_stream(stream: IO[bytes], path: Path) -> None:
    """Write what a stream holds to a private file."""
    with path.open("wb") as file:
        while block := stream.read(_BLOCK):
            file.write(block)
