"""Holdings of maintenance locks while they are worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.times import SECOND_NS

if TYPE_CHECKING:
    from daganalysis.engine.lock_rules import Lock
    from daganalysis.tables.plain_rows import Row

SLACK_NS = 3 * SECOND_NS // 2
"""Two holdings that overlap by no more than this may follow each other: clocks of agents, and one pass of the scheduler."""


@dataclass(slots=True)
class Holding:
    """One holding while it is worked out, its moments in nanoseconds since 1970.

    ``until`` is the last moment at which the lock is known to have been held. ``against`` are later holdings that it overlaps, though the
    two exclude each other.
    """

    cluster: str | None
    lock: Lock
    run_id: str | None
    taken_at: int | None
    until: int | None = None
    released_at: int | None = None
    evidence: str = "observed"
    failed_at: int | None = None
    idle: list[Row] = field(default_factory=list)
    n_refused: int | None = None
    against: list[Holding] = field(default_factory=list)

    @property
    def end(self) -> int | None:
        """When it was freed, or until when it is known to have been held."""
        return self.released_at if self.released_at is not None else self.until

    def row(self) -> Row:
        """Return the row of the result."""
        held, neglected, idle = self._spent()
        return {
            "cluster": self.cluster,
            "lock": self.lock.kind,
            "key": self.lock.key,
            "run_id": self.run_id,
            "taken_at": self.taken_at,
            "released_at": self.released_at,
            "held_s": None if held is None else held / SECOND_NS,
            "working_s": None if held is None else max(0, held - idle) / SECOND_NS,
            "neglected_s": None if held is None else neglected / SECOND_NS,
            "n_refused": self.n_refused,
            "evidence": self.evidence,
        }

    def _spent(self) -> tuple[int | None, int, int]:
        """Return how long the lock was held, how much of that its DAG stood FAILED with nobody acting, and how much it did no work."""
        begin, end = self.taken_at, self.end
        if begin is None or end is None:
            return None, 0, 0
        neglected = idle = 0 if self.failed_at is None else _overlap(self.failed_at, end, begin, end)
        for stretch in self.idle:
            length = _overlap(stretch["started_at"], stretch["ended_at"], begin, end)
            idle += length
            neglected += length if stretch["category"] == "wait_operator" else 0
        return max(0, end - begin), neglected, idle


def _overlap(start: int, end: int, low: int, high: int) -> int:
    return max(0, min(end, high) - max(start, low))
