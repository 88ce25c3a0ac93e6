"""How often an operator retried a run: bounds that hold whatever was overwritten (engine-semantics §2.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import NodeRun


class Bounds(NamedTuple):
    """At least, and at most."""

    low: int
    high: int


def retry_bounds(
    node_runs: Sequence[NodeRun],
    attempts_of: Sequence[Sequence[Attempt]],
    *,
    pending_retry: bool,
    rolled_back: bool,
    exact_counters: bool,
) -> Bounds:
    """Bound the retries of one node.

    Every retry of a node makes one new execution of it, and at least one hand-out of the sub-task that failed last. Executions that were
    seen
    under operator RETRY are counted; what was not seen hides in the hand-outs that lie in no known execution: one retry each at most, and
    half of them at least, since a retry uses two hand-outs unless its rollback run failed. The lower half holds only where no rollback
    of the DAG (``rolled_back``) and no repetition by skewed clocks (not ``exact_counters``) may account for them.
    """
    seen = sum(1 for run in node_runs if run.operator == "RETRY" and run.start is not None) + (1 if pending_retry else 0)
    low = high = 0
    for attempts in attempts_of:
        placed = {id(attempt) for run in node_runs if run.start is not None and run.operator is not None for attempt in run.attempts}
        hidden = 0
        for index, attempt in enumerate(attempts[1:], start=1):
            if id(attempt) in placed:
                continue
            followed = index + 1 < len(attempts) and attempts[index + 1].kind == "run" and id(attempts[index + 1]) in placed
            hidden += 0 if followed else 1
        own = {id(attempt) for attempt in attempts}
        empty = sum(
            1
            for run in node_runs
            if run.start is not None and run.operator in {"RETRY", "ROLLBACK"} and not any(id(a) in own for a in run.attempts)
        )
        high = max(high, hidden - empty)
        low = max(low, (hidden - 2 * empty + 1) // 2)
    if rolled_back or not exact_counters:
        low = 0
    return Bounds(seen + low, seen + high)
