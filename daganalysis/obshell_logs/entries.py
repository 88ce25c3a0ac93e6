"""The entries of an obshell.log: their heads, and the few messages that matter, found without looking at each line.

An entry is ``2006-01-02T15:04:05.000 LEVEL [pid] [trace] [dir/file.go:line] message``; lines without a head go on with the entry above.
Most of a log tells nothing of DAGs, so one pattern looks for the beginnings of messages that do, and only the lines it hits are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from daganalysis.engine.times import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MINUTE, _MOMENT = rb"\d{4}-\d\d-\d\dT\d\d:\d\d", rb"\d\d\.\d{3}"
_AFTER_TIME = rb" [A-Z]{4,5} {0,2}\[\d+\] \[([0-9A-Za-z]*)\] \[[^\]\n]*\] "
_HEAD = re.compile(rb"(" + _MINUTE + rb"):(" + _MOMENT + rb")" + _AFTER_TIME)
_NEXT_HEAD = re.compile(rb"\n(?=" + _MINUTE + rb":" + _MOMENT + rb" [A-Z]{4,5} {0,2}\[\d)")

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
    b"API request: [GET /api/v1/task/",
    b"Forward request: [",
    b"API response OK: [GET /rpc/v1/maintainer",
    b"API response OK: [POST ",
    b"API response OK: [DELETE ",
    b"API response OK: [PUT ",
    b"API response OK: [PATCH ",
    b"API response error: [",
    b"coordinator identity change from ",
    b"set maintainer: ",
    b"try get maintainer rpc request from ",
    b"initialize logger",
    b"obshell server received ",
)
"""How messages begin that concern DAGs, requests or the agent itself."""
_ON = rb"\n[^\n]{26,130}\] "
_IDLE_PASS = (
    rb"advance dag (\d+)" + _ON + rb"advance node (\d+)" + _ON + rb"advanceTask: node \d+ operator (\d)"
    rb"(?:" + _ON + rb"sub task \d+ state \d)*" + _ON + rb"ready Task num 0, isFinished false"
)
"""A whole pass of a scheduler that did nothing but look; most of a log may be these."""
_SOON_AFTER_TIME = rb" [A-Z]{4,5} {0,2}\[\d+\] \[([^\]]{0,64})\] \[[^\]]{0,300}\] ()"
"""As ``_AFTER_TIME``, but matched in half the time, for it may go over the end of a line; the empty group is where the message begins."""


def _any_of(beginnings: Iterable[bytes]) -> bytes:
    """Return a pattern of some texts that looks at the first letter once, not once a text: most messages begin with another."""
    by_letter: dict[bytes, list[bytes]] = {}
    for text in beginnings:
        by_letter.setdefault(text[:1], []).append(re.escape(text[1:]))
    return b"|".join(letter + b"(?:" + b"|".join(rests) + b")" for letter, rests in by_letter.items())


_RELEVANT = re.compile(
    rb"\n(" + _MINUTE + rb"):(" + _MOMENT + rb")" + _SOON_AFTER_TIME + rb"(?:" + _IDLE_PASS + rb"|(" + _any_of(MESSAGES) + rb"))"
)
"""The head of a line and the beginning of its message, where that tells something."""
_BLOCK = 1 << 23
_LONGEST_ENTRY = 1 << 25
_HEAD_BYTES = 1 << 16
_OWN = b"LS"
"""Begins the trace of the scheduler of the agent's own database."""
_SPILLS_OVER = frozenset({b"task "})
"""Messages whose text may go on in the next lines."""


class Readable(Protocol):
    """What can be read piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, or what was read ahead; no bytes at the end."""
        ...


class Listener(Protocol):
    """The entries that matter, in order; instants are local time as if it were UTC, in nanoseconds.

    ``own`` and ``others`` hold, by what a message begins with, what takes in its time and the rest of it: those of the scheduler of the
    agent's own database, and all others. Meanwhile ``place`` is the entry's byte offset, ``trace`` its trace, and ``last_at`` when the
    last entry before it was written.
    """

    own: dict[bytes, Callable[[int, bytes], None]]
    others: dict[bytes, Callable[[int, bytes], None]]
    place: int
    trace: bytes
    last_at: int | None

    def idle_pass(self, at: int, trace: bytes, dag: bytes, node: bytes, operator: bytes) -> None:
        """Take in a whole pass of a scheduler that found nothing to do."""
        ...

    def covered(self, at: int) -> None:
        """Take note that the log has an entry of this time."""
        ...


def is_obshell_log(head: bytes) -> bool:
    """Return whether a text is an obshell.log, whole or cut at its beginning, by its first bytes.

    >>> is_obshell_log(b"2025-02-19T01:05:41.027 INFO  [46123] [F000000000000000] [server/init.go:83] initialize logger")
    True
    >>> is_obshell_log(b'{"successful": true}')
    False
    """
    if head[:1] in b"{[":
        return False
    return any(_HEAD.match(line) for line in head[:_HEAD_BYTES].split(b"\n")[:200])


_NEVER = -(1 << 62)
"""Stands for a part of a time that there is not, so that the whole is below zero."""
_MOST_MINUTES = 100_000


class _Minutes(dict[bytes, int]):
    """Nanoseconds of the minutes that were read last: lines of one minute come together."""

    def __missing__(self, text: bytes) -> int:
        if len(self) >= _MOST_MINUTES:
            self.clear()
        year, month, day, hour, minute = (int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16)))
        try:
            found = int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp()) * SECOND_NS
        except ValueError:
            found = _NEVER
        self[text] = found
        return found


class _Moments(dict[bytes, int]):
    """Nanoseconds of each second and millisecond of a minute: at most 60,000 entries."""

    def __missing__(self, text: bytes) -> int:
        seconds = int(text[:2])
        self[text] = found = seconds * SECOND_NS + int(text[3:]) * 1_000_000 if seconds < 60 else _NEVER
        return found


_minutes, _moments = _Minutes(), _Moments()


def local_time(text: bytes) -> int | None:
    """Read the time of an entry as if it were UTC; None if there is no such time.

    >>> local_time(b"1970-01-01T00:00:01.500")
    1500000000
    """
    found = _minutes[text[:16]] + _moments[text[17:23]]
    return found if found >= 0 else None


def listen(stream: Readable, listener: Listener) -> Iterator[None]:
    """Read a log and tell a listener of the entries that matter, in order; each step reads one block, and no more is held in memory."""
    offset, data = -1, b"\n"  # every line has its beginning before it
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
    """Return where the line break before the last entry is, which may not be whole; 0 if no entry begins after the first line."""
    at = len(data)
    while (at := data.rfind(b"\n", 0, at)) > 0:
        if _HEAD.match(data, at + 1):
            return at
    return 0


def _note_ends(data: bytes, end: int, listener: Listener) -> None:
    first = _NEXT_HEAD.search(data, 0, end)
    last = data.rfind(b"\n", 0, max(end - 1, 0)) + 1
    for at in (first.end() if first is not None else None, last):
        head = _HEAD.match(data, at, end) if at is not None else None
        if head is not None and (time := _minutes[head[1]] + _moments[head[2]]) >= 0:
            listener.covered(time)


def _hits(data: bytes, end: int) -> Iterator[re.Match[bytes]]:
    """Yield the entries that tell something, without those whose head is not in one line."""
    search, find, at = _RELEVANT.search, data.find, 0
    while (found := search(data, at, end)) is not None:
        at = find(b"\n", found.start() + 1, found.start(4))
        if at < 0:
            yield found
            at = found.end()


def _tell(data: bytes, end: int, offset: int, listener: Listener) -> None:
    find, minutes, moments, idle_pass = data.find, _minutes, _moments, listener.idle_pass
    own, others = listener.own, listener.others
    ends_in_two = find(b"\r\n", 0, end) >= 0
    for found in _hits(data, end):
        minute, moment, trace, _, dag, node, operator, message = found.groups()
        at = minutes[minute] + moments[moment]
        if at < 0:
            continue
        if dag is not None:
            idle_pass(at, trace, dag, node, operator)
        else:
            begin = found.end()
            close = find(b"\n", begin, end)
            if close >= 0 and message in _SPILLS_OVER:
                following = _NEXT_HEAD.search(data, close, end + 64)
                close = following.start() if following is not None else end
            text = data[begin : close if close >= 0 else end]
            listener.place, listener.trace = offset + found.start() + 1, trace
            (own if trace[:2] == _OWN else others)[message](at, text.replace(b"\r\n", b"\n").rstrip(b"\r") if ends_in_two else text)
        listener.last_at = at
