"""Secrets in JSON that only two strings together show: a name and a value, an option and its value, a key and the values under it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from daganalysis.secret_words import NAME_LABEL, SECRET_WORD, VALUE_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable

_COOKIES = re.compile(r'"cookies"\s{0,8}:\s{0,8}\[[^\]]*+\]')
_VALUE = re.compile(rf'("{VALUE_LABEL}"\s{{0,8}}:\s{{0,8}})("[^"\\]*+(?:\\.[^"\\]*+)*")')
_SECRET_NAME = (
    rf'"{NAME_LABEL}"\s{{0,8}}:\s{{0,8}}"(?i:[^"]{{0,60}}(?:{SECRET_WORD}|auth|sign)[^"]{{0,60}}|x-[^"]{{1,60}}|pass|pw|sk|ak|sid|etag)"'
)
_STRING_VALUE = rf'"{VALUE_LABEL}"\s{{0,8}}:\s{{0,8}}"[^"\\]*+(?:\\.[^"\\]*+)*"'
_OTHERS = r'(?:\s{0,40},\s{0,40}"\w{1,30}"\s{0,8}:\s{0,8}(?:"[^"\\]{0,80}"|[\w.]{1,20})){0,3}\s{0,40},\s{0,40}'
_SECRET_PAIR = re.compile(rf"{_SECRET_NAME}{_OTHERS}{_STRING_VALUE}|{_STRING_VALUE}{_OTHERS}{_SECRET_NAME}")
_OPTION_PAIR = re.compile(
    rf'("-{{1,2}}(?i:[\w-]{{0,40}}(?:{SECRET_WORD}|(?<=-)(?:rp|pass|pw)(?=")))[\w-]{{0,40}}"\s{{0,40}},\s{{0,40}}|"-p"\s{{0,40}},\s{{0,40}}(?=[^"]{{0,40}}\d)(?=[^"]{{0,40}}[A-Za-z]))'
    r'("(?!-)[^"\\]*+(?:\\.[^"\\]*+)*")'
)
"""Two strings of a list of arguments: an option and its value."""
_NESTED = re.compile(rf'(?i:{SECRET_WORD})[\w.-]{{0,20}}"\s{{0,8}}:\s{{0,8}}[\[{{][^\[\]{{}}]{{1,20000}}[\]}}]')
_NESTED_STRING = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*")(\s{0,8}:)?')
"""Values in a list or an object under a key named like a secret."""
_PAIR_HINT = re.compile(rf'"{VALUE_LABEL}"\s*:')


def replace_pairs(text: str, hide: Callable[[str], str]) -> str:
    """Return a text of JSON with the secrets in pairs of strings replaced; ``hide`` returns the pseudonym of a secret."""

    def hidden(match: re.Match[str]) -> str:
        return match[1] + _hidden(match[2], hide)

    def nested(match: re.Match[str]) -> str:
        return match[0] if match[2] else _hidden(match[1], hide)

    text = _NESTED.sub(lambda found: _NESTED_STRING.sub(nested, found[0]), text)
    if '"-' in text:
        text = _OPTION_PAIR.sub(hidden, text)
    if not _PAIR_HINT.search(text):
        return text
    text = _COOKIES.sub(lambda found: _VALUE.sub(hidden, found[0]), text)
    return _SECRET_PAIR.sub(lambda found: _VALUE.sub(hidden, found[0]), text)


def _hidden(piece: str, hide: Callable[[str], str]) -> str:
    value = json_text(piece)
    return json.dumps(hide(value), ensure_ascii=piece.isascii()) if value else piece


def json_text(piece: str) -> str:
    """Decode a JSON string; a broken one gives the text between its quotes."""
    if "\\" not in piece:
        return piece[1:-1]
    try:
        value: str = json.loads(piece, strict=False)
    except ValueError:
        return piece[1:-1]
    return value
