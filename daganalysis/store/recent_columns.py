"""Columns that were read last: the analyses of a session ask for the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_MOST_BYTES = 1 << 28
"""Memory that the columns may take together: those that ten analyses read of a million sub-tasks take some 200 MB."""


class RecentColumns:
    """Columns of a store's tables, as long as they fit into some memory together: those that were asked for last."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._columns: dict[tuple[str, str], pa.ChunkedArray] = {}

    def lacking(self, table: str, columns: Sequence[str]) -> list[str]:
        """Return which columns of a table must be read, each once."""
        return [column for column in dict.fromkeys(columns) if (table, column) not in self._columns]

    def take(self, table: str, columns: Sequence[str], read: pa.Table | None) -> list[pa.ChunkedArray]:
        """Return columns of a table, of which those that were lacking have been read, and remember them."""
        found = []
        for column in columns:
            remembered = self._columns.pop((table, column), None)
            found.append(remembered if read is None or remembered is not None else read.column(column))
            self._columns[table, column] = found[-1]
        total = sum(column.nbytes for column in self._columns.values())
        for which in list(self._columns):
            if total <= self._most_bytes:
                break
            total -= self._columns.pop(which).nbytes
        return found
