"""Texts that are no UTF-8: UTF-16 and UTF-32 as Windows writes them, and GB18030 (with GBK in it) as Chinese programs do."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from daganalysis.obshell_logs.entries import Readable

GUESSED = "gb18030"
"""The encoding that shows by likelihood alone."""
_SAMPLE_BYTES = 1 << 16
_WIDE_SHARE = 0.6
"""The least share of characters of a text in UTF-16 whose high byte is zero. Keys and times are ASCII in any language."""
_BLOCK = 1 << 20
_LONGEST_CHARACTER = 4
"""Bytes of a character that the end of a sample may cut."""
_OTHER_BYTES = re.compile(rb"[^\x00-\x7f]+")
_COMMON_SHARE = 0.8
"""Of the characters of a Chinese text that are not ASCII, the share that the older, smaller GB 2312 has as well."""


def codec_of(head: bytes) -> str:
    r"""Return the encoding of a text by its beginning; empty for UTF-8 and for an unknown encoding.

    >>> codec_of("\ufeff{}".encode("utf-16")), codec_of('{"name": "租户"}'.encode("gbk")), codec_of('{"name": "租户"}'.encode())
    ('utf-16', 'gb18030', '')
    """
    return _wide_codec(head[:_SAMPLE_BYTES]) or (GUESSED if not head.isascii() and _is_chinese(head) else "")


def _wide_codec(head: bytes) -> str:
    """Return the encoding of a text of two or four bytes a character, with a byte order mark or without; empty for any other."""
    if head[:4] in {b"\xff\xfe\0\0", b"\0\0\xfe\xff"}:
        return "utf-32"
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    if b"\0" not in head[:4]:
        return ""
    n_pairs = len(head) // 2
    for codec, high in (("utf-32-le", head[3::4] + head[2::4]), ("utf-32-be", head[::4] + head[1::4])):
        if high and high.count(0) == len(high):
            return codec
    for codec, high, low in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if high.count(0) > n_pairs * _WIDE_SHARE > low.count(0):
            return codec
    return ""


def _is_chinese(head: bytes) -> bool:
    """Return whether a text is GB18030: all of it decodes, most of its characters are common ones, and it is not UTF-8 with faults."""
    runs = _OTHER_BYTES.findall(head)
    sample = b" ".join(runs)[:_SAMPLE_BYTES]
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        pass
    else:
        return False
    as_utf8 = sample.decode(errors="replace")
    if as_utf8.count("\ufffd") * 2 < len(as_utf8) - as_utf8.count(" "):
        return False
    try:
        # The second byte of a character may be ASCII, so runs of other bytes are no whole characters.
        text = codecs.getincrementaldecoder("gb18030")().decode(head[: _SAMPLE_BYTES * _LONGEST_CHARACTER])
    except UnicodeDecodeError:
        return False
    others = [character for character in text if not character.isascii()]
    n_common = sum(len(character.encode("gb2312", "ignore")) > 0 for character in others)
    return n_common >= _COMMON_SHARE * len(others) > 0


class _Recoded(io.RawIOBase):
    """A stream in another encoding, as UTF-8; what cannot be decoded is replaced."""

    def __init__(self, head: bytes, rest: Readable | None, codec: str) -> None:
        self._head, self._rest = head, rest
        self._decoder = codecs.getincrementaldecoder(codec)("replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def _more(self) -> bytes:
        return self._rest.read(_BLOCK) if self._rest is not None else b""

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        while not self._ready and not self._ended:
            block, self._head = self._head or self._more(), b""
            self._ended = not block
            self._ready = self._decoder.decode(block, final=self._ended).encode("utf-8", "replace")
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def recoded(head: bytes, rest: Readable | None, codec: str) -> io.BufferedReader:
    """Return the text of a stream, whose head was read already, as UTF-8."""
    return io.BufferedReader(_Recoded(head, rest, codec), 1 << 16)
