"""Keys that an object has twice: JSON decoders keep the last one and say nothing."""

from __future__ import annotations

import json

import msgspec

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


def _has_each_once(text: bytes) -> bool:
    """Tell whether a text surely has no key twice: as many keys as are left when it is decoded and encoded again.

    Not sure where a key may hide: blanks before a colon, or an escaped quotation mark before one within a string.
    """
    if b'" :' in text or b"\\u0022" in text:
        return False
    try:
        return text.count(_COLON) == msgspec.json.encode(msgspec.json.decode(text)).count(_COLON)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
        return False


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
