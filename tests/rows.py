"""Builders of frames and archives from rows that state only what matters; every other column is null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.archive import Archive
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables import Table

SECOND = 1_000_000_000
EPOCH_2024 = 1_704_067_200 * SECOND
"""2024-01-01T00:00:00Z, in nanoseconds."""


def at(seconds: float) -> int:
    """Give the instant so many seconds after the beginning of 2024."""
    return EPOCH_2024 + round(seconds * SECOND)


def arrow_of(table: Table, *rows: dict[str, Any]) -> pa.Table:
    """Make an Arrow table of rows given as dictionaries."""
    return table.arrow({name: [row.get(name) for row in rows] for name in table.names})


def frame_of(table: Table, *rows: dict[str, Any]) -> pd.DataFrame:
    """Make a frame of rows given as dictionaries."""
    return table.frame(arrow_of(table, *rows))


def archive_of(**tables: list[dict[str, Any]]) -> Archive:
    """Make an archive of base tables given as rows."""
    return Archive.from_tables({name: arrow_of(BASE_TABLES[name], *rows) for name, rows in tables.items()})
