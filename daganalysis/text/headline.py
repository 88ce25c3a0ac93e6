"""The headline of a run, and how often people acted on it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import words
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    from daganalysis.tables.plain_rows import Row

_FEW = 10
"""Up to this number, an upper bound is worth stating."""


def headline(run: Row) -> str:
    """Return the name of a run and its outcome. The sentence on the run (:func:`daganalysis.runs`) follows with the rest."""
    outcome = "outcome not known" if run["outcome"] == "unknown" else words(run["outcome"])
    return for_terminal(f"{run['name'] or 'unnamed DAG'}: {outcome}")


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
