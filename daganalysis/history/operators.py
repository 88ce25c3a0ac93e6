"""How often people retried a run and rolled it back, within bounds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from daganalysis.engine.log_lines import WAITING
from daganalysis.history.retry_bounds import Bounds, executed_again, retry_bounds
from daganalysis.history.rollback_bounds import (
    bound_rollbacks,
    may_repeat_or_skip,
    never_asked,
    rollback_possible,
    rollbacks_seen,
    stages_walked_down,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import NodeRun
    from daganalysis.history.observations import Observations
    from daganalysis.history.views import TaskView

ROOM_FOR_A_RETRY_NS = 2_500_000_000
"""A stage follows the one before it in one pass, or two; a cancel and a retry in between take three or more (engine-semantics §2.5, §5)."""


def count_operators(observed: Observations, retries_received: int) -> tuple[Bounds, Bounds]:
    """Bound the retries by people, and the rollbacks.

    Hand-shakes between DAGs, and the ``retries_received`` from another DAG's task, do not count.
    """
    if not observed.run.stages:
        return _bounds_of_an_outline(observed)
    rollbacks = bound_rollbacks(observed)
    low, high = _retries_of_nodes(observed, rolled_back=rollbacks.low > 0 or "operators" in observed.missing)
    if observed.main is not None and observed.main.kind == "scale_out":
        # Every retry of the main DAG is mirrored on the local one (engine-semantics §7 B): none of these need be a person's.
        low = 0
    low = max(0, low - retries_received)
    return Bounds(low, None if high is None else max(low, high - retries_received)), rollbacks


def _bounds_of_an_outline(observed: Observations) -> tuple[Bounds, Bounds]:
    """Return the bounds without nodes. Only what the legs show can be counted, and nothing bounds what happened between them.

    A leg that ran forward and failed no later than the leg before it cannot follow a passed node: somebody retried it.
    """
    forward = [leg for leg in observed.legs if leg.operator == "RUN"]
    if observed.is_first_leg:
        return Bounds(0, 0), Bounds(0, 0)
    again = [
        after.state == "FAILED" and after.stage is not None and before.stage is not None and after.stage <= before.stage
        for before, after in pairwise(forward)
        if before.state == "FAILED"
    ]
    low = 0 if observed.is_child else sum(again)
    return Bounds(low, None), Bounds(rollbacks_seen(observed), None)


def _retries_of_nodes(observed: Observations, *, rolled_back: bool) -> Bounds:
    """Add up the bounds of all nodes. In a cluster DAG, different clocks may have repeated a sub-task."""
    run = observed.run
    runs_of: dict[int, list[NodeRun]] = {}
    for node_run in observed.node_runs:
        runs_of.setdefault(node_run.stage, []).append(node_run)
    low = high = 0
    perhaps = 0
    walked_down = stages_walked_down(observed)
    for gid in _perhaps_asked(observed):
        stage, attempts_of = observed.ordinals[gid], [*observed.attempts_in[gid].values()]
        own_runs = runs_of.get(stage, ())
        node = run.nodes[gid][-1][1]
        if node.operator != "RUN" and _first_hand_out_may_be_a_retry(observed, stage, own_runs, attempts_of):
            perhaps += 1
        marked = any(seen.operator == "RETRY" for _, seen in run.nodes[gid])  # whatever its times say
        if not marked and not executed_again(own_runs, attempts_of):
            continue
        exact = not may_repeat_or_skip(observed, gid)
        bounds = retry_bounds(
            own_runs,
            attempts_of,
            pending_retry=node.state == "PENDING" and node.operator == "RETRY",
            rollback_possible=rollback_possible(observed, gid, rolled_back=rolled_back),
            exact_counters=exact,
            walked_down=exact and gid in walked_down,
        )
        handshakes = sum(map(_handshakes, observed.tasks_of[gid]))
        low += max(0, max(bounds.low, marked) - handshakes)
        high += max(0, max(bounds.high or 0, marked) - handshakes)
    high += perhaps
    return Bounds(low, high if observed.missing <= {"newest"} or never_asked(observed) else None)


def _perhaps_asked(observed: Observations) -> Iterator[str]:
    """Yield the nodes that show another operator than RUN or more than one execution. Most show neither, and hide no request."""
    again = {node_run.stage for node_run in observed.node_runs if node_run.operator != "RUN"}
    for gid, stage in observed.ordinals.items():
        seen = observed.run.nodes[gid]
        if seen[-1][1].operator != "RUN" or len(seen) > 1 or stage in again or executed_again((), observed.attempts_in[gid].values()):
            yield gid


def _first_hand_out_may_be_a_retry(
    observed: Observations, stage: int, own_runs: Sequence[NodeRun], attempts_of: Sequence[Sequence[Attempt]]
) -> bool:
    """Return whether a retry may have made the first hand-out of a stage, after a cancel before any hand-out.

    That leaves no trace if the node was retried again, or passed (engine-semantics §13). If the first hand-out followed the stage before it
    at once, there was no time for a cancel and a retry.
    """
    firsts = [attempts[0] for attempts in attempts_of if attempts and attempts[0].number == 1]
    if not firsts:
        return False
    placed = {id(attempt) for run in own_runs if run.start is not None and run.operator is not None for attempt in run.attempts}
    if any(id(first) in placed for first in firsts):
        return False  # in the first execution, or in a retry that is counted already
    starts = [first.start for first in firsts if first.start is not None]
    if not starts:
        return True
    ends = [run.end for run in observed.node_runs if run.stage == stage - 1 and run.end is not None and run.end <= min(starts)]
    before = max(ends, default=None) if stage > 1 else observed.created
    return before is None or min(starts) - before > ROOM_FOR_A_RETRY_NS


def _handshakes(view: TaskView) -> int:
    """Return how often another DAG advanced this sub-task: the deliberate waits that another attempt followed (engine-semantics §7)."""
    seen = sum(1 for attempt in view.attempts[:-1] if attempt.outcome == "waiting") if len(view.attempts) > 1 else 0
    written = view.logs.count(WAITING) if view.logs else 0
    if view.attempts and view.attempts[-1].ending == "waiting":
        written -= 1
    return max(seen, written)
