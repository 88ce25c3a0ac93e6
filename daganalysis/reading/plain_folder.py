"""The files of a folder without an object for each, which is enough to see which of them are new or have changed since they were last read.

There may be a hundred thousand files. A folder with anything but ordinary files and folders is left to
:mod:`daganalysis.reading.listing`, which knows what becomes of the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.tables.store_layout import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST_FOLDER = 64
_TO_LIST = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


class PlainFolder(NamedTuple):
    """A folder and the files in it and its subfolders.

    ``folders`` has the path of each folder below ``root``, empty or with a slash at its end, with the states of its files: texts that hold
    the name, the size in bytes and the time of change in nanoseconds since 1970, with zero bytes between them. They are in order of the
    names.
    """

    root: str
    folders: list[tuple[str, list[str]]]

    def labelled(self, cluster: str | None, cluster_by: str | None) -> Iterator[tuple[str, str | None, list[str]]]:
        """Yield the path of a folder below the root, a label, and the states of the files in that folder with that label.

        The labels are those of :func:`daganalysis.reading.list_source_files`.
        """
        for below, files in self.folders:
            if cluster_by == "file":
                by_label: dict[str | None, list[str]] = {}
                for file in files:
                    by_label.setdefault(file.partition("\0")[0].partition(".")[0] or None, []).append(file)
                for label, own in by_label.items():
                    yield below, label, own
            else:
                yield below, below.partition("/")[0] or None if cluster_by == "dir" else cluster, files


def plain_folder(folder: str | os.PathLike[str]) -> PlainFolder | None:
    """Return the files of a folder and its subfolders; None if it holds anything but files and folders.

    >>> [(below, [file.split(chr(0))[0] for file in files]) for below, files in plain_folder("sample_data/documented").folders]
    [('', ['scale-out.json'])]
    """
    root = str(Path(folder).absolute())
    folders: list[tuple[str, list[str]]] = []
    if not root.isascii() or root.endswith("/"):
        return None
    try:
        is_plain = _add_files(os.open(root, _TO_LIST), "", folders)
    except OSError:
        return None
    return PlainFolder(root, folders) if is_plain else None


def _add_files(folder: int, below: str, folders: list[tuple[str, list[str]]]) -> bool:
    """Add the files of an open folder; return whether it holds only files and folders. Paths are relative, as in `find`."""
    files: list[str] = []
    inner: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    # One text takes half of the time of a name and two numbers, and of the memory.
                    files.append(f"{entry.name}\0{status.st_size}\0{status.st_mtime_ns}")
                elif entry.is_dir(follow_symlinks=False) and below.count("/") < _DEEPEST_FOLDER:
                    inner.append(entry.name)
                else:
                    return False
        names = "/".join(("", *files, *inner))
        if not names.isascii() or "/." in names or MARK in inner or f"/{MARK}\0" in names:
            return False
        if files:
            files.sort()
            folders.append((below, files))
        return all(_add_files(os.open(name, _TO_LIST, dir_fd=folder), f"{below}{name}/", folders) for name in inner)
    finally:
        os.close(folder)
