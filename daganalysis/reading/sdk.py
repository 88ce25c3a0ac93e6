"""Objects of the obshell Python SDK, and what was dumped from them, as the API would have written them (engine-semantics §9)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from typing import Any

import msgspec

from daganalysis.errors import InputError

_LEVELS = ("nodes", "sub_tasks")
_DEEPEST = 64
_NUMBERS = frozenset({"dag_id", "node_id", "task_id", "stage", "max_stage", "execute_times"})
_NOTHING = ("None", "(None,)")
"""How the SDK prints a field without a value."""


def to_json(value: object) -> bytes:
    """Return the JSON text of a decoded response, of an SDK object, or of a list of either.

    Raises :class:`InputError` for anything that is neither.
    """
    try:
        return msgspec.json.encode(_plain(value, 0))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            "not a saved response", where=type(value).__name__, hint=f"give paths, bytes, dicts, lists or SDK objects ({error})"
        ) from None


def _plain(value: Any, depth: int) -> Any:
    """Reduce a value to what JSON knows; the SDK's objects keep their fields as attributes."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply, or it contains itself")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth + 1)
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), depth + 1) for f in dataclasses.fields(value)}
    if hasattr(value, "__dict__") and not isinstance(value, type) and vars(value):
        return {key: _plain(item, depth + 1) for key, item in vars(value).items() if not key.startswith("_")}
    raise TypeError(f"{type(value).__name__} cannot be part of a response")


def from_sdk(text: bytes) -> bytes:
    """Rewrite an object that the SDK made: `generic_id` for `id`, a node's additional data in a list of one, the agent as one text."""
    return msgspec.json.encode(_rewritten(msgspec.json.decode(text)))


def _unprinted(name: str, value: Any) -> Any:
    """Undo what printing one of the SDK's objects did to a field: everything in it became a text."""
    if isinstance(value, str) and value in _NOTHING:
        return None
    return int(value) if name in _NUMBERS and isinstance(value, str) and value.isdecimal() and len(value) < 20 else value


def _rewritten(fields: Any) -> Any:
    if not isinstance(fields, dict):
        return fields
    result = {("id" if key == "generic_id" else key): _unprinted(key, value) for key, value in fields.items()}
    data = result.get("additional_data")
    if isinstance(data, list):
        result["additional_data"] = data[0] if len(data) == 1 else None
    agent = result.get("execute_agent")
    if isinstance(agent, str):
        ip, _, port = agent.rpartition(":")
        result["execute_agent"] = {"ip": ip.strip("[]"), "port": int(port) if port.isdigit() and len(port) < 6 else None}
    for level in _LEVELS:
        if isinstance(result.get(level), list):
            result[level] = [_rewritten(item) for item in result[level]]
    return result
