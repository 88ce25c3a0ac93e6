"""Loading: from saved responses to an archive in memory, or into a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.archive import Archive
from daganalysis.errors import RejectedRecordsError
from daganalysis.store import is_store, read_parquet, write_archive

if TYPE_CHECKING:
    import os


def load(*sources: object, cluster: str | None = None, cluster_by: str | None = None, strict: bool = False) -> Archive:
    """Load saved responses into memory: files, folders, globs, bytes, decoded JSON or SDK objects.

    ``cluster`` labels all of them; ``cluster_by`` takes the label from the first folder below the source (``"dir"``) or from the file
    name up to its first dot (``"file"``). What cannot be used becomes rows of ``issues``; with ``strict`` it raises
    :class:`RejectedRecordsError` instead.

    >>> load("sample_data/documented/scale-out.json").dags["name"].tolist()
    ['Cluster scale out']
    """
    from daganalysis.history.rebuild import rebuild
    from daganalysis.reading import list_source_files, read_file

    answers, issues = [], []
    for file in list_source_files(sources, cluster=cluster, cluster_by=cluster_by):
        reading = read_file(file)
        answers += reading.answers
        issues += reading.issues
    n_rejected = sum(issue.severity == "error" for issue in issues)
    if strict and n_rejected:
        raise RejectedRecordsError(n_rejected)
    return Archive.from_tables(rebuild(answers, issues))


def load_into_store(
    *sources: object, store: str | os.PathLike[str], cluster: str | None = None, cluster_by: str | None = None, strict: bool = False
) -> Archive:
    """Load saved responses into a store and open it."""
    write_archive(load(*sources, cluster=cluster, cluster_by=cluster_by, strict=strict), store)
    return read_parquet(store)


def open_archive(source: str | os.PathLike[str], *, cluster: str | None = None, cluster_by: str | None = None) -> Archive:
    """Open what a command was given: a store, or saved responses as they are."""
    if is_store(Path(source)):
        return read_parquet(source)
    return load(source, cluster=cluster, cluster_by=cluster_by)
