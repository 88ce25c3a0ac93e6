"""Whether the last load of a store had the same sources, decided without reading its tables.

This module does not import Arrow, because the import would take most of the time of a load that finds nothing new.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.store.commit import LOCK_WAIT_S, locked
from daganalysis.store.folder_manifest import check_manifest, noted
from daganalysis.store.opening import is_store
from daganalysis.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.reading import SourceFile
    from daganalysis.reading.plain_folder import PlainFolder
    from daganalysis.store.remote_paths import StorePath

State = tuple[str, str | None, int | None, int | None]
"""The state of a file that is a source: its identity, its label, its size and its time of change."""


def fingerprint(states: Iterable[State]) -> str | None:
    """Return a fingerprint of sources in their states, in any order; None if one has no modification time.

    >>> one, other = ("/a", "prod", 10, 1), ("/b", None, 20, 2)
    >>> fingerprint([one, other]) == fingerprint([other, one]) != fingerprint([one])
    True
    >>> fingerprint([("/a", None, 10, None)]) is None
    True
    """
    groups: dict[tuple[str, str | None], list[str]] = {}
    for identity, cluster, size, changed in states:
        if changed is None:
            return None
        folder, slash, name = identity.rpartition("/")
        groups.setdefault((folder + slash, cluster), []).append(f"{name}\0{size}\0{changed}")
    return _digest([(_heading(folder, cluster), sorted(files)) for (folder, cluster), files in groups.items()])


def fingerprint_of_folder(folder: PlainFolder, cluster: str | None, cluster_by: str | None) -> str:
    """Return the fingerprint of the files of a folder, labelled as :func:`daganalysis.load` does; none of them is part of a copy."""
    return _digest([(_heading(f"{folder.root}/{below}", label), files) for below, label, files in folder.labelled(cluster, cluster_by)])


def _heading(folder: str, cluster: str | None) -> str:
    return f"{folder}\0{'' if cluster is None else '/'}{cluster}\0"


def _digest(groups: list[tuple[str, list[str]]]) -> str:
    """Return the digest of files with one folder and one label each group, in order of their names, without the folder in each text."""
    groups.sort()
    digest = hashlib.sha256()
    for heading, files in groups:
        text = "\0\0".join((heading, str(len(files)), *files, ""))
        digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def is_unchanged(store: StorePath, files: Sequence[SourceFile], wait_s: float = LOCK_WAIT_S) -> bool:
    """Return whether the last load of a store was given these files, each in the state that it has now.

    False if only a closer comparison can decide: for sources without a modification time, with a given zone, and for a store at a URL or of
    another version. Raises :class:`StoreError` for a damaged store.
    """
    last = None if any(file.zone is not None for file in files) else last_fingerprint(store)
    if last is None or last != fingerprint((file.identity, file.cluster, file.size, file.mtime_ns) for file in files):
        return False
    return is_still_last(store, last, wait_s)


def last_fingerprint(store: StorePath) -> str | None:
    """Return the fingerprint of the sources of the last load of a store on disk, if it is of this version and they have one."""
    if not isinstance(store, Path) or not is_store(store):
        return None
    version, last = noted(store)
    return last if version == SCHEMA_VERSION else None


def is_still_last(store: StorePath, last: str, wait_s: float = LOCK_WAIT_S) -> bool:
    """Return whether the sources of the last load have this fingerprint once no other load is at work.

    Raises :class:`StoreError` if the record of the last load is damaged. The tables are checked when the store is opened.
    """
    with locked(store, wait_s) as real:
        if not isinstance(real, Path) or noted(real) != (SCHEMA_VERSION, last):
            return False
        check_manifest(real, private=True, tables=False)
    return True
