"""Merge the log lines of successive answers into one list, with bounded work. No line is lost, and no line is doubled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_STEPS_PER_LINE = 40
"""How many comparisons aligning two lists may take for each of their lines."""
_MOST_EDITS = 500
"""Lists that each have lines of their own are aligned only up to this number of such lines: memory grows with its square."""


class MergedLines(NamedTuple):
    """The lines of several lists; ``in_order`` is False if the place of some could not be found."""

    lines: list[str]
    in_order: bool = True


def merge_lines(lists: Iterable[Sequence[str]]) -> MergedLines:
    """Merge the lists of successive polls, oldest first, into one.

    A later list usually continues the earlier one. If it does not (late lines arrive out of order, engine-semantics §8), the two are
    aligned, and lines that only one of them has keep their place. If the lists differ too much, the lines that only the later one has
    follow the earlier list.

    >>> merge_lines([["a", "b"], ["a", "b", "c"], ["a", "late", "b", "c"]]).lines
    ['a', 'late', 'b', 'c']
    """
    merged: list[str] = []
    in_order = True
    for lines in lists:
        if len(lines) >= len(merged) and list(lines[: len(merged)]) == merged:
            merged = list(lines)
        elif merged[: len(lines)] != list(lines):
            in_order = _merge_into(merged, lines) and in_order
    return MergedLines(merged, in_order)


def _merge_into(merged: list[str], new: Sequence[str]) -> bool:
    """Merge a list into another, in place; return whether each line found its place."""
    shorter = min(len(merged), len(new))
    begin = next((n for n in range(shorter) if merged[n] != new[n]), shorter)
    end = next((n for n in range(shorter - begin) if merged[-1 - n] != new[-1 - n]), shorter - begin)
    old_middle, new_middle = merged[begin : len(merged) - end], new[begin : len(new) - end]
    old_known, new_known = set(old_middle), set(new_middle)
    # A line that one list alone has cannot be aligned, and only costs.
    old_places = [n for n, line in enumerate(old_middle) if line in new_known]
    new_places = [n for n, line in enumerate(new_middle) if line in old_known]
    aligned = common_lines([old_middle[n] for n in old_places], [new_middle[n] for n in new_places])
    if aligned is None:
        merged[begin : len(merged) - end] = [*old_middle, *_beyond(new_middle, Counter(old_middle))]
        return False
    merged[begin : len(merged) - end] = _woven(old_middle, new_middle, [(old_places[i], new_places[j]) for i, j in aligned])
    return True


def _beyond(lines: Iterable[str], known: Counter[str]) -> Iterator[str]:
    """Yield the occurrences of lines beyond those that are known."""
    for line in lines:
        if known[line] > 0:
            known[line] -= 1
        else:
            yield line


def _woven(old: Sequence[str], new: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Merge two lists; the lines of each pair become one."""
    result: list[str] = []
    i = j = 0
    for old_at, new_at in pairs:
        result += [*old[i:old_at], *new[j:new_at], old[old_at]]
        i, j = old_at + 1, new_at + 1
    return [*result, *old[i:], *new[j:]]


def common_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]] | None:
    """Return the longest common subsequence of two lists as pairs of places; None if it takes too long.

    The greedy algorithm of Myers (1986). Its work grows with the length of the lists times the number of lines in which they differ.

    >>> common_lines(["a", "b", "c"], ["b", "c", "d"])
    [(1, 0), (2, 1)]
    """
    steps_left = _STEPS_PER_LINE * (len(old) + len(new)) + _MOST_EDITS
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    if abs(len(old) - len(new)) > _MOST_EDITS:
        return None if old and new else []
    for edits in range(min(len(old) + len(new), _MOST_EDITS) + 1):
        trace.append({k: furthest[k] for k in range(1 - edits, edits, 2)} if edits else dict(furthest))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            begun = x
            while x < len(old) and x - k < len(new) and old[x] == new[x - k]:
                x += 1
            furthest[k] = x
            steps_left -= x - begun + 1
            if x >= len(old) and x - k >= len(new):
                return _traced(trace, len(old), len(new))
        if steps_left < 0:
            return None
    return None


def _traced(trace: Sequence[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """Follow the edits back to the beginning."""
    pairs: list[tuple[int, int]] = []
    for edits in range(len(trace) - 1, -1, -1):
        before, k = trace[edits], x - y
        down = k == -edits or (k != edits and before[k - 1] < before[k + 1])
        k_before = k + 1 if down else k - 1
        x_before = before[k_before]
        y_before = x_before - k_before
        while x > x_before and y > y_before and x > 0 and y > 0:
            x, y = x - 1, y - 1
            pairs.append((x, y))
        x, y = x_before, y_before
    return pairs[::-1]


def lines_since(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the lines of ``now`` after those of ``before``; all its lines if it does not continue ``before``.

    >>> lines_since(["a"], ["a", "b"])
    ['b']
    """
    n = len(before)
    return list(now[n:]) if list(now[:n]) == list(before) else list(now)
