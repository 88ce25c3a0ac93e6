"""Loading: from saved responses to an archive in memory, or into a store."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daganalysis.archive import Archive, read_parquet
from daganalysis.loading.strictness import refuse_rejected, refuse_rejected_rows
from daganalysis.progress import shown
from daganalysis.store import is_store
from daganalysis.store.remote_paths import store_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.dask_workers import DaskWorkers
    from daganalysis.engine.user_catalogue import Catalogue
    from daganalysis.loading.from_stores import GivenStore
    from daganalysis.loading.given import FolderFiles
    from daganalysis.progress import Progress
    from daganalysis.reading import Limits, SourceFile
    from daganalysis.reading.answers import Issue
    from daganalysis.reading.plain_folder import PlainFolder

_IN_MEMORY = 1 << 25
"""Bytes of sources up to which an archive is loaded in this process and memory alone."""


def load(
    *sources: object,
    cluster: str | None = None,
    cluster_by: str | None = None,
    jobs: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    limits: Limits | None = None,
    tz: str | None = None,
    client: Any = None,
    catalogue: Catalogue | str | os.PathLike[str] | None = None,
) -> Archive:
    """Load saved responses into an archive.

    Small sources are loaded in memory. Larger ones are loaded by several processes through a temporary store, which exists as long as the
    archive; the result is the same. A record that cannot be used becomes a row of the table ``issues``, and the rest is loaded.

    Args:
        sources: Files, folders, patterns or URLs; or bytes, decoded JSON or objects of the SDK; or stores, which give the responses that
            they were made of.
        cluster: The label of the cluster that all sources come from.
        cluster_by: Take the label from the first folder below the source (``"dir"``), or from the file name up to its first dot
            (``"file"``).
        jobs: The number of processes; None means one per core.
        strict: Raise an error if a record is rejected.
        progress: A function that receives the progress (:data:`daganalysis.progress.Progress`). None shows a bar in a terminal and in a
            notebook.
        limits: Bounds on what an untrusted source can unpack to (:class:`daganalysis.reading.Limits`).
        tz: The time zone of times without a zone in dumps and agents' logs, where nothing else shows it: an offset (``"+08:00"``) or a
            name (``"Asia/Shanghai"``).
        client: A Dask client, or the address of a scheduler. Its workers load the sources and compute the analyses of the archive. They
            must see the sources and the store.
        catalogue: Your own workflow name patterns and failure signatures: a TOML file, or the result of
            :func:`daganalysis.read_catalogue`.

    Returns:
        The archive. The order of the sources does not matter, and a response that was given twice counts once.

    Raises:
        InputError: A source does not exist or cannot be read.
        UsageError: Options contradict each other, or the catalogue is wrong.
        RejectedRecordsError: ``strict`` is true and a record was rejected.

    Example:
        >>> load("sample_data/documented/scale-out.json").dags["name"].tolist()
        ['Cluster scale out']
    """
    own = _read(catalogue)
    files, stores = _listed(sources, cluster, cluster_by, limits, tz)
    if client is not None or stores or sum(file.size or 0 for file in files) > _IN_MEMORY:
        with shown(progress) as tell:
            archive = _load_through_store(files, stores, jobs, strict, tell, client)
    else:
        archive = _load_in_memory(files, strict)
    return archive if own is None else archive.with_catalogue(own)


def _read(catalogue: Catalogue | str | os.PathLike[str] | None) -> Catalogue | None:
    """Read a catalogue before anything is loaded, so a mistake in it is reported at once."""
    from daganalysis.engine.user_catalogue import Catalogue, read_catalogue

    return catalogue if catalogue is None or isinstance(catalogue, Catalogue) else read_catalogue(catalogue)


def load_into_store(
    *sources: object,
    store: str | os.PathLike[str],
    cluster: str | None = None,
    cluster_by: str | None = None,
    jobs: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    limits: Limits | None = None,
    tz: str | None = None,
    client: Any = None,
) -> Archive:
    """Load saved responses into a store, and open the store.

    The store is created if it does not exist. A source that has not changed since it was loaded (path, label, size, modification time) is
    not read again. A changed source replaces what it gave before. A source that no longer exists stays in the store. The tables are the
    same as if all sources had been loaded at once, in any order, with any number of processes. If the load fails, the store is unchanged.

    Args:
        sources: As for :func:`load`.
        store: The folder or the URL of the store.
        cluster: As for :func:`load`.
        cluster_by: As for :func:`load`.
        jobs: As for :func:`load`.
        strict: Raise an error and leave the store unchanged if a record is rejected.
        progress: As for :func:`load`.
        limits: As for :func:`load`.
        tz: As for :func:`load`.
        client: As for :func:`load`.

    Returns:
        The store as an archive, whose tables are read when they are needed.

    Raises:
        InputError: A source does not exist or cannot be read.
        UsageError: Options contradict each other.
        StoreError: The store cannot be written.
        StoreBusyError: Another process is writing the store.
        RejectedRecordsError: ``strict`` is true and a record was rejected.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     len(load_into_store("sample_data/documented", store=f"{folder}/store"))
        1
    """
    from daganalysis.loading.unchanged import fingerprint_of_folder, is_still_last, is_unchanged, last_fingerprint
    from daganalysis.loading.workers import without_collector

    with shown(progress) as tell, _on(client) as dask, without_collector():
        place = store_path(store)
        last = None if strict or tz is not None else last_fingerprint(place)
        folder = None if last is None else _plain_folder(sources)
        given = None if folder is None else fingerprint_of_folder(folder, cluster, cluster_by)
        if given is None or given != last or not is_still_last(place, given):
            files = None if folder is None or given is None else _as_sources(folder, given, cluster, cluster_by, limits)
            listed, stores = _listed(sources, cluster, cluster_by, limits, tz) if files is None else ([], [])
            if files is not None or stores or strict or not is_unchanged(place, listed):
                from daganalysis.loading.into_store import load_sources  # which imports all of Arrow

                load_sources(listed if files is None else files, place, stores=stores, jobs=jobs, dask=dask, strict=strict, progress=tell)
    return read_parquet(store, client=client)


def _plain_folder(sources: Sequence[object]) -> PlainFolder | None:
    """Return the only source if it is a folder of ordinary files."""
    from daganalysis.reading.plain_folder import plain_folder

    return plain_folder(sources[0]) if len(sources) == 1 and isinstance(sources[0], (str, os.PathLike)) else None


def _as_sources(
    folder: PlainFolder, fingerprint: str, cluster: str | None, cluster_by: str | None, limits: Limits | None
) -> FolderFiles | None:
    """Return the files of a folder as sources; None if some may make one copy of a database, so that they must be listed one by one."""
    from daganalysis.loading.given import FolderFiles
    from daganalysis.reading import DEFAULT_LIMITS
    from daganalysis.reading.databases.grouping import may_hold_copy
    from daganalysis.reading.listing import check_labels

    check_labels(cluster, cluster_by)
    files = FolderFiles(folder, fingerprint, cluster, cluster_by, limits or DEFAULT_LIMITS)
    return None if may_hold_copy(files.columns.paths) else files


def open_archive(
    source: str | os.PathLike[str],
    *,
    cluster: str | None = None,
    cluster_by: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    client: Any = None,
    catalogue: str | os.PathLike[str] | None = None,
    tz: str | None = None,
) -> Archive:
    """Open the argument of a command: a store, or saved responses. ``tz`` is the time zone of times without a zone in saved responses."""
    if is_store(source):
        return read_parquet(source, client=client, catalogue=catalogue)
    return load(source, cluster=cluster, cluster_by=cluster_by, jobs=jobs, progress=progress, client=client, catalogue=catalogue, tz=tz)


def _load_in_memory(files: Sequence[SourceFile], strict: bool) -> Archive:
    from daganalysis.history.rebuild import rebuild
    from daganalysis.reading import read_files
    from daganalysis.text.issue_groups import GROUPED_COLUMNS

    issues: list[Issue] = []
    answers = read_files(files, issues)
    if strict:
        refuse_rejected(issues)
    archive = Archive.from_tables(rebuild(answers, issues))
    if strict:
        refuse_rejected_rows(archive.arrow("issues", GROUPED_COLUMNS))
    return archive


def _on(client: Any) -> contextlib.AbstractContextManager[DaskWorkers | None]:
    if client is None:
        return contextlib.nullcontext()
    from daganalysis.dask_workers import DaskWorkers

    return DaskWorkers(client)


def _listed(
    sources: Sequence[object], cluster: str | None, cluster_by: str | None, limits: Limits | None, tz: str | None
) -> tuple[list[SourceFile], list[GivenStore]]:
    from daganalysis.reading import DEFAULT_LIMITS, list_source_files

    others, stores = _split(sources, cluster)
    if stores and not others:
        return [], stores
    return list_source_files(others, cluster=cluster, cluster_by=cluster_by, limits=limits or DEFAULT_LIMITS, zone=tz), stores


def _split(sources: Sequence[object], cluster: str | None) -> tuple[Sequence[object], list[GivenStore]]:
    """Part sources into stores and all others."""
    if not any(isinstance(source, (str, os.PathLike)) and source != "-" and is_store(source) for source in sources):
        return sources, []
    from daganalysis.loading.from_stores import split_stores

    return split_stores(sources, cluster)


def _load_through_store(
    files: Sequence[SourceFile], stores: Sequence[GivenStore], jobs: int | None, strict: bool, progress: Progress, client: Any
) -> Archive:
    import tempfile
    import weakref

    from daganalysis.loading.into_store import load_sources

    place = tempfile.TemporaryDirectory(prefix="daganalysis-")
    try:
        store = Path(place.name) / "store"
        with _on(client) as dask:
            load_sources(files, store, stores=stores, jobs=jobs, dask=dask, strict=strict, progress=progress)
        archive = read_parquet(store, client=client)
    except BaseException:
        place.cleanup()
        raise
    weakref.finalize(archive, place.cleanup)
    return archive
