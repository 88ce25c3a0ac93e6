"""What the answers about a run leave out: nodes, sub-tasks, counters. Poorer answers must not prove more than richer ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.engine.records import Node
    from daganalysis.history.evidence import RunEvidence

OUTLINE = frozenset({"nodes", "sub_tasks", "counters"})
"""If one of these is missing, nothing shows all attempts."""


def n_stages(run: RunEvidence) -> int | None:
    """Return how many nodes a run has, from ``max_stage`` (engine-semantics §13); None if no answer has it."""
    for snapshot in reversed(run.snapshots):
        if snapshot.dag.max_stage is not None:
            return snapshot.dag.max_stage
    return None


def what_is_missing(run: RunEvidence) -> frozenset[str]:
    """Return what no answer about a run shows.

    ``nodes``, ``sub_tasks``, ``counters`` (execute_times), ``operators`` (of nodes); ``newest`` if the nodes are older than the newest
    state, and ``requests`` if another leg had begun by then. A node that failed, but none of whose sub-tasks failed, lacks a sub-task. So
    does one that was retried, but all of whose sub-tasks succeeded at their first hand-out, unless a cancel made it fail.
    Otherwise a filtered list of sub-tasks looks like a whole one.
    """
    found = set()
    n = n_stages(run)
    if not run.stages or n is None or len(run.stages) < n:
        found.add("nodes")
    for seen in run.nodes.values():
        newest = seen[-1][1]
        if not newest.sub_tasks and not any(node.sub_tasks for _, node in seen):
            found.add("sub_tasks")
        if newest.operator is None:
            found.add("operators")
        failed = newest.state == "FAILED" and newest.operator in {"RUN", "RETRY"}
        if failed and newest.sub_tasks and all(task.state == "SUCCEED" for task in newest.sub_tasks):
            found.add("sub_tasks")
        if any(map(_lacks_what_was_retried, seen)) and not _was_cancelled(run):
            found.add("sub_tasks")
    for task_snapshots in run.sub_tasks.values():
        if task_snapshots[-1].task.execute_times is None and all(s.task.execute_times is None for s in task_snapshots):
            found.add("counters")
    return frozenset(found | _outdated(run))


def _lacks_what_was_retried(shown: tuple[int, Node]) -> bool:
    """Return whether a node was retried though all of its sub-tasks had succeeded before, each at its first hand-out."""
    _, node = shown
    tasks, start = node.sub_tasks or (), node.start
    if node.operator != "RETRY" or start is None or not tasks:
        return False
    return all(
        task.state == "SUCCEED" and task.operator == "RUN" and task.execute_times == 1 and task.end is not None and task.end < start
        for task in tasks
    )


def _was_cancelled(run: RunEvidence) -> bool:
    return any(shown.dag.operator == "CANCEL" for shown in run.snapshots) or any(
        node.operator == "CANCEL" for seen in run.nodes.values() for _, node in seen
    )


def _outdated(run: RunEvidence) -> set[str]:
    """Compare the newest answer with the newest one that shows nodes."""
    shown = next((s.dag for s in reversed(run.snapshots) if s.nodes), None)
    newest = run.newest
    if shown is None or shown is newest:
        return set()
    if (shown.operator, shown.start) != (newest.operator, newest.start):
        return {"newest", "requests"}
    return {"newest"} if (shown.state, shown.end) != (newest.state, newest.end) else set()
