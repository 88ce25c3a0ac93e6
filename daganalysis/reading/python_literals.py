"""Objects as Python prints them (``repr``, ``pprint``), to JSON, in one pass over the text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_START = re.compile(rb"[{\[(]\s*['\"]|\b[A-Z]\w*\(\w+=")
_TOKEN = re.compile(
    rb"""(?P<blank>\s+)
    |(?P<string>(?:[bru]{1,2})?(?:'(?:[^'\\\n]++|\\.)*+'|"(?:[^"\\\n]++|\\.)*+"))
    |(?P<open>[{\[(])|(?P<close>[}\])])|(?P<comma>,)|(?P<colon>:)
    |(?P<number>-?\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?)
    |(?P<word>(?:True|False|None)\b)
    |<[\w.]+:\s*(?P<member>'(?:[^'\\\n]++|\\.)*+'|-?\d+)>
    |(?P<other><[^<>\n]{1,300}>|datetime\.\w+\([^()]{0,200}(?:\([^()]{0,200}\)[^()]{0,100}){0,3}\))
    |(?P<object>[A-Za-z_][\w.]*\((?=\w+=|\)))|(?P<name>[A-Za-z_]\w*)=""",
    re.VERBOSE | re.DOTALL,
)
_OPENERS = {b"{": (b"{", b"}", b"}"), b"[": (b"[", b"]", b"]"), b"(": (b"[", b"]", b")")}
"""The bracket in JSON, the one that closes it there, and the one that closes it in Python."""
_WORDS = {b"True": b"true", b"False": b"false", b"None": b"null"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|\n|.)", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_COMMA = b", "


def find_literals(text: bytes) -> Iterator[bytes]:
    """Yield the objects and lists in a text that are in Python's notation, as JSON.

    >>> list(find_literals(b"got {'a': None, 'b': (1, 'x' 'y')} there"))
    [b'{"a": null, "b": [1, "xy"]}']
    """
    at = 0
    while (start := _START.search(text, at)) is not None:
        found, at = _literal_at(text, start.start())
        if found is not None:
            yield found


def _literal_at(text: bytes, at: int) -> tuple[bytes | None, int]:
    """Convert the object that begins at a place; return it, or None, and where to look on."""
    parts: list[bytes] = []
    closers: list[tuple[bytes, bytes]] = []
    strings: list[str] = []
    begin = at
    while (token := _TOKEN.match(text, at)) is not None:
        kind, word = token.lastgroup or "", token[0]
        at = token.end()
        if kind == "blank":
            continue
        if kind == "string":
            strings.append(_string(word))  # neighbouring strings are one, as pprint breaks long ones
            continue
        if strings:
            parts.append(json.dumps("".join(strings)).encode())
            strings.clear()
        if kind in {"open", "object"}:
            opening, closing, ends = _OPENERS[word] if kind == "open" else (b"{", b"}", b")")
            closers.append((closing, ends))
            parts.append(opening)
        elif kind == "close":
            if not closers or word != closers[-1][1]:
                return None, at
            if parts[-1] == _COMMA:
                parts.pop()
            parts.append(closers.pop()[0])
            if not closers:
                return b"".join(parts), at
        else:
            parts.append(_converted(kind, token))
    return None, max(at, begin + 1)


def _converted(kind: str, token: re.Match[bytes]) -> bytes:
    word = token[0]
    if kind == "comma":
        return _COMMA
    if kind == "name":
        return json.dumps(token["name"].decode()).encode() + b": "
    if kind == "colon":
        return b": "
    if kind == "word":
        return _WORDS[word]
    if kind == "number":
        return word.replace(b"_", b"")
    if kind == "member":
        member = token["member"]
        return json.dumps(_string(member)).encode() if member[:1] == b"'" else member
    return json.dumps(word.decode(errors="replace")).encode()


def _string(literal: bytes) -> str:
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
