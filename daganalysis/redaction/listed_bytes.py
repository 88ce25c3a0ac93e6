"""Texts that stand as lists of their bytes, as journald and Node.js write them; they are decoded, as redaction keeps numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK = rb"(?:[ \t\r\n]|%20|\\n|\\t)*+"
_BETWEEN = _BLANK + rb"(?:,|%2C)" + _BLANK
_LIST = re.compile(rb"(?<![\w.])\d{1,3}(?:" + _BETWEEN + rb"\d{1,3}(?![\w.])){7,}+", re.IGNORECASE)
_SEPARATOR = re.compile(_BETWEEN, re.IGNORECASE)
_NO_TEXT = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")


def with_listed_bytes(text: bytes, redacted: Callable[[bytes], bytes]) -> bytes:
    r"""Redact what stands in a text as a list of at least eight bytes, and write it as such a list again.

    >>> with_listed_bytes(b'{"MESSAGE": [112, 119, 61, 72, 113, 55, 97, 98]}', lambda content: content[:3] + b"x")
    b'{"MESSAGE": [112, 119, 61, 120]}'
    >>> with_listed_bytes(b"[1, 2, 3, 4, 5, 6, 7, 8, 9]", lambda content: b"")
    b'[1, 2, 3, 4, 5, 6, 7, 8, 9]'
    """

    def _redact(found: re.Match[bytes]) -> bytes:
        separator = _SEPARATOR.search(found[0])
        numbers = [int(number) for number in _SEPARATOR.split(found[0])]
        if separator is None or max(numbers) > 255:
            return found[0]
        content = bytes(numbers)
        try:
            is_text = _NO_TEXT.search(content.decode()) is None
        except UnicodeDecodeError:
            is_text = False
        return separator[0].join(b"%d" % byte for byte in redacted(content)) if is_text else found[0]

    return _LIST.sub(_redact, text)
