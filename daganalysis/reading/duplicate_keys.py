"""Keys that an object has twice: JSON decoders keep the last one and say nothing."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLON = b'":'
_SPACE = b" \t\r\n"
_AT_A_TIME = 1 << 20
"""Bytes of texts that are looked through together."""


def keys_twice(text: bytes) -> list[str]:
    """Return the keys that some object of a JSON text has more than once, in order of their names.

    >>> keys_twice(b'{"a": 1, "b": {"c": 2, "c": 3}}')
    ['c']
    """
    if has_each_once(text):
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


def count_keys(texts: Sequence[bytes]) -> list[int]:
    r"""Count the keys in each of some JSON texts of objects, those of inner objects too; -1 where a look at each colon does not tell.

    Where it tells, no key is overlooked; a text within that begins with a colon counts as one more.

    >>> count_keys([b'{"a": 1, "b": {"c": "\\":"}}', b'{"a" : 1}'])
    [3, -1]
    """
    counts: list[int] = []
    batch: list[bytes] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size > _AT_A_TIME:
            counts += _count_together(batch)
            batch, size = [], 0
    return counts + _count_together(batch) if batch else counts


def _count_together(texts: Sequence[bytes]) -> list[int]:
    if sum(map(len, texts)) > 2 * _AT_A_TIME:  # a text of megabytes, which may be colons all over: eight bytes each are too much
        return [-1] * len(texts)
    whole = np.frombuffer(b"".join(texts), np.uint8)
    colons = np.flatnonzero(whole == ord(":"))
    before = whole[colons - 1]
    colons = colons[(before == ord('"')) | (before <= ord(" "))]
    before, second, third = (whole[colons - n] for n in (1, 2, 3))
    # A quotation mark after a backslash is one within a text, unless the backslash is itself one of the text.
    escaped = second == ord("\\")
    unsure = np.where(before <= ord(" "), (second == ord('"')) | (second <= ord(" ")), escaped & (third == ord("\\")))
    ends = list(itertools.accumulate(map(len, texts)))
    counts = np.diff(np.searchsorted(colons[(before == ord('"')) & ~escaped], ends), prepend=0)
    counts[np.diff(np.searchsorted(colons[unsure], ends), prepend=0) > 0] = -1
    found: list[int] = counts.tolist()
    return found


def count_own_keys(text: str) -> int:
    """Count the keys of one short text as :func:`count_keys` does those of many, but for what it is unsure of.

    >>> count_own_keys('{"a": {"b": 1}}')
    2
    """
    return text.count('":') - text.count('\\":')


def has_each_once(text: bytes) -> bool:
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
