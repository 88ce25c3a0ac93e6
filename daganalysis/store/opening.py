"""Opening a store to read, and writing an archive as one."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, cast

from daganalysis.errors import StoreError
from daganalysis.store.commit import new_generation, readable_folder
from daganalysis.store.folder_manifest import check_manifest, listed_files, noted
from daganalysis.store.keys import check_keys
from daganalysis.store.parts import check_version, count_rows, damaged, first_and_last, read_chains, read_coded, read_parts, write_part
from daganalysis.store.recent_columns import RecentColumns
from daganalysis.store.remote_paths import RemotePath, read_remote_manifest, store_path
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.chain_tables import CHAIN_FOLDER
from daganalysis.tables.declaration import code_texts, decode_texts
from daganalysis.tables.store_layout import is_store_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.store.remote_paths import StorePath
    from daganalysis.tables.column_arrays import Ints
    from daganalysis.tables.declaration import Only

T = TypeVar("T")
_MOST_SLICES = 4096
"""The largest number of stretches of rows that are moved whole; if there are more, rows are gathered one by one."""
_MOST_SOUGHT = 64
"""The largest number of runs that are first looked for in the ends of the files, which hold the first and the last run of each."""
_WORTH_DROPPING = 50_000
"""Rows of a table from which those that are not wanted are dropped part by part; in fewer, wanted ones are looked for once."""
_REPLACED_AT_MOST = 5
"""The number of attempts to open or read a store that other loads keep replacing."""


def is_store(path: str | os.PathLike[str] | RemotePath) -> bool:
    """Return whether a path or a URL is a store: a folder with a ``dags`` table in it.

    >>> is_store("no/such/folder")
    False
    """
    return is_store_folder(readable_folder(store_path(path)))


def open_tables(store: str | os.PathLike[str], *, absolute: bool = False) -> StoreTables:
    """Open the tables of a store, in a folder or at a URL; ``absolute`` keeps them readable from another working directory.

    Raises :class:`StoreError` if there is no store or it is damaged, and :class:`SchemaVersionError` for another schema version.
    """
    place = store_path(store)
    return StoreTables(place.absolute() if absolute and isinstance(place, Path) else place)


def write_tables(source: ReadsTables, store: str | os.PathLike[str]) -> None:
    """Write the tables of an archive as a store, and replace the content of the store in one step.

    Nothing can be added to such a store, because it does not hold the responses. Raises :class:`StoreError` if it cannot be written.
    """
    with new_generation(store_path(store)) as folder:
        for name in BASE_TABLES:
            (folder / name).mkdir()
            write_part(source.read(name, None, None), name, folder / name / "part-000001-0000.parquet")


class ReadsTables(Protocol):
    """What has the base tables."""

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, /) -> pa.Table:
        """Return one base table."""
        ...


class StoreTables:
    """The tables of a store, read piece by piece (what an archive reads from)."""

    def __init__(self, store: StorePath, parts: dict[str, list[StorePath]] | None = None, rows: dict[str, int] | None = None) -> None:
        self._store = store
        self._rows = rows or {}
        self._files: dict[str, tuple[int, str]] = {}
        self._generation: tuple[int, int] | None = None
        self._stretches: dict[str, tuple[str, str]] | None = None
        self._recent = RecentColumns()
        self._orders: dict[str, Order] = {}
        self._parts = self._opened() if parts is None else parts

    def __getstate__(self) -> dict[str, object]:
        """Leave out the remembered orders: another process computes those that it needs."""
        return self.__dict__ | {"_orders": {}}

    def _opened(self) -> dict[str, list[StorePath]]:
        """Find the parts; again if another load replaced the store meanwhile."""
        for _ in range(_REPLACED_AT_MOST):
            self._generation = _generation(self._store)
            found = self._found()
            try:
                folder = readable_folder(self._store)
                check_version(found["dags"][0], noted(folder)[0] if isinstance(folder, Path) else None)
                if isinstance(folder, Path):
                    self._rows, self._files = check_manifest(folder, private=False)
            except (StoreError, OSError) as error:
                is_same = _generation(self._store) == self._generation
                if is_same and self._is_there([part for parts in found.values() for part in parts]):
                    raise error if isinstance(error, StoreError) else damaged(found["dags"][0].parent.parent, error) from error
                if not isinstance(self._store, Path):
                    self._store = RemotePath(self._store.url)  # which has no content yet
            else:
                if _generation(self._store) == self._generation:
                    break
        else:
            raise self._keeps_changing()
        missing = [name for name in BASE_TABLES if not found[name]]
        if missing:
            raise StoreError(f"the store lacks the tables {', '.join(missing)}", where=str(self._store), hint="load into a new store")
        return found

    def _found(self) -> dict[str, list[StorePath]]:
        folder = readable_folder(self._store)
        found: dict[str, list[StorePath]] = {
            name: sorted((folder / name).glob("*.parquet"), key=lambda part: part.name) for name in (*BASE_TABLES, CHAIN_FOLDER)
        }
        if not found["dags"]:
            raise StoreError("there is no store", where=str(self._store), hint="`daganalysis load SOURCE --out STORE` makes one")
        return found

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of some runs of one base table for which a condition holds, sorted by the table's key."""
        declared = BASE_TABLES[name]
        key = declared.run_key
        wanted = declared.names if columns is None else list(columns)
        if columns and run_ids is None and where is None and key is not None and not declared.has_rows_without_run:
            return decode_texts(self.read_coded(name, columns), declared)
        parts = self._with_rows(name)
        if run_ids is not None and key == "run_id":
            parts = self._parts_holding(parts, run_ids)
        # One part is in order already; several are put in order by the run, or, where rows need not have one, by the whole key.
        by_run = key is not None and not declared.has_rows_without_run
        order = [] if len(parts) == 1 else [declared.sort[0]] if by_run else list(declared.sort)
        reading = wanted + [column for column in order if column not in wanted]
        only = None if run_ids is None or key is None else (key, run_ids)
        schema = declared.schema()
        table = self._steadily(parts, lambda: read_parts(parts, schema, reading, only, where)) if parts else schema.empty_table()
        check_keys(table, declared, self._store)
        if order and by_run:
            table = _ordered_by_run(table, order[0])
        elif order:
            table = table.sort_by([(column, "ascending") for column in order])
        return table.select(wanted)

    def _parts_holding(self, parts: list[StorePath], run_ids: Sequence[str]) -> list[StorePath]:
        """Return the parts of a table that may hold rows of some runs: most parts hold a stretch of the runs in order of their ids."""
        if len(run_ids) > _MOST_SOUGHT or len(parts) == 1 or not isinstance(self._store, Path):
            return parts
        if self._stretches is None:
            dags = self._parts["dags"]
            self._stretches = self._steadily(dags, lambda: {part.name: first_and_last(part, "run_id") for part in dags})
        held = {part for part, (first, last) in self._stretches.items() if any(first <= run_id <= last for run_id in run_ids)}
        return [part for part in parts if part.name in held]

    def read_coded(self, name: str, columns: Sequence[str], only: Only | None = None) -> pa.Table:
        """Return some columns of one base table, sorted by its key, with repeating texts dictionary-encoded.

        With ``only``, rows without the given texts in a column are dropped; in a large table part by part, before the parts become one.
        """
        import pyarrow as pa

        from daganalysis.tables.column_arrays import rows_with

        declared = BASE_TABLES[name]
        key = declared.run_key
        if key is None or declared.has_rows_without_run:
            table = code_texts(self.read(name, columns, None), declared)
            return table if only is None else rows_with(table, only)
        parts = self._with_rows(name)
        known = self._recent.known(name, columns)
        lacking = [column for column in dict.fromkeys(columns) if column not in known]
        if lacking and only is not None and self._n_rows(name, parts) > _WORTH_DROPPING:
            table = self._steadily(parts, lambda: read_coded(parts, declared, list(dict.fromkeys([*columns, key])), only))
            return _ordered_by_run(table, key).select(columns)
        if lacking:
            is_new = name not in self._orders
            reading = list(dict.fromkeys([*lacking, key])) if is_new else lacking
            table = self._steadily(parts, lambda: read_coded(parts, declared, reading))
            if is_new:
                check_keys(table, declared, self._store)
                self._orders[name] = None if len(parts) == 1 else _order_by_run(table.column(key))
            table = _in_order(table, self._orders[name])
            known |= {column: table.column(column) for column in lacking}
        found = {column: known[column] for column in columns}
        self._recent.remember(name, found)
        table = pa.table([found[column] for column in columns], names=list(columns))
        return table if only is None else rows_with(table, only)

    def read_chains(self) -> list[tuple[pa.Table, pa.Table]] | None:
        """Return the chains of each part; None unless the store keeps them for each. Stores that were written as tables keep none."""
        own = {part.name: part for part in self._parts[CHAIN_FOLDER]}
        names = [part.name for part in self._with_rows("timeline")]
        if not all(name in own and self._rows.get(f"timeline/{name}") for name in names):
            return None
        parts = [own[name] for name in names]
        return self._steadily(parts, lambda: read_chains(parts))

    def chain_places(self) -> list[Ints | int]:
        """Return the places that the stretches of each part have in the timeline: that of the first one, if they stay in order."""
        if "timeline" not in self._orders:
            self.read_coded("timeline", ["run_id"])
        n_rows = [self._rows.get(f"timeline/{part.name}", 0) for part in self._with_rows("timeline")]
        return _places_of_parts(n_rows, self._orders["timeline"])

    def count(self, name: str) -> int:
        """Return how many rows one base table has, from the list of the store's files, or from the footers of the files."""
        parts = self._parts[name]
        self._check_present(parts)
        listed = [self._rows.get(f"{name}/{part.name}") for part in parts]
        known = [rows for rows in listed if rows is not None]
        return sum(known) if len(known) == len(parts) else self._steadily(parts, lambda: count_rows(parts))

    def _n_rows(self, name: str, parts: Sequence[StorePath]) -> float:
        """Return the number of rows of some parts of a table by the list of the store's files; endless where it does not say."""
        return sum(self._rows.get(f"{name}/{part.name}", float("inf")) for part in parts)

    def _with_rows(self, name: str) -> list[StorePath]:
        """Return the parts of one table, without those that are empty by the list of the store's files; one part if all are empty."""
        parts = self._parts[name]
        self._check_present(parts)
        return [part for part in parts if self._rows.get(f"{name}/{part.name}") != 0] or parts[:1]

    def _steadily(self, parts: Sequence[StorePath], read: Callable[[], T]) -> T:
        """Return the result of ``read`` for some parts, all of them from one generation of the store."""
        for _ in range(_REPLACED_AT_MOST):
            self._check_present(parts)
            try:
                found = read()
            except StoreError:
                if _generation(self._store) == self._generation:
                    raise
            else:
                if _generation(self._store) == self._generation:
                    return found
        raise self._keeps_changing()

    def _keeps_changing(self) -> StoreError:
        return StoreError("the store keeps being replaced", where=str(self._store), hint="wait until other loads have finished")

    def _check_present(self, parts: Sequence[StorePath]) -> None:
        """Raise :class:`StoreError` unless the parts are there as they were when the store was opened. A load keeps most parts."""
        now = _generation(self._store)
        if isinstance(self._store, Path) and now != self._generation:
            try:
                is_there = listed_files(cast("Path", readable_folder(self._store))).items() >= self._files.items()
            except StoreError:
                is_there = False
            self._generation = now if is_there else self._generation
        else:
            is_there = self._is_there(parts)
        if not is_there:
            raise StoreError("the store was replaced after it was opened", where=str(self._store), hint="open it again")

    def _is_there(self, parts: Sequence[StorePath]) -> bool:
        if isinstance(self._store, Path):
            return all(os.path.lexists(cast("Path", part)) for part in parts)
        return read_remote_manifest(self._store.url).files.keys() >= {part.inner for part in cast("Sequence[RemotePath]", parts)}

    @property
    def folder(self) -> Path | None:
        """The folder of the store; None if it is at a URL."""
        return self._store if isinstance(self._store, Path) else None

    def split(self, most: int | None = None) -> list[StoreTables]:
        """Return the tables part by part, or, with neighbours together, in at most so many pieces. Each piece holds whole runs."""
        names = sorted({part.name for parts in self._parts.values() for part in parts})
        n = len(names) if most is None else min(most, len(names))
        piece_of = {name: place * n // len(names) for place, name in enumerate(names)}
        pieces: list[dict[str, list[StorePath]]] = [{table: [] for table in self._parts} for _ in range(n)]
        for table, parts in self._parts.items():
            for part in parts:
                pieces[piece_of[part.name]][table].append(part)
        return [self._of_parts(piece) for piece in pieces]

    def _of_parts(self, parts: dict[str, list[StorePath]]) -> StoreTables:
        tables = StoreTables(self._store, parts, self._rows)
        names = (f"{table}/{part.name}" for table, of_table in parts.items() for part in of_table)
        tables._files = {name: self._files[name] for name in names if name in self._files}
        tables._generation = self._generation
        return tables

    def describe(self) -> str:
        """Return in a few words where the tables are."""
        return f"in {self._store}"


def _generation(store: StorePath) -> tuple[int, int] | None:
    """Return the identity of a generation of a folder store: the folder, and the time when it was put in place."""
    if not isinstance(store, Path):
        return None
    try:
        found = store.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _places_of_parts(n_rows: Sequence[int], order: Order) -> list[Ints | int]:
    """Return the places that the rows of parts have in an order: that of the first row, if the order is that of the parts."""
    import numpy as np

    first = np.cumsum([0, *n_rows])
    if order is None:
        return [int(begin) for begin in first[:-1]]
    slices = order if isinstance(order, list) else []
    moved = np.concatenate([np.arange(begin, begin + length) for begin, length in slices]) if slices else np.asarray(order)
    places = np.empty(len(moved), np.int64)
    places[moved] = np.arange(len(moved))
    return [places[begin:end] for begin, end in itertools.pairwise(first.tolist())]


def _ordered_by_run(table: pa.Table, key: str) -> pa.Table:
    """Sort rows by run."""
    return _in_order(table, _order_by_run(table.column(key)))


Order: TypeAlias = "list[tuple[int, int]] | pa.Array | None"
"""How rows are put in order: stretches of them, by their begin and length, or the places of all; None if they are in order."""


def _order_by_run(column: pa.ChunkedArray) -> Order:
    """Return the order of rows by their run. Rows of one run are together, in order, so whole runs are moved, neighbours together."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.tables.column_arrays import integers, one_array

    n = len(column)
    if n < 2:
        return None
    whole = one_array(column)
    if pa.types.is_dictionary(whole.type):
        codes = integers(whole.indices)
        begins_run = codes[1:] != codes[:-1]
    else:
        begins_run = np.asarray(pc.fill_null(pc.not_equal(whole[1:], whole[:-1]), True))
    starts = np.append(0, np.flatnonzero(begins_run) + 1)
    order = pc.sort_indices(whole.take(pa.array(starts)).cast(pa.string())).to_numpy()  # stable, nulls last
    breaks = np.flatnonzero(np.diff(order.astype(np.int64)) != 1) + 1
    if not len(breaks):
        return None
    first, last = order[np.append(0, breaks)], order[np.append(breaks - 1, len(order) - 1)]
    begins, ends = starts[first], np.append(starts, n)[last + 1]
    lengths = ends - begins
    if len(begins) <= _MOST_SLICES:  # as after some daily loads
        return list(zip(begins.tolist(), lengths.tolist(), strict=True))
    before = np.append(0, np.cumsum(lengths)[:-1])
    return pa.array(np.repeat(begins - before, lengths) + np.arange(n))


def _in_order(table: pa.Table, order: Order) -> pa.Table:
    """Put rows in an order."""
    import pyarrow as pa

    if order is None:
        return table
    if isinstance(order, list):
        return pa.concat_tables([table.slice(begin, length) for begin, length in order]).combine_chunks()
    return table.take(order)
