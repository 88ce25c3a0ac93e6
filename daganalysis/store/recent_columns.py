"""Columns that were read last: the analyses of a session ask for the same ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

_MOST_BYTES = 1 << 28
"""Memory that the columns may take together: those that ten analyses read of a million sub-tasks take some 200 MB."""


class RecentColumns:
    """Columns of a store's tables, as long as they fit into some memory together: those that were asked for last, by any thread."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._columns: dict[tuple[str, str], pa.ChunkedArray] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[RecentColumns], tuple[int]]:
        """Take along no column and no lock: another process reads what it needs itself."""
        return type(self), (self._most_bytes,)

    def known(self, table: str, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Return those of some columns of a table that are remembered."""
        with self._lock:
            return {column: self._columns[table, column] for column in columns if (table, column) in self._columns}

    def remember(self, table: str, columns: Mapping[str, pa.ChunkedArray]) -> None:
        """Remember columns of a table, as the last that were asked for, and forget what was not asked for the longest."""
        with self._lock:
            for column, values in columns.items():
                self._columns.pop((table, column), None)
                self._columns[table, column] = values
            total = sum(values.nbytes for values in self._columns.values())
            for which in list(self._columns):
                if total <= self._most_bytes:
                    break
                total -= self._columns.pop(which).nbytes
