"""Keys that an object has twice: JSON decoders keep the last one and say nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_COLON = b'":'
_SPACE = b" \t\r\n"


def keys_twice(text: bytes) -> list[str]:
    """Return the keys that some object of a JSON text has more than once, in order of their names.

    >>> keys_twice(b'{"a": 1, "b": {"c": 2, "c": 3}}')
    ['c']
    """
    if _has_each_once(text):
        return []
    twice: set[str] = set()

    def look(items: list[tuple[str, object]]) -> None:
        names = [name for name, _ in items]
        if len(set(names)) != len(names):
            twice.update(name for name in names if names.count(name) > 1)

    try:
        json.loads(text, object_pairs_hook=look, parse_int=float)
    except (ValueError, RecursionError):
        return []
    return sorted(twice)


def keys_twice_beside(text: bytes, encoded: bytes, free: Iterable[str]) -> list[str]:
    """Return what :func:`keys_twice` does for a text that was decoded to an object of fixed fields.

    ``encoded`` is that object encoded again, in which each key is once, and ``free`` are the texts that stand in both as they are. Nearly
    every text is its object's, so that telling costs little.

    >>> keys_twice_beside(b'{"a": {"c": 2}, "b": 1}', b'{"a":{"c":2},"b":1}', ['{"c": 2}'])
    []
    >>> keys_twice_beside(b'{"a":1,"a":2}', b'{"a":2}', [])
    ['a']
    """
    as_encoded = text == encoded or (plain := _plainly(text)) == encoded or plain == _plainly(encoded)
    return [] if as_encoded and all(_has_each_once(one.encode()) for one in free) else keys_twice(text)


def _plainly(text: bytes) -> bytes:
    """Return a text without what encoders choose freely: blanks between words, and Go's escapes of three signs."""
    text = msgspec.json.format(text, indent=-1)
    if b"\\u00" in text:
        text = text.replace(b"\\u003c", b"<").replace(b"\\u003e", b">").replace(b"\\u0026", b"&")
    return text


def _has_each_once(text: bytes) -> bool:
    """Tell whether a text surely has no key twice: it, or the number of its keys, is the same when it is decoded and encoded again.

    Not sure where a key may hide: blanks before a colon, or an escaped quotation mark before one within a string.
    """
    try:
        again = msgspec.json.encode(msgspec.json.decode(text))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
        return False
    return text == again or (b'" :' not in text and b"\\u0022" not in text and text.count(_COLON) == again.count(_COLON))


def own_keys_twice(text: bytes, fields: dict[str, msgspec.Raw], large: str, large_text: bytes, others: bytes) -> list[str]:
    """Return the keys that an object has twice outside its one large field, which is not looked into.

    ``fields`` are the object's decoded fields, ``large_text`` the text of the large one, ``others`` the JSON text of all the others. Two
    counts decide for nearly every object, so that looking costs next to nothing.
    """
    end = len(text) - 1
    while text[end - 1] in _SPACE:
        end -= 1
    if large in fields and text.endswith(large_text, 0, end):
        rest = text[: end - len(large_text)]
        n_keys = rest.count(_COLON)
    else:
        rest = text
        n_keys = text.count(_COLON) - large_text.count(_COLON)
    if n_keys == others.count(_COLON) + (large in fields):
        return []
    return keys_twice(rest + b"null}" if rest is not text else text)
