"""Texts written as lists of their bytes, in hexadecimal digits or percent-encoded.

They are decoded, because redaction keeps numbers. Reading decodes only texts that begin like JSON (:mod:`daganalysis.reading.packed_text`).
Redaction decodes every text of eight bytes or more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from daganalysis.reading.packed_text import HEX_BYTE, bytes_of_hex

if TYPE_CHECKING:
    from collections.abc import Callable

_BLANK = rb"(?:[ \t\r\n]|%20|\\n|\\t)*"
_BETWEEN = _BLANK + rb"(?:,|%2C)" + _BLANK
_LIST = re.compile(rb"(?<![\w.])\d{1,3}(?:" + _BETWEEN + rb"\d{1,3}(?![\w.])){7,}", re.IGNORECASE)
_ONE_MORE = rb"(?P=between)" + HEX_BYTE
_HEX = re.compile(rb"(?<![\w:])" + HEX_BYTE + rb"(?P<between>[: ]?)" + HEX_BYTE + rb"(?:" + _ONE_MORE + rb"){6,}(?!" + _ONE_MORE + rb"|\w)")
# No group here is possessive: Python before 3.11.5 loses its place where the last round of one fails within (gh-106052).
_FEWEST_BYTES = 20
"""Digits of fewer bytes without anything between them are an id or a checksum."""
_PERCENT = re.compile(rb"%(?:25){0,4}(?:7B|5B)(?:%[0-9A-F]{2}|[\w.+*~!()-]){8,}", re.IGNORECASE)
_SEPARATOR = re.compile(_BETWEEN, re.IGNORECASE)
_NO_TEXT = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")


def with_encoded_texts(text: bytes, redacted: Callable[[bytes], bytes]) -> bytes:
    r"""Redact the parts of a text that are written as bytes, at least eight, and write them in the same form again.

    >>> with_encoded_texts(b'{"MESSAGE": [112, 119, 61, 72, 113, 55, 97, 98]}', lambda content: content[:3] + b"x")
    b'{"MESSAGE": [112, 119, 61, 120]}'
    >>> with_encoded_texts(b"[1, 2, 3, 4, 5, 6, 7, 8, 9]", lambda content: b"")
    b'[1, 2, 3, 4, 5, 6, 7, 8, 9]'
    """

    def _listed(found: re.Match[bytes]) -> bytes:
        separator = _SEPARATOR.search(found[0])
        numbers = [int(number) for number in _SEPARATOR.split(found[0])]
        if separator is None or max(numbers) > 255:
            return found[0]
        content = bytes(numbers)
        return separator[0].join(b"%d" % byte for byte in redacted(content)) if _is_text(content) else found[0]

    def _hexadecimal(found: re.Match[bytes]) -> bytes:
        between = found["between"]
        content = bytes_of_hex(found[0])
        if not _is_text(content) or (not between and len(content) < _FEWEST_BYTES):
            return found[0]
        digits = redacted(content).hex(between.decode()) if between else redacted(content).hex()
        return (digits.upper() if found[0].isupper() else digits).encode()

    def _percent_encoded(found: re.Match[bytes]) -> bytes:
        content = unquote_to_bytes(found[0].replace(b"+", b"%20"))
        return quote(redacted(content), safe="").encode() if _is_text(content) else found[0]

    return _PERCENT.sub(_percent_encoded, _HEX.sub(_hexadecimal, _LIST.sub(_listed, text)))


def _is_text(content: bytes) -> bool:
    try:
        return _NO_TEXT.search(content.decode()) is None
    except UnicodeDecodeError:
        return False
