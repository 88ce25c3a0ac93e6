"""Rows of the base tables, from judged runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.identifiers import agent_address, identify
from daganalysis.engine.outcomes import Facts, judge
from daganalysis.engine.times import Meaning, node_times, sub_task_times
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.engine.records import Node
    from daganalysis.history.evidence import Snapshot
    from daganalysis.history.links import Link
    from daganalysis.history.views import RunView, TaskView
    from daganalysis.reading.answers import Issue


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def _span(start: int | None, end: int | None) -> float | None:
    """A duration; null where an end is unknown or the two contradict each other, never negative."""
    return None if start is None or end is None or end < start else (end - start) / 1e9


class Rows:
    """Collects rows, each a tuple in the order of its table's columns, and turns them into sorted Arrow tables."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in BASE_TABLES}

    def tables(self) -> dict[str, pa.Table]:
        """Return every base table, sorted by its key."""
        result = {}
        for name, declared in BASE_TABLES.items():
            rows = self._rows[name]
            if name == "issues":
                # The same thing told twice is told once.
                rows = list(dict.fromkeys(rows))
            columns = dict(zip(declared.names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(declared.names, ())
            table = declared.arrow(columns)
            result[name] = table.sort_by([(key, "ascending") for key in declared.sort])
        return result

    # -- one run ----------------------------------------------------------------------------------------------------------------------

    def add_run(self, view: RunView, parent_run_id: str | None) -> None:
        """Add all the rows of one run."""
        run = view.evidence
        for snapshot in run.snapshots:
            self._add_snapshot(run.run_id, snapshot)
        self._add_dag(view, parent_run_id)
        n_tasks: dict[str | None, int] = {}
        for task in view.tasks:
            n_tasks[task.node_gid] = n_tasks.get(task.node_gid, 0) + 1
        stage_of = {}
        for node in view.nodes:
            stage_of[node.gid] = node.stage
            new = node.newest
            duration = _span(node.start, node.end)
            self._rows["nodes"].append(
                (run.run_id, node.stage, node.gid, new.node_id, new.name, new.state, new.operator, node.rule.outcome, new.start, new.end)
                + (node.start, node.end, duration, n_tasks.get(node.gid, 0), node.additional_data)
            )
        for task in view.tasks:
            self._add_task(run.run_id, stage_of.get(task.node_gid or ""), task)
        for seq, stretch in enumerate(view.stretches, start=1):
            self._rows["timeline"].append(
                (run.run_id, seq, stretch.start, stretch.end, _span(stretch.start, stretch.end), stretch.category)
                + (stretch.leg, stretch.from_stage, stretch.to_stage, stretch.direction, stretch.evidence)
            )

    def _add_snapshot(self, run_id: str, snapshot: Snapshot) -> None:
        answer, dag = snapshot.answer, snapshot.dag
        self._rows["snapshots"].append(
            (run_id, answer.source, answer.position, answer.observed_at, answer.trace_id, answer.http_status, answer.request_ms)
            + (dag.state, dag.operator, dag.stage, None if snapshot.nodes is None else len(snapshot.nodes))
        )

    def _add_dag(self, view: RunView, parent_run_id: str | None) -> None:
        run, new = view.evidence, view.evidence.newest
        identity = identify(run.gid)
        agents = {agent_address(t.newest.agent_ip, t.newest.agent_port) for t in view.tasks} - {None}
        observed = [s.answer.observed_at for s in run.snapshots if s.answer.observed_at is not None]
        data = next((s.dag.additional_data for s in reversed(run.snapshots) if s.dag.additional_data is not None), None)
        offset = next((s.dag.utc_offset_s for s in reversed(run.snapshots) if s.dag.utc_offset_s is not None), None)
        if offset is None:
            offset = next((s.answer.utc_offset_s for s in reversed(run.snapshots) if s.answer.utc_offset_s is not None), None)

        def newest(field_name: str) -> object:
            return next((value for s in reversed(run.snapshots) if (value := getattr(s.dag, field_name)) is not None), None)

        name = newest("name")
        self._rows["dags"].append(
            (run.run_id, run.cluster, run.gid, newest("dag_id"), name, workflow_of(name if isinstance(name, str) else None))
            + (
                identity.scope,
                identity.owner_agent,
                new.stage,
                newest("max_stage"),
                new.state,
                new.operator,
                view.rule.outcome,
                view.work_ok,
            )
            + (new.start, new.end, view.created, view.begin, view.end, _seconds(view.elapsed_ns), _seconds(view.active_ns))
            + (_seconds(view.last_leg_ns), len(view.nodes), len(view.tasks), len(agents), len(run.snapshots))
            + (view.retries.low, view.retries.high, view.rollbacks, parent_run_id, newest("maintenance_type"), newest("maintenance_key"))
            + (data, offset, min(observed, default=None), max(observed, default=None), view.history)
        )

    def _add_task(self, run_id: str | None, stage: int | None, task: TaskView) -> None:
        new = task.newest
        times = sub_task_times(new.state, new.operator, new.execute_times or 0)
        last = task.attempts[-1] if task.attempts else None
        start = new.start if times.start is Meaning.TRUE and last is not None and last.start is not None else None
        end = new.end if times.end is Meaning.TRUE else None
        self._rows["sub_tasks"].append(
            (run_id, stage, task.node_gid, task.gid, new.task_id, new.name, new.state, new.operator, task.rule.outcome, new.execute_times)
            + (agent_address(new.agent_ip, new.agent_port), new.agent_ip, new.agent_port, new.start, new.end, start, end, _span(start, end))
            + (task.logs, task.additional_data)
        )
        for attempt in task.attempts:
            self._rows["attempts"].append(
                (run_id, stage, task.gid, attempt.number, attempt.kind, attempt.start, attempt.end, _seconds(attempt.duration_ns))
                + (attempt.outcome, attempt.agent, attempt.evidence)
            )

    # -- what belongs to no run -------------------------------------------------------------------------------------------------------

    def add_lone_node(self, gid: str, seen: Sequence[Node]) -> None:
        """Add a node whose DAG is not in the archive."""
        new = seen[-1]
        times = node_times(new.state, new.operator, executed=new.operator != "PASS")
        start = new.start if times.start is Meaning.TRUE else None
        end = new.end if times.end is Meaning.TRUE else None
        outcome = judge("node", Facts(new.state, new.operator)).outcome
        self._rows["nodes"].append(
            (None, None, gid, new.node_id, new.name, new.state, new.operator, outcome, new.start, new.end, start, end, _span(start, end))
            + (len(new.sub_tasks or ()), new.additional_data)
        )

    def add_lone_task(self, task: TaskView) -> None:
        """Add a sub-task whose DAG is not in the archive."""
        self._add_task(None, None, task)

    def add_link(self, link: Link) -> None:
        """Add a link between a main DAG and a child DAG."""
        self._rows["links"].append((link.parent_run_id, link.child_run_id, link.child_gid, link.agent, link.kind, link.evidence))

    def add_issue(self, issue: Issue) -> None:
        """Add one issue."""
        self._rows["issues"].append((issue.severity, issue.code, issue.source, issue.position, issue.run_id, issue.message, issue.hint))
