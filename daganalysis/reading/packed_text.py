"""Bytes written as text: Base64 and hexadecimal digits, of JSON or of compressed JSON."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEFORE = b'{["', b'{["\\ \n\r\t'
"""The first two characters of an object, a list, or a text that holds one."""


def _first_letters(begin: bytes) -> bytes:
    """A pattern of the Base64 form of a text with this beginning: the letters that are certain, and the possible last letters."""
    whole = base64.b64encode(begin)[: len(begin) * 8 // 6]
    last = {base64.b64encode(begin + bytes([byte]))[len(whole) : len(whole) + 1] for byte in range(256)}
    return whole + (b"[" + b"".join(sorted(last)) + b"]" if len(begin) % 3 else b"")


@cache
def _begins() -> bytes:
    """A pattern of what an answer begins with in Base64."""
    json = [_first_letters(bytes((first, second))) for first in _BEFORE[0] for second in _BEFORE[1]]
    packed = [_first_letters(begin) for begin in (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh", b"\x78\x9c", b"\x78\xda")]
    # A response with its headers, Base64 of Base64, and the log of a function in the cloud.
    others = [_first_letters(begin) for begin in (b"HTTP/", b"eyJ", b"eyI", b"START ")]
    return rb"(?:(?<![A-Za-z0-9+/_-])|(?<=%22|%3D|%2C)|(?<=\\n)|(?<=\\x22))(?:" + b"|".join((*json, *packed, *others)) + rb")"


# Made when they are first needed: to make them takes longer than to read a hundred answers as the server sends them.


@cache
def _base64() -> re.Pattern[bytes]:
    return re.compile(_begins() + rb"[A-Za-z0-9+/_-]{20,}+(?:(?:\r?\n[ \t>]{0,8}|\\r\\n|\\n)[A-Za-z0-9+/_-]++)*+={0,2}")


@cache
def _short_run() -> re.Pattern[bytes]:
    return re.compile(_begins() + rb"[A-Za-z0-9+/_-]{20}")


_BREAK = re.compile(rb"\r?\n[ \t>]{0,8}|\\r\\n|\\n")
HEX_BYTE = rb"[0-9a-fA-F]{2}"
_HEX_BEGINS = rb"(?<![0-9a-fA-F])(?:7[bB][ :]?(?:22|0[ADad])|5[bB][ :]?(?:7[bB]|22|5[bB]))"
_HEX = re.compile(_HEX_BEGINS + rb"(?:[ :]?" + HEX_BYTE + rb"){10,}+(?:\r?\n[0-9a-fA-F]++)*+")
_LISTED = re.compile(
    rb"(?<!\d)(?:123|91|34)(?:,|%2C).{0,200}?(?:(?<!\d)|(?<=%20))(?:123|91|34|92|32|10|13)(?:,|%2C)", re.DOTALL | re.IGNORECASE
)
"""JSON as a list of its bytes, as journald and buffers of Node.js have it: two of them, with any text between them."""
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_MOST_XZ_MEMORY = 1 << 28
_MOST_RATIO, _MOST_MORE = 200, 1 << 16
"""How far a text may unpack: a multiple of its size, and a constant. Answers pack to about a hundredth."""


def has_base64(text: bytes) -> bool:
    """Return whether a text holds a run of Base64 that may contain an answer."""
    return _base64().search(text) is not None


def from_base64(text: bytes) -> Iterator[bytes]:
    """Yield the bytes of each run of Base64 in a text, unpacked where they are compressed."""
    for run in _base64().finditer(text):
        data = _joined(run[0]).rstrip(b"=").translate(_URL_SAFE)
        try:
            yield unpacked(base64.b64decode(data[: len(data) - (len(data) % 4 == 1)] + b"=" * (-len(data) % 4)))
        except (binascii.Error, ValueError):
            continue


def _joined(run: bytes) -> bytes:
    """Join the lines of a run: all but the last are as long as the first, and the last is no longer."""
    first, *others = _BREAK.split(run)
    parts = [first]
    for line in others:
        if len(line) > len(first):
            break
        parts.append(line)
        if len(line) < len(first):
            break
    return b"".join(parts)


def has_hex(text: bytes | bytearray) -> bool:
    """Return whether a text holds JSON in hexadecimal digits."""
    return _HEX.search(text) is not None


def is_encoded(text: bytes | bytearray) -> bool:
    """Return whether a text may contain JSON as Base64, as hexadecimal digits, or as a list of its bytes."""
    return _short_run().search(text) is not None or has_hex(text) or ((b"," in text or b"%2" in text) and _LISTED.search(text) is not None)


def from_hex(text: bytes) -> Iterator[bytes]:
    """Yield the bytes of each run of hexadecimal digits in a text."""
    for run in _HEX.finditer(text):
        yield bytes_of_hex(run[0])


def bytes_of_hex(digits: bytes) -> bytes:
    r"""Return the bytes of hexadecimal digits. Blanks, colons and line breaks between them are skipped, and so is a single last digit.

    >>> bytes_of_hex(b"70:77:3D"), bytes_of_hex(b"7077\n3d4")
    (b'pw=', b'pw=')
    """
    plain = b"".join(digits.replace(b":", b" ").split())
    return bytes.fromhex(plain[: len(plain) - len(plain) % 2].decode())


def unpacked(data: bytes) -> bytes:
    """Return the content of a compressed text, at most as much as an answer would have; any other text as it is."""
    most = _MOST_RATIO * len(data) + _MOST_MORE
    try:
        if data[:2] == b"\x1f\x8b" or (data[:1] == b"\x78" and data[1:2] in {b"\x01", b"\x5e", b"\x9c", b"\xda"}):
            return zlib.decompressobj(wbits=47).decompress(data, most)
        if data[:4] == b"\x28\xb5\x2f\xfd":
            return _from_zstd(data, most)
        if data[:6] == b"\xfd7zXZ\0" or data[:3] == b"BZh":
            return _from_blocks(data, most)
    except (zlib.error, OSError, EOFError, ValueError):
        return b""
    return data


def _from_zstd(data: bytes, most: int) -> bytes:
    import zstandard

    try:
        return zstandard.ZstdDecompressor().stream_reader(data).read(most)
    except zstandard.ZstdError:
        return b""


def _from_blocks(data: bytes, most: int) -> bytes:
    import bz2
    import lzma

    try:
        return (bz2.BZ2Decompressor() if data[:3] == b"BZh" else lzma.LZMADecompressor(memlimit=_MOST_XZ_MEMORY)).decompress(data, most)
    except lzma.LZMAError:
        return b""
