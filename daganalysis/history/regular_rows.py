"""Rows of regular runs, as columns of many runs at a time: the findings of the rules in one run, with the names and times of each.

Every finding comes from the tables of one run of the same kind that the rules judged (:mod:`daganalysis.history.regular_examples`).
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.identifiers import agent_address, identify
from daganalysis.history.proven_requests import actor_of_creation
from daganalysis.history.redone_rows import attempts_and_failures
from daganalysis.history.regular_examples import (
    N_KINDS,
    PLACE_OF_RETRIED,
    RETRIED,
    USUAL_STEPS,
    Step,
    first_rows,
    is_known,
    reaches_next_stage,
    step_rows,
    tables_of,
)
from daganalysis.history.rows import table_in_order
from daganalysis.reading.decoding import served_offset
from daganalysis.reading.lenient_fields import text_of
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of, interleave, numbers_where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pyarrow as pa

    from daganalysis.history.regular_runs import Numbers, RegularRuns
    from daganalysis.history.retried_runs import RetriedNodes
    from daganalysis.reading.regular_answers import RegularNode, RegularTask, UntroubledDag

    _Stretches = tuple[Numbers, Numbers, Numbers, Numbers, Numbers]
    """Start, end, row in the timelines of the examples, run, and the node in which or after which each lies."""


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
    tables = {name: table_in_order(BASE_TABLES[name], columns) for name, columns in made.items()}
    if runs.retried is not None:
        retries = table_in_order(BASE_TABLES["operations"], _retries(runs, runs.retried, run_ids))
        tables["operations"] = interleave([tables["operations"], retries], "run_id")
        tables["attempts"], tables["failed_attempts"] = attempts_and_failures(runs, runs.retried, tables["attempts"])
    return tables


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
    elapsed_s = (runs.end - runs.begun) / 1e9
    judged = len(dags) if runs.retried is None else runs.kinds
    observed = [answer.observed_at for answer in answers]
    return {
        **_columns(dags, "dag_id", "name", "stage", "max_stage", "maintenance_type", "maintenance_key"),
        **_found(runs, "dags", judged, "state", "operator", "outcome", "work_ok", "parent_run_id", "history"),
        **_found(runs, "dags", judged, "retries_min", "retries_max", "rollbacks_min", "rollbacks_max"),
        "run_id": run_ids,
        "created_at": numbers_where(runs.created > 0, runs.created, BASE_TABLES["dags"].schema().field("created_at").type),
        "n_snapshots": runs.n_answers,
        "cluster": [answer.cluster for answer in answers],
        "dag_gid": [answer.gid for answer in answers],
        "workflow": [workflow_of(dag.name) for dag in dags],
        "scope": [identity.scope for identity in identities],
        "owner_agent": [identity.owner_agent for identity in identities],
        "start_time": runs.start,
        "started_at": _if_known(runs, "started_at", runs.begun),
        **dict.fromkeys(("end_time", "ended_at"), runs.end),
        **{name: _if_known(runs, name, elapsed_s) for name in ("elapsed_s", "elapsed_max_s")},
        "elapsed_min_s": elapsed_s,
        "last_leg_s": (runs.end - runs.start) / 1e9,
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


def _if_known(runs: RegularRuns, column: str, values: npt.NDArray[Any]) -> npt.NDArray[Any] | pa.Array:
    """Return a column of ``dags``, null in the runs of a kind in which the rules find no value."""
    if runs.retried is None:
        return values
    return numbers_where(is_known(column)[runs.kinds], values, BASE_TABLES["dags"].schema().field(column).type)


def _nodes(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    judged: int | Numbers = len(runs.nodes)
    if runs.retried is not None:
        judged = np.zeros(len(runs.nodes), np.int64)
        judged[runs.retried.node] = first_rows("nodes", runs.n_kinds)[RETRIED] + PLACE_OF_RETRIED
    return {
        **_columns(runs.nodes, "node_id", "name"),
        **_found(runs, "nodes", judged, "state", "operator", "outcome"),
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
        **_columns(tasks, "task_id", "name", "task_logs", "execute_times"),
        "agent_ip": _at(array_of([agent.ip for agent in agents], pa.string()), agent_of_task),
        "agent_port": np.array([agent.port for agent in agents])[agent_of_task],
        "additional_data": _data_of(tasks),
        **_found(runs, "sub_tasks", n, "state", "operator", "outcome"),
        "node_gid": _at(gids, runs.node_of_task),
        "start_time": runs.task_start,
        "end_time": runs.task_end,
    }
    return {"sub_tasks": sub_tasks, "attempts": common | _found(runs, "attempts", n, "attempt", "kind", "outcome", "evidence")}


def _operations(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    """The request that created each run that somebody asked for; it was created before it began, at a time that its first answers show."""
    actors = [actor_of_creation(run.answer.gid, run.dag.name) for run in runs.runs]
    asked = np.flatnonzero([actor is not None for actor in actors])
    findings = ("at", "at_min", "operation", "stage", "client", "agent", "result", "error_code", "evidence", "source")
    return {
        **_found(runs, "operations", len(asked), *findings),
        "run_id": _at(run_ids, asked),
        "cluster": [runs.runs[place].answer.cluster for place in asked.tolist()],
        "at_max": np.where(runs.created > 0, runs.created, runs.begun)[asked],
        "actor": [actor for actor in actors if actor is not None],
    }


def _retries(runs: RegularRuns, retried: RetriedNodes, run_ids: pa.Array) -> dict[str, Any]:
    """The request that began the last leg of each run that was retried."""
    answers = [runs.runs[place].answer for place in retried.run.tolist()]
    judged = np.full(len(answers), first_rows("operations", N_KINDS)[RETRIED] + 1)
    findings = ("at", "at_min", "operation", "actor", "client", "agent", "result", "error_code", "evidence")
    return {
        **_found(runs, "operations", judged, *findings),
        **_columns(answers, "cluster", "source"),
        "run_id": _at(run_ids, retried.run),
        "at_max": runs.start[retried.run],
        "stage": runs.stage[retried.node],
    }


def _timeline(runs: RegularRuns, run_ids: pa.Array) -> dict[str, Any]:
    """From the start of each run to its end, without gap."""
    import pyarrow as pa

    start, end, row, run, node = (np.concatenate(parts) for parts in zip(*_stretches(runs), strict=True))
    order = np.lexsort((start, run))
    order = order[(start < end)[order]]
    start, end, row, run, node = (values[order] for values in (start, end, row, run, node))
    from_stage = np.where(node < runs.first_node[run], 0, runs.stage[node])
    to_stage = from_stage + reaches_next_stage(runs.n_kinds)[row]
    first = np.searchsorted(run, np.arange(len(runs.runs)))
    return {
        **_found(runs, "timeline", row, "category", "leg", "direction", "evidence"),
        "run_id": _at(run_ids, run),
        "seq": np.arange(1, len(run) + 1) - first[run],
        "started_at": start,
        "ended_at": end,
        "from_stage": numbers_where(from_stage > 0, from_stage, pa.int64()),
        "to_stage": numbers_where(to_stage <= runs.n_nodes[run], to_stage, pa.int64()),
    }


def _stretches(runs: RegularRuns) -> list[_Stretches]:
    """To each node, to each span in it, the span, to the node's end; to the end of the run. In a retried node, to the retry as well."""
    every_node, every_run = np.arange(len(runs.nodes)), np.arange(len(runs.runs))
    node_run, span_node = runs.run_of_node, runs.node_of_span
    handoff, dispatch, execute, detect = _steps_of_nodes(runs)
    reach, after = handoff.copy(), every_node - 1
    begin, within, work = np.where(runs.is_first_span, dispatch[span_node], detect[span_node]), span_node.copy(), execute[span_node]
    found: list[_Stretches] = []
    if (retried := runs.retried) is not None:
        resume, undo, fail, reach_early, early = (
            step_rows(step, N_KINDS)[retried.kind] for step in (Step.RESUME, Step.UNDO, Step.FAIL, Step.REACH, Step.SUCCEED_AT_ONCE)
        )
        reach[retried.node], after[retried.node] = resume, retried.node - 1 + retried.has_early
        begin[retried.late_spans], begin[retried.early_spans] = undo, reach_early[retried.has_early]
        within[retried.early_spans] -= 1
        work[retried.early_spans] = early[retried.has_early]
        found.append((retried.known_until, runs.start[retried.run], fail, retried.run, after[retried.node]))
    return [
        *found,
        (runs.before_node, runs.node_start, reach, node_run, after),
        (runs.before_span, runs.span_start, begin, node_run[span_node], within),
        (runs.span_start, runs.span_end, work, node_run[span_node], span_node),
        (runs.after_spans, runs.node_end, detect, node_run, every_node),
        (runs.node_end[runs.last_node], runs.end, handoff[runs.last_node], every_run, runs.last_node),
    ]


def _steps_of_nodes(runs: RegularRuns) -> list[Numbers]:
    """Return the rows of the usual steps of each node in the timelines of the examples: those of the last leg, or of the one before."""
    kind = runs.kinds[runs.run_of_node]
    last_leg, retried = [step_rows(step, runs.n_kinds)[kind] for step in USUAL_STEPS], runs.retried
    if retried is None:
        return last_leg
    retried_node = np.zeros(len(runs.runs), np.int64)
    retried_node[retried.run] = retried.node
    is_before = np.arange(len(runs.nodes)) < retried_node[runs.run_of_node]
    first_leg = [step_rows(step, N_KINDS, before_retry=True)[kind] for step in USUAL_STEPS]
    return [np.where(is_before, first, last) for first, last in zip(first_leg, last_leg, strict=True)]


# -- what the rules find --------------------------------------------------------------------------------------------------------------


def _found(runs: RegularRuns, table: str, rows: int | Numbers, *columns: str) -> dict[str, pa.Array]:
    """Return columns of the findings of the rules in the examples: the first row of a table repeated, or the given rows."""
    examples = tables_of(runs.n_kinds)[table]
    if isinstance(rows, int):
        import pyarrow as pa

        return {name: pa.repeat(examples.column(name)[0], rows) for name in columns}
    return {name: _at(examples.column(name).combine_chunks(), rows) for name in columns}


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
