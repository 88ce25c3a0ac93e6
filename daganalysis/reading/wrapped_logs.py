"""An obshell.log as other programs hand it on: with colours, in UTF-16, with something before each line, or each line in a JSON record.

journalctl, kubectl, docker compose, grep and mails put a head before each line; docker and journald write a record a line. What the
beginning of the text shows is taken off everywhere in it, so that the log itself is read.
"""

from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING, Any, Protocol

import msgspec

from daganalysis.reading.encodings import codec_of, recoded
from daganalysis.reading.line_heads import pattern_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from daganalysis.obshell_logs.entries import Readable

_SAMPLE_BYTES = 1 << 20
_BLOCK = 1 << 20
_LONGEST_HEAD = 200
_ENTRY = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} [A-Z]{4,5} {0,2}\[\d+\] \[\w*\] \[[^\]\n]*\] ")
_MARK = b"] ["
"""Every entry has it."""
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_LAST_QUOTE = re.compile(rb'"(?=\r?$)', re.MULTILINE)
_record = msgspec.json.Decoder(dict[str, Any])


class _Pieces(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unwrapped_log(head: bytes, rest: IO[bytes] | None) -> Readable | None:
    r"""Return the obshell.log in a text whose beginning was read already; None where that shows none.

    >>> line = b"2025-02-19T01:05:41.027 INFO  [7] [F000000000000000] [server/init.go:83] initialize logger\n"
    >>> unwrapped_log(b"Mar 02 17:10:00 host obshell[7]: " + line, None).read(100) == line
    True
    >>> unwrapped_log(b"a text\n", None)
    """
    begin = head.lstrip(b"\0")  # a file that was cut to nothing while the agent wrote begins with a hole
    codec = codec_of(head) or codec_of(begin)
    if codec.startswith("utf"):
        begin = head
    sample = begin[:_SAMPLE_BYTES].decode(codec, "ignore").encode() if codec else begin[:_SAMPLE_BYTES]
    bare = _without_colours(sample)
    found = _ENTRY.search(bare) if _MARK in bare else None
    if found is None:
        return None
    begins = bare.rfind(b"\n", 0, found.start()) + 1
    change = _change(bare[begins:].partition(b"\n")[0], found.start() - begins)
    if change is None:
        return None
    stream: _Pieces = recoded(begin, rest, codec) if codec else _Joined(begin, rest)
    return io.BufferedReader(_Unwrapped(stream, change), _BLOCK)


def _change(line: bytes, at: int) -> Callable[[bytes], bytes] | None:
    """Return what makes lines of the log of some whole lines, by the first line in which an entry begins at a place."""
    if line[:1] == b"{":
        keys = _keys_of_entry(line)
        return None if keys is None else lambda lines: b"".join(_from_record(line, keys) for line in lines.splitlines(keepends=True))
    if at > _LONGEST_HEAD:
        return None
    if not line[:at].strip(b"\xef\xbb\xbf"):
        return _without_colours
    before = re.compile(rb"^" + pattern_of(line[:at]), re.MULTILINE)
    if line[:at].endswith(b'"'):  # the last field of a CSV line
        return lambda lines: _LAST_QUOTE.sub(b"", before.sub(b"", _without_colours(lines))).replace(b'""', b'"')
    return lambda lines: before.sub(b"", _without_colours(lines))


def _without_colours(text: bytes) -> bytes:
    return _COLOUR.sub(b"", text) if b"\x1b" in text else text


def _keys_of_entry(line: bytes) -> list[str] | None:
    """Return the keys that lead to the entry in a record, as ``_source`` and ``message`` in those of Elasticsearch."""
    try:
        return _keys_to_entry(_record.decode(line))
    except (msgspec.DecodeError, RecursionError):
        return None


def _keys_to_entry(fields: Mapping[str, Any]) -> list[str] | None:
    for key, value in fields.items():
        if isinstance(value, str) and _ENTRY.match(value.encode()):
            return [key]
        if isinstance(value, dict) and (rest := _keys_to_entry(value)) is not None:
            return [key, *rest]
    return None


def _from_record(line: bytes, keys: Sequence[str]) -> bytes:
    try:
        found: Any = _record.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return line
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found.rstrip("\n").encode() + b"\n" if isinstance(found, str) else line


class _Joined:
    """A stream whose beginning was read already."""

    def __init__(self, begin: bytes, rest: IO[bytes] | None) -> None:
        self._begin, self._rest = begin, rest

    def read(self, size: int) -> bytes:
        begin, self._begin = self._begin, b""
        return begin or (self._rest.read(size) if self._rest is not None else b"")


class _Unwrapped(io.RawIOBase):
    """The lines of a stream, each changed."""

    def __init__(self, stream: _Pieces, change: Callable[[bytes], bytes]) -> None:
        self._stream, self._change = stream, change
        self._rest, self._ready = b"", b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._ready and not self._ended:
            block = self._stream.read(_BLOCK)
            self._ended = not block
            text = self._rest + block
            end = text.rfind(b"\n") + 1 if block else len(text)
            self._ready, self._rest = self._change(text[:end]), text[end:]
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
