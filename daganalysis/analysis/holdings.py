"""Holdings of maintenance locks while they are worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.engine.lock_rules import Lock
    from daganalysis.tables.plain_rows import Row

SLACK_S = 1.5
"""Two holdings that overlap by no more than this may follow each other: clocks of agents, and one pass of the scheduler."""


@dataclass(slots=True)
class Holding:
    """One holding while it is worked out; ``until`` is the last moment at which the lock is known to have been held.

    ``against`` are later holdings that it overlaps, though the two exclude each other.
    """

    cluster: str | None
    lock: Lock
    run_id: str | None
    taken_at: pd.Timestamp | None
    until: pd.Timestamp | None = None
    released_at: pd.Timestamp | None = None
    evidence: str = "observed"
    failed_at: pd.Timestamp | None = None
    idle: list[Row] = field(default_factory=list)
    n_refused: int | None = None
    against: list[Holding] = field(default_factory=list)

    @property
    def end(self) -> pd.Timestamp | None:
        """When it was freed, or until when it is known to have been held."""
        return self.released_at if self.released_at is not None else self.until

    def row(self) -> Row:
        """Return the row of the result."""
        end = self.end
        held = _seconds(self.taken_at, end)
        waited, spent = 0.0, 0.0
        for stretch in self.idle if held is not None else []:
            seconds = _overlap(stretch["started_at"], stretch["ended_at"], self.taken_at, end)
            spent += seconds
            waited += seconds if stretch["category"] == "wait_operator" else 0.0
        standing = _overlap(self.failed_at, end, self.taken_at, end) if self.failed_at is not None and held is not None else 0.0
        return {
            "cluster": self.cluster,
            "lock": self.lock.kind,
            "key": self.lock.key,
            "run_id": self.run_id,
            "taken_at": self.taken_at,
            "released_at": self.released_at,
            "held_s": held,
            "working_s": None if held is None else max(0.0, held - spent - standing),
            "neglected_s": None if held is None else waited + standing,
            "n_refused": self.n_refused,
            "evidence": self.evidence,
        }


def _seconds(start: pd.Timestamp | None, end: pd.Timestamp | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def _overlap(start: Any, end: Any, low: Any, high: Any) -> float:
    seconds: float = (min(end, high) - max(start, low)).total_seconds()
    return max(0.0, seconds)
