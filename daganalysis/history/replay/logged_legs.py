"""The work of a scheduler on a DAG: the executions of its nodes, and the legs that they form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.engine.facts import Passes

_SOON_NS = 3_000_000_000
"""The next pass of the scheduler comes sooner than this."""


@dataclass(slots=True)
class LoggedNodeRun:
    """One execution of a node. ``start`` is None if it began before its first line in the log."""

    node_gid: str
    operator: str | None
    dag_at: int
    start: int | None
    last_at: int
    end: int | None = None
    succeeded: bool | None = None
    stepped_over: bool = False
    teller: str | None = None


@dataclass(slots=True)
class LoggedLeg:
    """One leg: the executions of nodes in it, in order. ``start`` is None if it began before its first line in the log."""

    start: int | None
    operator: str
    runs: list[LoggedNodeRun] = field(default_factory=list)

    @property
    def last(self) -> LoggedNodeRun:
        """Its newest execution."""
        return self.runs[-1]

    @property
    def failed_at(self) -> int | None:
        """When the DAG failed; None if it did not, or is not known to have."""
        if self.last.stepped_over and len(self.runs) > 1:
            before = self.runs[-2]
            return self.last.end if before.node_gid == self.last.node_gid and before.succeeded is False else None
        return self.last.end if self.last.end is not None and self.last.succeeded is False else None


def node_runs_of(passes: Sequence[Passes]) -> list[LoggedNodeRun]:
    """Join passes over one node that belong to one execution but are in several files or in the logs of several schedulers."""
    runs: list[LoggedNodeRun] = []
    for one in passes:
        last = runs[-1] if runs else None
        same = (
            last is not None and last.node_gid == one.node_gid and last.operator == one.operator and last.stepped_over == one.stepped_over
        )
        if (
            last is not None
            and same
            and (last.end is None or one.dag_at <= last.end)
            and not (one.fresh and last.start is not None and last.end is not None)
        ):
            last.last_at = max(last.last_at, one.last_at)
            last.teller = one.teller
            if one.finished_at is not None and last.end is None:
                last.end, last.succeeded = one.finished_at, one.succeeded
            continue
        start = one.node_at if one.fresh else None
        runs.append(
            LoggedNodeRun(
                one.node_gid, one.operator, one.dag_at, start, one.last_at, one.finished_at, one.succeeded, one.stepped_over, one.teller
            )
        )
    return runs


def legs_of(runs: Sequence[LoggedNodeRun], requested: Sequence[int]) -> list[LoggedLeg]:
    """Cut executions of nodes into legs; ``requested`` are the instants of requests that were accepted."""
    legs: list[LoggedLeg] = []
    for run in runs:
        before = legs[-1].last if legs else None
        if before is None or _begins(before, run, legs[-1], requested):
            operator = run.operator if run.operator in {"ROLLBACK", "CANCEL"} else "RUN"
            fresh = run.start is not None or run.stepped_over
            legs.append(LoggedLeg(run.dag_at if fresh else None, operator or "RUN"))
        legs[-1].runs.append(run)
    return legs


def _begins(before: LoggedNodeRun, run: LoggedNodeRun, leg: LoggedLeg, requested: Sequence[int]) -> bool:
    low = before.end if before.end is not None else before.last_at
    if run.stepped_over:
        # After a cancel the node is found finished in the pass after (§2.9); after a pass of the node, whenever that came (§2.6).
        passed = run.dag_at - low > _SOON_NS or any(low <= at <= run.dag_at for at in requested)
        failed = before.succeeded is False or (before.stepped_over and leg.failed_at is not None)
        return failed and (before.node_gid != run.node_gid or passed)
    if before.succeeded is False or leg.failed_at is not None:
        return True
    if run.operator in {"RETRY", "CANCEL"} and run.start is not None:
        return True
    if (run.operator == "ROLLBACK") != (leg.operator == "ROLLBACK"):
        return True
    return any(low <= at <= run.dag_at for at in requested) and run.start is not None
