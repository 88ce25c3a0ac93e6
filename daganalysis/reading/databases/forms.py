"""The form of a file of a database copy, recognised by its beginning."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.reading.databases.database_rows import header_of, is_header
from daganalysis.reading.databases.grouping import table_in_name
from daganalysis.reading.databases.printed_rows import is_printed
from daganalysis.reading.databases.schema import TABLES, table_of_columns

if TYPE_CHECKING:
    from daganalysis.reading.databases.schema import DatabaseTable

HEAD_BYTES = 1 << 14
"""As much of a file's beginning as tells what it is."""
_SQLITE = b"SQLite format 3\0"
_WAL = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_JOURNAL = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
_SHARED_MEMORY = (b"\x18\xe2\x2d\x00", b"\x00\x2d\xe2\x18")
_PRINTED = rb"(?:mysql\w*: [^\n]*\n)*"
"""What mysqldump itself may have printed into the dump."""
# Each part can be matched in one way only: a line of nothing but dashes must not be taken apart in every way there is. The groups around
# the parts are not possessive: Python before 3.11.5 loses its place where the last round of a possessive group fails within (gh-106052).
_STATEMENT = re.compile(
    rb"\A" + _PRINTED + rb"\s*+(?:(?:--[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/;?|(?:set|use|lock|drop|start)\s[^;]*+;|begin\s*+;)\s*+)*"
    rb"(?:(?:insert|replace)\s+(?:\w++\s++){0,4}?[`\"\w.]++\s*+(?:\(|values?\b)|create\s++(?:table|database)\b)",
    re.IGNORECASE,
)
_DUMP_HEAD = re.compile(rb"\A" + _PRINTED + rb"\s*-- (?:MySQL|MariaDB|OceanBase|mydumper|obdumper)[^\n]*\n", re.IGNORECASE)
_BARE_ROW = re.compile(rb"\A[\"']?(?:\d{1,20}|[\d.:A-Fa-f]{3,45})[\"']?[\t,;|][^\n]")
"""A row begins with a number, or with the address of an agent."""


class Form(Enum):
    """What a file of a database copy is."""

    SQLITE = "an agent's database"
    WAL = "a write-ahead log"
    JOURNAL = "a rollback journal"
    SHARED_MEMORY = "an index of a write-ahead log"
    SQL = "a dump of SQL statements"
    ROWS = "rows of one table"
    PRINTED = "rows as the client prints them"
    BARE = "rows of one table without a header line"


class Recognised(NamedTuple):
    """The form of a file, and the table that its rows belong to, if it holds rows of one table."""

    form: Form
    table: DatabaseTable | None = None


def recognise(head: bytes) -> Recognised | None:
    r"""Return the form of a file of a database copy, by its beginning; None for any other file.

    >>> recognise(b"id\tsub_task_id\texecute_times\tlog_content\n1\t").table.name, recognise(b'{"data":')
    ('sub_task_log', None)
    """
    if head[:1] in {b"{", b"["}:
        return None  # as nearly all files begin
    if head.startswith(_SQLITE):
        return Recognised(Form.SQLITE)
    if head[:4] in _WAL:
        return Recognised(Form.WAL)
    if head.startswith(_JOURNAL):
        return Recognised(Form.JOURNAL)
    if head[:4] in _SHARED_MEMORY:
        return Recognised(Form.SHARED_MEMORY)
    text = _plain(head)
    line, end, _ = text.partition(b"\n")
    if end and is_header(line):
        table = table_of_columns(frozenset(header_of(line)[1]))
        if table is not None:
            return Recognised(Form.ROWS, table)
    if is_sql(text):
        return Recognised(Form.SQL)
    return Recognised(Form.PRINTED) if is_printed(text) else None


def bare_rows(name: str, head: bytes) -> Recognised | None:
    r"""Return whether a file of no other form holds rows without a header line, by its name and its beginning.

    >>> bare_rows("dag_instance.txt", b"1\tStop OB\t\\N\t2\n").table.name, bare_rows("dag_instance.txt", b"see, below, there\n")
    ('dag_instance', None)
    """
    table = table_in_name(name)
    return Recognised(Form.BARE, TABLES[table]) if table is not None and _BARE_ROW.match(_plain(head)) else None


def _plain(head: bytes) -> bytes:
    """Return the beginning of a text as UTF-8 without its mark; PowerShell writes UTF-16."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return head[: len(head) // 2 * 2].decode("utf-16", "ignore").encode()
    return head.removeprefix(b"\xef\xbb\xbf")


def is_sql(head: bytes) -> bool:
    """Return whether a file holds SQL statements, by its beginning."""
    text = _plain(head)
    return _DUMP_HEAD.match(text) is not None or _STATEMENT.match(text) is not None
