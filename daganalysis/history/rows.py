"""Rows of the base tables, from judged runs."""

from __future__ import annotations

import contextlib
import itertools
import operator
from typing import TYPE_CHECKING, Any

from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.identifiers import agent_address, identify, split_address
from daganalysis.engine.outcomes import Facts, judge
from daganalysis.engine.records import Dag, Node, SubTask
from daganalysis.engine.times import TRUE, node_times, sub_task_times
from daganalysis.reading.answers import Kind
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of, seconds_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.engine.facts import AgentState, LockState
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.links import Link
    from daganalysis.history.views import RunView, TaskView
    from daganalysis.reading.answers import Issue
    from daganalysis.tables import Table


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def _served(row: Dag | Node | SubTask) -> tuple[int | None, int | None]:
    """Return what the server said: the start and the end before they were moved to the true zone."""
    return None if row.start is None else row.start - row.moved, None if row.end is None else row.end - row.moved


def _happened(view: RunView) -> tuple[int | None, int | None, int | None]:
    """Return when the run was created, began and ended: unknown where the database's zone is neither the agents' nor known."""
    zone = view.evidence.zone
    return (None, None, None) if zone is not None and zone.offset is None else (view.created, view.begin, view.end)


def _newest(newest_first: Iterable[object], field: str) -> Any:
    """Return the first value of a field that is not None."""
    for item in newest_first:
        value = getattr(item, field)
        if value is not None:
            return value
    return None


def _in_order(rows: list[tuple[object, ...]], places: Sequence[int]) -> list[tuple[object, ...]]:
    """Put rows in order of what stands at some places of each, nulls last."""
    # Of most tables these are the first places, and rows that are in order as they are need nothing taken out of them.
    keys = rows if places == list(range(len(places))) else list(map(operator.itemgetter(*places), rows))
    with contextlib.suppress(TypeError):  # where a null meets something else
        if all(map(operator.le, keys, itertools.islice(keys, 1, None))):
            return rows  # mostly so: runs come in order, and so does what each holds
    return sorted(rows, key=lambda row: [(row[place] is None, row[place]) for place in places])


def _table(declared: Table, rows: list[tuple[object, ...]]) -> pa.Table:
    names = [name for name in declared.names if name != "duration_s"]
    ordered = _in_order(rows, [names.index(key) for key in declared.sort])
    columns: dict[str, Any] = dict(zip(names, zip(*ordered, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    if len(names) < len(declared.names):
        start, end = (array_of(columns[name], declared.schema().field(name).type) for name in ("started_at", "ended_at"))
        columns |= {"started_at": start, "ended_at": end, "duration_s": seconds_between(start, end)}
    return declared.arrow(columns)


class Rows:
    """Collects rows, each a tuple in the order of its table's columns without ``duration_s``, and turns them into sorted Arrow tables."""

    def __init__(self) -> None:
        self._rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in BASE_TABLES}

    def tables(self) -> dict[str, pa.Table]:
        """Return every base table, sorted by its key."""
        # The same thing told twice is told once.
        self._rows["issues"] = list(dict.fromkeys(self._rows["issues"]))
        for name in ("agents", "maintenance_locks"):
            # Their keys may be equal where a source says the same of two moments that it does not tell.
            self._rows[name] = _in_order([*dict.fromkeys(self._rows[name])], range(len(BASE_TABLES[name].names)))
        return {name: _table(declared, self._rows[name]) for name, declared in BASE_TABLES.items()}

    # -- one run ----------------------------------------------------------------------------------------------------------------------

    def add_run(self, view: RunView, parent_run_id: str | None) -> None:
        """Add all the rows of one run."""
        run = view.evidence
        run_id = run.run_id
        self._rows["snapshots"] += [
            (run_id, answer.source, answer.position, answer.observed_at, answer.trace_id, answer.http_status, answer.request_ms)
            + (dag.state, dag.operator, dag.stage, None if snapshot.nodes is None else len(snapshot.nodes))
            for snapshot in run.snapshots
            if snapshot.answer.kind is Kind.DAG
            for answer, dag in ((snapshot.answer, snapshot.dag),)
        ]
        n_tasks: dict[str | None, int] = {}
        for task in view.tasks:
            n_tasks[task.node_gid] = n_tasks.get(task.node_gid, 0) + 1
        for node in view.nodes:
            new = node.newest
            served = new
            if id(new) in run.told_rows:
                served = next((seen for _, seen in reversed(run.nodes[node.gid]) if id(seen) not in run.told_rows), Node(node.gid))
            self._rows["nodes"].append(
                (run_id, node.stage, node.gid, new.node_id, new.name, new.state, new.operator, node.rule.outcome)
                + (*_served(served), node.start, node.end, n_tasks.get(node.gid, 0), node.additional_data)
            )
        agents = self._add_tasks(run_id, view.tasks, {node.gid: node.stage for node in view.nodes}, run)
        self._add_dag(view, parent_run_id, len(agents - {None}))
        stages = {node.gid: node.stage for node in view.nodes}
        self._rows["clock_offsets"] += [
            (run_id, stages[gid], agent, _seconds(offset.used), _seconds(offset.low), _seconds(offset.high))
            for (gid, agent), offset in view.offsets.items()
        ]
        self._rows["timeline"] += [
            (run_id, seq, s.start, s.end, s.category, s.leg, s.from_stage, s.to_stage, s.direction, s.evidence)
            for seq, s in enumerate(view.stretches, start=1)
        ]

    def _add_dag(self, view: RunView, parent_run_id: str | None, n_agents: int) -> None:
        run, new = view.evidence, view.evidence.newest
        identity = identify(run.gid)
        answers = [snapshot.answer for snapshot in reversed(run.snapshots) if snapshot.answer.kind is Kind.DAG]
        served = next((snapshot.dag for snapshot in reversed(run.snapshots) if snapshot.answer.kind is Kind.DAG), Dag(run.gid))
        dags = [snapshot.dag for snapshot in reversed(run.snapshots)]
        observed = [answer.observed_at for answer in answers if answer.observed_at is not None]
        offset = _newest(dags, "utc_offset_s")
        name = _newest(dags, "name")
        self._rows["dags"].append(
            (run.run_id, run.cluster, run.gid, _newest(dags, "dag_id"), name, workflow_of(name), identity.scope, identity.owner_agent)
            + (new.stage, _newest(dags, "max_stage"), new.state, new.operator, view.rule.outcome, view.work_ok)
            + (*_served(served), *_happened(view), _seconds(view.elapsed_ns), _seconds(view.active_ns))
            + (_seconds(view.last_leg_ns), len(view.nodes), len(view.tasks), n_agents, len(answers))
            + (view.retries.low, view.retries.high, view.rollbacks.low, view.rollbacks.high)
            + (*map(_seconds, view.elapsed_bounds_ns), parent_run_id)
            + (_newest(dags, "maintenance_type"), _newest(dags, "maintenance_key"), _newest(dags, "additional_data"))
            + (_newest(answers, "utc_offset_s") if offset is None else offset,)
            + (min(observed, default=None), max(observed, default=None), view.history)
        )

    def _add_tasks(
        self, run_id: str | None, tasks: Sequence[TaskView], stages: Mapping[str | None, int | None], run: RunEvidence | None = None
    ) -> set[str | None]:
        """Add sub-tasks with their attempts; return their agents."""
        sub_tasks, attempts = self._rows["sub_tasks"], self._rows["attempts"]
        agents = set()
        for task in tasks:
            gid, new, own, stage = task.gid, task.newest, task.attempts, stages.get(task.node_gid)
            times = sub_task_times(new.state, new.operator, len(own) if new.execute_times is None else new.execute_times)
            start = new.start if times.start is TRUE and own and own[-1].start is not None else None
            end = new.end if times.end is TRUE else None
            agent = agent_address(new.agent_ip, new.agent_port)
            agents.add(agent)
            served = new
            if run is not None and id(new) in run.told_rows:
                shown = (sighting.task for sighting in reversed(run.sub_tasks[gid]))
                served = next((row for row in shown if row.state is not None and id(row) not in run.told_rows), SubTask(gid))
            sub_tasks.append((
                run_id, stage, task.node_gid, gid, new.task_id, new.name, new.state, new.operator, task.rule.outcome, new.execute_times,
                agent, new.agent_ip, new.agent_port, *_served(served), start, end, task.logs, task.additional_data,
            ))  # fmt: skip
            for one in own:
                attempts.append(
                    (run_id, stage, gid, one.number or None, one.kind, one.start, one.end, one.outcome, one.agent, one.evidence)
                )
        return agents

    # -- what belongs to no run -------------------------------------------------------------------------------------------------------

    def add_lone_node(self, gid: str, seen: Sequence[Node]) -> None:
        """Add a node whose DAG is not in the archive."""
        new = seen[-1]
        times = node_times(new.state, new.operator, executed=new.operator != "PASS")
        start = new.start if times.start is TRUE else None
        end = new.end if times.end is TRUE else None
        outcome = judge("node", Facts(new.state, new.operator)).outcome
        self._rows["nodes"].append(
            (None, None, gid, new.node_id, new.name, new.state, new.operator, outcome, new.start, new.end, start, end)
            + (len(new.sub_tasks or ()), new.additional_data)
        )

    def add_lone_task(self, task: TaskView) -> None:
        """Add a sub-task whose DAG is not in the archive."""
        self._add_tasks(None, [task], {})

    def add_agent(self, cluster: str | None, state: AgentState, source: str) -> None:
        """Add an agent as a source told of it."""
        self._rows["agents"].append(
            (cluster, state.agent, *split_address(state.agent), state.zone, state.identity, state.obshell_version, state.ob_version)
            + (state.observed_at, source)
        )

    def add_lock(self, cluster: str | None, state: LockState, source: str) -> None:
        """Add a maintenance lock as a copy of a database showed it; instants of a zone that is not known are left out."""
        locked_at = state.locked_at if state.zoned else None
        self._rows["maintenance_locks"].append(
            (cluster, state.lock, state.key, state.held, state.dag_gid, locked_at, state.n_taken, state.observed_at, source)
        )

    def add_link(self, link: Link) -> None:
        """Add a link between a main DAG and a child DAG."""
        self._rows["links"].append((link.parent_run_id, link.child_run_id, link.child_gid, link.agent, link.kind, link.evidence))

    def add_operation(self, row: tuple[object, ...]) -> None:
        """Add one request to a DAG, in the order of the table's columns."""
        self._rows["operations"].append(row)

    def add_agent_event(self, row: tuple[object, ...]) -> None:
        """Add what happened to an agent, in the order of the table's columns."""
        self._rows["agent_events"].append(row)

    def add_issue(self, issue: Issue) -> None:
        """Add one issue."""
        self._rows["issues"].append((issue.severity, issue.code, issue.source, issue.position, issue.run_id, issue.message, issue.hint))
