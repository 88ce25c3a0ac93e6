"""A fleet's summary as OpenMetrics text, for Prometheus and other programs that read its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis import summary
from daganalysis.engine.vocabulary import RUN_OUTCOMES
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.escaping import for_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_GAUGES = {
    "engine_share": ("daganalysis_engine_ratio", "Share of elapsed time that the engine spent dispatching, detecting and handing over."),
    "retry_share": ("daganalysis_retried_ratio", "Share of runs that a person retried at least once."),
}
_ELAPSED = "daganalysis_elapsed_seconds"
_RUNS = "daganalysis_runs"


def open_metrics(archive: Archive) -> str:
    """Return the summary of an archive in the OpenMetrics text format: gauges by workflow, and runs by workflow and outcome.

    A number that is unknown has no line.
    """
    rows = rows_of(summary(archive))
    lines = [f"# TYPE {_RUNS} gauge", f"# HELP {_RUNS} Runs in the archive, by workflow and outcome."]
    for row in rows:
        lines += [f"{_RUNS}{_labels(row, outcome=outcome)} {row[outcome]}" for outcome in RUN_OUTCOMES if row[outcome]]
    lines += [f"# TYPE {_ELAPSED} gauge", f"# UNIT {_ELAPSED} seconds", f"# HELP {_ELAPSED} Elapsed time of the runs of a workflow."]
    for row in rows:
        lines += _known(_ELAPSED, row, {"0.5": row["elapsed_p50_s"], "0.95": row["elapsed_p95_s"]})
    for column, (name, meaning) in _GAUGES.items():
        lines += [f"# TYPE {name} gauge", f"# UNIT {name} ratio", f"# HELP {name} {meaning}"]
        lines += [f"{name}{_labels(row)} {row[column]!r}" for row in rows if row[column] is not None]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _known(name: str, row: Row, values: dict[str, float | None]) -> Iterator[str]:
    for quantile, value in values.items():
        if value is not None:
            yield f"{name}{_labels(row, quantile=quantile)} {value!r}"


def _labels(row: Row, **more: str) -> str:
    labels = {"workflow": row["workflow"] or "", **more}
    quoted = (f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return "{" + ",".join(quoted) + "}"


def _escaped(text: str) -> str:
    return for_terminal(text).replace("\\", "\\\\").replace('"', '\\"')
