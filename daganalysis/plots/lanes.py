"""The places of the lanes of a Gantt chart, and the lanes that have room for a label."""

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
    """One label beside the chart: its place, its text, and the lanes it labels (the first, and how many)."""

    y: float
    text: str
    lane: int
    n: int = 1


class Lanes:
    """The lanes of a chart from top to bottom; the unit is the height of an ordinary lane."""

    def __init__(self, bars: pd.DataFrame, height: float) -> None:
        import numpy as np

        rows = bars.loc[bars["role"] != "break", ["lane", "role"]]
        self.count = int(rows["lane"].max()) + 1 if len(rows) else 1
        timelines = rows.loc[rows["role"] == "time", "lane"].unique().tolist()
        tall = max(1.0, _TIMELINE_POINTS * self.count / max(height, 1.0))
        tall = min(tall, max(1.0, _MOST_FOR_TIMELINES * self.count / max(len(timelines), 1)))
        self.heights = np.ones(self.count)
        """The height of each lane."""
        self.heights[timelines] = tall
        self.tops = np.concatenate([[0.0], np.cumsum(self.heights)])
        """Where each lane begins, and where the last one ends."""
        self.middles = self.tops[:-1] + self.heights / 2
        """The middle of each lane."""
        self.total = float(self.tops[-1])
        self.points = 0.0
        """Points that an ordinary lane is high."""
        self.fit(height)

    def fit(self, height: float) -> None:
        """Take note of the height that the layout came to."""
        self.points = max(height, 1.0) / self.total

    def labels(self, bars: pd.DataFrame, line: float) -> list[LaneLabel]:
        """Choose labels that do not touch, for lines of a height in points: one for every lane, or for groups of lanes, or fewer."""
        import numpy as np

        # The first row of each lane that has a label, by lane.
        rows = np.flatnonzero((bars["role"] != "break") & (bars["label"] != ""))
        lanes, first = np.unique(bars["lane"].to_numpy(int)[rows], return_index=True)
        named = bars[["lane", "role", "label", "run_id", "group", "n"]].take(rows[first])
        if self.points >= line:
            return [LaneLabel(*label) for label in zip(self.middles[lanes].tolist(), named["label"].tolist(), lanes.tolist(), strict=True)]
        runs = set(named.loc[named["role"] == "time", "lane"].tolist())
        # Runs first, then the labels of most lanes, so that a chart of children at least names the runs.
        groups = sorted(self._groups(named), key=lambda label: (label.lane not in runs, -label.n))
        return sorted(self._spaced(groups, line / self.points), key=lambda label: label.y)

    def _groups(self, named: pd.DataFrame) -> list[LaneLabel]:
        """One label in the middle of neighbouring lanes that share a stage or an agent, with the number of lanes."""
        import numpy as np

        run_ids, groups = named["run_id"].to_numpy(object), named["group"].to_numpy(object)
        lanes, n = named["lane"].to_numpy(int), named["n"].to_numpy(int)
        begins = np.flatnonzero(np.r_[len(named) > 0, (run_ids[1:] != run_ids[:-1]) | (groups[1:] != groups[:-1])])
        result: list[LaneLabel] = []
        for low, high in itertools.pairwise([*begins.tolist(), len(named)]):
            first, last = lanes[low], lanes[high - 1]
            text = named["label"].iloc[low] if high - low == 1 else f"{groups[low]} · {n[low:high].sum()} sub-tasks"
            result.append(LaneLabel(float(self.tops[first] + self.tops[last + 1]) / 2, text, int(first), high - low))
        return result

    @staticmethod
    def _spaced(labels: Sequence[LaneLabel], apart: float) -> list[LaneLabel]:
        kept: list[LaneLabel] = []
        for label in labels:
            if all(abs(label.y - other.y) >= apart for other in kept):
                kept.append(label)
        return kept
