"""Bytes written as text: Base64 and hexadecimal digits, of JSON or of compressed JSON."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON_MARKS = (
    b"eyJ",
    b"eyI",
    b"ewo",
    b"ew0K",
    b"eyAi",
    b"W3si",
    b"Wwo",
    b"WyB7",
    b"WyI",
    b"Intc",
    b"Iltc",
    b"Ilt7",
    b"Ilwi",
    b"W1t7",
    b"W1si",
    b"W1tb",
)
"""How JSON objects, and strings that hold one, begin in Base64."""
_ZLIB_MARKS = (b"eJw", b"eJx", b"eJy", b"eJz", b"eNo", b"eNp", b"eNq", b"eNr")
PACKED_MARKS = (b"H4sI", b"KLUv", b"/Td6WFoA", b"QlpoO", *_ZLIB_MARKS)
"""How gzip, zstd, xz, bzip2 and zlib begin in Base64."""
HEX_MARKS = (b"7b22", b"7B22", b"7b0a", b"7B0A", b"7b0d", b"7B0D", b"5b7b", b"5B7B")
"""How JSON objects and lists of them begin in hexadecimal digits."""
_MARKS = b"|".join(map(re.escape, (*JSON_MARKS, *PACKED_MARKS)))
_BASE64 = re.compile(rb"(?:" + _MARKS + rb")[A-Za-z0-9+/_-]{20,}+(?:(?:\r?\n[ \t>]{0,8}|\\r\\n|\\n)[A-Za-z0-9+/_-]++)*+={0,2}")
_BREAK = re.compile(rb"\r?\n[ \t>]{0,8}|\\r\\n|\\n")
_HEX = re.compile(rb"(?:7[bB](?:22|0[ADad])|5[bB]7[bB])[0-9a-fA-F]{20,}+(?:\r?\n[0-9a-fA-F]++)*+")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_MOST_XZ_MEMORY = 1 << 28
_MOST_RATIO, _MOST_MORE = 200, 1 << 16
"""What is packed may unpack to so many times its size, and so many bytes more: answers pack to about a hundredth."""


def has_base64(text: bytes) -> bool:
    """Tell whether a text holds a run of Base64 in which an answer may lie."""
    return _BASE64.search(text) is not None


def from_base64(text: bytes) -> Iterator[bytes]:
    """Yield what each run of Base64 in a text stands for, unpacked where it is compressed."""
    for run in _BASE64.finditer(text):
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


def has_hex(text: bytes) -> bool:
    """Tell whether a text holds JSON in hexadecimal digits."""
    return any(mark in text for mark in HEX_MARKS) and _HEX.search(text) is not None


def from_hex(text: bytes) -> Iterator[bytes]:
    """Yield what each run of hexadecimal digits in a text stands for."""
    for run in _HEX.finditer(text):
        digits = b"".join(run[0].split())
        yield bytes.fromhex(digits[: len(digits) - len(digits) % 2].decode())


def unpacked(data: bytes) -> bytes:
    """Return what a compressed text holds, no more of it than an answer would have; a text that is not compressed as it is."""
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
