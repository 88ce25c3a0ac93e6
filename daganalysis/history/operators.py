"""What operators did to a run: how often they retried it, within bounds, and how many of their rollbacks left a trace."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import WAITING
from daganalysis.history.retry_bounds import Bounds, retry_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.engine.records import Node
    from daganalysis.history.evidence import RunEvidence, Sighting
    from daganalysis.history.found import Found
    from daganalysis.history.legs import NodeRun
    from daganalysis.history.views import TaskView


def count_operators(found: Found, retries_received: int) -> tuple[Bounds, int]:
    """Bound the retries by operators and count the rollbacks that left a trace.

    Not an operator's are hand-shakes between DAGs, and the ``retries_received`` that another DAG's task asked for.
    """
    run, node_runs = found.run, found.node_runs
    rollback_legs = sum(1 for leg in found.legs if leg.operator == "ROLLBACK")
    asked = 1 if run.newest.state == "READY" and run.newest.operator == "ROLLBACK" else 0
    traced = any(node.operator == "ROLLBACK" for seen in run.nodes.values() for _, node in seen)
    rollbacks = max(rollback_legs + asked, 1 if traced else 0)
    if not run.stages:
        # Without its nodes each later leg is a retry, or a node that was passed.
        return Bounds(0, max(1, found.went_forward_again)), rollbacks
    low = high = 0
    runs_of: dict[int, list[NodeRun]] = {}
    for node_run in node_runs:
        runs_of.setdefault(node_run.stage, []).append(node_run)
    cluster = identify(run.gid).scope == "cluster"
    for stage, gid in enumerate(run.stages, start=1):
        own = found.tasks_of[gid]
        node = run.nodes[gid][-1][1]
        bounds = retry_bounds(
            runs_of.get(stage, ()),
            [*found.attempts_in[gid].values()],
            pending_retry=node.state == "PENDING" and node.operator == "RETRY",
            rollback_possible=partial(_rollback_possible, run, stage, own, rollbacks),
            exact_counters=not (cluster and len(own) > 1),
        )
        if bounds.high:
            handshakes = sum(_handshakes(view) for view in own)
            low += max(0, bounds.low - handshakes)
            high += max(0, bounds.high - handshakes)
    if found.main is not None and found.main.kind == "scale_out":
        # Every retry of the main DAG is mirrored on the local one (engine-semantics §7 B): none of these need be an operator's.
        low = 0
    low = max(0, low - retries_received)
    return Bounds(low, max(low, high - retries_received)), rollbacks


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
