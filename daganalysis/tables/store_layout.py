"""What a store is: a folder with Parquet files of the table ``dags``. Any other folder holds responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARK = "dags"
"""The table that every store has. A folder is a store if it contains this folder with Parquet files."""
_PARQUET = ".parquet"


class Folder(Protocol):
    """A path on disk, or at a URL."""

    def __truediv__(self, name: str) -> Folder:
        """Return the path of an entry of the folder."""
        ...

    def glob(self, pattern: str) -> Iterator[object]:
        """Yield the entries of the folder that match a pattern."""
        ...


def is_store_folder(folder: Folder) -> bool:
    """Return whether a folder is a store.

    >>> from pathlib import Path
    >>> is_store_folder(Path("no/such/folder"))
    False
    """
    return next(iter((folder / MARK).glob(f"*{_PARQUET}")), None) is not None


def store_folders(files: Iterable[str]) -> set[str]:
    """Return the folders that are stores, from the names of all files below them.

    >>> store_folders(["a/store/dags/part-1.parquet", "a/dags/x.json"])
    {'a/store'}
    """
    tables = {name.rpartition("/")[0] for name in files if name.endswith(_PARQUET)}
    return {folder.removesuffix(f"/{MARK}") for folder in tables if folder.endswith(f"/{MARK}")}
