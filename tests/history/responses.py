"""Builders of answers: state only what matters, the rest is a healthy default. Times are seconds after 2025-01-01 00:00 UTC."""

from __future__ import annotations

import json
from typing import Any

from daganalysis.reading.answers import Answer, Kind

EPOCH_NS = 1_735_689_600 * 1_000_000_000


def ns(seconds: float) -> int:
    """Seconds after the builders' zero as nanoseconds since 1970."""
    return EPOCH_NS + round(seconds * 1_000_000) * 1_000


def when(seconds: float | None) -> str:
    """Seconds after the builders' zero as the server writes it; None is the epoch placeholder of a server at +08:00."""
    if seconds is None:
        return "1970-01-01T08:00:00+08:00"
    micros = round(seconds * 1_000_000)
    clock, rest = divmod(micros, 1_000_000)
    return f"2025-01-01T{clock // 3600:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}.{rest:06d}Z"


def sub_task(
    state: str = "SUCCEED",
    start: float | None = 1.05,
    end: float | None = 2.0,
    *,
    gid: str = "11",
    operator: str = "RUN",
    times: int = 1,
    logs: list[str] | None = None,
    ip: str = "192.0.2.1",
    name: str = "Work",
) -> dict[str, Any]:
    """One sub-task of an answer."""
    return {
        "id": gid,
        "task_id": int(gid[-4:]),
        "name": name,
        "state": state,
        "operator": operator,
        "start_time": when(start),
        "end_time": when(end),
        "additional_data": None,
        "execute_times": times,
        "execute_agent": {"ip": ip, "port": 2886},
        "task_logs": [] if logs is None else logs,
    }


def node(
    *sub_tasks: dict[str, Any],
    state: str = "SUCCEED",
    start: float | None = 1.01,
    end: float | None = 2.5,
    gid: str = "11",
    operator: str = "RUN",
    name: str = "Work",
) -> dict[str, Any]:
    """One node of an answer."""
    return {
        "id": gid,
        "node_id": int(gid[-4:]),
        "name": name,
        "state": state,
        "operator": operator,
        "start_time": when(start),
        "end_time": when(end),
        "additional_data": None,
        "sub_tasks": list(sub_tasks),
    }


def dag(
    *nodes: dict[str, Any],
    state: str = "SUCCEED",
    start: float | None = 1.0,
    end: float | None = 2.51,
    at: float = 100.0,
    gid: str = "11",
    operator: str = "RUN",
    name: str = "Create tenant t1",
    stage: int = 1,
    max_stage: int | None = None,
    data: dict[str, Any] | None = None,
    cluster: str | None = None,
    source: str = "a.json",
    details: bool = True,
) -> Answer:
    """One DAG answer, asked for at ``at``."""
    body = {
        "id": gid,
        "dag_id": 1,
        "name": name,
        "stage": stage,
        "max_stage": len(nodes) if max_stage is None else max_stage,
        "state": state,
        "operator": operator,
        "start_time": when(start),
        "end_time": when(end),
        "additional_data": data,
    }
    texts = [json.dumps(one).encode() for one in nodes] if details else None
    return Answer(Kind.DAG, gid, json.dumps(body).encode(), texts, cluster, source, "byte 0 /data", ns(at), 0, f"trace{at}")


def log_lines(task_id: int, *lines: tuple[int, str], at: float = 200.0) -> Answer:
    """One answer of the log endpoint: the lines of a sub-task, each with the attempt that wrote it."""
    records = [{"sub_task_id": task_id, "execute_times": attempt, "log_content": line} for attempt, line in lines]
    return Answer(Kind.LOGS, str(task_id), json.dumps(records).encode(), source="logs.json", position="byte 0 /data", observed_at=ns(at))
