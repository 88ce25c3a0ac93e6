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
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.store.remote_paths import StagePath, StorePath

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


def write_sources(folder: StagePath, sources: Sequence[KnownSource], issues: Mapping[int, Sequence[Issue]]) -> None:
    """Write the sources, numbered by their place in the list, and the issues found in reading each."""
    from daganalysis.tables.arrays import table_of

    (folder / _FOLDER).mkdir()
    columns = dict(zip(KnownSource._fields, zip(*sources, strict=True), strict=True)) if sources else dict.fromkeys(KnownSource._fields, ())
    write_parquet(table_of(columns, _files_schema()), folder / _FOLDER / _FILES, _FOLDER, ["cluster"], 1 << 16)
    ordered = [(number, issue) for number in sorted(issues) for issue in issues[number]]
    names = [field.name for field in dataclasses.fields(Issue)]
    schema = _issues_schema()
    found: dict[str, list[object]] = {name: [getattr(issue, name) for _, issue in ordered] for name in names}
    found["number"] = [number for number, _ in ordered]
    write_parquet(table_of(found, schema), folder / _FOLDER / _ISSUES, _FOLDER, ["severity", "code"], 1 << 16)


def read_sources(store: StorePath) -> tuple[list[KnownSource], dict[int, list[Issue]]]:
    """Read the sources of a store and the issues of each by its number. Raises :class:`StoreError` for a store without its responses."""
    if not (store / _FOLDER).is_dir():
        # One that was written from an archive in memory.
        raise StoreError(
            "the store does not hold the responses that it was made of, so nothing can be added to it or loaded from it", where=str(store),
            hint="load the saved responses into a new store",
        )  # fmt: skip
    files = read_file(store / _FOLDER / _FILES, schema=_files_schema())
    rows = zip(*(files.column(name).to_pylist() for name in _files_schema().names), strict=True)
    sources = list(map(_make, rows))
    found = read_file(store / _FOLDER / _ISSUES, schema=_issues_schema())
    issues: dict[int, list[Issue]] = {}
    for number, *values in zip(*(column.to_pylist() for column in found.columns), strict=True):
        issues.setdefault(number, []).append(issue_of_row(values))
    return sources, issues


def _files_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("path", pa.string()), ("cluster", pa.string()), ("size", pa.int64()), ("mtime_ns", pa.int64())])


def _issues_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("number", pa.int32()), *((field.name, pa.string()) for field in dataclasses.fields(Issue))])
