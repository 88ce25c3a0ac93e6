"""Strict loads: they refuse rejected records and parts of records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import REJECTED
from daganalysis.errors import RejectedRecordsError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pyarrow as pa

    from daganalysis.reading import Issue
    from daganalysis.store.remote_paths import StorePath

    Row = tuple[str, str, str | None, str | None, str, str | None]


def refuse_rejected(issues: Iterable[Issue]) -> None:
    """Raise :class:`RejectedRecordsError`, with the most frequent reasons, if any issue is an error."""
    _refuse([(one.severity, one.code, one.source, one.run_id, one.message, one.hint) for one in issues if one.severity == REJECTED])


def refuse_rejected_rows(table: pa.Table) -> None:
    """Raise :class:`RejectedRecordsError` if a row of `issues` is an error: a part of a good answer may be rejected."""
    _refuse(_errors(table))


def refuse_rejected_in(store: StorePath, sources: Collection[str] | None) -> None:
    """Raise :class:`RejectedRecordsError` if a store has an error about some sources, by their names; None means all sources."""
    from daganalysis.store.parts import read_file

    folder = store / "issues"
    names = sorted(path.name for path in folder.glob("*.parquet"))
    errors = [row for name in names for row in _errors(read_file(folder / name))]
    _refuse([row for row in errors if sources is None or (row[2] or "").partition("!")[0] in sources])


def _errors(table: pa.Table) -> list[Row]:
    if "error" not in (severities := table.column("severity").to_pylist()):
        return []
    from daganalysis.text.issue_groups import GROUPED_COLUMNS

    rows = zip(*(table.column(name).to_pylist() for name in GROUPED_COLUMNS), strict=True)
    return [row for row, severity in zip(rows, severities, strict=True) if severity == REJECTED]


def _refuse(errors: list[Row]) -> None:
    if errors:
        from daganalysis.text.issue_groups import group_issues, reasons_text

        raise RejectedRecordsError(len(errors), reasons_text(group_issues(errors)))
