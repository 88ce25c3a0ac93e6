"""The files of a folder without an object for each, which is enough to see that nothing has changed since they were last read.

There may be a hundred thousand files. A folder with anything but ordinary files and folders is left to
:mod:`daganalysis.reading.listing`, which knows what becomes of the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from daganalysis.tables.store_layout import MARK

PlainFile = tuple[str, int, int]
"""A file: its name in its folder, its size in bytes, and its time of change in nanoseconds since 1970."""

_DEEPEST_FOLDER = 64
_TO_LIST = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


class PlainFolder(NamedTuple):
    """A folder and its files, in order of their names.

    ``stretches`` are files that follow each other in one folder, with the path of that folder below ``root``: empty, or with a slash at
    its end.
    """

    root: str
    stretches: list[tuple[str, list[PlainFile]]]

    @property
    def n_files(self) -> int:
        """How many files there are."""
        return sum(len(files) for _, files in self.stretches)


def plain_folder(folder: str | os.PathLike[str]) -> PlainFolder | None:
    """Return the files of a folder and its subfolders; None if it holds anything but files and folders.

    >>> [(below, [name for name, _, _ in files]) for below, files in plain_folder("sample_data/documented").stretches]
    [('', ['scale-out.json'])]
    """
    root = str(Path(folder).absolute())
    stretches: list[tuple[str, list[PlainFile]]] = []
    if not root.isascii() or root.endswith("/"):
        return None
    try:
        is_plain = _add_files(os.open(root, _TO_LIST), "", stretches)
    except OSError:
        return None
    return PlainFolder(root, stretches) if is_plain else None


def _add_files(folder: int, below: str, stretches: list[tuple[str, list[PlainFile]]]) -> bool:
    """Add the files of an open folder; return whether it holds only files and folders. Paths are relative, as in `find`."""
    found: dict[str, PlainFile | None] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    found[name] = name, status.st_size, status.st_mtime_ns
                elif entry.is_dir(follow_symlinks=False) and below.count("/") < _DEEPEST_FOLDER:
                    found[name] = None
                else:
                    return False
        names = "/" + "/".join(found)
        is_hidden = "/." in names
        return names.isascii() and not is_hidden and MARK not in found and _add_in_order(folder, found, below, stretches)
    finally:
        os.close(folder)


def _add_in_order(folder: int, found: dict[str, PlainFile | None], below: str, stretches: list[tuple[str, list[PlainFile]]]) -> bool:
    files: list[PlainFile] = []
    for name in sorted(found):
        file = found[name]
        if file is not None:
            files.append(file)
            continue
        if files:
            stretches.append((below, files))
            files = []
        if not _add_files(os.open(name, _TO_LIST, dir_fd=folder), f"{below}{name}/", stretches):
            return False
    if files:
        stretches.append((below, files))
    return True
