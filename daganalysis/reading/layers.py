"""Layers that programs put around JSON as text, taken off one at a time: colours, quotes, escapes, cells, entities, other notations.

A layer has a cheap test, and a function from a text to the texts under it. Layers that restore exactly what was put into them come before
layers that only remove something, so that no part of an answer is removed as wrapping. Every function takes time in proportion to the text.
"""

from __future__ import annotations

import quopri
import re
import unicodedata
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from daganalysis.reading.json_repair import NOT_JSON, is_utf8, without_escapes
from daganalysis.reading.line_heads import OPENS_AFTER_HEAD, without_heads
from daganalysis.reading.literal_notations import find_literals, unquoted
from daganalysis.reading.mail_parts import has_mail_parts, mail_parts
from daganalysis.reading.packed_text import from_base64, from_hex, has_base64, has_hex
from daganalysis.reading.web_pages import has_entities, has_tags, is_markup, page_texts, without_entities, without_tags
from daganalysis.reading.yaml_documents import has_yaml, yaml_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLOUR = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_QUOTED_LINE = re.compile(
    rb"^[ \t]*(?:(?:[>|+#]|//|\d{1,7}(?:\t|: ?))[ \t]?)+|^\^?[0-9a-f]{7,40} [^\n(]{0,200}\([^\n()]{0,80} [+-]\d{4} +\d{1,7}\) ?",
    re.MULTILINE,
)
"""The text before each line in a mail, a diff, a numbered listing, and the output of ``git blame``."""
_PARTIAL_LINE = re.compile(rb"^\S{1,64} std(?:out|err) P ", re.MULTILINE)
_CONTAINER_LINE = re.compile(rb"\S{1,64} std(?:out|err) ([PF]) ")
_RAW_QUOTE = re.compile(rb'"(?=\s{0,16}[{\[][\s{\[]{0,64}"[^"\n]{1,80}"\s{0,16}:)')
_TRIPLE_QUOTED = re.compile(rb"(\'\'\'|\"\"\")(\s*+[{\[].*?)\1", re.DOTALL)
_CAT_BYTES = re.compile(rb"(?:M-(?:\^[@-_?]|[ -~])){2,}")
_CAT_BYTE = re.compile(rb"M-(\^?)([ -~])")
_CELL = re.compile(rb'"((?:[^"]++|"")*+)"')
_CELL_MARK = re.compile(rb'[{\[]\s*""')
_LITERAL = re.compile(rb'"((?:[\s*]|\\(?:[nrt"\\]|x22|x5[cC]))*+[{\[](?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LITERAL_MARK = re.compile(rb'[{\[](?:\s|\\[nrt])*(?:\\+"|(?:\\x5[cC])*+\\x22|\\u0022)')
_SINGLE_QUOTED = re.compile(rb"(?<![\w\\])[bru]{0,2}'((?:\s|\\[nrt])*+[{\[](?:[^'\\]++|\\.)*+)'", re.DOTALL)
_LITERAL_OBJECT = re.compile(rb"[{\[(]\s*[bru]{0,2}'")
_SQL_INSERT = re.compile(rb"\b(?:insert|replace)\s", re.IGNORECASE)
_SQL_VALUES = re.compile(rb"\bvalues?\s*+\(", re.IGNORECASE)
_SQL_STRING = re.compile(rb"'((?:[^'\\]++|\\.|'')*+)'", re.DOTALL)
_SQL_JSON = re.compile(rb"'\s*(?:\\?\"\s*)?[{\[](?:[\s{\[]|\\[nrt])*\\?\"")
_PLAIN_SQL_STRING = re.compile(rb"'((?:[^']++|'')*+)'")
_LONE_SQL = re.compile(
    rb"(?:^|(?<=[,(|\t ]))'(?=\s{0,64}\"?\s{0,64}[{\[][\s{\[]{0,64}\\{0,9}\")"
    rb"((?:[^']++|'')*+)'(?=[,)|;\s]|$)",
    re.MULTILINE,
)
_SHELL_QUOTE = b"'\\''"
_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED_MARK = re.compile(rb"[{\[]\\x22|\\'|[{\[](?:\s|\\[nrt])*(?:\\+\"|\\[nrt])")
_NAMED_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_SDK_MARK = re.compile(rb'"\[(?:"\{"|\]")')
_SDK_EDGE = re.compile(rb'"([{\[])|([}\]])"')
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_SPACE_MARKS = (b"\xc2\xa0", b"\xe2\x80", b"\xe3\x80\x80", b"\xef\xbb\xbf", b"\xe2\x81", b"\xe1\x9a\x80")
_STRING = re.compile(rb'("[^"]*+")')
_TYPOGRAPHIC = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"'))
_TYPOGRAPHIC_MARK = re.compile(rb"[{\[]\s*(?:\xe2\x80[\x9c-\x9f]|\xc2\xab|\xef\xbc\x82)")
_PERCENT_MARK = re.compile(rb"%(?:25){0,3}(?:7B|5B)(?:%(?:25){0,3}[0-9A-F]{2}|[+\w]){0,16}?%(?:25){0,3}2[2C]", re.IGNORECASE)
_FORM_MARK = re.compile(rb"%(?:3A|2C|7B|5B|0A)\+", re.IGNORECASE)
_WRITTEN_COLOUR = re.compile(rb"(?:\^\[|ESC|\\x1[bB]|\\033|\\e)\[[0-9;]{0,12}[mK]")
_COLOURED_BRACKET = re.compile(_WRITTEN_COLOUR.pattern + rb"\s*[{\[]")
_WRITTEN_CONTROL = re.compile(rb"#0(1[125])|<0x0([9aAdD])>")
_CONTROL_IN_JSON = re.compile(rb"[{\[,](?:#01[125]|<0x0[9aAdD]>)")
_BORDER = re.compile(rb"[ \t]*(?:\xe2\x94[\x82\x83]|[|+$<])[ \t]*\r?$", re.MULTILINE)
_BORDER_OF_JSON = re.compile(rb"[{\[,][ \t]*(?:\xe2\x94[\x82\x83]|[|+$<])[ \t]*\r?$", re.MULTILINE)
_BOX_LINE = re.compile(rb"^[ \t]*(?:\xe2\x94[\x82\x83]|\xe2\x95\x91)", re.MULTILINE)
_BOX_EDGE = re.compile(rb"\xe2\x94[\x82\x83]|\xe2\x95\x91")
_BOXED_JSON = re.compile(rb"[{\[,}\]\"][ \t]*(?:\xe2\x94[\x82\x83]|\xe2\x95\x91)[ \t]*\r?$", re.MULTILINE)
_SOFT_BREAK = re.compile(rb"=\r?\n")
_NARROWEST = 20
"""Columns below which no terminal breaks a line."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One way in which JSON is written within a text."""

    name: str
    is_there: Callable[[bytes], bool]
    under: Callable[[bytes], Iterator[bytes]]
    encloses: bool = False
    """Whether the text under the layer may look like JSON already but differs from it, with doubled quotes or escaped characters."""
    once: bool = False
    """Whether a text has this layer at most once."""


def _found(pattern: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    return lambda text: pattern.search(text) is not None


def _without_colours(text: bytes) -> Iterator[bytes]:
    yield _COLOUR.sub(b"", text)


def _without_quote_marks(text: bytes) -> Iterator[bytes]:
    yield _QUOTED_LINE.sub(b"", text)


def _without_line_heads(text: bytes) -> Iterator[bytes]:
    yield without_heads(text)


def _with_whole_lines(text: bytes) -> Iterator[bytes]:
    """Join the parts of each line that a container runtime cut, under the head of the first."""
    parts: list[bytes] = []
    is_partial = False
    for line in text.split(b"\n"):
        head = _CONTAINER_LINE.match(line)
        continues = is_partial and head is not None
        is_partial = head is not None and head[1] == b"P"
        parts.append(line[head.end() :] if continues and head is not None else b"\n" + line)
    yield b"".join(parts)[1:]


def _from_cells(text: bytes) -> Iterator[bytes]:
    for cell in _CELL.finditer(text):
        if b'""' in cell[1] and b"{" in cell[1]:
            yield cell[1].replace(b'""', b'"')


def _with_single_quotes(text: bytes) -> Iterator[bytes]:
    yield text.replace(b'""', b'"')


def _from_literals(text: bytes) -> Iterator[bytes]:
    for literal in _LITERAL.finditer(text):
        if b"\\" in literal[1]:
            try:
                yield msgspec.json.decode(literal[0], type=str).encode("utf-8", "replace")
            except NOT_JSON:
                yield _unescaped(literal[1])


def _without_raw_quotes(text: bytes) -> Iterator[bytes]:
    yield _RAW_QUOTE.sub(b" ", text)


def _from_triple_quoted(text: bytes) -> Iterator[bytes]:
    for literal in _TRIPLE_QUOTED.finditer(text):
        yield literal[2]


def _has_cat_bytes(text: bytes) -> bool:
    """Return whether a text has bytes of UTF-8 as ``cat -v`` writes them."""
    found = _CAT_BYTES.search(text)
    return found is not None and is_utf8(_cat_bytes(found))


def _from_cat(text: bytes) -> Iterator[bytes]:
    yield _CAT_BYTES.sub(_cat_bytes, text)


def _cat_bytes(run: re.Match[bytes]) -> bytes:
    return bytes((byte[2][0] ^ 0x40 if byte[1] else byte[2][0]) | 0x80 for byte in _CAT_BYTE.finditer(run[0]))


def _is_single_quoted(text: bytes) -> bool:
    """Return whether a text in single quotes that holds JSON comes before any object whose keys are in such quotes."""
    literal = _SINGLE_QUOTED.search(text)
    if literal is None:
        return False
    others = _LITERAL_OBJECT.search(text)
    return others is None or literal.start() < others.start()


def _from_single_quoted(text: bytes) -> Iterator[bytes]:
    for literal in _SINGLE_QUOTED.finditer(text):
        yield unquoted(literal[0]).encode("utf-8", "replace")


def _has_sql(text: bytes) -> bool:
    """Return whether an SQL statement inserts a JSON value, or the text is such a value alone, with quotes in it."""
    if _SQL_JSON.search(text) is None:
        return False
    if b"''" in text and any(b"''" in literal[1] for literal in _LONE_SQL.finditer(text)):
        return True
    insert = _SQL_INSERT.search(text)
    return insert is not None and _SQL_VALUES.search(text, insert.end()) is not None


def _from_sql(text: bytes) -> Iterator[bytes]:
    """The texts among the values of SQL statements, with the backslashes of MySQL or without."""
    first = _SQL_JSON.search(text)
    has_escapes = first is not None and b"\\" in first[0] and not first[0].startswith(b"'\"")  # those are of a JSON string itself
    for literal in (_SQL_STRING if has_escapes else _PLAIN_SQL_STRING).finditer(text):
        if b"{" in literal[1]:
            plain = literal[1].replace(b"''", b"'")
            yield _unescaped(plain) if has_escapes else plain


def _without_shell_quotes(text: bytes) -> Iterator[bytes]:
    yield text.replace(_SHELL_QUOTE, b"'")


def _without_backslashes(text: bytes) -> Iterator[bytes]:
    yield _unescaped(text)


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(_character, text)


def _character(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape[:1] == b"u" and len(escape) > 1:
        return match[0]
    return bytes([int(escape[1:], 16)]) if escape[:1] == b"x" and len(escape) > 1 else _NAMED_ESCAPES.get(escape, escape)


def _from_sdk_print(text: bytes) -> Iterator[bytes]:
    yield _SDK_EDGE.sub(lambda match: match[1] or match[2], text)


def _with_plain_spaces(text: bytes) -> Iterator[bytes]:
    parts = re.split(_STRING, without_escapes(text))
    at, plain = 0, []
    for number, part in enumerate(parts):
        piece = text[at : at + len(part)]
        at += len(part)
        plain.append(piece if number % 2 else _SPACES.sub(" ", piece.decode(errors="replace")).encode())
    yield b"".join(plain)


def _with_plain_quotes(text: bytes) -> Iterator[bytes]:
    yield text.decode(errors="replace").translate(_TYPOGRAPHIC).encode()


def _from_percents(text: bytes) -> Iterator[bytes]:
    is_form = b"%20" not in text and _FORM_MARK.search(text) is not None  # blanks are plus signs
    yield urllib.parse.unquote_to_bytes(text.replace(b"+", b" ") if is_form else text)


def _without_written_colours(text: bytes) -> Iterator[bytes]:
    yield _WRITTEN_COLOUR.sub(b"", text)


def _with_control_characters(text: bytes) -> Iterator[bytes]:
    yield _WRITTEN_CONTROL.sub(lambda found: bytes([int(found[1], 8) if found[1] else int(found[2], 16)]), text)


def _without_borders(text: bytes) -> Iterator[bytes]:
    yield _BORDER.sub(b"", text)


def _has_boxes(text: bytes) -> bool:
    return _BOXED_JSON.search(text) is not None and _BOX_LINE.search(text) is not None


def _from_boxes(text: bytes) -> Iterator[bytes]:
    """Yield each column of the tables drawn with lines in a text, its lines joined from top to bottom."""
    columns: list[list[bytes]] = []
    for line in [*text.split(b"\n"), b""]:
        cells = _BOX_EDGE.split(line)[1:-1] if _BOX_LINE.match(line) else []
        if len(cells) != len(columns):
            for column in columns:
                yield b"\n".join(column)
            columns = [[] for _ in cells]
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell.strip(b" \t") if not column else cell.rstrip())


def _from_quoted_printable(text: bytes) -> Iterator[bytes]:
    yield quopri.decodestring(text)


def _has_broken_lines(text: bytes) -> bool:
    widths = [len(line) for line in text.split(b"\n")]
    return max(widths) >= _NARROWEST and len(widths) > 1


def _with_unbroken_lines(text: bytes) -> Iterator[bytes]:
    """Join the lines that a terminal broke. They fill its width, or lack one column before a character of two columns."""
    lines = text.decode(errors="replace").replace("\r\n", "\n").split("\n")
    widths = [_width(line) for line in lines]
    most = max(widths)
    parts: list[str] = []
    for line, width, following in zip(lines, widths, [*lines[1:], ""], strict=True):
        is_full = width == most or (width == most - 1 and following[:1] != "" and _width(following[:1]) == 2)
        parts.append(line if is_full else line + "\n")
    yield "".join(parts).encode()


def _width(line: str) -> int:
    return len(line) if line.isascii() else sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def is_enclosed(text: bytes, taken: tuple[Layer, ...] = ()) -> bool:
    """Return whether another layer must be taken off a text before JSON can be found in it."""
    return any(layer.encloses and not (layer.once and layer in taken) and layer.is_there(text) for layer in LAYERS)


LAYERS: tuple[Layer, ...] = (
    Layer("terminal colours", lambda text: b"\x1b" in text, _without_colours, once=True),
    Layer("parts of a mail", has_mail_parts, mail_parts, encloses=True),
    Layer("a web page, or another text with tags", is_markup, page_texts, encloses=True, once=True),
    Layer("YAML", has_yaml, yaml_documents),
    Layer("Base64", has_base64, from_base64),
    Layer("hexadecimal digits", has_hex, from_hex),
    Layer("quoted-printable", _found(_SOFT_BREAK), _from_quoted_printable, once=True),
    Layer("quote marks of a mail", _found(_QUOTED_LINE), _without_quote_marks, once=True),
    Layer("partial lines of a container's log", _found(_PARTIAL_LINE), _with_whole_lines, once=True),
    Layer("prefixes of log lines", _found(OPENS_AFTER_HEAD), _without_line_heads, once=True),
    Layer("bytes as cat -v writes them", _has_cat_bytes, _from_cat, encloses=True, once=True),
    Layer("tables drawn with lines", _has_boxes, _from_boxes),
    Layer("cells of a CSV file", _found(_CELL_MARK), _from_cells),
    Layer("doubled quotes", _found(_CELL_MARK), _with_single_quotes, once=True),
    Layer("values of SQL statements", _has_sql, _from_sql, encloses=True),
    Layer("a text in three quotes", _found(_TRIPLE_QUOTED), _from_triple_quoted),
    Layer("shell quotes", lambda text: _SHELL_QUOTE in text, _without_shell_quotes),
    Layer("a text in single quotes", _is_single_quoted, _from_single_quoted),
    Layer("a text in quotes", _found(_LITERAL_MARK), _from_literals),
    Layer("literals of a programming language", lambda text: b"{" in text, find_literals, once=True),
    Layer("escapes of a programming language", _found(_ESCAPED_MARK), _without_backslashes),
    Layer("quotes around JSON whose own are not escaped", _found(_RAW_QUOTE), _without_raw_quotes, once=True),
    Layer("printed objects of the SDK", _found(_SDK_MARK), _from_sdk_print),
    Layer("tags", has_tags, without_tags, once=True),
    Layer("entities", has_entities, without_entities),
    Layer("non-breaking spaces", lambda text: any(mark in text for mark in _SPACE_MARKS), _with_plain_spaces, once=True),
    Layer("typographic quotes", _found(_TYPOGRAPHIC_MARK), _with_plain_quotes, once=True),
    Layer("colours as less and cat write them", _found(_COLOURED_BRACKET), _without_written_colours, once=True),
    Layer("line breaks as syslog writes them", _found(_CONTROL_IN_JSON), _with_control_characters, once=True),
    Layer("borders of a table", _found(_BORDER_OF_JSON), _without_borders, once=True),
    Layer("percent-encoding", _found(_PERCENT_MARK), _from_percents),
    Layer("lines wrapped by a terminal", _has_broken_lines, _with_unbroken_lines, once=True),
)
