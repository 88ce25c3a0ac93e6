"""The table: what is measured, the goal of each row, and how a row is printed."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Row:
    """One measurement beside its goal: ``value`` is to be at least or at most that; ``detail`` says what it was made of."""

    work: str
    measure: str
    goal: float
    at_least: bool
    value: float
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def as_json(self) -> dict[str, Any]:
        """The row as plain values."""
        return {**dataclasses.asdict(self), "met": self.is_met}


def spread(times: Sequence[float]) -> dict[str, float]:
    """Sum measured seconds up: the median, and both ends."""
    return {name: round(of(times), 4) for name, of in (("median_s", statistics.median), ("least_s", min), ("most_s", max))}


def as_text(rows: Sequence[Row]) -> str:
    """Print the rows as a table."""
    cells = [("work", "measured", "goal", "value", "")]
    for row in rows:
        goal = f"{'at least' if row.at_least else 'at most'} {row.goal:g}"
        cells.append((row.work, row.measure, goal, f"{row.value:.3g}", "" if row.is_met else "not reached"))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells)
