"""Tables of a page: rows of a declared table, ready to be shown, each column with its label, its kind and its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import words
from daganalysis.tables import Type
from daganalysis.tables.plain_rows import instant_texts, raw_rows
from daganalysis.text.humanize import MISSING, human_duration, human_number, human_share
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from daganalysis.tables import Column, Table
    from daganalysis.tables.plain_rows import Row

_LABELS: MappingProxyType[str, str] = MappingProxyType(
    {
        "run_id": "run",
        "n_runs": "runs",
        "work_ok": "work done",
        "n_agents": "agents",
        "n_agents_max": "most agents",
        "elapsed_p50_s": "elapsed, median",
        "elapsed_p95_s": "elapsed, 95 %",
        "last_run_id": "newest run",
        "max_run_id": "run of the longest",
        "example_run_id": "example run",
        "p50_s": "median",
        "p95_s": "95 %",
        "max_s": "longest",
        "n_censored": "unfinished",
        "n": "n",
        "skew_p50": "times the others' work",
        "slowest_low": "slowest, at least",
        "slowest_high": "slowest, at most",
        "barrier_wait_s": "others waited",
        "work_p50_s": "its work, median",
        "succeeded_after_share": "succeeded after",
        "retries_p50": "retries, median",
        "n_retried": "runs retried",
        "n_needed": "runs needed",
        "example_line": "example line",
        "n_slowest": "times slowest",
        "flagged": "shown slow",
        "late_p50_s": "late, median",
        "at_run_id": "from run",
        "retries_min": "retries, at least",
        "ci_low": "ratio, low",
        "ci_high": "ratio, high",
        "p_value": "p",
        "n_base": "n before",
        "n_candidate": "n after",
        "base_s": "before",
        "candidate_s": "after",
        "diff_s": "difference",
        "name": "stage name",
        "conclusion": "what happened",
    }
)
"""The label of a column, if it is not its name without underscores."""
_LONG_TEXT = frozenset({"message", "hint", "example_line", "first_error", "signature", "line"})
_RUNS = frozenset({"run_id", "last_run_id", "max_run_id", "min_run_id", "example_run_id", "at_run_id", "child_run_id", "parent_run_id"})
_SHARES = frozenset({"slowest_low", "slowest_high", "confidence"})
_CODES = frozenset({"agent", "slowest_agent", "agents", "error_code", "code", "source", "position", "task_gid"})


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """One column: the key of its values in a row, its label, its kind (the format of its values), and its meaning.

    ``is_upright``: its label stands upright, because it is much wider than the values.
    """

    name: str
    label: str
    kind: str
    meaning: str
    is_upright: bool = False


@dataclass(frozen=True, slots=True)
class ShownTable:
    """One table of a page. ``rows`` are some of ``n_all`` rows, in the order that ``order`` names, with raw values and None for nulls.

    ``command`` is the command of ``daganalysis`` that prints all of them.
    """

    name: str
    title: str
    row: str
    order: str
    command: str
    columns: tuple[ShownColumn, ...]
    rows: list[Row]
    n_all: int

    @property
    def left_out(self) -> str:
        """Return in words which rows are not shown, and how to see them; empty if all are shown."""
        if self.n_all == len(self.rows):
            return ""
        return f"The first {len(self.rows):,} of {self.n_all:,}, {self.order}. All of them: daganalysis {self.command}"

    def plain(self) -> dict[str, Any]:
        """Return the table as plain data, for ``report.json``."""
        return {
            "row": self.row,
            "order": self.order,
            "n_all": self.n_all,
            "n_shown": len(self.rows),
            "columns": {column.name: column.meaning for column in self.columns},
            "rows": self.rows,
        }


def shown_table(
    frame: pd.DataFrame,
    table: Table,
    columns: Sequence[str],
    *,
    title: str,
    order: str,
    most: int,
    command: str,
    name: str = "",
    row: str = "",
    extra: Sequence[Column] = (),
    upright: Sequence[str] = (),
) -> ShownTable:
    """Show some columns of a frame of a declared table: its first ``most`` rows, in the order they have.

    ``extra`` declares columns that were added to the frame. Columns with nothing in them are left out. The labels of ``upright`` columns
    stand upright.
    """
    import dataclasses

    widened = dataclasses.replace(table, columns=(*table.columns, *extra))
    declared = {column.name: column for column in widened.columns}
    kept = [name for name in columns if name in frame.columns and frame[name].notna().any()]
    # The values go out in the order of the declaration; rows are dictionaries, so the order of the columns is ours.
    return ShownTable(
        name=name or table.name,
        title=title,
        row=row or table.row,
        order=order,
        command=command,
        columns=tuple(
            dataclasses.replace(shown_column(declared[name], of_dags=table.name == "dags"), is_upright=name in upright) for name in kept
        ),
        rows=[{name: values[name] for name in kept} for values in raw_rows(frame[kept].head(most), widened)],
        n_all=len(frame),
    )


def shown_column(column: Column, *, of_dags: bool = False) -> ShownColumn:
    """Return in words how a declared column is shown; ``name`` is the stage's in every table but that of the DAGs.

    >>> from daganalysis.tables import Column, Type
    >>> shown_column(Column("gap_s", Type.REAL, "length, seconds")).kind
    'duration'
    """
    plain_name = column.name.removesuffix("_s").removeprefix("n_").replace("_", " ")
    label = "name" if of_dags and column.name == "name" else _LABELS.get(column.name, plain_name)
    meaning = column.meaning + (f" (nothing where: {column.null_when})" if column.null_when else "")
    return ShownColumn(column.name, label, _kind(column), meaning)


def _kind(column: Column) -> str:
    if column.name in _RUNS:
        return "run"
    if column.name in _CODES:
        return "code"
    if column.name in _LONG_TEXT:
        return "line"
    if column.name == "conclusion":
        return "sentence"
    if column.name in {"outcome", "verdict", "severity"}:
        return "outcome"
    if column.type is Type.REAL:
        is_share = column.name.endswith("_share") or column.name in _SHARES
        return "duration" if column.name.endswith("_s") else "share" if is_share else "number"
    return {Type.INTEGER: "count", Type.INSTANT: "instant"}.get(column.type, "text")


def cell_text(value: Any, kind: str, zone: Zone = UTC) -> str:
    """Write a raw value of a row as a person reads it; null is a dash.

    >>> cell_text(12.5, "duration"), cell_text(1234, "count"), cell_text("2024-01-09T12:40:01.7Z", "instant"), cell_text(None, "text")
    ('12.5 s', '1,234', '2024-01-09 12:40:01', '-')
    """
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if kind == "duration":
        return human_duration(value)
    if kind == "share":
        return human_share(value)
    if kind == "count":
        return f"{value:,}"
    if kind == "number":
        return human_number(value)
    if kind == "instant":
        return zone.of_text(str(value))
    return words(str(value)) if kind == "outcome" else str(value)


def plain_row(row: Row) -> Row:
    """Return a row with its instants as RFC 3339, so that JSON can say it.

    >>> import pandas as pd
    >>> plain_row({"at": pd.Timestamp("2024-01-09T12:40:01.5Z"), "n": 1})
    {'at': '2024-01-09T12:40:01.500000000Z', 'n': 1}
    """
    import pandas as pd

    return {
        name: instant_texts(pd.Series([value], dtype="datetime64[ns, UTC]"))[0] if isinstance(value, pd.Timestamp) else value
        for name, value in row.items()
    }


def is_numeric(kind: str) -> bool:
    """Return whether values of a kind are right-aligned and sorted as numbers."""
    return kind in {"duration", "share", "count", "number"}


def definitions(tables: Mapping[str, ShownTable]) -> dict[str, dict[str, str]]:
    """Return the meaning of every column of some tables, by table and label."""
    return {name: {column.label: column.meaning for column in table.columns} for name, table in tables.items()}
