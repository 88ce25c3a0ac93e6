"""A time axis with long waits cut out."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONG_SHARE = 0.25
"""A wait that takes more of the axis than this is cut."""
_LONG_FOR_WORK = 0.5
"""So is a wait longer than this share of what remains without any wait, while the waits left take more of the axis than that."""
_MOST_BREAKS = 8
"""The most cuts. The words of more would hide the parts between them. A wait that takes a quarter by itself is always cut."""
_SHOWN_SHARE, _MOST_SHOWN = 0.06, 0.3
"""The length of a cut on the axis, and the largest length of all cuts, as a share of the rest of the axis."""


@dataclass(frozen=True, slots=True)
class Break:
    """One cut: the instants that it leaves out, and its place on the axis."""

    start: int
    end: int
    x_start: float
    x_end: float


class BrokenAxis:
    """Maps instants (nanoseconds) to places on an axis in seconds, cutting the inner part of long waits.

    >>> axis = BrokenAxis(0, 1000 * 10**9, [(10 * 10**9, 990 * 10**9)])
    >>> [round(axis.place(t * 10**9), 2) for t in (0, 10, 990, 1000)]
    [0.0, 10.0, 11.2, 21.2]
    """

    def __init__(self, start: int, end: int, waits: Iterable[tuple[int, int]]) -> None:
        self.start, self.end = start, max(end, start + 1)
        self.breaks = _breaks(start, self.end, sorted(waits))
        self._starts = [b.start for b in self.breaks]

    def place(self, instant: int) -> float:
        """Return the place of an instant on the axis."""
        index = bisect_right(self._starts, instant) - 1
        if index < 0:
            return (instant - self.start) / 1e9
        cut = self.breaks[index]
        if instant >= cut.end:
            return cut.x_end + (instant - cut.end) / 1e9
        return cut.x_start + (cut.x_end - cut.x_start) * (instant - cut.start) / (cut.end - cut.start)

    @property
    def length(self) -> float:
        """The length of the axis, in its seconds."""
        return self.place(self.end)


def _breaks(start: int, end: int, waits: Sequence[tuple[int, int]]) -> list[Break]:
    long = _long_waits(end - start, waits)
    rest = (end - start - sum(b - a for a, b in long)) / 1e9
    shown = max(rest, 1e-3) * min(_SHOWN_SHARE, _MOST_SHOWN / max(len(long), 1))
    result: list[Break] = []
    saved = 0.0
    for low, high in long:
        x_start = (low - start) / 1e9 - saved
        result.append(Break(low, high, x_start, x_start + shown))
        saved += (high - low) / 1e9 - shown
    return result


def _long_waits(total: int, waits: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The waits that are long for what remains of the axis once longer ones are cut."""
    chosen: list[tuple[int, int]] = []
    rest = total
    left = sum(high - low for low, high in waits)
    busy = max(total - left, 0)
    for low, high in sorted(waits, key=lambda wait: (wait[0] - wait[1], wait[0])):
        flattens = left > busy and high - low > _LONG_FOR_WORK * busy and len(chosen) < _MOST_BREAKS
        if high - low <= _LONG_SHARE * rest and not flattens:
            break
        chosen.append((low, high))
        rest -= high - low
        left -= high - low
    return sorted(chosen)
