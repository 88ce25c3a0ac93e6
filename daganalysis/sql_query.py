"""SQL over an archive, by DuckDB: every base table and every analysis is a table of that name.

The query is one SELECT. It sees only the archive: no file, no network, no variable of the program. It changes nothing.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Protocol

from daganalysis.errors import MissingExtraError, UsageError
from daganalysis.tables import BASE_TABLES, Column, Table, Type
from daganalysis.tables.results import RESULT_TABLES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_NEEDS_MORE_THAN_AN_ARCHIVE = frozenset({"check", "compare"})
"""Analyses that take conditions or a second archive."""
ANALYSES = tuple(name for name in RESULT_TABLES if name not in _NEEDS_MORE_THAN_AN_ARCHIVE)
"""The analyses that a query can name."""


class ArrowTables(Protocol):
    """What has the base tables: an archive."""

    def arrow(self, name: str) -> pa.Table:
        """Return one base table."""
        ...


def query(archive: ArrowTables, statement: str) -> pa.Table:
    """Return the result of one SELECT over an archive; see :meth:`daganalysis.Archive.sql`."""
    connection = _connection()
    import duckdb

    try:
        _check_is_select(connection, statement)
        # An analysis runs only if a word of the query is its name.
        for name in sorted({word.lower() for word in re.findall(r"\w+", statement)}):
            if name in BASE_TABLES:
                connection.register(name, archive.arrow(name))
            elif name in ANALYSES:
                connection.register(name, _analysis(archive, name))
        return _plain(connection.sql(statement).to_arrow_table())
    except duckdb.Error as error:
        reason = str(error).strip().partition("\n")[0]
        hint = "the tables are " + ", ".join((*BASE_TABLES, *ANALYSES)) if reason.startswith("Catalog Error: Table") else ""
        raise UsageError("the query cannot be answered", where=reason, hint=hint) from error
    finally:
        connection.close()


def declared(result: pa.Table) -> Table:
    """Return a declaration of the result's columns, so that it can be written in every format."""
    import pyarrow as pa

    def kind(field: pa.Field) -> Type:
        return {
            "int64": Type.INTEGER,
            "double": Type.REAL,
            "bool": Type.BOOLEAN,
            "timestamp[ns, tz=UTC]": Type.INSTANT,
            "list<item: string>": Type.STRINGS,
        }.get(str(field.type), Type.STRING)

    columns = [Column(field.name, kind(field), "a column of the query") for field in pa.schema(result.schema)]
    return Table("query", "one row of the query's result", tuple(columns), ())


def _connection() -> duckdb.DuckDBPyConnection:
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("SQL over an archive", "sql") from error
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    for name, value in {
        "python_enable_replacements": "false",
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "lock_configuration": "true",
    }.items():
        connection.execute(f"SET {name} = {value}")
    return connection


def _check_is_select(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    import duckdb

    statements = connection.extract_statements(statement)
    if len(statements) != 1:
        raise UsageError("not one statement", where=f"{len(statements)} statements", hint="give one SELECT")
    if statements[0].type not in {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
        raise UsageError("not a SELECT", where=statements[0].type.name, hint="a query reads the archive and cannot change anything")


def _analysis(archive: ArrowTables, name: str) -> pa.Table:
    import pyarrow as pa

    # The analyses are above this module, so they are reached through the package's list of public names.
    frame = getattr(importlib.import_module("daganalysis"), name)(archive)
    return pa.Table.from_pandas(frame, schema=RESULT_TABLES[name].schema(), preserve_index=False)


def _plain(result: pa.Table) -> pa.Table:
    """Bring what SQL makes of numbers, instants and nested values to the types that tables of this package have."""
    import pyarrow as pa

    columns = [_plain_column(column) for column in result.columns]
    names = [name if result.column_names.index(name) == place else f"{name}_{place + 1}" for place, name in enumerate(result.column_names)]
    return pa.table(dict(zip(names, columns, strict=True)))


def _plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    kind: Any = column.type
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(pa.timestamp("ns", "UTC"))
    if pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return column
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        return column.cast(pa.list_(pa.field("item", pa.string())))
    return pa.chunked_array([pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())])
