"""Objects as programming languages print them, to JSON, in one pass over the text.

Python's ``repr`` and ``pprint``, the SDK's objects, ``OrderedDict``, the ``inspect`` of Node.js, Ruby and Elixir, Go's ``%#v``, Rust's
``{:?}``, Perl's ``Data::Dumper``, and JSON with comments or with unquoted keys.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = re.compile(
    rb"[{\[(]\s*(?:['\"]|//|/\*|#|[{\[]\s*['\"])|\b(?:[A-Z]\w*|namespace)\((?:\w+=|[{\[(])"
    rb"|\binterface \{\}\{|\bObject \{|%\{\s*\"|\{\s*:?[A-Za-z_]\w*(?:\s*:(?!:)|\s*=>)\s*['\"\w{\[-]"
)
_TOKEN = re.compile(
    rb"""(?P<blank>\s+|map\[string\](?:interface\ \{\}|any)(?=\{)|(?:Object|Array)\s(?=[{\[])|%(?=\{))
    |(?P<list>\[\](?:interface\ \{\}|any)\{)
    |(?P<typed>\b(?:String|Number|Bool)\((?P<value>"(?:[^"\\\n]++|\\.)*+"|-?[\d.]+|true|false)\))
    |(?P<truth>bless\(\ do\{\\\(my\ \$o\ =\ (?P<bit>[01])\)\},\ '[\w:]+'\ \))
    |(?P<comment>//[^\n]*+|\#[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)
    |(?P<string>(?:[bru]{1,2})?(?:'(?:[^'\\\n]++|\\.)*+'|"(?:[^"\\\n]++|\\.)*+"|`(?:[^`\\]++|\\.)*+`))
    |(?P<open>[{\[(])|(?P<close>[}\])])|(?P<comma>,)|(?P<colon>=>|:(?![A-Za-z_]\w*\s*=>))
    |(?P<number>-?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?(?![\w]))
    |(?P<word>(?:True|False|None|true|false|null|nil|undefined|undef|Null|interface\ \{\}\(nil\))(?!\w)(?!\s*(?::|=>)))
    |<[\w.]+:\s*(?P<member>'(?:[^'\\\n]++|\\.)*+'|-?\d+)>
    |(?P<other><[^<>\n]{1,300}>|datetime\.\w+\([^()]{0,200}(?:\([^()]{0,200}\)[^()]{0,100}){0,3}\))
    |(?P<call>[A-Za-z_][\w.]*\((?=\s*[{\[]))|(?P<object>[A-Za-z_][\w.]*\((?=\w+=|\)))|(?P<name>[A-Za-z_]\w*)=(?!>)
    |(?P<key>:?[A-Za-z_$][\w$]*)(?=\s*:(?!:)|\s*=>)""",
    re.VERBOSE | re.DOTALL,
)
_OPENERS = {b"{": (b"{", b"}", b"}"), b"[": (b"[", b"]", b"]"), b"(": (b"[", b"]", b")")}
"""The bracket in JSON, the one that closes it there, and the one that closes it in the other notation."""
_WORDS = {b"True": b"true", b"False": b"false", b"None": b"null", b"nil": b"null", b"undefined": b"null"}
_WORDS |= dict.fromkeys((b"undef", b"Null", b"interface {}(nil)"), b"null")
_AFTER = re.compile(rb"\n(?=[^\s}\])])")
"""Where a text may start again after an object in it that could not be read."""
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|\n|.)", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_COMMA = b", "


def find_literals(text: bytes) -> Iterator[bytes]:
    """Yield the objects and lists in a text that are in the notation of a programming language, as JSON.

    >>> list(find_literals(b"got {'a': None, 'b': (1, 'x' 'y')} there; { a: true, /* no */ c: [1] }"))
    [b'{"a": null, "b": [1, "xy"]}', b'{"a": true, "c": [1]}']
    """
    at = 0
    while (start := _START.search(text, at)) is not None:
        converter = _Converter(text, start.start())
        found = converter.convert()
        if found is not None:
            yield found
            at = converter.at
        else:
            # What follows are parts of an object that cannot be read, up to where a line begins at its first column.
            after = _AFTER.search(text, max(converter.at, start.end()))
            at = len(text) if after is None else after.end()


class _Converter:
    """Converts the object that begins at a place; ``at`` is where it ends, or where it can be read no further."""

    def __init__(self, text: bytes, at: int) -> None:
        self._text = text
        self.at = at
        self._parts: list[bytes] = []
        self._closers: list[tuple[bytes, bytes]] = []
        self._strings: list[str] = []
        self._is_json = True
        """Whether it differs from JSON only by commas before closing brackets. That is a fault, not another notation."""

    def convert(self) -> bytes | None:
        """Return the object as JSON; None if it is none, or does not end."""
        while (token := _TOKEN.match(self._text, self.at)) is not None:
            kind = token.lastgroup or ""
            self.at = token.end()
            if kind == "string":
                self._take_string(token[0])
                continue
            if kind == "comment":
                self._is_json = False
            if kind in {"blank", "comment"}:
                continue
            self._end_string()
            if kind == "close":
                if not self._closers or token[0] != self._closers[-1][1]:
                    return None
                self._close()
                if not self._closers:
                    return None if self._is_json else b"".join(self._parts)
            elif kind in {"open", "list", "object", "call"}:
                self._open(kind, token[0])
            else:
                self._parts.append(self._converted(kind, token))
        return None

    def _take_string(self, word: bytes) -> None:
        self._is_json = self._is_json and word[:1] == b'"'
        self._strings.append(_string(word))  # neighbouring strings are one, as pprint breaks long ones

    def _end_string(self) -> None:
        if self._strings:
            self._parts.append(json.dumps("".join(self._strings)).encode())
            self._strings.clear()

    def _open(self, kind: str, word: bytes) -> None:
        opening, closing, ends = (
            _OPENERS[word]
            if kind == "open"
            else (b"[", b"]", b"}")
            if kind == "list"
            else (b"", b"", b")")
            if kind == "call"
            else (b"{", b"}", b")")
        )
        self._is_json = self._is_json and word in {b"{", b"["}
        self._closers.append((closing, ends))
        self._parts.append(opening)

    def _close(self) -> None:
        if self._parts[-1] == _COMMA:
            self._parts.pop()
        self._parts.append(self._closers.pop()[0])

    def _converted(self, kind: str, token: re.Match[bytes]) -> bytes:
        word = token[0]
        if kind == "comma":
            return _COMMA
        if kind == "colon":
            self._is_json = self._is_json and word == b":"
            return b": "
        if kind == "word":
            self._is_json = self._is_json and word not in _WORDS
            return _WORDS.get(word, word)
        if kind == "number":
            return word.replace(b"_", b"")
        self._is_json = False
        if kind == "typed":
            return bytes(token["value"])
        if kind == "truth":
            return b"true" if token["bit"] == b"1" else b"false"
        if kind == "name":
            return json.dumps(token["name"].decode()).encode() + b": "
        if kind == "key":
            return json.dumps(word.lstrip(b":").decode()).encode()
        if kind == "member":
            member = token["member"]
            return json.dumps(_string(member)).encode() if member[:1] == b"'" else member
        return json.dumps(word.decode(errors="replace")).encode()


def unquoted(literal: bytes) -> str:
    """Return the value of a Python string literal, of text or of bytes."""
    return _string(literal)


def _string(literal: bytes) -> str:
    if literal[:1] == b'"':
        try:
            return str(msgspec.json.decode(literal, type=str))
        except msgspec.DecodeError:
            pass
    prefix = len(literal) - len(literal.lstrip(b"bruBRU"))
    body = literal[prefix + 1 : -1].decode(errors="replace")
    if b"r" in literal[:prefix] or "\\" not in body:
        return body
    if b"b" in literal[:prefix]:
        plain = _ESCAPE.sub(_character, body)
        try:
            return plain.encode("latin-1").decode()
        except UnicodeError:
            return plain
    return _ESCAPE.sub(_character, body)


def _character(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] in "xuU" and len(escape) > 1:
        code = int(escape[1:], 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
    if escape[0] in "01234567":
        return chr(int(escape, 8))
    return _NAMED.get(escape, escape if escape in "\\'\"" else match[0])
