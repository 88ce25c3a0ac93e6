"""Waits that answers prove, although more than a wait is hidden in the same pause."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.history.legs import Leg
    from daganalysis.history.stretches import Stretch

_UNKNOWN = frozenset({"lost", "unattributed", "handoff"})
"""Stretches that may be waits that answers prove."""


def book_proven_waits(stretches: list[Stretch], legs: Sequence[Leg], wait_category: Callable[[int], str]) -> list[Stretch]:
    """Turn lost or unattributed time into waits where answers show the DAG FAILED with the same end.

    A request removes the end (engine-semantics §3), so nobody acted between that end and the last answer that shows it.
    """
    proven = proven_waits(legs)
    if not any(until > since for since, until in proven):
        return stretches
    result: list[Stretch] = []
    for stretch in stretches:
        result += _split(stretch, proven, wait_category) if stretch.category in _UNKNOWN else [stretch]
    return result


def proven_waits(legs: Sequence[Leg]) -> list[tuple[int, int]]:
    """Return the time in which answers show the DAG FAILED, for each leg that failed; at most up to the next leg."""
    return [
        (leg.end, min(leg.stood_until, after.start if after is not None else leg.stood_until))
        for leg, after in zip_longest(legs, legs[1:])
        if leg.state == "FAILED" and leg.end is not None and leg.stood_until is not None
    ]


def _split(stretch: Stretch, proven: Sequence[tuple[int, int]], wait_category: Callable[[int], str]) -> list[Stretch]:
    """Cut the proven waits out of a stretch."""
    parts = []
    cursor = stretch.start
    for since, until in proven:
        low, high = max(since, cursor), min(until, stretch.end)
        if low >= high:
            continue
        if low > cursor:
            parts.append(replace(stretch, start=cursor, end=low))
        parts.append(replace(stretch, start=low, end=high, category=wait_category(until), evidence="observed"))
        cursor = high
    if cursor < stretch.end:
        parts.append(replace(stretch, start=cursor))
    return parts
