"""The list of a folder store's files: what must be there, how large, and with which Parquet footer.

A copy that was interrupted, or a file that somebody deleted or replaced, would otherwise go unnoticed: the other files still make a store.
The footer of a Parquet file holds its schema, its counts of rows and the places of all its data: its checksum tells files apart.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from daganalysis.errors import StoreError
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote_paths import FOLDER_MANIFEST, PRIVATE_FOLDERS
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_END = struct.Struct("<I4s")
"""The last bytes of a Parquet file: the length of its footer, and a mark."""
_WAY_OUT = "restore it from a copy, or load the sources again into a new store"


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    size: int
    footer: str


class _Manifest(msgspec.Struct):
    files: dict[str, _Entry]


def write_manifest(folder: Path) -> None:
    """Write the list of the Parquet files in the folder of a new store."""
    files = {name: _entry(folder / name) for name in _parquet_files(folder, (*BASE_TABLES, *PRIVATE_FOLDERS))}
    file = NewFile(folder / FOLDER_MANIFEST)
    file.stream.write(msgspec.json.format(msgspec.json.encode(_Manifest(files))))
    file.close(whole=True)


def check_manifest(folder: Path, *, private: bool) -> None:
    """Raise :class:`StoreError` for the first file that is missing, altered or foreign; ``private`` looks at evidence and sources too."""
    folders = (*BASE_TABLES, *PRIVATE_FOLDERS) if private else tuple(BASE_TABLES)
    listed = {name: entry for name, entry in _read(folder).items() if name.partition("/")[0] in folders}
    found = set(_parquet_files(folder, folders))
    for name in sorted(listed.keys() - found):
        raise StoreError("a file of the store is missing", where=str(folder / name), hint=_WAY_OUT)
    for name in sorted(found - listed.keys()):
        raise StoreError("a file in the store does not belong to it", where=str(folder / name), hint="move it elsewhere")
    for name, entry in sorted(listed.items()):
        if _entry(folder / name) != entry:
            raise StoreError("a file of the store was altered", where=str(folder / name), hint=_WAY_OUT)


def _read(folder: Path) -> dict[str, _Entry]:
    path = folder / FOLDER_MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest).files
    except FileNotFoundError:
        raise StoreError("the list of the store's files is missing", where=str(path), hint=_WAY_OUT) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreError("the list of the store's files is damaged", where=str(path), hint=_WAY_OUT) from error


def _parquet_files(folder: Path, names: Iterable[str]) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for name in names for path in (folder / name).rglob("*.parquet"))


def _entry(path: Path) -> _Entry:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        return _Entry(size, hashlib.sha256(_footer(file, size)).hexdigest())


def _footer(file: BinaryIO, size: int) -> bytes:
    """Return the footer of a Parquet file; of anything else, its last bytes."""
    if size < _END.size:
        file.seek(0)
        return file.read()
    file.seek(size - _END.size)
    length, _ = _END.unpack(file.read(_END.size))
    file.seek(max(0, size - _END.size - length))
    return file.read()
