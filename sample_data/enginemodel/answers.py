"""Answers: what the API says of a run at some moment, in the server's own layout."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from enginemodel.dag_parts import Agent
    from enginemodel.engine import DagRun
    from enginemodel.row_history import Row

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ZONE_S = 8 * 3600
_UNSET = "1970-01-01T08:00:00+08:00"


def _time(micros: int | None, digits: str = "") -> str:
    """A time as the server writes it, at +08:00, without trailing zeros; ``digits`` are those behind the microsecond."""
    if micros is None:
        return _UNSET
    moment = _EPOCH + dt.timedelta(microseconds=micros, seconds=_ZONE_S)
    fraction = f"{moment.microsecond:06d}{digits}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}+08:00"


def _digits(run: DagRun, micros: int | None) -> str:
    """Local rows hold nanoseconds; three digits that a time always has."""
    return "" if run.is_cluster or micros is None else f"{micros * 7919 % 1000:03d}"


def _envelope(agent: Agent, t: int, data: object, salt: str) -> dict[str, Any]:
    shown = agent.clock(t)
    trace = hashlib.blake2b(f"{salt}:{t}".encode(), digest_size=8).hexdigest()
    timestamp = _time(shown, f"{t % 977:03d}")
    return {"successful": True, "timestamp": timestamp, "duration": 1 + t % 7, "status": 200, "traceId": trace, "data": data}


def _task(run: DagRun, stage: int, index: int, t: int) -> dict[str, Any]:
    row = run.tasks[stage][index].at(t)
    gid = run.ids[stage][index]
    return {
        "id": gid,
        "task_id": run.first_row_id + sum(len(ids) for ids in run.ids[:stage]) + index,
        "name": run.stages[stage].name,
        "state": row["state"],
        "operator": row["operator"],
        "start_time": _time(row["start"], _digits(run, row["start"])),
        "end_time": _time(row["end"], _digits(run, row["end"])),
        "additional_data": None,
        "execute_times": row["times"],
        "execute_agent": {"ip": row["agent"].ip, "port": row["agent"].port},
        "task_logs": None if row["state"] in {"PENDING", "READY"} else list(row["logs"]),
    }


def _times(run: DagRun, row: dict[str, Any]) -> dict[str, str]:
    return {"start_time": _time(row["start"], _digits(run, row["start"])), "end_time": _time(row["end"], _digits(run, row["end"]))}


def _node(run: DagRun, stage: int, t: int) -> dict[str, Any]:
    row: Row = run.nodes[stage]
    now = row.at(t)
    return {
        "id": run.node_ids[stage],
        "node_id": run.first_row_id + stage,
        "name": run.stages[stage].name,
        "state": now["state"],
        "operator": now["operator"],
        **_times(run, now),
        "additional_data": None,
        "sub_tasks": [_task(run, stage, index, t) for index in range(len(run.tasks[stage]))],
    }


def _dag(run: DagRun, t: int, *, details: bool, torn: int = 0) -> dict[str, Any]:
    now = run.dag.at(t)
    return {
        "id": run.gid,
        "dag_id": run.first_row_id,
        "name": run.name,
        "stage": now["stage"],
        "max_stage": len(run.stages),
        **({"maintenance_type": run.maintenance, "maintenance_key": run.maintenance_key} if run.version >= (4, 3, 1) else {}),
        "state": now["state"],
        "operator": now["operator"],
        **_times(run, now),
        "additional_data": run.data if details else None,
        "nodes": [_node(run, stage, t + (stage + 1) * torn) for stage in range(len(run.stages))] if details else None,
    }


def answer(run: DagRun, t: int, *, details: bool = True, torn: int = 0) -> dict[str, Any]:
    """``GET /task/dag/{id}`` at a true time; each node is read ``torn`` microseconds after the row before it."""
    return _envelope(run.server, t, _dag(run, t, details=details, torn=torn), f"dag:{run.gid}:{details}")


def listing(runs: Sequence[DagRun], t: int, *, details: bool = True) -> dict[str, Any]:
    """A list endpoint at a true time."""
    return _envelope(runs[0].server, t, {"contents": [_dag(run, t, details=details) for run in runs]}, "list")


def node_answer(run: DagRun, stage: int, t: int) -> dict[str, Any]:
    """``GET /task/node/{id}`` of a stage (from 1) at a true time: without its sub-tasks."""
    return _envelope(run.server, t, {**_node(run, stage - 1, t), "sub_tasks": None}, f"node:{run.gid}")


def sub_task_answer(run: DagRun, stage: int, index: int, t: int) -> dict[str, Any]:
    """``GET /task/sub_task/{id}`` at a true time."""
    return _envelope(run.server, t, _task(run, stage - 1, index, t), f"task:{run.gid}")


def log_answer(run: DagRun, stage: int, index: int, t: int) -> dict[str, Any]:
    """``GET /task/sub_task/{id}/logs`` at a true time: every line with its attempt and time."""
    row = run.tasks[stage - 1][index].at(t)
    task_id = _task(run, stage - 1, index, t)["task_id"]
    contents = []
    for number, (line, (attempt, written)) in enumerate(zip(row["logs"], row["marks"], strict=True), start=1):
        shown = _time(run.maintainer.clock(written))
        times = {"create_time": shown, "update_time": shown}
        record = {"id": task_id * 100 + number, "sub_task_id": task_id, "execute_times": attempt, "log_content": line}
        contents.append({**record, "is_sync": not run.is_cluster, **times})
    return _envelope(run.server, t, {"contents": contents}, f"logs:{run.gid}")
