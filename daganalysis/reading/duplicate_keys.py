"""Keys that an object has twice: JSON decoders keep the last value and report nothing.

A text is suspicious if it has another number of keys than its fields explain. Only suspicious texts are decoded key by key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLANKS = b" \t\r\n"


def keys_twice(text: bytes) -> list[str]:
    """Return the keys that some object of a JSON text has more than once, in order of their names.

    >>> keys_twice(b'{"a": 1, "b": {"c": 2, "c": 3}}')
    ['c']
    """
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


def count_keys(text: bytes) -> int:
    r"""Count the keys in a JSON text, those of inner objects too.

    A string that begins with a colon counts as one more key, and a key that ends with a backslash does not count. No field of the API has
    such a name, so a documented key that occurs twice always counts twice.

    >>> count_keys(b'{"a" : 1, "b": {"c": "\\":"}}')
    3
    """
    dense = text.translate(None, _BLANKS)
    return dense.count(b'":') - dense.count(b'\\":')


def has_each_once(text: bytes) -> bool:
    """Return whether no object of a JSON text has a key twice, as far as the number of its keys tells: it may be so although False."""
    try:
        again = msgspec.json.encode(msgspec.json.decode(text))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
        return False
    return text == again or (not _hides_quotes(text) and _count_marks(text) == _count_marks(again))


def own_keys_twice(text: bytes, fields: Mapping[str, msgspec.Raw], large: str, large_text: bytes, others: bytes) -> list[str]:
    """Return the keys that an object has twice outside its one large field, which is not examined.

    Args:
        text: The JSON text of the object.
        fields: Its decoded fields.
        large: The name of the large field, which the object need not have.
        large_text: The JSON text of the value of the large field.
        others: The JSON text of an object with all the other fields.
    """
    end = len(text) - 1
    while text[end - 1] in _BLANKS:
        end -= 1
    ends_with_large = large in fields and text.endswith(large_text, 0, end)
    own = text[: end - len(large_text)] if ends_with_large else text
    n_inside = 0 if ends_with_large else _count_marks(large_text)
    if not _hides_quotes(own) and _count_marks(own) - n_inside == _count_marks(others) + (large in fields):
        return []
    suspicious = own + b"null}" if ends_with_large else text
    return [] if has_each_once(suspicious) else keys_twice(suspicious)


def _count_marks(text: bytes) -> int:
    """Count the quotation marks before a colon: that of each key, and those within strings."""
    return text.translate(None, _BLANKS).count(b'":')


def _hides_quotes(text: bytes) -> bool:
    """Return whether a text has escaped quotation marks that an encoder writes in another way."""
    return b"\\u0022" in text
