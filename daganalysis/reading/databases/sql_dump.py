"""Rows out of a dump of SQL statements, as mysqldump writes it: read piece by piece, only the tables and columns that are listed.

Regular expressions with possessive quantifiers walk over the text, so a string is passed over at the speed of C and never twice. A general
parser of SQL would build a tree of every statement, which for a gigabyte takes an hour and more memory than there is.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from daganalysis.reading.databases.database_rows import DumpedRow, ExcessiveRowError, RowPicker, TruncatedRowsError, unescaped
from daganalysis.reading.databases.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_BLOCK = 1 << 22
_LOOK_AHEAD = 1 << 16
"""As much as the head of a statement may take: its table and its list of columns."""
_QUOTED = rb"'(?:[^'\\]++|\\.|'')*+'"
_NAME = rb"(?:[`\"]?[\w$-]++[`\"]?\.)?[`\"]?([\w$]++)[`\"]?"
_BETWEEN = re.compile(rb"(?:[\s;]++|(?:--|#|mysql\w*: )[^\n]*+(?:\n|\Z))+")
"""Blanks, comments, and what the program itself printed into the dump."""
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_INSERT = re.compile(
    rb"(?:insert|replace)\s+(?:(?:ignore|low_priority|delayed|high_priority)\s+)*(?:into\s+)?"
    + _NAME
    + rb"\s*(?:\(([^()]*+)\)\s*)?values?\s*",
    re.IGNORECASE,
)
_CREATE = re.compile(rb"create\s+table\s+(?:if\s+not\s+exists\s+)?" + _NAME + rb"\s*\(", re.IGNORECASE)
_TUPLE = re.compile(rb"\(((?:[^()']++|" + _QUOTED + rb"|\((?:[^()']++|" + _QUOTED + rb")*\))*)\)", re.DOTALL)
_NEXT_TUPLE = re.compile(rb"\s*,\s*(?=\()")
_VALUE = re.compile(rb"(?:\A|,)\s*((?:[^,'(]++|" + _QUOTED + rb"|\((?:[^()']++|" + _QUOTED + rb")*\))*)", re.DOTALL)
_REST = re.compile(rb"(?:[^;'\"`]++|" + _QUOTED + rb"|\"(?:[^\"\\]++|\\.|\"\")*+\"|`[^`]*+`)+", re.DOTALL)
_PLAIN = rb"(?:_binary )?'(?:[^'\\]++|\\.|'')*+'|[^,'()\s]++"
"""A value as dumps nearly always write it: in quotes, or without any and without a blank."""
_ZONE = re.compile(rb"\btime_zone\s*=\s*'([^'@]{1,64})'", re.IGNORECASE)
_DELIMITER = re.compile(rb"delimiter\s+(?!;)", re.IGNORECASE)
_DELIMITER_BACK = re.compile(rb"\ndelimiter\s+;[^\n]*+", re.IGNORECASE)
_COLUMN = re.compile(
    rb"[(,]\s*[`\"]?(\w++)[`\"]?\s+(?:(?:tiny|small|medium|big)?int|integer|(?:var)?char|(?:var)?binary|(?:tiny|medium|long)?(?:text|blob)|"
    rb"datetime|timestamp|date|time|year|double|float|real|decimal|number|numeric|bool|boolean|json|bit|enum|set)\b",
    re.IGNORECASE,
)


class SqlDump:
    """A dump of SQL statements, to be read once.

    ``zone`` is the session's time zone as the dump's header sets it, known once :meth:`rows` has reached the first row. ``columns`` has the
    columns of each table, from earlier files of the dump.
    """

    def __init__(
        self, stream: IO[bytes], limit: int, note: Callable[[str, str], None], columns: dict[str, list[str]] | None = None
    ) -> None:
        self._stream = stream
        self._limit = limit
        self._note = note
        self._text = b""
        self._at = 0
        self._passed = 0
        self._columns = {} if columns is None else columns
        self.zone: str | None = None

    def rows(self) -> Iterator[DumpedRow]:
        """Yield the rows of the listed tables, in order. Raises :class:`TruncatedRowsError` where the dump ends in the middle."""
        while self._to_next_statement():
            if insert := _INSERT.match(self._text, self._at):
                yield from self._inserted(insert)
            elif create := _CREATE.match(self._text, self._at):
                self._learn_columns(create)
            elif _DELIMITER.match(self._text, self._at):
                self._pass_routines()
            else:
                self._pass_statement()

    @property
    def _place(self) -> str:
        return f"byte {self._passed + self._at}"

    def _fill(self, at_least: int = _BLOCK) -> bool:
        """Drop what was passed and read more; False at the end."""
        more = self._stream.read(at_least)
        if not more:
            return False
        self._passed += self._at
        self._text = self._text[self._at :] + more
        self._at = 0
        return True

    def _look_ahead(self) -> None:
        while len(self._text) - self._at < _LOOK_AHEAD and self._fill():
            pass

    def _to_next_statement(self) -> bool:
        """Go to where a statement begins; what comments say of the zone is noted. False at the end."""
        while True:
            self._look_ahead()
            if between := _BETWEEN.match(self._text, self._at):
                self._at = between.end()
            elif comment := _COMMENT.match(self._text, self._at):
                self._note_zone(comment[0])
                self._at = comment.end()
            else:
                return self._at < len(self._text)

    def _note_zone(self, text: bytes) -> None:
        if self.zone is None and (zone := _ZONE.search(text)):
            self.zone = zone[1].decode("ascii", "replace")

    def _learn_columns(self, create: re.Match[bytes]) -> None:
        begin = create.end() - 1
        plain = re.sub(_QUOTED, b"''", self._text[begin : begin + _LOOK_AHEAD]).split(b";", 1)[0]
        self._columns[create[1].decode("ascii", "replace").lower()] = [name.decode().lower() for name in _COLUMN.findall(plain)]
        self._pass_statement()

    def _pass_statement(self) -> None:
        """Skip to the end of a statement. Strings in it may contain anything."""
        begin = self._at
        while True:
            if rest := _REST.match(self._text, self._at):
                self._note_zone(rest[0][:256])
                self._at = rest.end()
            if self._text[self._at : self._at + 1] == b";":
                return
            if len(self._text) - self._at > self._limit:
                raise ExcessiveRowError(self._place)
            if not self._fill(max(_BLOCK, len(self._text) - self._at)):
                if self._at < len(self._text):
                    raise TruncatedRowsError(f"byte {self._passed + min(begin, self._at)}")
                return

    def _pass_routines(self) -> None:
        """Go behind the routines and triggers, whose bodies have an end of statement of their own."""
        while not (back := _DELIMITER_BACK.search(self._text, self._at)):
            self._at = max(self._at, len(self._text) - 64)
            if not self._fill():
                self._at = len(self._text)
                return
        self._at = back.end()

    def _inserted(self, insert: re.Match[bytes]) -> Iterator[DumpedRow]:
        name = insert[1].decode("ascii", "replace").lower()
        table = TABLES.get(name)
        if table is None or name == "task_mapping":
            self._pass_statement()
            return
        names = [_bare(column) for column in insert[2].split(b",")] if insert[2] else self._columns.get(name)
        self._at = insert.end()
        if not names:
            self._note(self._place, f"rows of {name} without column names: there is neither a list of columns nor CREATE TABLE")
        if not names or not table.indispensable <= {*names}:
            self._pass_statement()
            return
        picker = RowPicker(table, names)
        plain = _pattern_of_plain_rows(picker.wanted)
        while True:
            if fast := plain.match(self._text, self._at):
                yield picker.pick_only(_values(fast.groups()), self._place)
                self._at = fast.end()
            else:
                found = self._match_tuple()
                values = _VALUE.findall(found[1])
                if len(values) == len(names):
                    yield picker.pick(values, _value, self._place)
                else:
                    self._note(self._place, f"a row of {name} with {len(values)} values instead of {len(names)}")
                self._at = found.end()
            if len(self._text) - self._at < _LOOK_AHEAD:
                self._look_ahead()
            following = _NEXT_TUPLE.match(self._text, self._at)
            if following is None:
                break
            self._at = following.end()
        self._pass_statement()

    def _match_tuple(self) -> re.Match[bytes]:
        while not (found := _TUPLE.match(self._text, self._at)):
            if len(self._text) - self._at > self._limit:
                raise ExcessiveRowError(self._place)
            if not self._fill(max(_BLOCK, len(self._text) - self._at)):
                raise TruncatedRowsError(self._place)
        return found


def _pattern_of_plain_rows(wanted: Sequence[bool]) -> re.Pattern[bytes]:
    """Return a pattern of the rows of one table that are written as dumps nearly always write them; its groups are the wanted values."""
    return re.compile(rb"\(" + rb",".join(b"(" + _PLAIN + b")" if own else b"(?:" + _PLAIN + b")" for own in wanted) + rb"\)", re.DOTALL)


def _values(tokens: Iterable[bytes]) -> list[bytes | None]:
    """Return the values of some literals; there are millions, nearly all of them plain texts and numbers."""
    return [
        token[1:-1]
        if token[:1] == b"'" and (len(token) == 2 or (b"\\" not in token and b"''" not in token))
        else token
        if token.isdigit()
        else _value(token)
        for token in tokens
    ]


def _bare(column: bytes) -> str:
    return column.strip(b' \t\r\n`"').decode("ascii", "replace").lower()


def _value(token: bytes) -> bytes | None:
    """Return the value of a literal.

    >>> _value(b"'it''s'"), _value(b"NULL"), _value(b"0x4142"), _value(b"12")
    (b"it's", None, b'AB', b'12')
    """
    token = token.strip()
    if token.endswith(b"'"):
        prefix, _, text = token.partition(b"'")
        text = text[:-1]
        if prefix.strip().lower() == b"x":
            return _from_hex(text)
        return unescaped(text.replace(b"''", b"'")) if b"'" in text or b"\\" in text else text
    if token.upper() == b"NULL":
        return None
    return _from_hex(token[2:]) if token[:2].lower() == b"0x" else token


def _from_hex(digits: bytes) -> bytes | None:
    try:
        return bytes.fromhex(digits.decode("ascii", "replace"))
    except ValueError:
        return None
