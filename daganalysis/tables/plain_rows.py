"""Frames as rows of plain Python values, for JSON, pages and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from daganalysis.tables.declaration import Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables.declaration import Column, Table

Row: TypeAlias = dict[str, Any]
"""One row of a table, nulls as None."""
Columns: TypeAlias = dict[str, list[Any]]
"""Columns of a table by their names, equally long, nulls as None."""

_CHUNK = 10_000
"""The number of rows turned into plain values at a time, so that a large table is never in memory twice."""


def rows_of(frame: pd.DataFrame, *, in_nanoseconds: bool = False) -> list[Row]:
    """Turn a frame into rows of plain Python values, nulls as None, instants as timestamps or as whole nanoseconds since 1970."""
    names = frame.columns.tolist()  # an index returns its texts one by one, slowly
    values = [_cells(frame[name], in_nanoseconds=in_nanoseconds) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def columns_of(table: pa.Table) -> Columns:
    """Turn an Arrow table into columns of plain Python values, nulls as None, instants as whole nanoseconds since 1970.

    >>> import pyarrow as pa
    >>> columns_of(pa.table({"name": pa.array(["a", None, "a"]).dictionary_encode(), "n": [1.5, None, 2.0]}))
    {'name': ['a', None, 'a'], 'n': [1.5, None, 2.0]}
    """
    return {name: _plain_values(table.column(name)) for name in table.column_names}


def rows_at(columns: Columns, places: Iterable[int]) -> list[Row]:
    """Return some rows of plain columns.

    >>> rows_at({"name": ["a", "b"], "n": [1, 2]}, [1])
    [{'name': 'b', 'n': 2}]
    """
    return [{name: values[place] for name, values in columns.items()} for place in places]


def _plain_values(column: pa.ChunkedArray) -> list[Any]:
    import numpy as np
    import pyarrow as pa

    from daganalysis.tables.column_arrays import encoded, one_array

    array = one_array(column)
    if pa.types.is_dictionary(array.type):
        codes, texts = encoded(array)
        decoded: list[Any] = np.array([*texts.to_pylist(), None], object)[codes].tolist()  # the last place is that of null
        return decoded
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.int64())
    if not pa.types.is_integer(array.type) and not pa.types.is_floating(array.type):
        values: list[Any] = array.to_pylist()
        return values
    values = array.fill_null(0).to_numpy().tolist()
    if not array.null_count:
        return values
    return [None if null else value for value, null in zip(values, array.is_null().to_numpy(zero_copy_only=False).tolist(), strict=True)]


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
    is_instant = in_nanoseconds and values.dtype.kind == "M"  # each of them would become an object
    cells: list[Any] = (values.astype("int64") if is_instant else values).tolist()
    if nulls.any():
        cells = [None if null else value for value, null in zip(cells, nulls.tolist(), strict=True)]
    return [None if cell is None else list(cell) for cell in cells] if values.name == "task_logs" else cells
