"""Frames as rows of plain Python values, for JSON, pages and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from daganalysis.tables.declaration import Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from daganalysis.tables.declaration import Column, Table

Row: TypeAlias = dict[str, Any]
"""One row of a table, nulls as None."""

_CHUNK = 10_000
"""Rows turned into plain values at a time, so that a large table is never held twice."""


def rows_of(frame: pd.DataFrame, *, in_nanoseconds: bool = False) -> list[Row]:
    """Turn a frame into rows of plain Python values, nulls as None, instants as timestamps or as whole nanoseconds since 1970."""
    names = frame.columns.tolist()  # an index hands out its texts one by one, slowly
    values = [_cells(frame[name], in_nanoseconds=in_nanoseconds) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def instant_texts(values: pd.Series[Any]) -> list[str | None]:
    """Write instants as RFC 3339 to the nanosecond, in UTC; null stays null."""
    import numpy as np

    texts = np.datetime_as_string(values.dt.tz_convert(None).to_numpy("datetime64[ns]"), unit="ns")
    return [None if text == "NaT" else f"{text}Z" for text in texts.tolist()]


def raw_rows(frame: pd.DataFrame, table: Table) -> Iterator[dict[str, Any]]:
    """Yield each row as plain Python values for JSON: nulls as None, never NaN, instants as RFC 3339."""
    columns = [column for column in table.columns if column.name in frame.columns]
    for first in range(0, len(frame), _CHUNK):
        part = frame.iloc[first : first + _CHUNK]
        values = [_declared_cells(part[column.name], column) for column in columns]
        for row in zip(*values, strict=True):
            yield {column.name: value for column, value in zip(columns, row, strict=True)}


def _declared_cells(values: pd.Series[Any], column: Column) -> list[Any]:
    if column.type is Type.INSTANT:
        return instant_texts(values)
    if column.type is Type.STRINGS:
        return [None if missing else list(value) for value, missing in zip(values.tolist(), values.isna().tolist(), strict=True)]
    return [None if missing else value for value, missing in zip(values.tolist(), values.isna().tolist(), strict=True)]


def _cells(values: pd.Series[Any], *, in_nanoseconds: bool) -> list[Any]:
    nulls = values.isna()
    is_instant = in_nanoseconds and values.dtype.kind == "M"  # of which each would become an object of its own
    cells: list[Any] = (values.astype("int64") if is_instant else values).tolist()
    if nulls.any():
        cells = [None if null else value for value, null in zip(cells, nulls.tolist(), strict=True)]
    return [None if cell is None else list(cell) for cell in cells] if values.name == "task_logs" else cells
