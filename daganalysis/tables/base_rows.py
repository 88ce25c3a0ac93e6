"""Rows of the base tables as typed records: the fields of each are the columns of its table, by name.

Rows are made by keyword, and whole columns by name, so the order of values cannot be wrong. A test compares these records with the
declarations. Served times and actual times have different types, and so do starts and ends, so none can be used for another. ``duration_s``
is not a field; it follows from ``started_at`` and ``ended_at``.
"""

from __future__ import annotations

from typing import NewType, TypedDict

import msgspec

ServedStart = NewType("ServedStart", int)
"""A start as served, nanoseconds since 1970 in UTC."""
ServedEnd = NewType("ServedEnd", int)
"""An end as served, nanoseconds since 1970 in UTC."""
StartedAt = NewType("StartedAt", int)
"""When something began, nanoseconds since 1970 in UTC."""
EndedAt = NewType("EndedAt", int)
"""When something ended, nanoseconds since 1970 in UTC."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of a base table."""


class DagRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``dags``."""

    run_id: str
    cluster: str | None
    dag_gid: str
    dag_id: int | None
    name: str | None
    workflow: str | None
    scope: str | None
    owner_agent: str | None
    stage: int | None
    max_stage: int | None
    state: str | None
    operator: str | None
    outcome: str
    work_ok: bool | None
    start_time: ServedStart | None
    end_time: ServedEnd | None
    created_at: int | None
    started_at: StartedAt | None
    ended_at: EndedAt | None
    elapsed_s: float | None
    active_s: float | None
    last_leg_s: float | None
    n_nodes: int
    n_sub_tasks: int
    n_agents: int
    n_snapshots: int
    retries_min: int
    retries_max: int | None
    rollbacks_min: int
    rollbacks_max: int | None
    elapsed_min_s: float | None
    elapsed_max_s: float | None
    parent_run_id: str | None
    maintenance_type: int | None
    maintenance_key: str | None
    additional_data: str | None
    utc_offset_s: int | None
    first_observed_at: int | None
    last_observed_at: int | None
    history: str


class NodeRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``nodes``."""

    run_id: str | None
    stage: int | None
    node_gid: str
    node_id: int | None
    name: str | None
    state: str | None
    operator: str | None
    outcome: str
    start_time: ServedStart | None
    end_time: ServedEnd | None
    started_at: StartedAt | None
    ended_at: EndedAt | None
    n_sub_tasks: int
    additional_data: str | None


class LinkRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``links``."""

    parent_run_id: str
    child_run_id: str | None
    child_gid: str
    agent: str | None
    kind: str
    evidence: str


class OperationRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``operations``."""

    run_id: str | None
    cluster: str | None
    at: int | None
    at_min: int | None
    at_max: int | None
    operation: str
    stage: int | None
    actor: str
    client: str | None
    agent: str | None
    result: str
    error_code: str | None
    evidence: str
    source: str | None


class AgentRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``agents``."""

    cluster: str | None
    agent: str
    agent_ip: str | None
    agent_port: int | None
    zone: str | None
    identity: str | None
    obshell_version: str | None
    ob_version: str | None
    observed_at: int | None
    source: str


class FailedAttemptRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``failed_attempts``."""

    run_id: str
    stage: int | None
    task_gid: str
    attempt: int | None
    kind: str
    started_at: StartedAt | None
    outcome: str
    agent: str | None
    evidence: str
    line: str | None
    error_code: str | None


class AgentEventRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``agent_events``."""

    cluster: str | None
    at: int
    agent: str
    event: str
    detail: str | None = None
    source: str | None


class MaintenanceLockRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``maintenance_locks``."""

    cluster: str | None
    lock: str
    key: str
    held: bool
    dag_gid: str | None
    locked_at: int | None
    n_taken: int | None
    observed_at: int | None
    source: str


class IssueRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``issues``."""

    severity: str
    code: str
    source: str | None
    position: str | None
    run_id: str | None
    message: str
    hint: str | None


class ClockOffsetRow(Row, frozen=True, kw_only=True, gc=False):
    """One row of ``clock_offsets``."""

    run_id: str
    stage: int | None
    agent: str
    ahead_s: float | None
    ahead_min_s: float | None
    ahead_max_s: float | None


# -- tables with many rows, which are made column by column ----------------------------------------------------------------------------


class SnapshotColumns(TypedDict):
    """The columns of ``snapshots``."""

    run_id: list[str]
    source: list[str]
    position: list[str]
    observed_at: list[int | None]
    trace_id: list[str | None]
    http_status: list[int | None]
    request_ms: list[int | None]
    state: list[str | None]
    operator: list[str | None]
    stage: list[int | None]
    n_nodes: list[int | None]


class SubTaskColumns(TypedDict):
    """The columns of ``sub_tasks``."""

    run_id: list[str | None]
    stage: list[int | None]
    node_gid: list[str | None]
    task_gid: list[str]
    task_id: list[int | None]
    name: list[str | None]
    state: list[str | None]
    operator: list[str | None]
    outcome: list[str]
    execute_times: list[int | None]
    agent: list[str | None]
    agent_ip: list[str | None]
    agent_port: list[int | None]
    start_time: list[ServedStart | None]
    end_time: list[ServedEnd | None]
    started_at: list[StartedAt | None]
    ended_at: list[EndedAt | None]
    task_logs: list[list[str] | None]
    additional_data: list[str | None]


class AttemptColumns(TypedDict):
    """The columns of ``attempts``."""

    run_id: list[str | None]
    stage: list[int | None]
    task_gid: list[str]
    attempt: list[int | None]
    kind: list[str]
    started_at: list[StartedAt | None]
    ended_at: list[EndedAt | None]
    outcome: list[str]
    agent: list[str | None]
    evidence: list[str]


class TimelineColumns(TypedDict):
    """The columns of ``timeline``."""

    run_id: list[str]
    seq: list[int]
    started_at: list[StartedAt]
    ended_at: list[EndedAt]
    category: list[str]
    leg: list[int]
    from_stage: list[int | None]
    to_stage: list[int | None]
    direction: list[str]
    evidence: list[str]


ROWS: dict[str, type[Row]] = {
    "dags": DagRow,
    "nodes": NodeRow,
    "links": LinkRow,
    "operations": OperationRow,
    "agents": AgentRow,
    "agent_events": AgentEventRow,
    "failed_attempts": FailedAttemptRow,
    "maintenance_locks": MaintenanceLockRow,
    "issues": IssueRow,
    "clock_offsets": ClockOffsetRow,
}
"""The record of one row, by table."""
COLUMNS: dict[str, type] = {
    "snapshots": SnapshotColumns,
    "sub_tasks": SubTaskColumns,
    "attempts": AttemptColumns,
    "timeline": TimelineColumns,
}
"""The record of all columns, by table."""
