"""The critical path as its definition says it, one attempt at a time: what the arrays of the package must agree with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """An attempt by its sub-task, with its start and its end (None: not known)."""

    gid: str
    start: int
    end: int | None


def slow_path(begin: int, end: int, works: list[Work]) -> list[tuple[str | None, int, int]]:
    """Return the segments of a stretch of work, each with its sub-task, start and end, in order of time."""
    cursor, found = end, []
    while cursor > begin:
        left = [work for work in works if _lasts(work, begin, end) and max(work.start, begin) < cursor]
        ended = [work for work in left if _cut(work, end) <= cursor]
        later = [work for work in left if _cut(work, end) > cursor]
        last = min(ended, key=lambda work: (-_cut(work, end), -(work.end or 0), work.gid), default=None)
        longest = min(later, key=lambda work: (-(work.end or 1 << 63) + work.start, work.gid), default=None)
        last_end = begin if last is None else _cut(last, end)
        if longest is not None and last_end < cursor:
            start, gid = max(longest.start, last_end), longest.gid
        elif last is not None:
            start, gid = max(last.start, begin), last.gid
        else:
            start, gid = begin, None
        found.append((gid, start, cursor))
        cursor = start
    return found[::-1]


def _cut(work: Work, end: int) -> int:
    return end if work.end is None else min(work.end, end)


def _lasts(work: Work, begin: int, end: int) -> bool:
    return max(work.start, begin) < _cut(work, end)
