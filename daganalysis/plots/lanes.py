"""Where the lanes of a Gantt chart lie, and which of them have room for a label."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_TIMELINE_POINTS = 9.0
"""A run's own lane is never lower than this, or where the time went could not be seen above hundreds of bars."""
_MOST_FOR_TIMELINES = 0.3
"""Of the height, however many child runs there are."""


@dataclass(frozen=True, slots=True)
class LaneLabel:
    """One label beside the chart: the place it is at, what it says, and the lanes it stands for (the first, and how many)."""

    y: float
    text: str
    lane: int
    n: int = 1


class Lanes:
    """The lanes of a chart from top to bottom; the unit is the height of an ordinary lane."""

    def __init__(self, bars: pd.DataFrame, height: float) -> None:
        rows = bars[bars["role"] != "break"]
        self.count = int(rows["lane"].max()) + 1 if len(rows) else 1
        timelines = sorted(set(rows.loc[rows["role"] == "time", "lane"].tolist()))
        tall = max(1.0, _TIMELINE_POINTS * self.count / max(height, 1.0))
        tall = min(tall, max(1.0, _MOST_FOR_TIMELINES * self.count / max(len(timelines), 1)))
        self._heights = [1.0] * self.count
        for lane in timelines:
            self._heights[lane] = tall
        self._tops = [0.0]
        for one in self._heights:
            self._tops.append(self._tops[-1] + one)
        self.total = self._tops[-1]
        self.points = 0.0
        """Points that an ordinary lane is high."""
        self.fit(height)

    def fit(self, height: float) -> None:
        """Take note of the height that the layout came to."""
        self.points = max(height, 1.0) / self.total

    def y(self, lane: int) -> float:
        """Return the middle of a lane."""
        return self._tops[lane] + self._heights[lane] / 2

    def height(self, lane: int) -> float:
        """Return the height of a lane."""
        return self._heights[lane]

    def top(self, lane: int) -> float:
        """Return where a lane begins."""
        return self._tops[lane]

    def labels(self, bars: pd.DataFrame, line: float) -> list[LaneLabel]:
        """Choose labels that do not touch, for lines so many points high: of every lane, else of groups of lanes, else of fewer."""
        named = bars.loc[(bars["role"] != "break") & (bars["label"] != ""), ["lane", "role", "label", "run_id", "group", "n"]]
        named = named.drop_duplicates("lane").sort_values("lane")
        if self.points >= line:
            return [
                LaneLabel(self.y(lane), label, lane) for lane, label in zip(named["lane"].tolist(), named["label"].tolist(), strict=True)
            ]
        runs = set(named.loc[named["role"] == "time", "lane"].tolist())
        # Runs first, then what stands for most lanes: a chart of children says at least which is which.
        groups = sorted(self._groups(named), key=lambda label: (label.lane not in runs, -label.n))
        return sorted(self._spaced(groups, line / self.points), key=lambda label: label.y)

    def _groups(self, named: pd.DataFrame) -> list[LaneLabel]:
        """One label in the middle of neighbouring lanes that have a stage or an agent in common, saying how much it stands for."""
        result: list[LaneLabel] = []
        columns = [named[name].tolist() for name in ("run_id", "group", "lane", "label", "n")]
        for (_, group), neighbours in itertools.groupby(zip(*columns, strict=True), key=lambda row: row[:2]):
            own = list(neighbours)
            first, last = own[0][2], own[-1][2]
            text = own[0][3] if len(own) == 1 else f"{group} · {sum(row[4] for row in own)} sub-tasks"
            result.append(LaneLabel((self.top(first) + self.top(last) + self.height(last)) / 2, text, first, len(own)))
        return result

    @staticmethod
    def _spaced(labels: Sequence[LaneLabel], apart: float) -> list[LaneLabel]:
        kept: list[LaneLabel] = []
        for label in labels:
            if all(abs(label.y - other.y) >= apart for other in kept):
                kept.append(label)
        return kept
