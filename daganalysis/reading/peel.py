"""Layers that programs put around JSON as text, taken off one at a time: colours, quotes, escapes, cells, entities, other notations.

A layer has a cheap test, and a function from a text to the texts under it. Every function takes time in proportion to the text.
"""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from daganalysis.reading.json_repair import NOT_JSON, without_escapes
from daganalysis.reading.python_literals import find_literals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLOUR = re.compile(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
_QUOTED_LINE = re.compile(rb"^[ \t]*(?:(?:[>|+#]|//|\d{1,7}(?:\t|: ?))[ \t]?)+", re.MULTILINE)
_LINE_HEAD = re.compile(
    rb"^(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* |[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^:\s]+: )(?:std(?:out|err) [FP] )?", re.MULTILINE
)
_PARTIAL_LINE = re.compile(rb"^\S+ std(?:out|err) P ([^\n]*)\n", re.MULTILINE)
_TAG = re.compile(rb"<[!/a-zA-Z][^<>]{0,2000}>")
_ENTITY = re.compile(rb"&(?:quot|#0*34|#x0*22);", re.IGNORECASE)
_QUOTE_BEFORE = re.compile(rb'"(\s*[{\[])(?=\s*&)')
_CELL = re.compile(rb'"((?:[^"]++|"")*+)"')
_CELL_MARK = re.compile(rb'[{\[]\s*""')
_LITERAL = re.compile(rb'"((?:\s|\\[nrt"\\])*+[{\[](?:[^"\\]++|\\.)*+)"', re.DOTALL)
_LITERAL_MARK = re.compile(rb'[{\[](?:\s|\\[nrt])*\\+"')
_ESCAPE = re.compile(rb"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED_MARK = re.compile(rb"\\'|[{\[](?:\s|\\[nrt])*(?:\\+\"|\\[nrt])")
_NAMED_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_SDK_MARK = re.compile(rb'"\[(?:"\{"|\]")')
_SDK_EDGE = re.compile(rb'"([{\[])|([}\]])"')
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_SPACE_MARKS = (b"\xc2\xa0", b"\xe2\x80", b"\xe3\x80\x80", b"\xef\xbb\xbf", b"\xe2\x81", b"\xe1\x9a\x80")
_STRING = re.compile(rb'("[^"]*+")')
_TYPOGRAPHIC = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"'))
_TYPOGRAPHIC_MARK = re.compile(rb"[{\[]\s*(?:\xe2\x80[\x9c-\x9f]|\xc2\xab|\xef\xbc\x82)")
_BASE64 = re.compile(rb"(?:eyJ|eyI|ewo|ew0K|eyAi|W3si|Wwo|WyB7|WyI|Intc|Iltc|Ilt7|Ilwi)[A-Za-z0-9+/_-]{40,}={0,2}")
_PERCENT_MARK = re.compile(rb"%(?:7B|5B)(?:%20|%0A|\+)*%22", re.IGNORECASE)
_SOFT_BREAK = re.compile(rb"=\r?\n")


@dataclass(frozen=True, slots=True)
class Layer:
    """One way in which JSON is written within a text."""

    name: str
    is_there: Callable[[bytes], bool]
    under: Callable[[bytes], Iterator[bytes]]


def _found(pattern: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    return lambda text: pattern.search(text) is not None


def _without_colours(text: bytes) -> Iterator[bytes]:
    yield _COLOUR.sub(b"", text)


def _without_quote_marks(text: bytes) -> Iterator[bytes]:
    yield _QUOTED_LINE.sub(b"", text)


def _without_line_heads(text: bytes) -> Iterator[bytes]:
    yield _LINE_HEAD.sub(b"", _PARTIAL_LINE.sub(rb"\1", _partial_continued(text)))


def _partial_continued(text: bytes) -> bytes:
    """Remove the heads of the lines that continue a partial one, so that the parts join."""
    return re.sub(rb"(?m)^(\S+ std(?:out|err) P [^\n]*\n)((?:\S+ std(?:out|err) P [^\n]*\n)*)(\S+ std(?:out|err) F )", _joined_parts, text)


def _joined_parts(match: re.Match[bytes]) -> bytes:
    bare = _PARTIAL_LINE.sub(rb"\1", match[1] + match[2])
    head = match[1].partition(b" P ")[0]
    return head + b" F " + bare


def _without_entities(text: bytes) -> Iterator[bytes]:
    bare = _QUOTE_BEFORE.sub(rb" \1", text)  # of an attribute, which would begin a string otherwise
    yield html.unescape(bare.decode(errors="replace")).encode("utf-8", "replace")


def _without_tags(text: bytes) -> Iterator[bytes]:
    yield html.unescape(_TAG.sub(b"", text).decode(errors="replace")).encode("utf-8", "replace")


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


def _from_base64(text: bytes) -> Iterator[bytes]:
    for run in _BASE64.finditer(text):
        data = run[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield base64.b64decode(data + b"=" * (-len(data) % 4))
        except (binascii.Error, ValueError):
            continue


def _from_percents(text: bytes) -> Iterator[bytes]:
    yield urllib.parse.unquote_to_bytes(text)


def _from_quoted_printable(text: bytes) -> Iterator[bytes]:
    yield quopri.decodestring(text)


LAYERS: tuple[Layer, ...] = (
    Layer("terminal colours", lambda text: b"\x1b" in text, _without_colours),
    Layer("quoted-printable", lambda text: _SOFT_BREAK.search(text) is not None, _from_quoted_printable),
    Layer("marks before each line, as in a mail", _found(_QUOTED_LINE), _without_quote_marks),
    Layer("heads of log lines", _found(_LINE_HEAD), _without_line_heads),
    Layer("entities of a web page", _found(_ENTITY), _without_entities),
    Layer("tags of a web page", _found(_TAG), _without_tags),
    Layer("cells of a CSV file", _found(_CELL_MARK), _from_cells),
    Layer("doubled quotes", _found(_CELL_MARK), _with_single_quotes),
    Layer("a text in quotes", _found(_LITERAL_MARK), _from_literals),
    Layer("escapes of a programming language", _found(_ESCAPED_MARK), _without_backslashes),
    Layer("printed objects of the SDK", _found(_SDK_MARK), _from_sdk_print),
    Layer("Python's notation", lambda text: b"'" in text, find_literals),
    Layer("spaces that do not break", lambda text: any(mark in text for mark in _SPACE_MARKS), _with_plain_spaces),
    Layer("typographic quotes", _found(_TYPOGRAPHIC_MARK), _with_plain_quotes),
    Layer("Base64", _found(_BASE64), _from_base64),
    Layer("percent-encoding", _found(_PERCENT_MARK), _from_percents),
)
