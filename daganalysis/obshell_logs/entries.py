"""The entries of an obshell.log: their heads, and the few messages that matter, found without looking at each line.

An entry is ``2006-01-02T15:04:05.000 LEVEL [pid] [trace] [dir/file.go:line] message``; lines without a head go on with the entry above.
Most of a log tells nothing of DAGs, so one pattern looks for the beginnings of messages that do, and only the lines it hits are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}"
_HEAD = re.compile(rb"(" + _TIME + rb") [A-Z]{4,5} {0,2}\[(\d+)\] \[([0-9A-Za-z]*)\] \[[^\]\n]*\] ")
_NEXT_HEAD = re.compile(rb"\n(?=" + _TIME + rb" [A-Z]{4,5} {0,2}\[\d)")

MESSAGES = (
    b"advance dag ",
    b"advance node ",
    b"node ",
    b"advanceTask: node ",
    b"sub task ",
    b"ready Task num ",
    b"ready sub task ",
    b"subtask ",
    b"send run sub task ",
    b"handle cancel sub task ",
    b"add task ",
    b"start to task ",
    b"execute task ",
    b"task ",
    b"finishing local task ",
    b"finishing remote task ",
    b"finish remote task ",
    b"the remote task ",
    b"finish task ",
    b"API request: [POST ",
    b"API request: [DELETE ",
    b"API request: [PUT ",
    b"API request: [PATCH ",
    b"API request: [GET /api/",
    b"Forward request: [",
    b"API response OK: [",
    b"API response error: [",
    b"coordinator identity change from ",
    b"set maintainer: ",
    b"try get maintainer rpc request from ",
    b"initialize logger",
    b"obshell server received ",
)
"""What the messages begin with that tell of DAGs, of requests or of the agent itself."""
_ON = rb"\n[^\n]{26,130}\] "
_IDLE_PASS = (
    rb"advance dag (\d+)" + _ON + rb"advance node (\d+)" + _ON + rb"advanceTask: node \d+ operator (\d)"
    rb"(?:" + _ON + rb"sub task \d+ state \d)*" + _ON + rb"ready Task num 0, isFinished false"
)
"""A whole pass of a scheduler that did nothing but look; most of a log may be these."""
_TELLING = re.compile(rb"\] (?:" + _IDLE_PASS + rb"|(" + b"|".join(map(re.escape, MESSAGES)) + rb"))")
_BLOCK = 1 << 23
_LONGEST_HEAD = 400
_LONGEST_ENTRY = 1 << 25
_HEAD_BYTES = 1 << 16
_SPILLS_OVER = frozenset({b"task "})
"""Messages whose text may go on in the next lines."""


class Readable(Protocol):
    """What can be read piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, or what was read ahead; none at the end."""
        ...


class Listener(Protocol):
    """What is told of the entries that matter; instants are local time as if it were UTC, nanoseconds."""

    def heard(self, message: bytes, at: int, trace: bytes, text: bytes, place: int) -> None:
        """Take in an entry: what its message begins with, and the rest of it. ``place`` is its byte offset."""
        ...

    def idle_pass(self, at: int, trace: bytes, dag: bytes, node: bytes, operator: bytes) -> None:
        """Take in a whole pass of a scheduler that found nothing to do."""
        ...

    def covered(self, at: int) -> None:
        """Take note that the log has an entry of this time."""
        ...


def is_obshell_log(head: bytes) -> bool:
    """Tell by its first bytes whether a text is an obshell.log, whole or cut at its beginning.

    >>> is_obshell_log(b"2025-02-19T01:05:41.027 INFO  [46123] [F000000000000000] [server/init.go:83] initialize logger")
    True
    >>> is_obshell_log(b'{"successful": true}')
    False
    """
    if head[:1] in b"{[":
        return False
    return any(_HEAD.match(line) for line in head[:_HEAD_BYTES].split(b"\n")[:200])


_known_seconds: dict[bytes, int] = {}
"""Nanoseconds of the seconds that were read last: lines of one moment come together."""
_MOST_SECONDS = 100_000


def local_time(text: bytes) -> int | None:
    """Read the time of an entry as if it were UTC; None if there is no such time.

    >>> local_time(b"1970-01-01T00:00:01.500")
    1500000000
    """
    second = _known_seconds.get(text[:19])
    if second is None:
        second = _second(text)
        if second is None:
            return None
        if len(_known_seconds) >= _MOST_SECONDS:
            _known_seconds.clear()
        _known_seconds[text[:19]] = second
    return second + int(text[20:23]) * 1_000_000


def _second(text: bytes) -> int | None:
    year, month, day, hour, minute, second = (int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)))
    try:
        return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        return None


def listen(stream: Readable, listener: Listener) -> Iterator[None]:
    """Read a log and tell a listener of the entries that matter, in order; each step reads one block, and no more is held in memory."""
    offset, data = 0, b""
    while True:
        block = stream.read(_BLOCK)
        data += block
        end = len(data)
        if block:
            end = _last_head(data)
            if not end and len(data) < _LONGEST_ENTRY:
                continue
            end = end or len(data)
        _note_ends(data, end, listener)
        _tell(data, end, offset, listener)
        offset += end
        data = data[end:]
        yield
        if not block:
            return


def _last_head(data: bytes) -> int:
    """Return where the last entry begins, which may not be whole; 0 if no entry begins after the first line."""
    at = len(data)
    while (at := data.rfind(b"\n", 0, at)) >= 0:
        if _HEAD.match(data, at + 1):
            return at + 1
    return 0


def _note_ends(data: bytes, end: int, listener: Listener) -> None:
    first = _HEAD.match(data, 0, end)
    if first is None:
        later = _NEXT_HEAD.search(data, 0, end)
        first = _HEAD.match(data, later.end(), end) if later is not None else None
    last = _HEAD.match(data, data.rfind(b"\n", 0, max(end - 1, 0)) + 1, end)
    for found in (first, last):
        if found is not None and (time := local_time(found[1])) is not None:
            listener.covered(time)


def _tell(data: bytes, end: int, offset: int, listener: Listener) -> None:
    find, rfind, head_at, time_of = data.find, data.rfind, _HEAD.match, local_time
    heard, idle_pass = listener.heard, listener.idle_pass
    for found in _TELLING.finditer(data, 0, end):
        at = found.start()
        begin = rfind(b"\n", at - _LONGEST_HEAD if at > _LONGEST_HEAD else 0, at) + 1
        head = head_at(data, begin)
        if head is None or head.end() != at + 2:
            continue  # within another message
        time = time_of(head[1])
        if time is None:
            continue
        dag, node, operator, message = found.groups()
        if dag is not None:
            idle_pass(time, head[3], dag, node, operator)
            continue
        close = find(b"\n", found.end(), end)
        if close >= 0 and message in _SPILLS_OVER:
            following = _NEXT_HEAD.search(data, close, end + 64)
            close = following.start() if following is not None else end
        heard(message, time, head[3], data[found.end() : close if close >= 0 else end], offset + begin)
