"""What happened and where the time went, from saved obshell DAG task responses.

>>> import daganalysis as da
>>> archive = da.load("sample_data/documented/scale-out.json")
>>> float(da.time_budget(archive)["elapsed_s"].iloc[0])
28.613749

Nothing heavy is imported before it is used: each name below is looked up when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis import provided as _provided
from daganalysis.version import __version__ as __version__

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis import plots
    from daganalysis.analysis import (
        check,
        clock_skew,
        compare,
        critical_path,
        events,
        failures,
        locks,
        outcome_rules,
        retries,
        retry_patterns,
        runs,
        stage_gaps,
        stage_latency,
        stragglers,
        summary,
        time_budget,
        trend,
        trouble,
        what_if,
    )
    from daganalysis.archive import Archive, read_parquet
    from daganalysis.engine.user_catalogue import read_catalogue
    from daganalysis.errors import (
        DagAnalysisError,
        InputError,
        MissingExtraError,
        RejectedRecordsError,
        RunNotFoundError,
        SchemaVersionError,
        StoreBusyError,
        StoreError,
        UsageError,
    )
    from daganalysis.exports import write_export
    from daganalysis.loading import load, load_into_store
    from daganalysis.pages import gantt, write_report
    from daganalysis.plots import gantt_bars
    from daganalysis.redaction import redact

_PUBLIC_NAMES = {
    "daganalysis.archive": ("Archive", "read_parquet"),
    "daganalysis.engine.user_catalogue": ("read_catalogue",),
    "daganalysis.loading": ("load", "load_into_store"),
    "daganalysis.analysis": (
        "check",
        "clock_skew",
        "compare",
        "critical_path",
        "events",
        "failures",
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
    ),
    "daganalysis.plots": ("gantt_bars",),
    "daganalysis.redaction": ("redact",),
    "daganalysis.pages": ("gantt", "write_report"),
    "daganalysis.exports": ("write_export",),
    "daganalysis.errors": (
        "DagAnalysisError",
        "InputError",
        "MissingExtraError",
        "RejectedRecordsError",
        "RunNotFoundError",
        "SchemaVersionError",
        "StoreBusyError",
        "StoreError",
        "UsageError",
    ),
}
_MODULE_OF = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}

__all__ = [
    "Archive",
    "DagAnalysisError",
    "InputError",
    "MissingExtraError",
    "RejectedRecordsError",
    "RunNotFoundError",
    "SchemaVersionError",
    "StoreBusyError",
    "StoreError",
    "UsageError",
    "check",
    "clock_skew",
    "compare",
    "critical_path",
    "events",
    "failures",
    "gantt",
    "gantt_bars",
    "load",
    "load_into_store",
    "locks",
    "outcome_rules",
    "plots",
    "read_catalogue",
    "read_parquet",
    "redact",
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
    "write_export",
    "write_report",
]


def _worst_run(archive: Archive) -> pd.DataFrame:
    from daganalysis.analysis import runs

    return runs(archive, by="trouble", last=1)


_provided.worst_run = _worst_run


def __getattr__(name: str) -> object:
    """Import a name on first use, and keep it."""
    import importlib

    if name == "plots":
        value: object = importlib.import_module("daganalysis.plots")
    elif name in _MODULE_OF:
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not, and nothing that only serves this module."""
    return sorted([*__all__, *(name for name in globals() if name.startswith("__"))])
