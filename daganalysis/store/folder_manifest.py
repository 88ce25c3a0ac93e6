"""The list of the files of a store on disk, with their sizes and the checksums of their Parquet footers.

Without it, an interrupted copy or a deleted or replaced file would go unnoticed, because the other files are still a store. The footer of a
Parquet file holds its schema, its counts of rows and the places of its data, so its checksum identifies the file.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from daganalysis.errors import SchemaVersionError, StoreError
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote_paths import FOLDER_MANIFEST, PRIVATE_FOLDERS
from daganalysis.tables import BASE_TABLES, SCHEMA_VERSION
from daganalysis.tables.chain_tables import CHAIN_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_END = struct.Struct("<I4s")
"""The last bytes of a Parquet file: the length of its footer, and a mark."""
_LARGEST = (1 << 63) - 1
_WRITTEN_ANEW = "_sources/"
_WAY_OUT = "restore it from a copy, or load the sources again into a new store"


@dataclass(slots=True)
class StoreNotes:
    """A record that a load leaves for the next one. ``given`` is the fingerprint of its sources in their states.

    ``rows`` has the row counts of files, as far as they are known.
    """

    given: str | None = None
    rows: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Entry:
    size: int
    footer: str
    rows: int | None = None

    def is_sound(self) -> bool:
        """Return whether the size and the count of rows are numbers that a file can have."""
        rows = 0 if self.rows is None else self.rows
        return all(isinstance(number, int) and 0 <= number <= _LARGEST for number in (self.size, rows))

    def is_like(self, other: _Entry) -> bool:
        return self.size == other.size and self.footer == other.footer


@dataclass(slots=True)
class _Manifest:
    schema_version: str
    given: str | None
    files: dict[str, _Entry]


def write_manifest(folder: Path, notes: StoreNotes | None = None) -> None:
    """Write the list of the Parquet files in the folder of a new store."""
    import pyarrow.parquet as pq

    notes = notes or StoreNotes()
    files = {name: _entry(f"{folder}/{name}") for name in _parquet_files(folder, (*BASE_TABLES, *PRIVATE_FOLDERS))}
    for name, entry in files.items():
        # A file name means one content as long as a store has it. Only the list of sources is rewritten by each load.
        known = None if name.startswith(_WRITTEN_ANEW) else notes.rows.get(name)
        entry.rows = pq.read_metadata(folder / name).num_rows if known is None else known
    manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "given": notes.given}
    manifest["files"] = {name: {"size": entry.size, "footer": entry.footer, "rows": entry.rows} for name, entry in files.items()}
    manifest["checksum"] = _checksum(manifest)
    file = NewFile(folder / FOLDER_MANIFEST)
    file.stream.write(json.dumps(manifest, indent=2).encode())
    file.close(whole=True)


def noted(folder: Path) -> tuple[str | None, str | None]:
    """Return the schema version of a store and the fingerprint of its last sources, each None if the list lacks it."""
    try:
        manifest = _read(folder)
    except (OSError, StoreError):
        return None, None
    return manifest.schema_version, manifest.given


class Checked(NamedTuple):
    """Files that are as the list says: their row counts, if the list has them, and their size and checksum."""

    rows: dict[str, int]
    files: dict[str, tuple[int, str]]


def listed_files(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the identity of each file of a store, from the list: its size and the checksum of its footer."""
    return {name: (entry.size, entry.footer) for name, entry in _read(folder).files.items()}


def check_manifest(folder: Path, *, private: bool, tables: bool = True) -> Checked:
    """Raise :class:`StoreError` for the first file that is missing, altered or foreign.

    ``private``: check evidence and sources. ``tables``: check the base tables and the chains. Only the files in question are returned.
    """
    folders = (*((*BASE_TABLES, CHAIN_FOLDER) if tables else ()), *(PRIVATE_FOLDERS if private else ()))
    listed = {name: entry for name, entry in _read(folder).files.items() if name.partition("/")[0] in folders}
    found = set(_parquet_files(folder, folders))
    for name in sorted(listed.keys() - found):
        raise StoreError("a file of the store is missing", where=str(folder / name), hint=_WAY_OUT)
    for name in sorted(found - listed.keys()):
        raise StoreError("a file in the store does not belong to it", where=str(folder / name), hint="move it elsewhere")
    for name, entry in sorted(listed.items()):
        if not entry.is_like(_entry(f"{folder}/{name}")):
            raise StoreError("a file of the store was altered", where=str(folder / name), hint=_WAY_OUT)
    rows = {name: entry.rows for name, entry in listed.items() if entry.rows is not None}
    return Checked(rows, {name: (entry.size, entry.footer) for name, entry in listed.items()})


def _read(folder: Path) -> _Manifest:
    path = folder / FOLDER_MANIFEST
    try:
        manifest = _parsed(path.read_bytes())
    except FileNotFoundError:
        raise StoreError("the list of the store's files is missing", where=str(path), hint=_WAY_OUT) from None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise StoreError("the list of the store's files is damaged", where=str(path), hint=_WAY_OUT) from error
    if _is_other_version(manifest.schema_version):
        raise SchemaVersionError(manifest.schema_version, SCHEMA_VERSION, where=str(folder))
    return manifest


@functools.lru_cache(maxsize=1)
def _parsed(text: bytes) -> _Manifest:
    """Return the list that a text holds, without the files if it is of another schema version. Raises various errors if it is damaged.

    A load reads the same list several times.
    """
    listed = json.loads(text)
    if _is_other_version(listed["schema_version"]):
        return _Manifest(listed["schema_version"], None, {})
    checksum = listed.pop("checksum")
    manifest = _Manifest(listed["schema_version"], listed["given"], {name: _Entry(**entry) for name, entry in listed["files"].items()})
    if not all(entry.is_sound() for entry in manifest.files.values()):
        raise ValueError("a size or a count that is none")
    if checksum != _checksum(listed):
        raise ValueError("another checksum")
    return manifest


def _is_other_version(version: object) -> bool:
    return isinstance(version, str) and version != SCHEMA_VERSION


def _checksum(manifest: dict[str, Any]) -> str:
    """Return the checksum of the rest of the list, which shows damage that is still JSON."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _parquet_files(folder: Path, names: Iterable[str]) -> list[str]:
    found = []
    for name in names:  # a Path for each of some hundred files would take half of the time of a load of nothing new
        for place, _, files in os.walk(folder / name):
            below = place[len(str(folder)) + 1 :].replace(os.sep, "/")
            found += [f"{below}/{file}" for file in files if file.endswith(".parquet")]
    return sorted(found)


def _entry(path: str | Path) -> _Entry:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - see _parquet_files
        size = file.seek(0, os.SEEK_END)
        return _Entry(size, hashlib.sha256(_footer(file, size)).hexdigest())


def _footer(file: BinaryIO, size: int) -> bytes:
    """Return the footer of a Parquet file, or the last bytes of another file."""
    if size < _END.size:
        file.seek(0)
        return file.read()
    file.seek(size - _END.size)
    length, _ = _END.unpack(file.read(_END.size))
    file.seek(max(0, size - _END.size - length))
    return file.read()
