"""What there is to read: files, folders, patterns, standard input, remote places, or things in memory."""

from __future__ import annotations

import errno
import glob
import operator
import os
import stat
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.errors import InputError, UsageError
from daganalysis.reading.databases.grouping import grouped
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.plain_folder import PlainFolder
from daganalysis.reading.source_file import SourceFile, printable
from daganalysis.tables.store_layout import MARK, is_store_folder
from daganalysis.urls import is_url, local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DEEPEST_FOLDER = 64
_OWN_HIDDEN = (".lock", ".new", ".old", ".unfinished")
"""Endings of the temporary hidden files that this program keeps beside a store."""
_KEPT_HIDDEN = (".meta",)
"""How hidden files begin that are sources all the same: an agent's own database."""


def list_source_files(
    sources: Iterable[object],
    *,
    cluster: str | None = None,
    cluster_by: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    zone: str | None = None,
) -> list[SourceFile]:
    """List the files of some sources, those of each in order of their names, every file once.

    ``cluster_by`` labels by ``"dir"``, the first folder below the source, or ``"file"``, the file name up to its first dot; a file directly
    in the source has no label by folder. A file's name is its path below the given folder (or below the fixed part of a pattern), or its
    own name if it was given itself. If files of two sources would have the same name, parent folders are added until the names differ.
    Files of one copy of a database are one. ``zone`` applies to times without a zone. Raises :class:`InputError` for a source that does not
    exist, :class:`UsageError` for invalid options.
    """
    check_labels(cluster, cluster_by)
    if zone is not None:
        _check_zone(zone)
    found: dict[str, SourceFile] = {}
    for source in sources:
        # There may be a hundred thousand files: no copies are made, and each is looked at as seldom as may be.
        for file in _files_of(source):
            found.setdefault(file.identity, file)
    if cluster is not None or zone is not None or limits is not DEFAULT_LIMITS:
        for file in found.values():
            file.cluster, file.limits, file.zone = cluster, limits, zone
    files = grouped(list(found.values()))
    label = {"dir": _label_by_folder, "file": _label_by_file}.get(cluster_by or "")
    if label is not None:
        for file in files:
            file.cluster = label(file.name)
    return _apart(files)


def check_labels(cluster: str | None, cluster_by: str | None) -> None:
    """Raise :class:`UsageError` for a wrong label, or a wrong way to label."""
    if cluster_by not in {None, "dir", "file"}:
        raise UsageError("unknown way to label clusters", where=str(cluster_by), hint="use dir or file")
    if cluster is not None and cluster_by is not None:
        raise UsageError("cluster and cluster_by cannot be combined", hint="give one of them")
    if cluster is not None and (not cluster or "/" in cluster or "#" in cluster):
        raise UsageError("a cluster label must not be empty or contain / or #", where=cluster)


def _check_zone(zone: str) -> None:
    from daganalysis.reading.databases.database_times import parse_zone

    if parse_zone(zone) is None:
        raise UsageError("no such time zone", where=zone, hint="give an offset such as +08:00, or a name such as Asia/Shanghai")


def _apart(files: list[SourceFile]) -> list[SourceFile]:
    """Name files so that no two have one name."""
    while len({file.name for file in files}) < len(files):
        often = {name for name, n in Counter([file.name for file in files]).items() if n > 1}
        for file in files:
            if file.name in often:
                file.name = _longer(file)
    return files


def _longer(file: SourceFile) -> str:
    """A file's name with one more of the folders above it; at last all there is."""
    n_parts = file.name.count("/") + 2
    parts = file.identity.split("/")
    return "/".join(parts[-n_parts:]) if n_parts < len(parts) else file.identity


def _label_by_folder(name: str) -> str | None:
    folder, slash, _ = name.partition("/")
    return folder if slash else None


def _label_by_file(name: str) -> str | None:
    return name.rpartition("/")[2].partition(".")[0] or None


def _files_of(source: object) -> Iterator[SourceFile]:
    if isinstance(source, SourceFile):
        yield replace(source, cluster=None, limits=DEFAULT_LIMITS, zone=None)
    elif isinstance(source, PlainFolder):
        yield from _of_plain_folder(source)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _in_memory(bytes(source))
    elif isinstance(source, str | os.PathLike):
        yield from _at(os.fspath(source))
    elif isinstance(source, (list, tuple)) and source and all(isinstance(item, str | os.PathLike) for item in source):
        for item in source:
            yield from _at(os.fspath(item))
    else:
        from daganalysis.reading.sdk import to_json

        yield _in_memory(to_json(source))


def _of_plain_folder(folder: PlainFolder) -> Iterator[SourceFile]:
    states = ((below + name, int(size), int(changed)) for below, files in folder.folders for name, size, changed in map(_split, files))
    for name, size, changed in sorted(states, key=lambda state: in_order_of_walk(state[0])):
        path = f"{folder.root}/{name}"
        yield SourceFile(path, name, path, None, None, size, changed)


_split = operator.methodcaller("split", "\0")


def in_order_of_walk(name: str) -> list[str]:
    """Return the key that sorts the names of files as a walk finds them: the entries of each folder in order of their names.

    >>> sorted(["b.json", "b/z.json", "a.json"], key=in_order_of_walk)
    ['a.json', 'b/z.json', 'b.json']
    """
    return name.split("/")


def _in_memory(content: bytes) -> SourceFile:
    import hashlib

    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return SourceFile(f"memory:{digest}", f"memory-{digest}", content=content, size=len(content), was_named=True)


def _at(place: str | bytes) -> Iterator[SourceFile]:
    text = os.fsdecode(place)
    if not text:
        raise InputError("the name of a source is empty", hint="give a file or a folder; . is the current folder")
    if text == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed", where="-", hint="give a file, or send the answers through a pipe")
        content = sys.stdin.buffer.read()
        yield replace(_in_memory(content), name="stdin")
        return
    if is_url(text):
        if not text.startswith("file://"):
            from daganalysis.reading.remote_files import list_remote

            yield from list_remote(text)
            return
        text = local_path(text)
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            yield _troubled(str(path.absolute()), path.name, "not-a-file", "a broken link")
            return
        yield from _matching(text)
        return
    except (OSError, ValueError) as error:
        raise InputError("the source cannot be read", where=text, hint=str(error)) from None
    if stat.S_ISDIR(mode):
        yield from _in_folder(path)
    elif stat.S_ISREG(mode):
        yield replace(_file(path, path.name), was_named=True)
    elif stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        yield _piped(path)
    else:
        yield _file(path, path.name)


def _piped(path: Path) -> SourceFile:
    """Read what was named and can be read but once: a pipe (``<(…)``), a terminal."""
    try:
        with path.open("rb") as stream:
            content = stream.read()
    except OSError as error:
        raise InputError("the source cannot be read", where=str(path), hint=error.strerror or str(error)) from None
    return replace(_in_memory(content), name="stdin" if str(path) == "/dev/stdin" else printable(str(path)))


def _matching(pattern: str) -> Iterator[SourceFile]:
    if not glob.has_magic(pattern):
        raise InputError("no such file or folder", where=pattern, hint="check the path")
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - a pattern may be absolute, which Path.glob refuses
    if not matches:
        raise InputError(
            "no file matches the pattern", where=pattern, hint="check the pattern; quote it so that the shell does not expand it"
        )
    # The label by folder counts from the part of the pattern that is no pattern.
    literal = pattern[: next(i for i, char in enumerate(pattern) if char in "*?[")]
    base = literal.rpartition("/")[0] or ("/" if literal.startswith("/") else ".")
    for match in matches:
        path = Path(match)
        name = os.path.relpath(match, base).replace(os.sep, "/")
        if path.is_dir():
            for file in _in_folder(path):
                yield replace(file, name=f"{name}/{file.name}")
        else:
            yield _file(path, name)


def _in_folder(root: Path) -> list[SourceFile]:
    """Walk a folder in order of names. Links are followed, but never into a folder that contains them."""
    found: list[SourceFile] = []
    _walk(str(root.absolute()), "", (_folder_id(root.stat()),), found)
    return found


def _folder_id(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _walk(folder: str, prefix: str, above: tuple[tuple[int, int], ...], found: list[SourceFile]) -> None:
    """Add the files of a folder to a list."""
    try:
        with os.scandir(folder) as listing:
            entries = {entry.name: entry for entry in listing}
    except OSError as error:
        found.append(_troubled(folder, prefix.rstrip("/") or ".", "unreadable-file", error.strerror or str(error)))
        return
    if MARK in entries and is_store_folder(Path(folder)):
        if not prefix:
            raise UsageError("the source is a store", where=folder, hint="name each store by itself, not by a pattern")
        return  # made from answers, perhaps of these very ones
    for own_name in sorted(entries):
        entry, name = entries[own_name], prefix + own_name
        if own_name.startswith(".") and not own_name.startswith(_KEPT_HIDDEN):
            if not own_name.endswith(_OWN_HIDDEN):
                found.append(_hidden(entry.path, name))
            continue
        try:
            status = entry.stat()
        except OSError as error:
            # A link that leads to itself cannot even be looked at.
            code = "link-loop" if error.errno == errno.ELOOP else "not-a-file" if entry.is_symlink() else "vanished-file"
            message = "a broken link" if code == "not-a-file" else error.strerror or str(error)
            found.append(_troubled(entry.path, name, code, message))
            continue
        if stat.S_ISREG(status.st_mode):
            found.append(_from_status(entry.path, name, status))
        elif stat.S_ISDIR(status.st_mode):
            identity = _folder_id(status)
            if identity in above:
                found.append(_troubled(entry.path, name, "link-loop", "the link points to a folder that contains it"))
            elif len(above) > _DEEPEST_FOLDER:
                found.append(_troubled(entry.path, name, "unreadable-file", f"folders are nested more than {_DEEPEST_FOLDER} deep"))
            else:
                _walk(entry.path, name + "/", (*above, identity), found)
        else:
            found.append(_troubled(entry.path, name, "not-a-file", "not an ordinary file"))


def _file(path: Path, name: str) -> SourceFile:
    """Links stay as they are: a source is what it was called."""
    try:
        status = path.stat()
    except OSError as error:
        return _troubled(str(path.absolute()), name, "vanished-file", error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return _troubled(str(path.absolute()), name, "not-a-file", "not an ordinary file")
    return _from_status(str(path.absolute()), name, status)


def _from_status(path: str, name: str, status: os.stat_result) -> SourceFile:
    if path.isascii():  # as nearly all are
        return SourceFile(path, name, path, None, None, status.st_size, status.st_mtime_ns)
    return SourceFile(_identity(path), printable(name), path, None, None, status.st_size, status.st_mtime_ns)


def _troubled(path: str, name: str, code: str, message: str) -> SourceFile:
    return SourceFile(_identity(path), printable(name), trouble=(code, message))


def _hidden(path: str, name: str) -> SourceFile:
    from daganalysis.reading.file_kinds import HIDDEN_FILE

    return _troubled(path, name, HIDDEN_FILE.code, HIDDEN_FILE.message)


def _identity(path: str) -> str:
    """A path as text: bytes that are none are spelt out, so that two paths stay two."""
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
