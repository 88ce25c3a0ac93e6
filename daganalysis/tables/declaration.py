"""What a table is: its columns with their types and meanings, declared once.

The Parquet schema, the empty frame, the check of a result and the documentation page all come from these declarations.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from daganalysis.errors import DagAnalysisError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa


_FREE_TEXT = frozenset({"additional_data", "task_logs", "message", "hint", "position", "source", "trace_id", "node_gid", "task_gid"})
"""Columns whose values rarely repeat, or repeat next to each other. A dictionary would take time, and often more space than the texts."""


Only: TypeAlias = "tuple[str, Collection[str] | range]"
"""A column of repeating texts or of whole numbers, and the texts, or the range of numbers, that rows to read have in it."""
AT_LEAST_TWO = range(2, 1 << 62)


class Type(enum.Enum):
    """The types of columns, each with one Arrow type and one pandas type."""

    STRING = "string"
    INTEGER = "integer"
    REAL = "real"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    STRINGS = "list of string"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type and meaning, when it is null (empty: never), and the text that people see for null instead of a dash."""

    name: str
    type: Type
    meaning: str
    null_when: str = ""
    null_word: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table: what a row is, its columns, and the columns it is sorted by.

    >>> from daganalysis.tables import BASE_TABLES
    >>> BASE_TABLES["links"].row
    'one main DAG and one of its child DAGs'
    """

    name: str
    row: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [column.name for column in self.columns]

    @property
    def repeating(self) -> list[str]:
        """The columns of repeating texts, for which a dictionary saves time and space."""
        return [column.name for column in self.columns if column.type is Type.STRING and column.name not in _FREE_TEXT]

    @property
    def run_key(self) -> str | None:
        """The column that names the run a row belongs to; None for a table whose rows belong to no run."""
        return next((key for key in ("run_id", "parent_run_id") if key in self.names), None)

    @property
    def has_rows_without_run(self) -> bool:
        """Whether rows of this table may belong to no run. Such rows are in parts of a store without runs."""
        return self.run_key is None or self.name in {"issues", "operations"}

    def schema(self) -> pa.Schema:
        """Return the Arrow schema, which is the Parquet schema too."""
        return _schema(self)

    def coded_schema(self) -> pa.Schema:
        """Return the Arrow schema with repeating texts dictionary-encoded."""
        import pyarrow as pa

        dictionary, coded = pa.dictionary(pa.int32(), pa.string()), {*self.repeating}
        return pa.schema([field.with_type(dictionary) if field.name in coded else field for field in self.schema()])

    def arrow(self, rows: Mapping[str, Sequence[object]]) -> pa.Table:
        """Make an Arrow table of equally long columns of plain Python values (instants as nanoseconds since 1970)."""
        from daganalysis.tables.arrays import table_of

        return table_of(rows, self.schema())

    def frame(self, table: pa.Table) -> pd.DataFrame:
        """Turn an Arrow table (some or all of these columns) into a pandas frame with this package's dtypes."""
        import pandas as pd
        import pyarrow as pa

        mapped = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}
        frame: pd.DataFrame = table.to_pandas(types_mapper=mapped.get, ignore_metadata=True)
        return frame

    def empty(self) -> pd.DataFrame:
        """Return a frame of no rows with every column."""
        return self.frame(self.schema().empty_table())

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a new frame with exactly the declared columns and dtypes, sorted by the key, with a RangeIndex.

        A missing or an extra column is an error in this program and raises :class:`DagAnalysisError`.
        """
        missing = [name for name in self.names if name not in frame.columns]
        extra = [str(name) for name in frame.columns if name not in self.names]
        if missing or extra:
            raise DagAnalysisError(f"a result does not match its declaration: missing {missing}, extra {extra}", where=self.name)
        dtypes = {column.name: _pandas_dtype(column.type) for column in self.columns}
        result = frame[self.names].astype({name: dtype for name, dtype in dtypes.items() if frame[name].dtype != dtype})
        if not self.sort or _is_in_order(result, self.sort):
            return result.reset_index(drop=True)
        return result.sort_values(list(self.sort), kind="stable", ignore_index=True)

    def of_arrays(self, columns: Mapping[str, object]) -> pd.DataFrame:
        """Return a frame like that of :meth:`conform`, from Arrow and NumPy arrays by column name."""
        import pyarrow as pa

        rows = pa.table(dict(columns))
        declared = pa.schema([self.schema().field(name) if name in self.names else rows.schema.field(name) for name in rows.column_names])
        return self.conform(self.frame(rows.cast(declared)))


def _is_in_order(frame: pd.DataFrame, keys: Sequence[str]) -> bool:
    """Return whether rows are in order already, as rows from a store usually are. This costs a fraction of sorting texts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.tables.column_arrays import one_array

    is_like_next = np.ones(max(len(frame) - 1, 0), bool)
    for name in keys:
        column = one_array(pa.array(frame[name]))
        before, after = column[:-1], column[1:]
        is_null = np.asarray(column.is_null())
        is_greater, is_equal = (np.asarray(pc.fill_null(test(before, after), False)) for test in (pc.greater, pc.equal))
        if (is_like_next & (is_greater | (is_null[:-1] & ~is_null[1:]))).any():  # nulls come last
            return False
        is_like_next &= is_equal | (is_null[:-1] & is_null[1:])
        if not is_like_next.any():
            break
    return True


def decode_texts(rows: pa.Table, table: Table) -> pa.Table:
    """Return the same rows of some columns of a table, with texts in the place of dictionaries."""
    import pyarrow as pa

    schema = table.schema()
    return rows.cast(pa.schema([schema.field(name) for name in rows.column_names]))


def code_texts(rows: pa.Table, table: Table) -> pa.Table:
    """Return the same rows, with repeating texts dictionary-encoded."""
    rows = rows.combine_chunks()
    for name in {*table.repeating} & {*rows.column_names}:
        rows = rows.set_column(rows.column_names.index(name), name, rows.column(name).dictionary_encode())
    return rows


@functools.cache
def _schema(table: Table) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(column.name, _arrow_type(column.type)) for column in table.columns])


def _arrow_type(kind: Type) -> pa.DataType:
    import pyarrow as pa

    return {
        Type.STRING: pa.string(),
        Type.INTEGER: pa.int64(),
        Type.REAL: pa.float64(),
        Type.BOOLEAN: pa.bool_(),
        Type.INSTANT: pa.timestamp("ns", "UTC"),
        Type.STRINGS: pa.list_(pa.string()),
    }[kind]


def _pandas_dtype(kind: Type) -> Any:
    import pandas as pd

    return {
        Type.STRING: pd.StringDtype(na_value=float("nan")),
        Type.INTEGER: pd.Int64Dtype(),
        Type.REAL: "float64",
        Type.BOOLEAN: pd.BooleanDtype(),
        Type.INSTANT: pd.DatetimeTZDtype("ns", "UTC"),
        Type.STRINGS: "object",
    }[kind]
