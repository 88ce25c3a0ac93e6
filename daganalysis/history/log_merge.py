"""One list of log lines from those of successive answers: none lost, none doubled."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def merge_lines(lists: Iterable[Sequence[str]]) -> list[str]:
    """Merge the lists of successive polls, oldest first, into one.

    A later list usually continues the earlier one. Where it does not (late lines arrive out of order, engine-semantics §8), the two are
    aligned and what only one of them has is kept in its place.

    >>> merge_lines([["a", "b"], ["a", "b", "c"], ["a", "late", "b", "c"]])
    ['a', 'late', 'b', 'c']
    """
    merged: list[str] = []
    for lines in lists:
        if len(lines) >= len(merged) and list(lines[: len(merged)]) == merged:
            merged = list(lines)
        elif merged[: len(lines)] != list(lines):
            merged = _interleave(merged, lines)
    return merged


def _interleave(old: Sequence[str], new: Sequence[str]) -> list[str]:
    result: list[str] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "insert":
            result.extend(old[i1:i2])
        if tag in {"insert", "replace"}:
            result.extend(new[j1:j2])
    return result


def lines_since(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return what ``now`` has beyond ``before``; all of it where it does not continue ``before``.

    >>> lines_since(["a"], ["a", "b"])
    ['b']
    """
    n = len(before)
    return list(now[n:]) if list(now[:n]) == list(before) else list(now)
