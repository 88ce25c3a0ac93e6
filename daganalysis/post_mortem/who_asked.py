"""Who asked for what during a run, from where, and what the agent answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.text.humanize import plural
from daganalysis.text.requesters import requester

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row
    from daganalysis.text.zones import Zone

_MOST_SHOWN = 16
_WORDS = {"pass_node": "pass of stage"}


def request_lines(facts: RunFacts, zone: Zone) -> list[str]:
    """Tell every request to the run that an agent's log shows, in order of time; nothing where no log does."""
    told = [row for row in facts.operations if row["at"] is not None]
    if not told:
        return []
    lines = ["\n".join(_lines(row, zone)) for row in told]
    if len(lines) > _MOST_SHOWN:
        half = _MOST_SHOWN // 2
        lines = [*lines[:half], f"  … {plural(len(lines) - 2 * half, 'request')} between …", *lines[-half:]]
    return [f"Who asked for what (times in {zone.name})", *lines]


def _lines(row: Row, zone: Zone) -> list[str]:
    what = _WORDS.get(row["operation"], row["operation"])
    stage = f" {row['stage']}" if row["operation"] == "pass_node" and row["stage"] is not None else ""
    lines = [f"  {zone.full(row['at'])[5:19]}  {what}{stage}, {requester(row)}"]
    if row["result"] == "refused":
        lines.append(f"{'':18}refused: {row['error_code'] or 'the code was not logged'}")
    elif row["result"] == "unknown":
        lines.append(f"{'':18}no answer was logged")
    return lines
