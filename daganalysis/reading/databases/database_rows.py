"""Rows out of text with one row a line: ``mysql --batch`` (tabs), ``INTO OUTFILE`` (commas) and CSV, and what all readers of rows share.

MySQL's own text is not the CSV that libraries read (RFC 4180): a quotation mark and a line break in a value have a backslash before them.
Both are read.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from itertools import chain
from typing import IO, TYPE_CHECKING, NamedTuple

from daganalysis.reading.databases.database_links import link_keys
from daganalysis.reading.databases.schema import table_of_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from daganalysis.reading.databases.schema import DatabaseTable

_BLOCK = 1 << 20
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"Z": b"\x1a"}
_LAST_BACKSLASHES = re.compile(rb"\\*\Z")
_SEPARATORS = (b"\t", b",", b";", b"|")
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[\"'`]?[A-Za-z_]\w*+[\"'`]?(?: ?[\t,;|] ?[\"'`]?[A-Za-z_]\w*+[\"'`]?)+\r?\n?")
"""A line of names alone."""
_TAB_FIELD = re.compile(rb"(?:\A|\t)((?:[^\\\t]+|\\.)*)", re.DOTALL)
_LONGEST_VALUE = 500
"""Lines over which a value in quotes may go."""


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
        self.table = table
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
        """Make a row from its values as they are written. Only listed columns are decoded."""
        own = [None if at is None else decoded(values[at]) for at in self._places]
        links = None if self._context is None else link_keys(decoded(values[self._context]))
        return DumpedRow(self.table, own, links, place)

    def pick_only(self, values: Sequence[bytes | None], place: str) -> DumpedRow:
        """Make a row of its wanted values alone, which are decoded."""
        own = [None if at is None else values[at] for at in self._among]
        links = None if self._context_among is None else link_keys(values[self._context_among])
        return DumpedRow(self.table, own, links, place)


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
    separator = max(_SEPARATORS, key=line.count)
    return separator, [name.strip(b" \"'`").decode("ascii", "replace").lower() for name in line.split(separator)]


def is_header(line: bytes) -> bool:
    r"""Return whether a line holds names alone.

    >>> is_header(b"id\tname\n"), is_header(b"1\tname\n")
    (True, False)
    """
    return _HEADER.fullmatch(line) is not None


def read_rows(stream: IO[bytes], limit: int, note: Callable[[str, str], None]) -> Iterator[DumpedRow]:
    """Yield the rows of the listed tables in a file that begins with a header line; each further header line begins another table.

    Raises :class:`ExcessiveRowError` for a row beyond the limit.
    """
    lines = numbered_lines(stream, limit)
    separator, names = header_of(next(lines, (1, b""))[1])
    picker = _picker(names)
    tabs = separator == b"\t"
    for number, line in lines if tabs else _joined(lines, limit):
        if not line[:1].isdigit() and is_header(line):
            names = header_of(line)[1]
            picker = _picker(names)
        elif picker is not None and line:
            values = line.split(b"\t") if tabs else _split(line, separator)
            if len(values) == len(names):
                yield picker.pick(values, _tab_value if tabs else _comma_value, f"line {number}")
            else:
                note(f"line {number}", f"a row of {picker.table.name} with {len(values)} values in place of {len(names)}")


def read_bare_rows(
    table: DatabaseTable, names: Sequence[str], stream: IO[bytes], limit: int, note: Callable[[str, str], None]
) -> Iterator[DumpedRow]:
    r"""Yield the rows of a file without a header line, whose columns ``names`` tells: ``INTO OUTFILE``, as mysqldump's ``--tab`` calls it.

    A line break and a tab in a value have a backslash before them there. Raises :class:`ExcessiveRowError` for a row beyond the limit.
    """
    lines = numbered_lines(stream, limit)
    first = next(lines, None)
    if first is None:
        return
    picker = RowPicker(table, names)
    fits = (separator for separator in _SEPARATORS if len(_bare_values(first[1], separator)) == len(names))
    separator = next(fits, max(_SEPARATORS, key=first[1].count))  # a line break in its last values is possible
    tabs = separator == b"\t"
    for number, line in _joined(chain([first], lines), limit, quotes=not tabs):
        values = _bare_values(line, separator)
        if len(values) == len(names):
            yield picker.pick(values, _tab_value if tabs else _comma_value, f"line {number}")
        elif line:
            note(f"line {number}", f"a row of {table.name} with {len(values)} values in place of {len(names)}")


def _bare_values(line: bytes, separator: bytes) -> list[bytes]:
    return _TAB_FIELD.findall(line) if separator == b"\t" else _split(line, separator)


def _picker(names: list[str]) -> RowPicker | None:
    table = table_of_columns(frozenset(names))
    return None if table is None else RowPicker(table, names)


def numbered_lines(stream: IO[bytes], limit: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a stream with their numbers, without their ends. Raises :class:`ExcessiveRowError` for one beyond the limit."""
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


def _joined(lines: Iterator[tuple[int, bytes]], limit: int, *, quotes: bool = True) -> Iterator[tuple[int, bytes]]:
    """Join lines that end within a value: in an odd number of backslashes, or between quotes."""
    waiting: deque[tuple[int, bytes]] = deque()
    while (first := waiting.popleft() if waiting else next(lines, None)) is not None:
        number, joined = first
        taken: list[tuple[int, bytes]] = []
        while _ends_in_backslash(joined) or (quotes and len(taken) < _LONGEST_VALUE and _is_open(joined)):
            following = waiting.popleft() if waiting else next(lines, None)
            if following is None:
                break
            taken.append(following)
            joined += b"\n" + following[1]
            if len(joined) > limit:
                raise ExcessiveRowError(f"line {number}")
        if quotes and taken and _is_open(joined):  # a stray quote: only its own line is lost
            waiting.extendleft(reversed(taken))
            joined = first[1]
        yield number, joined


def _ends_in_backslash(line: bytes) -> bool:
    found = _LAST_BACKSLASHES.search(line) if line.endswith(b"\\") else None
    return found is not None and len(found[0]) % 2 == 1


def _is_open(line: bytes) -> bool:
    return bool((_ESCAPE.sub(b"", line) if b"\\" in line else line).count(b'"') % 2)


def _tab_value(text: bytes) -> bytes | None:
    return None if text in {b"NULL", b"\\N"} else unescaped(text)


@lru_cache(maxsize=8)
def _field(separator: bytes) -> re.Pattern[bytes]:
    own = re.escape(separator)
    return re.compile(
        rb"(?:\A|" + own + rb")(?:\"((?:[^\"\\]++|\\.|\"\")*+)\"|'((?:[^'\\]++|\\.|'')*+)'(?=" + own + rb"|\Z)"
        rb"|((?!\")(?:[^\\" + own + rb"]++|\\.)*+))",
        re.DOTALL,
    )


def _split(line: bytes, separator: bytes) -> list[bytes]:
    """Return the values of a line. A value in quotes has a mark before it, because it is never null."""
    found = list(_field(separator).finditer(line))
    if sum(one.end() - one.start() for one in found) != len(line):
        return []
    return [b'"' + one[1] if one[1] is not None else b'"' + one[2].replace(b"''", b"'") if one[2] is not None else one[3] for one in found]


def _comma_value(text: bytes) -> bytes | None:
    if text[:1] == b'"':
        return unescaped(text[1:].replace(b'""', b'"'))
    return None if text in {b"\\N", b"NULL", b""} else unescaped(text)
