"""The kind of a JSON object, by its own keys: an envelope, a DAG, a node, a sub-task, a row of a database, or something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.reading.answers import Kind
from daganalysis.reading.packed_text import is_encoded

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

ENVELOPE_KEYS = frozenset({"successful", "timestamp", "duration", "status", "traceId", "data", "error"})
PAYLOAD_KEYS = frozenset(
    ("id", "generic_id", "dag_id", "node_id", "task_id", "name", "stage", "max_stage", "maintenance_type", "maintenance_key", "state")
    + ("operator", "start_time", "end_time", "additional_data", "nodes", "sub_tasks", "execute_times", "execute_agent", "task_logs")
)
"""Keys of the task API's objects (engine-semantics §6)."""
_TASK_KEYS = frozenset({"task_id", "execute_times", "execute_agent", "task_logs"})
_DAG_KEYS = frozenset({"id", "generic_id", "dag_id", "state", "operator", "stage", "nodes", "start_time", "name"})
_DATABASE_KEYS = frozenset({"gmt_create", "gmt_modify", "is_finished", "is_maintenance", "executer_agent_ip", "struct_name", "log_content"})
_MARKS = (b"max_stage", b"dag_id", b"node_id", b"task_id", b"log_content", b"sub_tasks", b"generic_id", b"successful", b"traceId")
_KEYS = re.compile(rb'["\'](?:max_stage|dag_id|node_id|execute_times|sub_tasks|task_logs)\\*["\']+\s*:')


_LOG_SAMPLE = 1 << 20
"""Bytes of a file's beginning in which an entry of a log is looked for."""


def may_hold_answers(text: bytes | bytearray) -> bool:
    """Return quickly whether a text may hold answers, so that other texts are not searched."""
    return any(mark in text for mark in _MARKS) or is_encoded(text)


def names_a_dag(text: bytes) -> bool:
    """Return whether a text may hold a whole DAG or an envelope, not only parts of one: a quick look."""
    return b"max_stage" in text or b"successful" in text or b"dag_id" in text or is_encoded(text)


def looks_like_answer(text: bytes) -> bool:
    """Return whether a text has keys that only the task API's objects have, so that a person must hear of it if it cannot be used."""
    return _KEYS.search(text) is not None


def may_hold_log(head: bytes) -> bool:
    """Tell by a look at its beginning whether a text may be an obshell.log in some wrapping."""
    return head.find(b"] [", 0, _LOG_SAMPLE) >= 0 or b"\0" in head[:4]


def is_envelope(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Return whether an object is an answer's envelope, even if a wrapper has added fields."""
    names = fields.keys()
    if "successful" in names:
        return "max_stage" not in names
    n_own = len(names & ENVELOPE_KEYS)
    if "id" in names or n_own == 0 or not ("data" in names or "error" in names or "traceId" in names):
        return False
    if bytes(fields.get("status", b""))[:1] == b'"' and "traceId" not in names:
        return False  # as many services answer
    return n_own == len(names) or n_own >= 3


def kind_of_object(fields: Mapping[str, msgspec.Raw]) -> Kind | None:
    """Return what an object is by the keys that no other endpoint's objects have together (engine-semantics §6)."""
    names = fields.keys()
    if (
        ("max_stage" in names and not names.isdisjoint(_DAG_KEYS))
        or ("nodes" in names and "stage" in names)
        or names >= {"dag_id", "state", "operator"}
    ):
        return Kind.DAG
    if "state" not in names and "operator" not in names:
        return None
    if "node_id" in names or "sub_tasks" in names:
        return Kind.NODE
    # Jobs of other endpoints have a `task_id` too. A sub-task has more fields than that, even if some are missing.
    return Kind.SUB_TASK if len(names & _TASK_KEYS) > 1 or names >= {"task_id", "state", "operator", "start_time"} else None


def is_database_row(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Return whether an object is a row of the engine's tables, whose states and operators are numbers and whose ids are others."""
    names = fields.keys()
    if "max_stage" in names or "dag_stage" in names or "execute_times" in names:
        both = bytes(fields.get("state", b"")).isdigit() and bytes(fields.get("operator", b"")).isdigit()
        return not names.isdisjoint(_DATABASE_KEYS - {"log_content"}) or (both and names.isdisjoint({"dag_id", "nodes"}))
    return False


def is_table_row(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Return whether an object is a row of a table of this package and nothing more. No object of the task API has a ``run_id``."""
    if "run_id" not in fields or "id" in fields or "generic_id" in fields:
        return False
    return not any(bytes(raw)[:1] == b"{" or looks_like_answer(bytes(raw)) for raw in fields.values())


def is_log_record(text: bytes) -> bool:
    """Return whether the first of some objects is a record of the log endpoint."""
    return text[:1] == b"{" and b'"log_content"' in text and b'"gmt_create"' not in text
