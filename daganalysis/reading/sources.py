"""What there is to read: files, folders, patterns, standard input, remote places, or things in memory."""

from __future__ import annotations

import glob
import os
import stat
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.errors import InputError, UsageError
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.sdk import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".txt", ".log", ".out", ".gz", ".zst", ".zip", ".tar", ".tgz", ""})
"""Endings of the files that answers are saved in; others in a folder are passed over."""


@dataclass(slots=True)
class SourceFile:
    """One file to read.

    ``identity`` tells it from every other (an absolute path, or a URL), ``name`` is what issues and snapshots call it: the path from the
    source that was given. ``mtime_ns`` is None for what has no time of change; ``content`` is what lies in memory. ``trouble`` is the code
    and the words of an issue that stands for a file which cannot be read.
    """

    identity: str
    name: str
    path: str | None = None
    content: bytes | None = None
    cluster: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    trouble: tuple[str, str] | None = None
    limits: Limits = DEFAULT_LIMITS


def list_source_files(
    sources: Iterable[object],
    *,
    cluster: str | None = None,
    cluster_by: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> list[SourceFile]:
    """List the files of some sources, those of each in order of their names, every file once.

    ``cluster_by`` labels by ``"dir"``, the first folder below the source, or ``"file"``, the file name up to its first dot; what lies
    directly in the source has no label by folder. Raises :class:`InputError` for a source that is not there, :class:`UsageError` for
    options that make no sense.
    """
    if cluster_by not in {None, "dir", "file"}:
        raise UsageError("no such way to label clusters", where=str(cluster_by), hint="cluster_by is dir or file")
    if cluster is not None and cluster_by is not None:
        raise UsageError("both a cluster and a way to label clusters", hint="give either cluster or cluster_by")
    if cluster is not None and (not cluster or "/" in cluster or "#" in cluster):
        raise UsageError("a cluster label may not be empty nor hold / or #", where=cluster)
    found: dict[str, SourceFile] = {}
    for source in sources:
        for file in _files_of(source):
            if file.identity not in found:
                # There may be a hundred thousand of them: no copies are made.
                file.cluster = cluster or (_label(file.name, cluster_by) if cluster_by else None)
                file.limits = limits
                found[file.identity] = file
    return list(found.values())


def _label(name: str, cluster_by: str) -> str | None:
    parts = name.split("/")
    if cluster_by == "dir":
        return parts[0] if len(parts) > 1 else None
    if cluster_by == "file":
        return parts[-1].split(".")[0] or None
    return None


def _files_of(source: object) -> Iterator[SourceFile]:
    if isinstance(source, SourceFile):
        yield replace(source)
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _in_memory(bytes(source))
    elif isinstance(source, str | os.PathLike):
        yield from _at(os.fspath(source))
    elif isinstance(source, (list, tuple)) and source and all(isinstance(item, str | os.PathLike) for item in source):
        for item in source:
            yield from _at(os.fspath(item))
    else:
        yield _in_memory(to_json(source))


def _in_memory(content: bytes) -> SourceFile:
    import hashlib

    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return SourceFile(f"memory:{digest}", f"memory-{digest}", content=content, size=len(content))


def _at(place: str | bytes) -> Iterator[SourceFile]:
    text = os.fsdecode(place)
    if text == "-":
        content = sys.stdin.buffer.read()
        yield replace(_in_memory(content), name="stdin")
        return
    if "://" in text:
        from daganalysis.reading.remote import list_remote

        yield from list_remote(text)
        return
    path = Path(text)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            yield SourceFile(str(path.absolute()), path.name, trouble=("not-a-file", "a broken link"))
            return
        yield from _matching(text)
        return
    except (OSError, ValueError) as error:
        raise InputError("the source cannot be read", where=text, hint=str(error)) from None
    if stat.S_ISDIR(mode):
        yield from _in_folder(path)
    else:
        yield _file(path, path.name)


def _matching(pattern: str) -> Iterator[SourceFile]:
    if not glob.has_magic(pattern):
        raise InputError("no such file or folder", where=pattern, hint="check the path")
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - a pattern may be absolute, which Path.glob refuses
    if not matches:
        raise InputError("no file matches the pattern", where=pattern, hint="quote the pattern if the shell should leave it alone")
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


def _in_folder(root: Path) -> Iterator[SourceFile]:
    """Walk a folder in order of names; links are followed, but never into a folder they lie in."""
    # Links stay as they are: a source is what it was called.
    yield from _walk(str(root.absolute()), "", (_folder_id(root.stat()),))


def _folder_id(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _walk(folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[SourceFile]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield SourceFile(folder, prefix.rstrip("/") or ".", trouble=("unreadable-file", error.strerror or str(error)))
        return
    for entry in entries:
        name = prefix + entry.name
        if entry.name.startswith("."):
            continue
        try:
            status = entry.stat()
            is_folder = stat.S_ISDIR(status.st_mode)
        except OSError as error:
            # A link that leads to itself cannot even be looked at.
            code = "link-loop" if error.errno == 40 else "not-a-file" if entry.is_symlink() else "vanished-file"
            yield SourceFile(entry.path, name, trouble=(code, error.strerror or str(error)))
            continue
        if is_folder:
            identity = _folder_id(status)
            if identity in above:
                yield SourceFile(entry.path, name, trouble=("link-loop", "the link leads back to a folder above"))
            else:
                yield from _walk(entry.path, name + "/", (*above, identity))
        elif not stat.S_ISREG(status.st_mode):
            yield SourceFile(entry.path, name, trouble=("not-a-file", "no ordinary file"))
        elif _suffix(entry.name) in _SUFFIXES:
            yield _from_status(entry.path, name, status)
        else:
            yield SourceFile(entry.path, name, trouble=("skipped-file", "answers are not saved in files of this kind"))


def _suffix(name: str) -> str:
    """The ending with its dot, in lower case; a Path for each of a hundred thousand names would take a second."""
    _, dot, ending = name.rpartition(".")
    return dot + ending.lower() if dot and ending else ""


def _file(path: Path, name: str) -> SourceFile:
    try:
        status = path.stat()
    except OSError as error:
        return SourceFile(str(path.absolute()), name, trouble=("vanished-file", error.strerror or str(error)))
    if not stat.S_ISREG(status.st_mode):
        return SourceFile(str(path.absolute()), name, trouble=("not-a-file", "no ordinary file"))
    return _from_status(str(path.absolute()), name, status)


def _from_status(path: str, name: str, status: os.stat_result) -> SourceFile:
    return SourceFile(path, _printable(name), path, None, None, status.st_size, status.st_mtime_ns)


def _printable(name: str) -> str:
    """File names may hold bytes that are no text."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
