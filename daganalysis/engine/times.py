"""Which served times are true, by level, state and operator (engine-semantics §3).

The server overwrites its rows, so a time is meaningful only in some states. In others it is the row's creation time, the previous
execution's value, a copy of the start, or the time of an operator's request. Placeholders are None here.
"""

from __future__ import annotations

import enum
from functools import lru_cache
from typing import NamedTuple

from daganalysis.engine.states import ENDED


class Meaning(enum.Enum):
    """What a served time means."""

    TRUE = "when it happened"
    CREATED = "when the row was created"
    PREVIOUS = "the previous execution's value"
    UNSET = "nothing yet"
    COPY = "a copy of the start"
    REQUEST = "the operator's request"


class Times(NamedTuple):
    """What the start and the end of an object in some state mean."""

    start: Meaning
    end: Meaning


_T, _CR, _PREV, _NONE, _COPY, _OP = (
    Meaning.TRUE,
    Meaning.CREATED,
    Meaning.PREVIOUS,
    Meaning.UNSET,
    Meaning.COPY,
    Meaning.REQUEST,
)
TRUE, CREATED, PREVIOUS = _T, _CR, _PREV
"""What every sub-task is asked for: to look a member of an enum up takes Python 3.11 longer than all else on the line."""
_NOTHING = Times(_NONE, _NONE)

SECOND_NS = 1_000_000_000
"""Nanoseconds of a second: times are counted in nanoseconds since 1970."""
QUARTER_HOUR_NS = 900 * SECOND_NS
"""Offsets of time zones are whole quarter hours."""

DEFAULT_DATABASE_OFFSET_NS = 8 * 4 * QUARTER_HOUR_NS
"""The zone of OceanBase's sessions unless it is set: +08:00 (engine-semantics §12)."""

TIMEOUT_NS = 3600 * SECOND_NS
"""How long a sub-task may run. A parameter may say otherwise, but no task of the engine has it in any version up to 4.5.0
(engine-semantics §2.7; engine/task/task.go)."""

SCHEDULER_STAMPED = frozenset({"cancelled", "timeout"})
"""The end of these attempts is stamped by the scheduler, whose clock is the DAG's own; of a timeout perhaps by the agent (engine-semantics
§2.7, §5)."""

SCHEDULER_SLEEP_S = 1.0
"""The scheduler sleeps this long between two passes (engine-semantics §2.1; constant/scheduler.go): a lower bound of its tick."""


@lru_cache(maxsize=1024)
def dag_times(state: str | None, operator: str | None) -> Times:
    """Return what a DAG's start and end mean.

    >>> dag_times("RUNNING", "RUN").end.value
    'nothing yet'
    """
    if state == "READY":
        return Times(_CR, _CR) if operator == "RUN" else _NOTHING
    if state == "RUNNING":
        return Times(_T, _NONE)
    if state in ENDED:
        return Times(_T, _OP if operator == "PASS" else _T)
    return _NOTHING


@lru_cache(maxsize=1024)
def node_times(state: str | None, operator: str | None, *, executed: bool) -> Times:
    """Return what a node's start and end mean. ``executed``: one of its sub-tasks was handed out."""
    if state == "PENDING":
        return Times(_CR, _CR) if operator == "RUN" else _NOTHING
    if state == "RUNNING":
        return Times(_T, _COPY)
    if state in ENDED:
        if operator is None and state == "SUCCEED":  # it may have been passed
            return Times(_T if executed else _NONE, _NONE)
        if operator == "PASS":
            return Times(_T if executed else _CR, _OP)
        return Times(_T, _T)
    return _NOTHING


@lru_cache(maxsize=4096)
def sub_task_times(state: str | None, operator: str | None, execute_times: int) -> Times:
    """Return what a sub-task's start and end mean. A cancel before the start is recognised elsewhere, from its log."""
    if execute_times <= 0:
        return Times(_CR, _OP if operator == "PASS" else _CR) if state in {"PENDING", "READY", *ENDED} else _NOTHING
    if state == "READY":
        return Times(_CR, _CR) if execute_times == 1 else Times(_PREV, _PREV)
    if state == "RUNNING":
        return Times(_T, _CR if execute_times == 1 else _PREV)
    if state in ENDED:
        if operator is None and state == "SUCCEED":  # it may have been passed
            return Times(_T, _NONE)
        return Times(_T, _OP if operator == "PASS" else _T)
    return _NOTHING
