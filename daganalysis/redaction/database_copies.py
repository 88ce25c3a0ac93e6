"""Redacting copies of obshell's databases: a new copy is written, of the listed tables and columns alone, with their texts redacted.

The other tables and columns hold passwords and keys, and nothing in them marks which. Of a task's context only the ids of other DAGs
come into the copy. Row ids, states, counters and times stay, so the copy loads to the same analyses.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from daganalysis.reading.databases.database_answers import CopyTables
from daganalysis.reading.databases.database_rows import DumpedRow, ExcessiveRowError, TruncatedRowsError, header_of, read_rows
from daganalysis.reading.databases.database_times import parse_zone
from daganalysis.reading.databases.forms import HEAD_BYTES, Form, recognise
from daganalysis.reading.databases.printed_rows import read_printed
from daganalysis.reading.databases.schema import AGENT_FACTS, LINK_COLUMN, TABLES
from daganalysis.reading.databases.sql_dump import SqlDump
from daganalysis.reading.databases.staging import column_type, copy_stream, keep_to_list, open_copy
from daganalysis.redaction.omissions import NotUnderstoodError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from daganalysis.reading.databases.forms import Recognised
    from daganalysis.reading.databases.schema import DatabaseTable
    from daganalysis.redaction.texts import JsonRedactor

_PLAIN = re.compile(r"[\d :.+-]*")
"""Numbers and times, which stay."""
_TITLES = frozenset({"name", "maintenance_key", "lock_name"})
_HOSTS = frozenset({"ip", "executer_agent_ip", "agent_ip"})
_VALUES = {"ocs_info": AGENT_FACTS, "obproxy_info": ("status",)}
"""Tables of names and values, and the names whose values come into the copy."""
_TASK_TABLES = tuple(name for name in TABLES if name not in _VALUES)
_ROWS_A_STATEMENT = 40
_MOST_REMEMBERED = 100_000
_SUFFIXES = {Form.WAL: "-wal", Form.JOURNAL: "-journal"}
_AGENT_FORMS = frozenset({Form.SQLITE, *_SUFFIXES, Form.SHARED_MEMORY})

_SQL_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"})
_TAB_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\0": "\\0"})
_COMMA_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\\n", "\0": "\\0"})


def is_agent_database(head: bytes) -> bool:
    """Return whether a file belongs to an agent's database, by its beginning."""
    found = recognise(head)
    return found is not None and found.form in _AGENT_FORMS


class RowRedactor:
    """Redacts the values of the listed columns. The replacement of a value is computed once and remembered."""

    def __init__(self, texts: JsonRedactor) -> None:
        self._texts = texts
        self._remembered: dict[tuple[str, str], str] = {}

    def value(self, column: str, value: object) -> object:
        """Return the pseudonym of a value of a column; numbers, times and null stay."""
        if not isinstance(value, str) or (_PLAIN.fullmatch(value) and column not in _HOSTS):
            return value
        found = self._remembered.get((column, value))
        if found is None:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[column, value] = self._of(column)(value)
        return found

    def _of(self, column: str) -> Callable[[str], str]:
        if column in _TITLES:
            return self._texts.title
        if column in _HOSTS:
            return self._texts.host
        return self._texts.version if column == "version" else self._texts.line

    def context(self, links: str | None) -> str | None:
        """Return a context in the engine's form that holds only some ids of other DAGs."""
        if links is None:
            return None
        given = json.loads(links)
        params = {"mainDagId": given.get("main_dag_id"), "scaleOutUUID": given.get("scaleOutUUID")}
        children = {agent: {"subDagInfo": {"genecric_id": gid}} for agent, gid in given.get("sub_dags", {}).items()}
        context = {"Params": {key: value for key, value in params.items() if value}, "AgentData": children}
        return self._texts.document(json.dumps(context, separators=(",", ":")))

    def row(self, row: DumpedRow) -> list[object]:
        """Return the values of a row of a dump, its context last where its table has one."""
        decoded = (None if value is None else value.decode("utf-8", "surrogateescape") for value in row.values)
        values = [self.value(column, value) for column, value in zip(row.table.columns, decoded, strict=True)]
        return [*values, self.context(row.links)] if row.table.context else values


# -- dumps of the cluster's database ---------------------------------------------------------------------------------------------------


def redact_dump(recognised: Recognised, reading: IO[bytes], writing: IO[bytes], rows: RowRedactor, limit: int) -> None:
    """Write a dump with only the listed columns, in its own form. Raises :class:`NotUnderstoodError`.

    Rows that cannot be read are left out. If a dump ends in the middle of a statement, so does the copy.
    """
    head = _HeadKept(reading)
    whole = cast("IO[bytes]", head)
    try:
        if recognised.form is Form.SQL:
            _write_sql(whole, writing, rows, limit)
        elif recognised.form is Form.PRINTED:
            _write_rows(read_printed(whole, limit, _pass_over), "\t", writing, rows)
        else:
            found = read_rows(whole, limit, _pass_over)
            first = next(found, None)
            tabs = header_of(head.first_line)[0] == b"\t"
            _write_rows(found if first is None else chain([first], found), "\t" if tabs else ",", writing, rows, recognised.table)
    except ExcessiveRowError as error:
        raise NotUnderstoodError(f"a row of more than {limit:,} bytes, at {error}") from error


def _pass_over(_position: str, _message: str) -> None:
    """Leave a row out."""


def _write_sql(reading: IO[bytes], writing: IO[bytes], rows: RowRedactor, limit: int) -> None:
    dump = SqlDump(reading, limit, _pass_over)
    zone: str | None = None
    n_rows = 0
    try:
        for table, batch in _batches(dump.rows()):
            zone = zone or _write_zone(writing, dump.zone)
            n_rows += len(batch)
            tuples = ",\n".join(f"({','.join(map(_literal, rows.row(row)))})" for row in batch)
            writing.write(f"{_insert_into(table)}\n{tuples};\n".encode("utf-8", "surrogateescape"))
    except TruncatedRowsError:
        writing.write(f"{_insert_into(TABLES['dag_instance'])}\n(".encode())
    else:
        if not n_rows:
            raise NotUnderstoodError("no rows of the tables that are read")
    if zone is None:
        _write_zone(writing, dump.zone)


def _batches(rows: Iterable[DumpedRow]) -> Iterator[tuple[DatabaseTable, list[DumpedRow]]]:
    batch: list[DumpedRow] = []
    try:
        for row in rows:
            if batch and (batch[0].table is not row.table or len(batch) == _ROWS_A_STATEMENT):
                yield batch[0].table, batch
                batch = []
            batch.append(row)
    except TruncatedRowsError:
        if batch:
            yield batch[0].table, batch
        raise
    if batch:
        yield batch[0].table, batch


def _write_zone(writing: IO[bytes], zone: str | None) -> str | None:
    if zone is None or parse_zone(zone) is None:
        return None
    writing.write(f"SET time_zone = '{zone}';\n".encode())
    return zone


def _insert_into(table: DatabaseTable) -> str:
    return f"INSERT INTO `{table.name}` ({', '.join(f'`{name}`' for name in _columns(table))}) VALUES"


def _columns(table: DatabaseTable) -> tuple[str, ...]:
    return (*table.columns, "context") if table.context else table.columns


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    return text if text.isascii() and text.isdigit() else f"'{text.translate(_SQL_ESCAPES)}'"


def _write_rows(
    found: Iterable[DumpedRow], separator: str, writing: IO[bytes], rows: RowRedactor, table: DatabaseTable | None = None
) -> None:
    """Write rows with a header line before those of each table. ``table`` gets a header line even if it has no rows."""
    field = _tab_field if separator == "\t" else _comma_field
    if table is not None:
        _write_header(table, separator, writing)
    for row in found:
        if row.table is not table:
            table = row.table
            _write_header(table, separator, writing)
        values = [*rows.row(row), *(None for _ in _unread(table))]
        writing.write((separator.join(map(field, values)) + "\n").encode("utf-8", "surrogateescape"))
    if table is None:
        raise NotUnderstoodError("no rows of the tables that are read")


def _write_header(table: DatabaseTable, separator: str, writing: IO[bytes]) -> None:
    names = (*_columns(table), *_unread(table))
    writing.write((separator.join(names if separator == "\t" else [f'"{name}"' for name in names]) + "\n").encode())


def _unread(table: DatabaseTable) -> list[str]:
    """Return the columns that are not read, by which a file of rows is recognised all the same."""
    return sorted(table.distinctive.difference(_columns(table)))


class _HeadKept:
    """A stream whose first line is kept."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.first_line = b""

    def read(self, size: int) -> bytes:
        block = self._stream.read(size)
        if not self.first_line:
            self.first_line = block.partition(b"\n")[0]
        return block


def _tab_field(value: object) -> str:
    return "NULL" if value is None else str(value).translate(_TAB_ESCAPES)


def _comma_field(value: object) -> str:
    if value is None:
        return "\\N"
    text = str(value)
    return text if text.isascii() and text.isdigit() else f'"{text.translate(_COMMA_ESCAPES)}"'


# -- agents' own databases -------------------------------------------------------------------------------------------------------------


class AgentCopies:
    """The files of agents' databases: the main one and its logs come one by one, and make one new database together."""

    def __init__(self, rows: RowRedactor) -> None:
        self._rows = rows
        self._place: Path | None = None
        self._mains: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    def take(self, name: str, stream: io.BufferedReader[Any]) -> bool:
        """Read one file to its end; return False if it is not one of such a database. The index of a write-ahead log is ignored."""
        found = recognise(stream.peek(HEAD_BYTES)[:HEAD_BYTES])
        if found is None or found.form not in _AGENT_FORMS:
            return False
        form = found.form
        if form is Form.SHARED_MEMORY:
            return True
        suffix = _SUFFIXES.get(form, "")
        main = name.removesuffix(suffix)
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="daganalysis-"))
        path = self._mains.setdefault(main, self._place / f"{len(self._mains):06d}")
        copy_stream(cast("IO[bytes]", stream), path.with_name(path.name + suffix))
        return True

    def names(self) -> list[str]:
        """Return the names of the main files."""
        return sorted(self._mains)

    def write(self, name: str, writing: IO[bytes]) -> None:
        """Write the new database of one main file. Raises :class:`NotUnderstoodError`."""
        path = self._mains[name]
        fresh = path.with_name(f"{path.name}-new")
        fresh.unlink(missing_ok=True)
        try:
            with closing(open_copy(path)) as old:
                keep_to_list(old)
                tables = CopyTables(old)
                if not tables.has("dag_instance"):
                    raise NotUnderstoodError("it has no table dag_instance")
                with closing(sqlite3.connect(fresh)) as new:
                    _fill(new, tables, self._rows)
        except sqlite3.Error as error:
            raise NotUnderstoodError(f"a damaged database ({error})") from error
        with fresh.open("rb") as stream:
            shutil.copyfileobj(stream, writing)


def _fill(new: sqlite3.Connection, tables: CopyTables, rows: RowRedactor) -> None:
    for name in _TASK_TABLES:
        if tables.has(name):
            table = TABLES[name]
            columns = [f"{column} {column_type(column)}" for column in table.columns] + ["context BLOB"] * table.context
            _insert(new, name, columns, (_values(table, row, rows) for row in tables.select(name, "ORDER BY rowid")))
    for name, wanted in _VALUES.items():
        if tables.has(name):
            given = tables.values(name, wanted)
            kept = ((key, rows.value(key, given[key])) for key in wanted if key in given)
            _insert(new, name, ["name TEXT", "value TEXT"], kept)
    new.commit()


def _insert(new: sqlite3.Connection, name: str, columns: list[str], rows: Iterable[Sequence[object]]) -> None:
    marks = ", ".join("?" * len(columns))
    new.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
    new.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - a listed name


def _values(table: DatabaseTable, row: Mapping[str, object], rows: RowRedactor) -> list[object]:
    values = [rows.value(column, row[column]) for column in table.columns]
    if not table.context:
        return values
    links = row[LINK_COLUMN]
    context = rows.context(links) if isinstance(links, str) else None
    return [*values, context.encode() if context is not None else None]
