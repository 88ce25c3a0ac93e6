r"""Rows as the mysql client prints them for people: a line a column (``\G``), or in boxes (``--table``), also in a copied session.

A box loses the blanks at the ends of values, and an empty text looks like one of blanks. Nothing else is lost.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import IO, TYPE_CHECKING

from daganalysis.reading.databases.database_rows import DumpedRow, ExcessiveRowError, RowPicker, numbered_lines
from daganalysis.reading.databases.schema import table_of_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STARS = re.compile(rb"\*{10,} ?\d+\. row ?\*{10,}[ \t]*")
_RULE = re.compile(rb"\+(?:-+\+)+[ \t]*")
_NAMED = re.compile(rb" *([A-Za-z_]\w*): ?(.*)", re.DOTALL)
_RECORD_HEAD = re.compile(rb"(?:\A|\n)\*{10,} ?1\. row ?\*{10,}[ \t]*\r?\n((?: *[A-Za-z_]\w*:[^\n]*\n)+)")
_BOX_HEAD = re.compile(rb"(?:\A|\n)\+(?:-+\+)+[ \t]*\r?\n\|([^\n]*)\|[ \t]*\r?\n\+-")
_END_OF_ROWS = re.compile(rb"(?:\d+ rows? in set|Empty set|Query OK|(?:mysql|obclient|MySQL)[^\n]{0,60}> ?)")


def is_printed(head: bytes) -> bool:
    r"""Return whether a text holds rows of a listed table as the client prints them, by its beginning.

    >>> is_printed(b"*************************** 1. row ***************************\n  id: 1\nstatus: 1\n"), is_printed(b"+--+\n")
    (True, False)
    """
    records = ([name for line in found[1].splitlines() for name in _names_of([line])] for found in _RECORD_HEAD.finditer(head))
    boxes = (_cells_of_head(found[1]) for found in _BOX_HEAD.finditer(head))
    return any(table_of_columns(frozenset(names)) is not None for kind in (records, boxes) for names in kind)


def read_printed(stream: IO[bytes], limit: int, note: Callable[[str, str], None]) -> Iterator[DumpedRow]:
    """Yield the rows of the listed tables. Raises :class:`ExcessiveRowError` for one beyond the limit."""
    lines: list[bytes] = []
    kind, begin, size = b"", 0, 0
    names: list[str] = []
    for number, bare in numbered_lines(stream, limit):
        if _STARS.fullmatch(bare) or _RULE.fullmatch(bare) or _END_OF_ROWS.match(bare):
            if kind == b"*":
                yield from _of_record(lines, begin, note)
            elif kind == b"+" and bare[:1] == b"+" and not names:
                names = _cells_of_head(b"\n".join(lines).strip(b" |"))
                lines, begin, size = [], number + 1, 0
                continue
            elif kind == b"+":
                yield from _of_box(names, lines, begin, note)
            kind, names = (bare[:1] if bare[:1] in {b"*", b"+"} and not (kind == b"+" and names) else b""), []
            lines, begin, size = [], number + 1, 0
        elif kind:
            lines.append(bare)
            size += len(bare)
            if kind == b"+" and names and bare.endswith(b" |") and len(lines) > 64:
                yield from _of_box(names, lines, begin, note)
                lines, begin, size = [], number + 1, 0
            if size > limit:
                raise ExcessiveRowError(f"line {begin}")
    if kind == b"*":
        yield from _of_record(lines, begin, note)
    elif names:
        yield from _of_box(names, lines, begin, note)


@lru_cache(maxsize=64)
def _picker(names: tuple[str, ...]) -> RowPicker | None:
    table = table_of_columns(frozenset(names))
    return None if table is None else RowPicker(table, names)


def _value(text: bytes) -> bytes | None:
    return None if text == b"NULL" else text


def _names_of(lines: list[bytes]) -> list[str]:
    return [found[1].decode().lower() for line in lines if (found := _NAMED.fullmatch(line.rstrip(b"\r\n"))) is not None]


def _of_record(lines: list[bytes], begin: int, note: Callable[[str, str], None]) -> Iterator[DumpedRow]:
    """Yield the row of one record. A line that does not begin with the name of a column continues the value above it."""
    width = lines[0].find(b":") if lines else -1
    names: list[str] = []
    values: list[bytes] = []
    for line in lines:
        found = _NAMED.fullmatch(line)
        if found is not None and line.find(b":") == width:  # names are set flush right
            names.append(found[1].decode().lower())
            values.append(found[2])
        elif values:
            values[-1] += b"\n" + line
    picker = _picker(tuple(names))
    if picker is not None:
        yield picker.pick(values, _value, f"line {begin}")
    elif "sub_task_id" in names or "dag_id" in names:
        note(f"line {begin}", "a row whose columns are not those of a table that is read")


def _cells_of_head(line: bytes) -> list[str]:
    return [name.strip().decode("ascii", "replace").lower() for name in line.split(b"|")]


def _of_box(names: list[str], lines: list[bytes], begin: int, note: Callable[[str, str], None]) -> Iterator[DumpedRow]:
    """Yield the rows of a box; one with a line break in it goes over several lines."""
    picker = _picker(tuple(names))
    if picker is None:
        return
    waiting = b""
    for number, line in enumerate(lines, start=begin):
        waiting = waiting + b"\n" + line if waiting else line
        values = waiting.removeprefix(b"|").removesuffix(b"|").split(b" | ")
        if not waiting.endswith(b"|") or len(values) < len(names):
            continue
        if len(values) == len(names):
            yield picker.pick([value.strip(b" ") for value in values], _value, f"line {number}")
        else:
            note(f"line {number}", f"a row of {picker.table.name} with {len(values)} values in place of {len(names)}")
        waiting = b""
    if waiting:
        note(f"line {begin + len(lines)}", f"a row of {picker.table.name} that has no end")
