"""The files of a folder without an object for each, which is enough to see that nothing has changed since they were last read.

There may be a hundred thousand files. A folder with anything but ordinary files and folders is left to
:mod:`daganalysis.reading.listing`, which knows what becomes of the rest.
"""

from __future__ import annotations

import os

from daganalysis.tables.store_layout import MARK

_DEEPEST_FOLDER = 64
_TO_LIST = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


PlainFile = tuple[str, int, int]
"""A file: its name in its folder, its size in bytes, and its time of change in nanoseconds since 1970."""


def plain_files(root: str) -> list[tuple[str, list[PlainFile]]] | None:
    """Return the files of a folder and of each folder below it, or None where there is anything else.

    Each folder is given by its path below the root, which ends with a slash; the root itself has an empty one.

    >>> [(below, [name for name, _, _ in files]) for below, files in plain_files("sample_data/documented")]
    [('', ['scale-out.json'])]
    """
    found: list[tuple[str, list[PlainFile]]] = []
    try:
        return found if _add_files(os.open(root, _TO_LIST), "", found) else None
    except OSError:
        return None


def _add_files(folder: int, below: str, found: list[tuple[str, list[PlainFile]]]) -> bool:
    """Add the files of an open folder; return whether there is nothing else. Paths are looked up from the folder, as `find` does."""
    files: list[PlainFile] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or not name.isascii() or name == MARK:
                    return False
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    files.append((name, status.st_size, status.st_mtime_ns))
                elif entry.is_dir(follow_symlinks=False) and below.count("/") < _DEEPEST_FOLDER:
                    folders.append(name)
                else:
                    return False
        found.append((below, files))
        return all(_add_files(os.open(name, _TO_LIST, dir_fd=folder), f"{below}{name}/", found) for name in folders)
    finally:
        os.close(folder)
