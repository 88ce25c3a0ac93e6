"""Who asked for what during a run, from where, and what the agent answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.text.humanize import plural
from daganalysis.text.requesters import requester

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row
    from daganalysis.text.zones import Zone

_MOST_SHOWN = 16
_WORDS = {"pass_node": "pass of stage"}


def request_lines(facts: RunFacts, zone: Zone) -> list[str]:
    """List every request to the run, in order of time: those in agents' logs, and those that the states of the run prove.

    That the run was created is told elsewhere, unless a log names who asked.
    """
    requests = [row for row in facts.operations if row["at"] is not None or row["operation"] != "create"]
    requests = sorted(requests, key=lambda row: _moment(row) or 0)
    if not requests:
        return []
    is_child = facts.run["parent_run_id"] is not None
    lines = ["\n".join(_lines(row, requester(row, of_child=is_child), zone)) for row in requests]
    if len(lines) > _MOST_SHOWN:
        half = _MOST_SHOWN // 2
        lines = [*lines[:half], f"  … {plural(len(lines) - 2 * half, 'request')} between …", *lines[-half:]]
    return [f"Who asked for what (times in {zone.name})", *lines]


def _lines(row: Row, who: str, zone: Zone) -> list[str]:
    what = _WORDS.get(row["operation"], row["operation"])
    stage = f" {row['stage']}" if row["operation"] == "pass_node" and row["stage"] is not None else ""
    indent = " " * (25 if zone.changes else 18)
    if row["at"] is None:
        return [*_bounds(row, zone), f"{indent}{what}{stage}, {who}; no log tells from where"]
    lines = [f"  {zone.short(row['at'])}  {what}{stage}, {who}"]
    if row["result"] == "refused":
        lines.append(f"{indent}refused: {row['error_code'] or 'the code was not logged'}")
    elif row["result"] == "unknown":
        lines.append(f"{indent}no answer was logged")
    return lines


def _moment(row: Row) -> Any:
    """Return when a request came, or the latest that it can have come."""
    return next((row[name] for name in ("at", "at_max", "at_min") if row[name] is not None), None)


def _bounds(row: Row, zone: Zone) -> list[str]:
    """Return between which moments a request came."""
    first, last = (None if row[name] is None else zone.short(row[name]) for name in ("at_min", "at_max"))
    if first is None:
        return [f"  by {last}" if last is not None else "  at an unknown time"]
    return [f"  {first} to {last}" if last is not None else f"  after {first}"]
