"""Judge single objects: the outcomes of a run's sub-tasks and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import node_rule, sub_task_rule
from daganalysis.engine.times import CREATED, TRUE, dag_times, node_times, sub_task_times
from daganalysis.history.attempts import MOST_LISTED, hand_outs, rebuild_attempts
from daganalysis.history.causal_order import task_snapshot_order
from daganalysis.history.legs import was_executed
from daganalysis.history.log_merge import merge_lines
from daganalysis.history.views import NodeView, TaskView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.history.evidence import RunEvidence, TaskSnapshot


def created_at(run: RunEvidence) -> int | None:
    """Return when the rows were created, from a row that never ran (engine-semantics §3) or from a source that tells it."""
    found: list[int] = []
    for snapshot in run.snapshots:
        dag = snapshot.dag
        if dag_times(dag.state, dag.operator).start is CREATED and dag.start is not None:
            found.append(dag.start)
    for seen in run.nodes.values():
        for _, node in seen:
            if node.sub_tasks is None or node.start is None or node_times(node.state, node.operator, executed=False).start is not CREATED:
                continue
            if node_times(node.state, node.operator, executed=was_executed(node) is not False).start is CREATED:
                found.append(node.start)
    for task_snapshots in run.sub_tasks.values():
        for task_snapshot in task_snapshots:
            task = task_snapshot.task
            handed_out = task.execute_times if task.execute_times is not None else hand_outs(task_snapshot)
            if handed_out is None or task.start is None:
                continue
            if sub_task_times(task.state, task.operator, handed_out).start is CREATED:
                found.append(task.start)
    return min(found, default=run.created)


def judge_task(
    gid: str,
    node_gid: str | None,
    task_snapshots: Sequence[TaskSnapshot],
    created: int | None = None,
    lines: Mapping[int, list[str]] | None = None,
    *,
    begun: int | None = None,
    most: int = MOST_LISTED,
) -> TaskView:
    """Judge one sub-task from its snapshots, in order of time.

    ``begun`` is when its DAG had been started; at most ``most`` hand-outs that no source shows are listed.
    """
    if len(task_snapshots) == 1:  # as in most archives nearly all are
        newest = task_snapshots[0].task
        attempts = rebuild_attempts(task_snapshots, created=created, begun=begun, written=lines, most=most)
        logs, data, in_order = newest.logs, newest.additional_data, True
    else:
        rows = [s for s in task_snapshots if s.task.execute_times is not None or s.task.state is not None]
        newest = max(rows, key=task_snapshot_order).task if rows else task_snapshots[-1].task
        attempts = rebuild_attempts(rows, created=created, begun=begun, written=lines, most=most)
        shown = [s.task.logs for s in task_snapshots if s.task.logs is not None]
        merged = merge_lines(shown)
        logs, in_order = merged.lines if shown else None, merged.in_order
        data = next((s.task.additional_data for s in reversed(task_snapshots) if s.task.additional_data is not None), None)
    ending = attempts[-1].ending if attempts else None
    rule = sub_task_rule(newest.state, newest.operator, ending, executed=bool(attempts))
    return TaskView(gid, node_gid, newest, attempts, logs, rule, data, in_order)


def judge_node(run: RunEvidence, stage: int | None, gid: str, own: Sequence[TaskView]) -> NodeView:
    """Judge one node from its snapshots and the views of its sub-tasks."""
    seen = run.nodes[gid]
    newest = seen[-1][1]
    executed = was_executed(newest)
    if executed is None:
        executed = any(view.attempts for view in own)
    waiting = newest.state == "FAILED" and bool(own) and all(view.rule.outcome in {"waiting", "succeeded"} for view in own)
    rule = node_rule(newest.state, newest.operator, deliberate=waiting)
    times = node_times(newest.state, newest.operator, executed=executed)
    start = newest.start if times.start is TRUE else None
    end = newest.end if times.end is TRUE else None
    data = newest.additional_data
    if data is None and len(seen) > 1:
        data = next((node.additional_data for _, node in reversed(seen) if node.additional_data is not None), None)
    return NodeView(gid, stage, newest, rule, start, end, data)
