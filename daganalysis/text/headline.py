"""One sentence about a run: its name, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    from daganalysis.tables.plain_rows import Row

_SENTENCES = {
    "succeeded": "succeeded",
    "succeeded_after_retry": "succeeded after {retries}",
    "succeeded_with_node_pass": "succeeded, but a person passed {stages_passed}",
    "passed": "passed {where}{work}",
    "rolled_back": "rolled back {from_where}",
    "rollback_failed": "its rollback failed {where}",
    "cancelled": "cancelled by a person {where}",
    "failed": "failed {where}",
    "waiting": "waiting, on purpose, for its main DAG to advance it {where}",
    "running": "still running when last seen, {where}",
    "not_started": "not started when last seen",
    "unknown": "ended in a way the rules do not know (state {state}, operator {operator})",
}


_FEW = 10
"""Bounds up to this tell something; beyond it only the lower one does."""
_UNTOLD = {
    ("SUCCEED", "RUN"): "succeeded; whether after a retry is not known",
    ("FAILED", "RUN"): "failed, or waiting for its main DAG; not known which",
}
"""What answers without details leave open."""


def headline(run: Row, nodes: list[Row]) -> str:
    """Return in one sentence how the run ended."""
    passed = [str(node["stage"]) for node in nodes if node["outcome"] == "passed" and node["stage"] is not None]
    undecided = _UNTOLD.get((run["state"], run["operator"])) if run["outcome"] == "unknown" else None
    sentence = (undecided or _SENTENCES.get(run["outcome"], _SENTENCES["unknown"])).format(
        retries=retries_text(run) or "a retry",
        where=_where(run, nodes, run["stage"]),
        from_where=_where(run, nodes, _highest_undone(nodes)).replace("at", "from", 1),
        state=run["state"],
        operator=run["operator"],
        work={True: ", its work done", False: ", its work not done"}.get(run["work_ok"], ""),
        stages_passed=f"stage {', '.join(passed)}" if passed else "a stage",
    )
    return for_terminal(f"{run['name'] or 'unnamed DAG'}: {sentence}".rstrip(" ,"))


def _highest_undone(nodes: list[Row]) -> int | None:
    """Return the stage that a rollback began at: where the run had failed."""
    return max((node["stage"] for node in nodes if node["outcome"] == "rolled_back" and node["stage"] is not None), default=None)


def _where(run: Row, nodes: list[Row], stage: int | None) -> str:
    if stage is None:
        return ""
    name = next((node["name"] for node in nodes if node["stage"] == stage), None)
    of_all = f" of {run['max_stage']}" if run["max_stage"] else ""
    return f"at stage {stage}{of_all}" + (f", {name}" if name else "")


def retries_text(run: Row) -> str:
    """Return in words how often a run was retried; empty if it was not."""
    return _counted(run["retries_min"], run["retries_max"], "retry", "retries")


def rollbacks_text(run: Row) -> str:
    """Return in words how often a run was rolled back; empty if it was not."""
    return _counted(run["rollbacks_min"], run["rollbacks_max"], "rollback", "rollbacks")


def _counted(least: int | None, most: int | None, one: str, many: str) -> str:
    if least == most and most is not None:
        return plural(most, one, many) if most else ""
    if most is not None and most <= _FEW:
        return f"{least or 0} to {most} {many}"
    return f"at least {plural(least, one, many)}" if least else f"number of {many} unknown"
