"""Rows of regular runs, as columns of many runs at a time: the findings of the rules in one run, with the names and times of each.

Every finding comes from the tables of one regular run that the rules judged.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.identifiers import agent_address, identify
from daganalysis.engine.records import Dag, Node, SubTask
from daganalysis.history.evidence import RunEvidence, Snapshot, TaskSnapshot
from daganalysis.history.judging import judge_run
from daganalysis.history.proven_requests import actor_of_creation
from daganalysis.history.replay.contexts import NO_CONTEXT
from daganalysis.history.replay.logged_rows import add_operations
from daganalysis.history.rows import Rows, table_in_order
from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.decoding import served_offset
from daganalysis.reading.lenient_fields import text_of
from daganalysis.reading.regular_answers import OPERATOR, STATE
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of, numbers_where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from daganalysis.history.regular_runs import Numbers, RegularRuns
    from daganalysis.reading.regular_answers import RegularNode, RegularTask, UntroubledDag

_HANDOFF, _DISPATCH, _EXECUTE, _DETECT = range(4)
"""The positions of the stretches of each kind in the timeline of the run that the rules judged."""


def regular_tables(runs: RegularRuns) -> dict[str, pa.Table]:
    """Return the rows of regular runs, in order, in every table in which such runs have rows."""
    import pyarrow as pa

    run_ids = array_of([run.run_id for run in runs.runs], pa.string())
    made = {
        "snapshots": _snapshots(runs, run_ids),
        "dags": _dags(runs, run_ids),
        "nodes": _nodes(runs, run_ids),
        "operations": _operations(runs, run_ids),
        "timeline": _timeline(runs, run_ids),
        **_sub_tasks_and_attempts(runs, run_ids),
    }
    return {name: table_in_order(BASE_TABLES[name], columns) for name, columns in made.items()}


def _snapshots(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    answers = list(chain.from_iterable([run.answers for run in runs.runs]))
    dags: list[UntroubledDag] = list(chain.from_iterable([(*run.polls.dags, run.dag) for run in runs.runs]))
    return {
        **_columns(answers, "source", "position", "observed_at", "trace_id", "http_status", "request_ms"),
        **_columns(dags, "state", "operator", "stage"),
        "run_id": _at(run_ids, np.repeat(np.arange(len(runs.runs)), runs.n_answers)),
        "n_nodes": [None if answer.nodes is None else len(answer.nodes) for answer in answers],
    }


def _dags(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    answers, dags = [run.answer for run in runs.runs], [run.dag for run in runs.runs]
    identities = [identify(answer.gid) for answer in answers]
    elapsed_s = (runs.end - runs.start) / 1e9
    observed = [answer.observed_at for answer in answers]
    return {
        **_columns(dags, "dag_id", "name", "stage", "max_stage", "maintenance_type", "maintenance_key"),
        **_found("dags", len(dags), "state", "operator", "outcome", "work_ok", "parent_run_id", "history"),
        **_found("dags", len(dags), "retries_min", "retries_max", "rollbacks_min", "rollbacks_max"),
        "run_id": run_ids,
        "created_at": numbers_where(runs.created > 0, runs.created, BASE_TABLES["dags"].schema().field("created_at").type),
        "n_snapshots": runs.n_answers,
        "cluster": [answer.cluster for answer in answers],
        "dag_gid": [answer.gid for answer in answers],
        "workflow": [workflow_of(dag.name) for dag in dags],
        "scope": [identity.scope for identity in identities],
        "owner_agent": [identity.owner_agent for identity in identities],
        **dict.fromkeys(("start_time", "started_at"), runs.start),
        **dict.fromkeys(("end_time", "ended_at"), runs.end),
        **dict.fromkeys(("elapsed_s", "elapsed_min_s", "elapsed_max_s", "last_leg_s"), elapsed_s),
        "active_s": _sums(runs.span_end - runs.span_start, runs.run_of_node[runs.node_of_span], len(dags)) / 1e9,
        "n_nodes": runs.n_nodes,
        "n_sub_tasks": _sums(runs.n_tasks, runs.run_of_node, len(dags)),
        "n_agents": runs.n_agents,
        "additional_data": _data_of(dags),
        "utc_offset_s": [
            answer.utc_offset_s if offset is None else offset
            for answer, offset in zip(answers, [served_offset(dag.start_time) for dag in dags], strict=True)
        ],
        "first_observed_at": [run.answers[0].observed_at for run in runs.runs],
        "last_observed_at": observed,
    }


def _nodes(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    return {
        **_columns(runs.nodes, "node_id", "name"),
        **_found("nodes", len(runs.nodes), "state", "operator", "outcome"),
        "run_id": _at(run_ids, runs.run_of_node),
        "stage": runs.stage,
        "node_gid": [node.id for node in runs.nodes],
        "additional_data": _data_of(runs.nodes),
        **dict.fromkeys(("start_time", "started_at"), runs.node_start),
        **dict.fromkeys(("end_time", "ended_at"), runs.node_end),
        "n_sub_tasks": runs.n_tasks,
    }


def _sub_tasks_and_attempts(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Mapping[str, Any]]:
    import pyarrow as pa

    tasks, n = runs.tasks, len(runs.tasks)
    agents, agent_of_task = runs.agents
    gids = array_of([node.id for node in runs.nodes], pa.string())
    common = {
        "run_id": _at(run_ids, runs.run_of_node[runs.node_of_task]),
        "stage": runs.stage[runs.node_of_task],
        "task_gid": array_of([task.id for task in tasks], pa.string()),
        "agent": _at(array_of([agent_address(agent.ip, agent.port) for agent in agents], pa.string()), agent_of_task),
        "started_at": runs.task_start,
        "ended_at": runs.task_end,
    }
    sub_tasks = {
        **common,
        **_columns(tasks, "task_id", "name", "task_logs"),
        "agent_ip": _at(array_of([agent.ip for agent in agents], pa.string()), agent_of_task),
        "agent_port": np.array([agent.port for agent in agents])[agent_of_task],
        "additional_data": _data_of(tasks),
        **_found("sub_tasks", n, "state", "operator", "outcome", "execute_times"),
        "node_gid": _at(gids, runs.node_of_task),
        "start_time": runs.task_start,
        "end_time": runs.task_end,
    }
    return {"sub_tasks": sub_tasks, "attempts": common | _found("attempts", n, "attempt", "kind", "outcome", "evidence")}


def _operations(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    """The request that created each run that somebody asked for; it was created before it began, at a time that its first answers show."""
    actors = [actor_of_creation(run.answer.gid, run.dag.name) for run in runs.runs]
    asked = np.flatnonzero([actor is not None for actor in actors])
    findings = ("at", "at_min", "operation", "stage", "client", "agent", "result", "error_code", "evidence", "source")
    return {
        **_found("operations", len(asked), *findings),
        "run_id": _at(run_ids, asked),
        "cluster": [runs.runs[place].answer.cluster for place in asked.tolist()],
        "at_max": np.where(runs.created > 0, runs.created, runs.start)[asked],
        "actor": [actor for actor in actors if actor is not None],
    }


def _timeline(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    """From the start of each run to its end, without gap: to each node, to each span in it, the span, to the node's end; to the end."""
    import pyarrow as pa

    every_node, every_run = np.arange(len(runs.nodes)), np.arange(len(runs.runs))
    span_run, node_run = runs.run_of_node[runs.node_of_span], runs.run_of_node
    pieces: list[
        tuple[Numbers, Numbers, Numbers | int, Numbers, Numbers]
    ] = [  # start, end, kind, run, node in which or after which it lies
        (runs.before_node, runs.node_start, _HANDOFF, node_run, every_node - 1),
        (runs.before_span, runs.span_start, np.where(runs.is_first_span, _DISPATCH, _DETECT), span_run, runs.node_of_span),
        (runs.span_start, runs.span_end, _EXECUTE, span_run, runs.node_of_span),
        (runs.after_spans, runs.node_end, _DETECT, node_run, every_node),
        (runs.node_end[runs.last_node], runs.end, _HANDOFF, every_run, runs.last_node),
    ]
    start, end, kind, run, node = (np.concatenate([np.broadcast_to(piece[at], len(piece[0])) for piece in pieces]) for at in range(5))
    order = np.lexsort((start, run))
    order = order[(start < end)[order]]
    start, end, kind, run, node = (values[order] for values in (start, end, kind, run, node))
    from_stage = np.where(node < runs.first_node[run], 0, runs.stage[node])
    to_stage = from_stage + (kind == _HANDOFF)
    first = np.searchsorted(run, every_run)
    return {
        **_found("timeline", kind, "category", "leg", "direction", "evidence"),
        "run_id": _at(run_ids, run),
        "seq": np.arange(1, len(run) + 1) - first[run],
        "started_at": start,
        "ended_at": end,
        "from_stage": numbers_where(from_stage > 0, from_stage, pa.int64()),
        "to_stage": numbers_where(to_stage <= runs.n_nodes[run], to_stage, pa.int64()),
    }


# -- what the rules find --------------------------------------------------------------------------------------------------------------


def _found(table: str, rows: int | Numbers, *columns: str) -> dict[str, pa.Array]:
    """Return columns of the findings of the rules in a regular run: the first row of a table repeated, or the given rows."""
    found = {name: _judged_tables()[table].column(name) for name in columns}
    if isinstance(rows, int):
        import pyarrow as pa

        return {name: pa.repeat(column[0], rows) for name, column in found.items()}
    return {name: _at(column.combine_chunks(), rows) for name, column in found.items()}


@cache
def _judged_tables() -> dict[str, pa.Table]:
    """Return the tables of a regular run by the rules: one node, whose one sub-task begins after it and ends before it."""
    task = SubTask("11", 1, "work", STATE, OPERATOR, 30, 40, None, 1, "192.0.2.1", 2886, [])
    node = Node("11", 1, "work", STATE, OPERATOR, 20, 50, None, [task])
    dag = Dag("11", 1, "work", 1, 1, STATE, OPERATOR, 10, 60)
    run = RunEvidence(None, "11", 1, [Snapshot(Answer(Kind.DAG, "11", b""), dag, [node], 70, 1)], ["11"])
    run.nodes, run.sub_tasks, run.node_of = {"11": [(70, node)]}, {"11": [TaskSnapshot(70, 70, task, node)]}, {"11": "11"}
    rows, view = Rows(), judge_run(run)
    rows.add_run(view, None)
    add_operations(rows, view, (), NO_CONTEXT, is_child=False)
    return rows.tables()


# -- columns --------------------------------------------------------------------------------------------------------------------------


def _columns(rows: Sequence[object], *names: str) -> dict[str, Sequence[Any]]:
    """Return some fields of all rows; all fields of a row at once take a third of the time of one after the other."""
    return dict(zip(names, zip(*map(attrgetter(*names), rows), strict=True), strict=True)) if rows else dict.fromkeys(names, ())


def _data_of(rows: Sequence[UntroubledDag] | Sequence[RegularNode] | Sequence[RegularTask]) -> list[str | None]:
    """Return the additional data of all rows as texts."""
    data = [row.additional_data for row in rows]
    return [None] * len(rows) if data.count(None) == len(rows) else list(map(text_of, data))


def _at(values: pa.Array, places: Numbers) -> pa.Array:
    import pyarrow as pa

    return values.take(array_of(places, pa.int64()))


def _sums(values: Numbers, groups: Numbers, n_groups: int) -> Numbers:
    """Add up values by the number of their group."""
    sums = np.zeros(n_groups, np.int64)
    np.add.at(sums, groups, values)
    return sums
