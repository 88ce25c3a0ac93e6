"""Whether the last load of a store had the same sources, decided without reading its tables.

This module does not import Arrow, because the import would take most of the time of a load that finds nothing new.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.reading.plain_folder import plain_files
from daganalysis.store.commit import LOCK_WAIT_S, locked
from daganalysis.store.folder_manifest import check_manifest, noted
from daganalysis.store.opening import is_store
from daganalysis.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from daganalysis.reading import SourceFile
    from daganalysis.store.remote_paths import StorePath

State = tuple[str, str | None, int | None, int | None]
"""What is known of a source, of a file: which it is, its label, its size and its time of change."""


def fingerprint(states: Iterable[State]) -> str | None:
    """Return a fingerprint of sources in their states, in any order; None if one has no modification time.

    >>> one, other = ("/a", "prod", 10, 1), ("/b", None, 20, 2)
    >>> fingerprint([one, other]) == fingerprint([other, one]) != fingerprint([one])
    True
    >>> fingerprint([("/a", None, 10, None)]) is None
    True
    """
    texts = []
    for identity, cluster, size, changed in states:
        if changed is None:
            return None
        texts.append(f"{identity}{_label_text(cluster)}{size}\0{changed}")
    return _digest(texts)


def fingerprint_of_folder(folder: str | os.PathLike[str], cluster: str | None, cluster_by: str | None) -> str | None:
    """Return the fingerprint of the files of a folder, or None if only a closer look can tell which sources they are."""
    root = os.path.abspath(folder)  # noqa: PTH100 - a Path would take longer
    found = plain_files(root) if root.isascii() and cluster_by in {None, "dir"} else None
    if found is None:
        return None
    texts = []
    for below, files in found:
        label = cluster if cluster_by is None else below.partition("/")[0] or None
        beginning, label_text = f"{root}/{below}", _label_text(label)
        texts += [f"{beginning}{name}{label_text}{size}\0{changed}" for name, size, changed in files]
    return _digest(texts)


def _label_text(cluster: str | None) -> str:
    return f"\0{'' if cluster is None else '/'}{cluster}\0"


def _digest(texts: list[str]) -> str:
    texts.sort()
    return hashlib.sha256("\0\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def is_unchanged(store: StorePath, files: Sequence[SourceFile], wait_s: float = LOCK_WAIT_S) -> bool:
    """Return whether the last load of a store was given these files, each in the state that it has now.

    False if only a closer comparison can decide: for sources without a modification time, with a given zone, and for a store at a URL or of
    another version. Raises :class:`StoreError` for a damaged store.
    """
    if any(file.zone is not None for file in files):
        return False
    return was_given(store, lambda: fingerprint((file.identity, file.cluster, file.size, file.mtime_ns) for file in files), wait_s)


def was_given(store: StorePath, fingerprint_of_sources: Callable[[], str | None], wait_s: float = LOCK_WAIT_S) -> bool:
    """Return whether the sources of the last load of a store have a fingerprint; as :func:`is_unchanged` otherwise."""
    if not isinstance(store, Path) or not is_store(store):
        return False
    version, known = noted(store)
    if version != SCHEMA_VERSION or known is None or fingerprint_of_sources() != known:
        return False
    with locked(store, wait_s) as real:
        if not isinstance(real, Path) or noted(real) != (SCHEMA_VERSION, known):
            return False
        check_manifest(real, private=True)
    return True
