"""Rows of the base tables, from judged runs.

There are very many sub-tasks, attempts, snapshots and stretches of time, so their tables are made column by column when all runs are
judged.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.identifiers import identify, split_address
from daganalysis.engine.outcomes import Facts, judge
from daganalysis.engine.records import Dag, Node
from daganalysis.engine.times import TRUE, node_times
from daganalysis.history.row_columns import SnapshotRows, SubTaskRows, TimelineRows, happened, served_times
from daganalysis.reading.answers import Kind
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of, seconds_between
from daganalysis.tables.base_rows import (
    AgentRow,
    ClockOffsetRow,
    DagRow,
    IssueRow,
    LinkRow,
    MaintenanceLockRow,
    NodeRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.engine.facts import AgentState, LockState
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.links import Link
    from daganalysis.history.views import NodeView, RunView, TaskView
    from daganalysis.reading.answers import Issue
    from daganalysis.tables import Table
    from daganalysis.tables.base_rows import AgentEventRow, OperationRow, Row


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e9


def _newest(newest_first: Sequence[object], field: str) -> Any:
    """Return the first value of a field that is not None."""
    if len(newest_first) == 1:
        return getattr(newest_first[0], field)
    for item in newest_first:
        value = getattr(item, field)
        if value is not None:
            return value
    return None


def _columns_of(declared: Table, rows: Sequence[Row]) -> dict[str, Sequence[Any]]:
    names = [name for name in declared.names if name != "duration_s"]
    # All fields of a row at once take a third of the time of one after the other.
    columns: Iterable[Sequence[Any]] = zip(*map(operator.attrgetter(*names), rows), strict=True) if rows else repeat((), len(names))
    return dict(zip(names, columns, strict=True))


def _in_order(columns: Mapping[str, Sequence[Any]], keys: Iterable[str]) -> Mapping[str, Sequence[Any]]:
    """Put the rows in order of some columns, nulls last."""
    rows = list(zip(*[columns[key] for key in keys], strict=True))
    with contextlib.suppress(TypeError):  # a null cannot be compared with a value
        if all(map(operator.le, rows, itertools.islice(rows, 1, None))):
            return columns  # mostly so: runs come in order, and so does what each holds
    order = sorted(range(len(rows)), key=lambda place: [(value is None, value) for value in rows[place]])
    return {name: [column[place] for place in order] for name, column in columns.items()}


def table_in_order(declared: Table, columns: Mapping[str, Any]) -> pa.Table:
    """Make a base table of columns whose rows are in order of its key; ``duration_s`` follows from its times."""
    ordered = dict(columns)
    if "duration_s" in declared.names:
        start, end = (array_of(ordered[name], declared.schema().field(name).type) for name in ("started_at", "ended_at"))
        ordered |= {"started_at": start, "ended_at": end, "duration_s": seconds_between(start, end)}
    return declared.arrow(ordered)


def table_of_rows(name: str, rows: Sequence[Row]) -> pa.Table:
    """Make a base table of rows in any order."""
    declared = BASE_TABLES[name]
    return table_in_order(declared, _in_order(_columns_of(declared, rows), declared.sort))


@cache
def _empty(name: str) -> pa.Table:
    # ``Schema.empty_table`` would import pandas.
    return BASE_TABLES[name].arrow({column: [] for column in BASE_TABLES[name].names})


class Rows:
    """Collects the rows of judged runs and turns them into sorted Arrow tables."""

    def __init__(self) -> None:
        self._snapshots = SnapshotRows()
        self._dags: list[DagRow] = []
        self._nodes: list[NodeRow] = []
        self._sub_tasks = SubTaskRows()
        self._timelines = TimelineRows()
        self._clock_offsets: list[ClockOffsetRow] = []
        self._links: list[LinkRow] = []
        self._operations: list[OperationRow] = []
        self._agents: list[AgentRow] = []
        self._agent_events: list[AgentEventRow] = []
        self._locks: list[MaintenanceLockRow] = []
        self._issues: list[IssueRow] = []

    def tables(self) -> dict[str, pa.Table]:
        """Return every base table, sorted by its key."""
        rows: dict[str, Sequence[Row]] = {
            "dags": self._dags,
            "nodes": self._nodes,
            "clock_offsets": self._clock_offsets,
            "links": self._links,
            "operations": self._operations,
            "agent_events": self._agent_events,
            "failed_attempts": self._sub_tasks.failed,
            # A fact that two sources show counts once.
            "issues": list(dict.fromkeys(self._issues)),
            "agents": list(dict.fromkeys(self._agents)),
            "maintenance_locks": list(dict.fromkeys(self._locks)),
        }
        columns: dict[str, Mapping[str, Sequence[Any]]] = {name: _columns_of(BASE_TABLES[name], own) for name, own in rows.items()}
        for name in ("agents", "maintenance_locks"):
            # Their keys may be equal if a source shows the same thing at two unknown moments.
            columns[name] = _in_order(columns[name], BASE_TABLES[name].names)
        made: dict[str, Any] = {
            "snapshots": self._snapshots.columns(),
            "sub_tasks": self._sub_tasks.sub_task_columns(),
            "attempts": self._sub_tasks.attempt_columns(),
            "timeline": self._timelines.columns(),
        }
        columns |= made
        return {
            name: table_in_order(declared, _in_order(columns[name], declared.sort)) if columns[name][declared.sort[0]] else _empty(name)
            for name, declared in BASE_TABLES.items()
        }

    # -- one run ----------------------------------------------------------------------------------------------------------------------

    def add_run(self, view: RunView, parent_run_id: str | None) -> None:
        """Add all the rows of one run."""
        run = view.evidence
        run_id = run.run_id
        self._snapshots.add(run)
        n_tasks: dict[str | None, int] = {}
        for task in view.tasks:
            n_tasks[task.node_gid] = n_tasks.get(task.node_gid, 0) + 1
        stages: dict[str | None, int | None] = {}
        for node in view.nodes:
            stages[node.gid] = node.stage
            self._add_node(run, node, n_tasks.get(node.gid, 0))
        agents = self._sub_tasks.add(run_id, view.tasks, stages, run)
        self._add_dag(view, parent_run_id, len(agents - {None}))
        self._add_offsets(view, stages)
        self._timelines.add(run_id, view.stretches)

    def _add_offsets(self, view: RunView, stages: dict[str | None, int | None]) -> None:
        """Add one row per stage and agent: nodes whose stage is unknown share one, in which no offset fits if theirs differ."""
        by_agent: dict[tuple[int | None, str], ClockOffsetRow] = {}
        for (gid, agent), offset in view.offsets.items():
            ahead, least, most = _seconds(offset.used), _seconds(offset.low), _seconds(offset.high)
            stage = stages[gid]
            row = ClockOffsetRow(run_id=view.evidence.run_id, stage=stage, agent=agent, ahead_s=ahead, ahead_min_s=least, ahead_max_s=most)
            if by_agent.setdefault((stage, agent), row) != row:
                by_agent[stage, agent] = ClockOffsetRow(
                    run_id=view.evidence.run_id, stage=stage, agent=agent, ahead_s=None, ahead_min_s=None, ahead_max_s=None
                )
        self._clock_offsets += by_agent.values()

    def _add_node(self, run: RunEvidence, node: NodeView, n_sub_tasks: int) -> None:
        new = served = node.newest
        if id(new) in run.logged_rows:
            served = next((seen for _, seen in reversed(run.nodes[node.gid]) if id(seen) not in run.logged_rows), Node(node.gid))
        start_time, end_time = served_times(served)
        started_at, ended_at = happened(node.start, node.end)
        self._nodes.append(
            NodeRow(
                run_id=run.run_id,
                stage=node.stage,
                node_gid=node.gid,
                node_id=new.node_id,
                name=new.name,
                state=new.state,
                operator=new.operator,
                outcome=node.rule.outcome,
                start_time=start_time,
                end_time=end_time,
                started_at=started_at,
                ended_at=ended_at,
                n_sub_tasks=n_sub_tasks,
                additional_data=node.additional_data,
            )
        )

    def _add_dag(self, view: RunView, parent_run_id: str | None, n_agents: int) -> None:
        run, new = view.evidence, view.evidence.newest
        identity = identify(run.gid)
        shown = [snapshot for snapshot in reversed(run.snapshots) if snapshot.answer.kind is Kind.DAG]
        answers = [snapshot.answer for snapshot in shown]
        start_time, end_time = served_times(shown[0].dag if shown else Dag(run.gid))
        # If the database's zone differs from the agents' and is unknown, nothing shows when the run was created, began and ended.
        is_placed = run.zone is None or run.zone.offset is not None
        started_at, ended_at = happened(view.begin, view.end) if is_placed else (None, None)
        elapsed_min_ns, elapsed_max_ns = view.elapsed_bounds_ns
        dags = [snapshot.dag for snapshot in reversed(run.snapshots)]
        observed = [answer.observed_at for answer in answers if answer.observed_at is not None]
        offsets = (_newest(dags, "utc_offset_s"), _newest(answers, "utc_offset_s"), run.logged_offset_s)
        name = _newest(dags, "name")
        self._dags.append(
            DagRow(
                run_id=run.run_id,
                cluster=run.cluster,
                dag_gid=run.gid,
                dag_id=_newest(dags, "dag_id"),
                name=name,
                workflow=workflow_of(name),
                scope=identity.scope,
                owner_agent=identity.owner_agent,
                stage=new.stage,
                max_stage=_newest(dags, "max_stage"),
                state=new.state,
                operator=new.operator,
                outcome=view.rule.outcome,
                work_ok=view.work_ok,
                start_time=start_time,
                end_time=end_time,
                created_at=view.created if is_placed else None,
                started_at=started_at,
                ended_at=ended_at,
                elapsed_s=_seconds(view.elapsed_ns),
                active_s=_seconds(view.active_ns),
                last_leg_s=_seconds(view.last_leg_ns),
                n_nodes=len(view.nodes),
                n_sub_tasks=len(view.tasks),
                n_agents=n_agents,
                n_snapshots=len(answers),
                retries_min=view.retries.low,
                retries_max=view.retries.high,
                rollbacks_min=view.rollbacks.low,
                rollbacks_max=view.rollbacks.high,
                elapsed_min_s=_seconds(elapsed_min_ns),
                elapsed_max_s=_seconds(elapsed_max_ns),
                parent_run_id=parent_run_id,
                maintenance_type=_newest(dags, "maintenance_type"),
                maintenance_key=_newest(dags, "maintenance_key"),
                additional_data=_newest(dags, "additional_data"),
                utc_offset_s=next((offset for offset in offsets if offset is not None), None),
                first_observed_at=min(observed, default=None),
                last_observed_at=max(observed, default=None),
                history=view.history,
            )
        )

    # -- what belongs to no run -------------------------------------------------------------------------------------------------------

    def add_orphan_node(self, gid: str, seen: Sequence[Node]) -> None:
        """Add a node whose DAG is not in the archive."""
        new = seen[-1]
        times = node_times(new.state, new.operator, executed=new.operator != "PASS")
        start_time, end_time = served_times(new)
        started_at, ended_at = happened(new.start if times.start is TRUE else None, new.end if times.end is TRUE else None)
        self._nodes.append(
            NodeRow(
                run_id=None,
                stage=None,
                node_gid=gid,
                node_id=new.node_id,
                name=new.name,
                state=new.state,
                operator=new.operator,
                outcome=judge("node", Facts(new.state, new.operator)).outcome,
                start_time=start_time,
                end_time=end_time,
                started_at=started_at,
                ended_at=ended_at,
                n_sub_tasks=len(new.sub_tasks or ()),
                additional_data=new.additional_data,
            )
        )

    def add_orphan_sub_task(self, task: TaskView) -> None:
        """Add a sub-task whose DAG is not in the archive."""
        self._sub_tasks.add(None, [task], {})

    def add_agent(self, cluster: str | None, state: AgentState, source: str) -> None:
        """Add an agent as a source described it."""
        ip, port = split_address(state.agent)
        self._agents.append(
            AgentRow(
                cluster=cluster,
                agent=state.agent,
                agent_ip=ip,
                agent_port=port,
                zone=state.zone,
                identity=state.identity,
                obshell_version=state.obshell_version,
                ob_version=state.ob_version,
                observed_at=state.observed_at,
                source=source,
            )
        )

    def add_lock(self, cluster: str | None, state: LockState, source: str) -> None:
        """Add a maintenance lock as a copy of a database showed it. Instants in an unknown zone are left out."""
        self._locks.append(
            MaintenanceLockRow(
                cluster=cluster,
                lock=state.lock,
                key=state.key,
                held=state.held,
                dag_gid=state.dag_gid,
                locked_at=state.locked_at if state.zoned else None,
                n_taken=state.n_taken,
                observed_at=state.observed_at,
                source=source,
            )
        )

    def add_link(self, link: Link) -> None:
        """Add a link between a main DAG and a child DAG."""
        self._links.append(
            LinkRow(
                parent_run_id=link.parent_run_id,
                child_run_id=link.child_run_id,
                child_gid=link.child_gid,
                agent=link.agent,
                kind=link.kind,
                evidence=link.evidence,
            )
        )

    def add_operation(self, row: OperationRow) -> None:
        """Add one request to a DAG."""
        self._operations.append(row)

    def add_agent_event(self, row: AgentEventRow) -> None:
        """Add what happened to an agent."""
        self._agent_events.append(row)

    def add_issue(self, issue: Issue) -> None:
        """Add one issue."""
        self._issues.append(
            IssueRow(
                severity=issue.severity,
                code=issue.code,
                source=issue.source,
                position=issue.position,
                run_id=issue.run_id,
                message=issue.message,
                hint=issue.hint,
            )
        )
