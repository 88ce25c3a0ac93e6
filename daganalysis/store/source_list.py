"""Sources: the files that a store was made of, and their issues (``_sources/`` in the store, private to this package)."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.errors import StoreError
from daganalysis.reading.answers import Issue
from daganalysis.reading.issue_codes import issue_of_row
from daganalysis.store.parts import read_file, write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.store.remote_paths import StagePath, StorePath
    from daganalysis.tables.column_arrays import Bools, Ints

_FOLDER = "_sources"
_FILES = "files.parquet"
_ISSUES = "issues.parquet"


class KnownSource(NamedTuple):
    """A source as it was when it was last read. Path and label identify a source."""

    path: str
    cluster: str | None
    size: int | None
    mtime_ns: int | None


_make: Callable[[tuple[Any, ...]], KnownSource] = partial(tuple.__new__, KnownSource)
"""Make a source from a row, without a call in Python, because there may be a hundred thousand."""


class SourceList:
    """The sources of a store, each by its number: a table of those that the store has, and each source that is new or has changed.

    >>> sources = SourceList()
    >>> sources.add(KnownSource("/a.json", "prod", 10, 1)), len(sources), sources[0].size
    (0, 1, 10)
    """

    def __init__(self, before: pa.Table | None = None) -> None:
        self._before = before
        self._n = self.n_before
        self._latest: dict[int, KnownSource] = {}

    @property
    def n_before(self) -> int:
        """How many sources the store has."""
        return 0 if self._before is None else self._before.num_rows

    def __len__(self) -> int:
        """Return how many sources there are, the new ones included."""
        return self._n

    def __getitem__(self, number: int) -> KnownSource:
        """Return a source in its latest state."""
        return self._latest.get(number) or self._stored(number)

    def __setitem__(self, number: int, source: KnownSource) -> None:
        """Give a source another state."""
        self._latest[number] = source

    def add(self, source: KnownSource) -> int:
        """Add a new source; return its number."""
        self._latest[self._n] = source
        self._n += 1
        return self._n - 1

    def extend(self, states: Iterable[tuple[str, str | None, int | None, int | None]]) -> None:
        """Add new sources in some states."""
        self._latest.update(enumerate(map(_make, states), self._n))
        self._n = self.n_before + len(self._latest)

    def added(self) -> dict[tuple[str, str | None], int]:
        """Return the numbers of new sources by path and label."""
        return {self._latest[number][:2]: number for number in range(self.n_before, self._n)}

    def is_as_before(self) -> bool:
        """Return whether no source is new or has changed."""
        return self._n == self.n_before and all(self._stored(number) == source for number, source in self._latest.items())

    def stored(self, name: str) -> pa.ChunkedArray:
        """Return a column of the table of the sources that the store has."""
        assert self._before is not None
        return self._before.column(name)

    def find(self, paths: Sequence[str], clusters: Sequence[str | None]) -> list[int]:
        """Return the numbers that the store has for sources, by their paths and labels; NONE for others."""
        from daganalysis.tables.column_arrays import NONE

        if self._before is None:
            return [NONE] * len(paths)
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        from daganalysis.tables.arrays import array_of
        from daganalysis.tables.column_arrays import integers

        path, cluster = array_of(paths, pa.string()), array_of(clusters, pa.string())
        number = integers(pc.index_in(path, self.stored("path"))).astype(np.int64)
        # Hardly ever are there two sources with one path.
        other = np.flatnonzero((number != NONE) & ~_are_equal(cluster, self.stored("cluster"), number))
        if len(other):
            sought = [pa.chunked_array([one]).take(array_of(other, pa.int64())) for one in (path, cluster)]
            number[other] = integers(pc.index_in(_keys(*sought), _keys(self.stored("path"), self.stored("cluster"))))
        numbers: list[int] = number.tolist()
        return numbers

    def all(self) -> list[KnownSource]:
        """Return all sources, in order of their numbers."""
        if self._before is None:
            return list(self._latest.values())
        return list(map(_make, zip(*(column.to_pylist() for column in self.table().columns), strict=True)))

    def table(self) -> pa.Table:
        """Return the table of all sources, in order of their numbers."""
        import pyarrow as pa

        from daganalysis.tables.arrays import array_of, table_of

        schema = _files_schema()
        numbers = sorted(self._latest)
        rows = zip(*map(self._latest.__getitem__, numbers), strict=True) if numbers else [()] * len(schema)
        latest = table_of(dict(zip(KnownSource._fields, rows, strict=True)), schema)
        if self._before is None:
            return latest
        whole = pa.concat_tables([self._before, latest]).combine_chunks()
        if len(whole) == self._n:
            return whole
        import numpy as np

        place = np.append(np.arange(self.n_before), np.zeros(self._n - self.n_before, np.int64))
        place[numbers] = np.arange(self.n_before, len(whole))
        return whole.take(array_of(place, pa.int64()))

    def _stored(self, number: int) -> KnownSource:
        assert self._before is not None
        return KnownSource(*(column[number].as_py() for column in self._before.columns))


def _are_equal(texts: pa.Array | pa.ChunkedArray, others: pa.ChunkedArray, places: Ints) -> Bools:
    """Return which texts are equal to those at some places of another column; null is equal to null."""
    from daganalysis.tables.column_arrays import NONE, encoded, places_in

    (code, known), (other_code, other_known) = encoded(texts), encoded(others)
    # Codes of the others among the texts; a text that is not among them has another code than null.
    place = places_in(other_known, known)
    place[:-1][place[:-1] == NONE] = len(known)
    found: Bools = code == place[other_code][places]
    return found


def _keys(paths: pa.Array | pa.ChunkedArray, clusters: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return texts that are equal for equal paths with equal labels: a path holds no zero byte."""
    import pyarrow.compute as pc

    return pc.if_else(pc.is_null(clusters), paths, pc.binary_join_element_wise(paths, clusters, "\0", null_handling="replace"))


def write_sources(folder: StagePath, sources: SourceList, issues: Mapping[int, Sequence[Issue]]) -> None:
    """Write the sources, and the issues found in reading each, by its number."""
    from daganalysis.tables.arrays import table_of

    (folder / _FOLDER).mkdir()
    write_parquet(sources.table(), folder / _FOLDER / _FILES, _FOLDER, ["cluster"], 1 << 16)
    ordered = [(number, issue) for number in sorted(issues) for issue in issues[number]]
    names = [field.name for field in dataclasses.fields(Issue)]
    schema = _issues_schema()
    found: dict[str, list[object]] = {name: [getattr(issue, name) for _, issue in ordered] for name in names}
    found["number"] = [number for number, _ in ordered]
    write_parquet(table_of(found, schema), folder / _FOLDER / _ISSUES, _FOLDER, ["severity", "code"], 1 << 16)


def read_sources(store: StorePath) -> tuple[SourceList, dict[int, list[Issue]]]:
    """Read the sources of a store and the issues of each by its number. Raises :class:`StoreError` for a store without its responses."""
    if not (store / _FOLDER).is_dir():
        # One that was written from an archive in memory.
        raise StoreError(
            "the store does not hold the responses that it was made of, so nothing can be added to it or loaded from it", where=str(store),
            hint="load the saved responses into a new store",
        )  # fmt: skip
    # A process with threads could not be forked, and decoding takes less time than starting workers in another way.
    files = read_file(store / _FOLDER / _FILES, schema=_files_schema(), threads=False)
    found = read_file(store / _FOLDER / _ISSUES, schema=_issues_schema())
    issues: dict[int, list[Issue]] = {}
    for number, *values in zip(*(column.to_pylist() for column in found.columns), strict=True):
        issues.setdefault(number, []).append(issue_of_row(values))
    return SourceList(files), issues


def _files_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("path", pa.string()), ("cluster", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64())])


def _issues_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("number", pa.int32()), *((field.name, pa.string()) for field in dataclasses.fields(Issue))])
