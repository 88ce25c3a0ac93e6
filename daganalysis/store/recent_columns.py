"""The columns that were read last. The analyses of a session need the same ones."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

_MOST_BYTES = 1 << 28
"""The memory for all columns together. Those that ten analyses read for a million sub-tasks take about 200 MB."""


class RecentColumns:
    """Columns of a store's tables, up to a limit of memory: those that any thread used last."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._columns: dict[tuple[str, str], pa.ChunkedArray] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[RecentColumns], tuple[int]]:
        """Pickle no column and no lock. Another process reads the columns that it needs."""
        return type(self), (self._most_bytes,)

    def known(self, table: str, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        """Return those of some columns of a table that are remembered."""
        with self._lock:
            return {column: self._columns[table, column] for column in columns if (table, column) in self._columns}

    def remember(self, table: str, columns: Mapping[str, pa.ChunkedArray]) -> None:
        """Remember columns of a table as the last used, and forget those that were not used for the longest time."""
        with self._lock:
            for column, values in columns.items():
                self._columns.pop((table, column), None)
                self._columns[table, column] = values
            total = sum(values.nbytes for values in self._columns.values())
            for which in list(self._columns):
                if total <= self._most_bytes:
                    break
                total -= self._columns.pop(which).nbytes
