"""The check of keys.

A program that writes a part anew, and the list of the store's files with it, may leave rows without a run, or a run twice. Analyses join
tables by these keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from daganalysis.store.remote_paths import StorePath
    from daganalysis.tables import Table

_WAY_OUT = "load the sources again into a new store"


def check_keys(rows: pa.Table, declared: Table, store: StorePath) -> None:
    """Raise :class:`StoreError` if rows lack a run that each row of the table must have, or if the table of runs has a run twice."""
    key = next((column for column in declared.columns if column.name == declared.run_key), None)
    if key is None or key.null_when or key.name not in rows.column_names:
        return
    column = rows.column(key.name)
    if column.null_count:
        raise StoreError(f"the store holds rows of {declared.name} without a {key.name}", where=str(store), hint=_WAY_OUT)
    if declared.sort == (key.name,) and (twice := _first_twice(column)) is not None:
        raise StoreError(f"the store holds the run {twice} twice", where=str(store), hint=_WAY_OUT)


def _first_twice(column: pa.ChunkedArray) -> str | None:
    """Return the first text that a column holds more than once."""
    if len(column.unique()) == len(column):
        return None
    from collections import Counter

    texts: list[str] = column.to_pylist()
    return next(text for text, count in Counter(texts).items() if count > 1)
