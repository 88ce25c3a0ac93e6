"""Analyses: each turns an archive into one new frame. Its module has the name of the function, after an underscore.

A module is imported when one of its names is first asked for: importing all of them takes longer than many an analysis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.analysis._check import Gate, check, check_gate, compare_gate
    from daganalysis.analysis._clock_skew import clock_skew
    from daganalysis.analysis._compare import compare, left_out
    from daganalysis.analysis._critical_path import critical_path
    from daganalysis.analysis._events import events
    from daganalysis.analysis._failures import coverage, failures
    from daganalysis.analysis._lock_conflicts import all_issues, lock_conflicts
    from daganalysis.analysis._locks import locks
    from daganalysis.analysis._outcome_rules import outcome_rules
    from daganalysis.analysis._retries import retries
    from daganalysis.analysis._retry_patterns import retry_patterns
    from daganalysis.analysis._runs import runs
    from daganalysis.analysis._stage_gaps import stage_gaps
    from daganalysis.analysis._stage_latency import stage_latency
    from daganalysis.analysis._stragglers import stragglers
    from daganalysis.analysis._summary import summary
    from daganalysis.analysis._time_budget import time_budget
    from daganalysis.analysis._trend import trend
    from daganalysis.analysis._trouble import trouble
    from daganalysis.analysis._what_if import what_if

__all__ = [
    "Gate",
    "all_issues",
    "check",
    "check_gate",
    "clock_skew",
    "compare",
    "compare_gate",
    "coverage",
    "critical_path",
    "events",
    "failures",
    "left_out",
    "lock_conflicts",
    "locks",
    "outcome_rules",
    "retries",
    "retry_patterns",
    "runs",
    "stage_gaps",
    "stage_latency",
    "stragglers",
    "summary",
    "time_budget",
    "trend",
    "trouble",
    "what_if",
]

_NO_ANALYSES = {
    "Gate": "_check",
    "all_issues": "_lock_conflicts",
    "check_gate": "_check",
    "compare_gate": "_check",
    "coverage": "_failures",
    "left_out": "_compare",
    "lock_conflicts": "_lock_conflicts",
}
"""The modules of the names that are not analyses."""


def __getattr__(name: str) -> object:
    """Import a name on first use, and keep it. An analysis is done by the workers of an archive that has some."""
    import importlib

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_NO_ANALYSES.get(name, f'_{name}')}"), name)
    if name not in _NO_ANALYSES:
        from daganalysis.analysis._spread import spread

        value = spread(value)  # type: ignore[arg-type]
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not, and nothing that only serves this module."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
