"""Rows out of text with one row a line: ``mysql --batch`` (tabs) and ``INTO OUTFILE`` (commas), and what all readers of rows share.

Neither is the CSV that libraries read (RFC 4180): a quotation mark and a line break in a value have a backslash before them.
"""

from __future__ import annotations

import re
from itertools import islice
from operator import itemgetter
from typing import IO, TYPE_CHECKING, NamedTuple

from daganalysis.reading.databases.database_links import link_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from daganalysis.reading.databases.schema import DatabaseTable

_BLOCK = 1 << 20
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"Z": b"\x1a"}
_FIELD = re.compile(rb'(?:\A|,)(?:"((?:[^"\\]++|\\.|"")*+)"|((?:[^,"\\]++|\\.)*+))', re.DOTALL)
_LAST_BACKSLASHES = re.compile(rb"\\*\Z")


class TruncatedRowsError(ValueError):
    """A file of rows that ends in the middle of one; the message is where that begins."""


class ExcessiveRowError(ValueError):
    """A row that is larger than the limits allow; the message is where it begins."""


class DumpedRow(NamedTuple):
    """One row of a listed table: its listed columns in the table's order (None where null or absent), and the ids its context holds."""

    table: DatabaseTable
    values: list[bytes | None]
    links: str | None
    place: str


class RowPicker:
    """Picks the listed columns out of the rows of one table, whose columns come in some order."""

    def __init__(self, table: DatabaseTable, names: Sequence[str]) -> None:
        self._table = table
        place_of = {name: place for place, name in enumerate(names)}
        self._places = [place_of.get(name) for name in table.columns]
        self._context = place_of.get("context") if table.context else None
        chosen = sorted({place for place in (*self._places, self._context) if place is not None})
        self.wanted = [place in chosen for place in range(len(names))]
        """Of each value of a row, whether it is looked at."""
        among = {place: number for number, place in enumerate(chosen)}
        self._among = [None if place is None else among[place] for place in self._places]
        self._context_among = None if self._context is None else among[self._context]

    def pick(self, values: Sequence[bytes], decoded: Callable[[bytes], bytes | None], place: str) -> DumpedRow:
        """Make a row of its values as they are written; only those that are listed are decoded."""
        own = [None if at is None else decoded(values[at]) for at in self._places]
        links = None if self._context is None else link_keys(decoded(values[self._context]))
        return DumpedRow(self._table, own, links, place)

    def pick_only(self, values: Sequence[bytes | None], place: str) -> DumpedRow:
        """Make a row of its wanted values alone, which are decoded."""
        own = [None if at is None else values[at] for at in self._among]
        links = None if self._context_among is None else link_keys(values[self._context_among])
        return DumpedRow(self._table, own, links, place)


def unescaped(text: bytes) -> bytes:
    r"""Undo the escapes of MySQL.

    >>> unescaped(rb"a\tb\\n")
    b'a\tb\\n'
    """
    n = text.count(b"\\")
    if not n:
        return text
    if n == text.count(b'\\"'):  # as in JSON within quotes
        return text.replace(b'\\"', b'"')
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)


def header_of(line: bytes) -> tuple[bytes, list[str]]:
    r"""Return the separator of a header line and the names in it, in lower case.

    >>> header_of(b'"id","name"\r\n'), header_of(b"id\tname\n")
    ((b',', ['id', 'name']), (b'\t', ['id', 'name']))
    """
    line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    separator = b"\t" if b"\t" in line else b","
    return separator, [name.strip(b' "`').decode("ascii", "replace").lower() for name in line.split(separator)]


def read_rows(stream: IO[bytes], table: DatabaseTable, limit: int, note: Callable[[str, str], None]) -> Iterator[DumpedRow]:
    """Yield the rows of a file that begins with a header line. Raises :class:`ExcessiveRowError` for a row beyond the limit."""
    lines = _lines(stream, limit)
    separator, names = header_of(next(lines, (1, b""))[1])
    picker = RowPicker(table, names)
    tabs = separator == b"\t"
    split, value = (_split_tabs, _tab_value) if tabs else (_split_commas, _comma_value)
    for number, line in lines if tabs else _joined(lines, limit):
        values = split(line)
        if len(values) == len(names):
            yield picker.pick(values, value, f"line {number}")
        elif line:
            note(f"line {number}", f"a row of {table.name} with {len(values)} values instead of {len(names)}")


def _lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes]]:
    number, rest = 1, b""
    while block := stream.read(_BLOCK):
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        if len(rest) > limit:
            raise ExcessiveRowError(f"line {number + len(pieces)}")
        for line in pieces:
            yield number, line.removesuffix(b"\r")
            number += 1
    if rest:
        yield number, rest.removesuffix(b"\r")


def _joined(lines: Iterator[tuple[int, bytes]], limit: int) -> Iterator[tuple[int, bytes]]:
    """Join lines that end in an odd number of backslashes with the next: the break is part of a value."""
    for number, first in lines:
        parts, size = [first], len(first)
        while _goes_on(parts[-1]):
            following = next(islice(lines, 1), None)
            if following is None:
                break
            parts.append(following[1])
            size += len(parts[-1])
            if size > limit:
                raise ExcessiveRowError(f"line {number}")
        yield number, b"\n".join(parts)


def _goes_on(line: bytes) -> bool:
    found = _LAST_BACKSLASHES.search(line)
    return found is not None and len(found[0]) % 2 == 1


def _split_tabs(line: bytes) -> list[bytes]:
    return line.split(b"\t")


def _tab_value(text: bytes) -> bytes | None:
    return None if text in {b"NULL", b"\\N"} else unescaped(text)


_whole = itemgetter(0)


def _split_commas(line: bytes) -> list[bytes]:
    """Return the values of a line, a quoted one with a mark before it: such a one is never null."""
    found = list(_FIELD.finditer(line))
    if sum(map(len, map(_whole, found))) != len(line):
        return []
    return [b'"' + one[1] if one[1] is not None else one[2] for one in found]


def _comma_value(text: bytes) -> bytes | None:
    if text[:1] == b'"':
        return unescaped(text[1:].replace(b'""', b'"'))
    return None if text in {b"\\N", b"NULL"} else unescaped(text)
