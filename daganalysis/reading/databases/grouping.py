"""Which files make one copy of a database, recognised by their names: they can only be read together.

An agent's ``.meta`` goes with its write-ahead log (``.meta-wal``), the files of a dump with one file a table go with each other. The
content of a file is looked at when it is read. A file that is not part of a copy is then read as what it is.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from daganalysis.reading.source_file import SourceFile

_COMPANIONS = ("-wal", "-journal")
_ENDINGS = (".tsv", ".csv", ".sql", ".txt", ".dat", ".gz", ".zst")
_INDEX = "-shm"
"""The index of a write-ahead log; SQLite makes a new one."""
_WHOLE = (".meta", ".db", ".sqlite", ".sqlite3")
_PERHAPS = (*_COMPANIONS, _INDEX, *_WHOLE, *_ENDINGS)
"""How a file ends that may be one of several: few of the hundred thousand that there may be."""


@cache
def _of_one_table() -> re.Pattern[str]:
    """Return the pattern of the names of a dump's files; most archives hold none."""
    from daganalysis.reading.databases.schema import TABLES

    names = "|".join(sorted((name for name in TABLES if not name.endswith("_info")), key=len, reverse=True))
    return re.compile(rf"(?P<before>.*?)(?P<table>{names})(?P<after>[-.@\w]*?\.(?:tsv|csv|sql|txt|dat)(?:\.(?:gz|zst))?)")


def grouped(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Join the files of one copy of a database into one source, in the place of the first file.

    All other files stay as they are. Files on disk that belong to the same copy are part of the source even if only one file was given,
    because half a copy cannot be read.
    """
    if not any(file.identity.endswith(_PERHAPS) for file in files):
        return list(files)
    groups: dict[str, list[SourceFile]] = {}
    result: list[SourceFile | str] = []
    for file in files:
        key = None if file.content is not None or file.trouble is not None else _key(file.identity)
        if key is None:
            result.append(file)
            continue
        if key not in groups:
            result.append(key)
        groups.setdefault(key, []).append(file)
    return [_joined(one, groups[one]) if isinstance(one, str) else one for one in result]


def may_hold_copy(paths: Collection[str]) -> bool:
    """Return whether some files may be one copy of a database, by their names.

    >>> may_hold_copy(["/a/1.json", "/a/.meta"]), may_hold_copy(["/a/1.json", "/a/2.json.gz"])
    (True, False)
    """
    last = {path[-3:] for path in paths}  # which takes a fraction of the time of looking at each ending of each name
    if last.isdisjoint(ending[-3:] for ending in _PERHAPS):
        return False
    return any(path.endswith(_PERHAPS) and _key(path) is not None for path in paths)


def _key(identity: str) -> str | None:
    """Return what the files of one copy have in common; None for a file that is not one of several."""
    folder, _, name = identity.rpartition("/")
    for suffix in (*_COMPANIONS, _INDEX):
        if name.endswith(suffix):
            return identity.removesuffix(suffix)
    if name.endswith(_WHOLE):
        return identity
    found = _of_one_table().fullmatch(name) if name.endswith(_ENDINGS) else None
    # Rows without a header line need the statements beside them, so the ending is not part of it.
    return None if found is None else f"{folder}/{found['before']}*"


def table_in_name(name: str) -> str | None:
    """Return the table whose rows a file of a dump holds, as its name tells.

    >>> table_in_name("c1/ocs@sub_task_log@@0.tsv.zst"), table_in_name("c1/ocs.sql")
    ('sub_task_log', None)
    """
    own = name.rpartition("/")[2]
    found = _of_one_table().fullmatch(own) if own.endswith(_ENDINGS) else None
    return found["table"] if found is not None else None


def ending(name: str) -> str:
    """Return the ending that all files of one dump have: mydumper's numbers and ``-schema`` differ, and whether they are packed.

    >>> ending("ocs.dag_instance.00000.sql"), ending("ocs.dag_instance-schema.sql.gz")
    ('.sql', '.sql')
    """
    return Path(name.removesuffix(".gz").removesuffix(".zst")).suffix


def _joined(key: str, files: list[SourceFile]) -> SourceFile:
    beside = _beside(key, files[0])
    known = {file.identity for file in files}
    parts = [file for file in (*files, *(file for file in beside if file.identity not in known)) if not file.identity.endswith(_INDEX)]
    parts.sort(key=lambda file: file.identity)
    if not parts:
        return files[0]
    if len(parts) == 1 and parts[0].identity == key:
        return parts[0]
    changed = [file.mtime_ns for file in parts if file.mtime_ns is not None]
    name = files[0].name.rpartition("/")
    endings = {ending(file.identity) for file in parts} if key.endswith("*") else set()
    return replace(
        files[0],
        identity=key,
        name=f"{name[0]}{name[1]}{key.rpartition('/')[2]}{endings.pop() if len(endings) == 1 else ''}",
        path=None,
        size=sum(file.size or 0 for file in parts),
        mtime_ns=max(changed) if len(changed) == len(parts) else None,
        parts=tuple(parts),
    )


def _beside(key: str, file: SourceFile) -> Iterable[SourceFile]:
    """Return the files in the same folder that belong to the same copy."""
    if file.path is None or is_url(file.path):
        return []
    folder = Path(file.path).parent
    if "*" not in key:
        candidates = [Path(str(Path(file.path).parent / Path(key).name) + suffix) for suffix in ("", *_COMPANIONS)]
    else:
        try:
            candidates = [Path(entry) for entry in os.scandir(folder) if _key(f"{key.rpartition('/')[0]}/{entry.name}") == key]
        except OSError:
            return []
    found = []
    for path in candidates:
        try:
            status = path.stat()
        except OSError:
            continue
        if path.is_file():
            name = f"{file.name.rpartition('/')[0]}/{path.name}".lstrip("/")
            identity = f"{file.identity.rpartition('/')[0]}/{path.name}"
            found.append(replace(file, identity=identity, name=name, path=str(path), size=status.st_size, mtime_ns=status.st_mtime_ns))
    return found
