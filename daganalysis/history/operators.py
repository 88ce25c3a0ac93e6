"""What operators did to a run: how often they retried it, within bounds, and how many of their rollbacks left a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import WAITING
from daganalysis.history.retry_bounds import Bounds, executed_again, retry_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.engine.records import Node
    from daganalysis.history.evidence import RunEvidence, Sighting
    from daganalysis.history.legs import NodeRun
    from daganalysis.history.observations import Observations
    from daganalysis.history.views import TaskView


def count_operators(observed: Observations, retries_received: int) -> tuple[Bounds, Bounds]:
    """Bound the retries by operators and the rollbacks.

    Not an operator's are hand-shakes between DAGs, and the ``retries_received`` that another DAG's task asked for.
    """
    run = observed.run
    rollback_legs = sum(1 for leg in observed.legs if leg.operator == "ROLLBACK")
    asked = 1 if run.newest.state == "READY" and run.newest.operator == "ROLLBACK" else 0
    traced = any(node.operator == "ROLLBACK" for seen in run.nodes.values() for _, node in seen)
    rollbacks = max(rollback_legs + asked, 1 if traced else 0)
    bounds_of_rollbacks = Bounds(rollbacks, None)
    if not run.stages:
        # Without its nodes each later leg is a retry, or a node that was passed.
        return Bounds(0, max(1, observed.went_forward_again)), bounds_of_rollbacks
    low, high = _retries_of_nodes(observed, rollbacks)
    if observed.main is not None and observed.main.kind == "scale_out":
        # Every retry of the main DAG is mirrored on the local one (engine-semantics §7 B): none of these need be an operator's.
        low = 0
    low = max(0, low - retries_received)
    return Bounds(low, max(low, (high or 0) - retries_received)), bounds_of_rollbacks


def _retries_of_nodes(observed: Observations, rollbacks: int) -> Bounds:
    """Add up the bounds of all nodes. In a DAG of the cluster clocks that differ may have repeated a sub-task among others."""
    run = observed.run
    runs_of: dict[int, list[NodeRun]] = {}
    for node_run in observed.node_runs:
        runs_of.setdefault(node_run.stage, []).append(node_run)
    cluster = identify(run.gid).scope == "cluster"
    low = high = 0
    for stage, gid in enumerate(run.stages, start=1):
        own, own_runs, attempts_of = observed.tasks_of[gid], runs_of.get(stage, ()), observed.attempts_in[gid].values()
        node = run.nodes[gid][-1][1]
        pending = node.state == "PENDING" and node.operator == "RETRY"
        if not pending and not executed_again(own_runs, attempts_of):
            continue
        bounds = retry_bounds(
            own_runs,
            [*attempts_of],
            pending_retry=pending,
            rollback_possible=_rollback_possible(run, stage, own, rollbacks),
            exact_counters=not (cluster and len(own) > 1),
        )
        handshakes = sum(_handshakes(view) for view in own)
        low += max(0, bounds.low - handshakes)
        high += max(0, (bounds.high or 0) - handshakes)
    return Bounds(low, high)


def _rollback_possible(run: RunEvidence, stage: int, own: Sequence[TaskView], rollbacks: int) -> bool:
    """Tell whether a rollback of the DAG may have handed out sub-tasks of a stage."""
    below = (run.nodes[gid][-1][1] for gid in run.stages[: stage - 1])
    return rollbacks > 0 or _leaves_no_trace(below) or any(_newer_than_nodes(run.sub_tasks[view.gid]) for view in own)


def _leaves_no_trace(below: Iterable[Node]) -> bool:
    """Tell whether a rollback that failed at a stage may have left no trace in the stages below it.

    It marks every one of them for good, unless a cancel fell upon it (engine-semantics §2.4, §2.5); below the first stage there are none.
    """
    return all(node.operator == "CANCEL" for node in below)


def _newer_than_nodes(sightings: Sequence[Sighting]) -> bool:
    """Tell whether only an answer without the nodes, which would bear the mark of a rollback, showed the newest hand-out."""
    newest = max(sightings, key=lambda s: (s.task.execute_times or 0, s.node is not None))
    return newest.node is None


def _handshakes(view: TaskView) -> int:
    """How often another DAG advanced this sub-task: each deliberate wait that was followed by another attempt (engine-semantics §7)."""
    seen = sum(1 for attempt in view.attempts[:-1] if attempt.outcome == "waiting") if len(view.attempts) > 1 else 0
    told = view.logs.count(WAITING) if view.logs else 0
    if view.attempts and view.attempts[-1].verdict == "waiting":
        told -= 1
    return max(seen, told)
