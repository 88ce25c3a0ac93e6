"""The engine's objects as one answer showed them: DAG, node, sub-task and log record, without details of the notation.

Instants are nanoseconds since 1970 in UTC, None for the server's placeholders (epoch, year 1) and for anything that is no instant. A field
that was missing or of a wrong type is None. ``moved`` is the amount by which times were moved, because the database's zone is not the zone
of their label. The served times are earlier by that amount.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

# Hundreds of thousands of these are made: as structs they are made in C, and as they refer to no object that could refer back to them,
# the collector need not go through them.


class SubTask(msgspec.Struct, gc=False):
    """One sub-task as one answer showed it."""

    gid: str
    task_id: int | None = None
    name: str | None = None
    state: str | None = None
    operator: str | None = None
    start: int | None = None
    end: int | None = None
    additional_data: str | None = None
    execute_times: int | None = None
    agent_ip: str | None = None
    agent_port: int | None = None
    logs: list[str] | None = None
    moved: int = 0


class Node(msgspec.Struct, gc=False):
    """One node as one answer showed it; ``sub_tasks`` is None if they were not shown."""

    gid: str
    node_id: int | None = None
    name: str | None = None
    state: str | None = None
    operator: str | None = None
    start: int | None = None
    end: int | None = None
    additional_data: str | None = None
    sub_tasks: list[SubTask] | None = None
    moved: int = 0


class Dag(msgspec.Struct, gc=False):
    """One DAG's own fields as one answer showed them (its nodes are decoded apart, each different text once)."""

    gid: str
    dag_id: int | None = None
    name: str | None = None
    stage: int | None = None
    max_stage: int | None = None
    state: str | None = None
    operator: str | None = None
    start: int | None = None
    end: int | None = None
    maintenance_type: int | None = None
    maintenance_key: str | None = None
    additional_data: str | None = None
    utc_offset_s: int | None = None
    just_created: bool = False
    """Its times are Go's zero time: the answer to the request that created it."""
    moved: int = 0


class LogRecord(msgspec.Struct, gc=False):
    """One record of ``GET /sub_task/{id}/logs``: a line with the row id of its sub-task, the attempt that wrote it, and when."""

    task_id: int | None
    attempt: int | None
    line: str
    at: int | None = None


class Problem(msgspec.Struct, frozen=True, gc=False):
    """A value that could not be used: where in the object (JSON pointer), which issue code, and in words."""

    pointer: str
    code: str
    message: str
    severity: str = "warning"


class Decoded(msgspec.Struct, Generic[T]):
    """A decoded object with what was wrong with it."""

    value: T
    problems: list[Problem] = msgspec.field(default_factory=list)
