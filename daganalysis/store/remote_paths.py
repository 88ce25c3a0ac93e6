"""A store at a URL: its content at one moment, and its files.

An object store has no folders to exchange in one step. A small object, ``_manifest.json``, names the files of the store, and a store
changes by replacing it (:mod:`daganalysis.store.remote_commit`). A store without a manifest, such as a copy from a disk, consists of the
files that are listed there.
"""

from __future__ import annotations

import bisect
import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

from daganalysis.errors import StoreError, UsageError
from daganalysis.reading.remote_files import file_system, reaching, unbuffered
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.chain_tables import CHAIN_FOLDER
from daganalysis.urls import WEB_SCHEMES, is_url, local_path, scheme_of, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MANIFEST = "_manifest.json"
FOLDER_MANIFEST = "_files.json"
"""The list of files of a store on a disk; one that is copied to a URL is of no use there."""
PRIVATE_FOLDERS = ("_evidence", "_sources", CHAIN_FOLDER)
SPILL = "_spill"
"""The folder of a load for the answers that it has read but not yet rebuilt. A complete store never has it."""
_NEAR = 1 << 16


class Stored(NamedTuple):
    """An object of a store and its size in bytes."""

    object: str
    size: int


@dataclass(frozen=True, slots=True)
class RemoteManifest:
    """The content of a store at one moment: its files, by their names in a store on disk.

    ``version`` is the version of the manifest, None without a manifest. ``writer`` is the token of the load that is writing the store, or
    None.
    """

    files: dict[str, Stored] = field(default_factory=dict)
    writer: str | None = None
    version: str | None = None

    def as_json(self) -> bytes:
        """Return the manifest's text."""
        about = "The files of a daganalysis store. Only the files named here are its content."
        return json.dumps({"about": about, "writer": self.writer, "files": self.files}, sort_keys=True).encode()


class RemotePath:
    """A file or a folder of a store at a URL, with the methods of a Path that readers of a store need.

    All paths made from one share the content that the store had at first use. A path also works in another process.
    """

    __slots__ = ("inner", "shared", "url")

    def __init__(self, url: str, inner: str = "", shared: Shared | None = None) -> None:
        self.url = url.rstrip("/")
        self.inner = inner
        self.shared = Shared() if shared is None else shared

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(self.url, f"{self.inner}/{name}" if self.inner else name, self.shared)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePath, (self.url, self.inner)

    def __str__(self) -> str:
        return without_secrets(f"{self.url}/{self.inner}" if self.inner else self.url)

    __repr__ = __str__

    def __lt__(self, other: RemotePath) -> bool:
        return self.inner < other.inner

    @property
    def name(self) -> str:
        """The last part."""
        return self.inner.rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        """The folder above; for the store, the store itself."""
        return RemotePath(self.url, self.inner.rpartition("/")[0], self.shared)

    @property
    def catalogue(self) -> RemoteManifest:
        """The content of the store at first use."""
        if self.shared.catalogue is None:
            self.shared.catalogue = read_remote_manifest(self.url)
        return self.shared.catalogue

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """Yield the files in this folder. The only pattern in use is ``*.parquet``."""
        assert pattern == "*.parquet"
        for name in self.catalogue.files:
            if name.rpartition("/")[0] == self.inner:
                yield RemotePath(self.url, name, self.shared)

    def is_dir(self) -> bool:
        """Whether it has files below it."""
        return any(name.startswith(self.inner + "/") for name in self.catalogue.files)

    def stat(self) -> _Status:
        """Return the size, as ``st_size``."""
        return _Status(self.catalogue.files[self.inner].size)

    def open_to_read(self) -> IO[bytes]:
        """Open for reading; raises OSError as a local file would."""
        return unbuffered(f"{self.url}/{self.object}")

    @property
    def object(self) -> str:
        """The name of the file below the URL."""
        # Names that every load uses again map to objects with other names. All other names are the names of their objects.
        return self.catalogue.files[self.inner].object if self.inner.startswith("_sources/") else self.inner

    def keep(self) -> None:
        """Keep this file in the next content of the store."""
        self.shared.kept.add(self.inner)


@dataclass(slots=True)
class Shared:
    """The state that the paths of one store share: its content, the files of a running load, and that load."""

    catalogue: RemoteManifest | None = None
    kept: set[str] = field(default_factory=set)
    writer: Any = None


class RemoteStage:
    """A file or a folder of the future content of a store at a URL, written by many workers, each file as a whole.

    ``token`` is the writer's and makes names unique to its load.
    """

    __slots__ = ("inner", "token", "url")

    def __init__(self, url: str, token: str, inner: str = "") -> None:
        self.url, self.token, self.inner = url, token, inner

    def __truediv__(self, name: str) -> RemoteStage:
        return RemoteStage(self.url, self.token, f"{self.inner}/{name}" if self.inner else name)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteStage, (self.url, self.token, self.inner)

    def __str__(self) -> str:
        return without_secrets(f"{self.url}/{self.object}")

    @property
    def parent(self) -> RemoteStage:
        """The folder above; that of the store is the store."""
        return RemoteStage(self.url, self.token, self.inner.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.inner.rpartition("/")[2]

    @property
    def object(self) -> str:
        """The name of the file below the URL."""
        return own_name(self.inner, self.token)

    def mkdir(self, **_options: bool) -> None:
        """Make the folder if the file system has folders."""
        with reaching(self.url, StoreError):
            files, path = file_system(self.url)
            if "s3" not in files.protocol:  # s3fs would look for the bucket
                files.makedirs(f"{path}/{self.inner}", exist_ok=True)

    def upload(self, file: Path) -> None:
        """Put a file here."""
        with reaching(self.url, StoreError):
            files, path = file_system(self.url)
            files.put_file(str(file), f"{path}/{self.object}")

    def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read some ranges of the file, each from an offset to another, in few requests."""
        blocks = _joined(ranges)
        with reaching(self.url, StoreError):
            files, path = file_system(self.url)
            found = files.cat_ranges([f"{path}/{self.object}"] * len(blocks), [start for start, _ in blocks], [end for _, end in blocks])
            contents = dict(zip(blocks, map(bytes, found), strict=True))
        return [contents[block][start - block[0] : end - block[0]] for start, end in ranges for block in [_around(start, blocks)]]


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join ranges that are near each other, because one request costs less than two.

    >>> _joined([(10, 20), (0, 5), (900_000, 900_001)])
    [(0, 20), (900000, 900001)]
    """
    blocks: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if blocks and start - blocks[-1][1] <= _NEAR:
            blocks[-1] = (blocks[-1][0], max(end, blocks[-1][1]))
        else:
            blocks.append((start, end))
    return blocks


def _around(start: int, blocks: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return blocks[bisect.bisect_right(blocks, start, key=lambda block: block[0]) - 1]


def own_name(name: str, token: str) -> str:
    """Return a name for a file of a store that is unique to this load: ``part-000002-0000`` becomes ``part-000002-TOKEN-0000``.

    >>> own_name("dags/part-000002-0000.parquet", "0badcafe"), own_name("_sources/files.parquet", "0badcafe")
    ('dags/part-000002-0badcafe-0000.parquet', '_sources/files-0badcafe.parquet')
    """
    folder, _, file = name.rpartition("/")
    stem, _, rest = file.partition("-")
    number, _, rest = rest.partition("-")
    if stem == "part" and rest:
        return f"{folder}/{stem}-{number}-{token}-{rest}"
    stem, dot, ending = file.partition(".")
    return f"{folder}/{stem}-{token}{dot}{ending}"


class _Status(NamedTuple):
    st_size: int


StorePath: TypeAlias = Path | RemotePath
"""The place of a store, or of a file in it."""

StagePath: TypeAlias = Path | RemoteStage
"""Where what will be the content of a store is written."""


def store_path(place: str | os.PathLike[str] | RemotePath) -> StorePath:
    """Return the place of a store, on disk or at a URL.

    >>> store_path("stores/one").name, str(store_path("s3://bucket/one/"))
    ('one', 's3://bucket/one')
    """
    if isinstance(place, RemotePath):
        return place
    text = os.fspath(place)
    if not text:
        raise UsageError("the store has no name", hint="name a folder or a URL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        name = text.encode(errors="backslashreplace").decode()
        raise UsageError("the name of the store is not UTF-8", where=name, hint="name another folder") from error
    if not is_url(text):
        return Path(text)
    return Path(local_path(text)) if text.startswith("file://") else RemotePath(text)


@contextlib.contextmanager
def dataset_files(paths: Sequence[StorePath]) -> Iterator[tuple[Any, list[str]]]:
    """Return the file system (None: the disk) and the names with which Arrow reads these files of one store."""
    if not paths or isinstance(paths[0], Path):
        yield None, [str(path) for path in paths]
        return
    with reaching(paths[0].url, StoreError):
        files, root = file_system(paths[0].url)
    try:
        yield files, [f"{root}/{path.object}" for path in paths if isinstance(path, RemotePath)]
    except (OSError, ValueError):  # errors of a file, including Arrow's
        raise
    except Exception as error:  # noqa: BLE001 - each file system has errors of its own, and not all are OSErrors
        raise OSError(without_secrets(str(error) or type(error).__name__)) from None


def read_remote_manifest(url: str) -> RemoteManifest:
    """Read the content of a store; an empty catalogue if there is none."""
    if scheme_of(url) in WEB_SCHEMES:
        return RemoteManifest()  # nothing is listed on the web
    with reaching(url):
        files, path = file_system(url)
        found = read_versioned(files, f"{path}/{MANIFEST}")
        if found is None:
            listed = _listed(files, path)
            # The listed files are the store if no writer has begun meanwhile.
            found = read_versioned(files, f"{path}/{MANIFEST}") if listed else None
            if found is None:
                return RemoteManifest(listed)
    content, version = found
    try:
        listed = json.loads(content)
        return RemoteManifest({name: Stored(*entry) for name, entry in listed["files"].items()}, listed["writer"], version)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError("the store's manifest is damaged", where=f"{url}/{MANIFEST}", hint="load into a new store") from None


def read_versioned(files: Any, path: str) -> tuple[bytes, str] | None:
    """Read an object and its version; None if there is none."""
    while True:
        try:
            version = _version(files, path)
            content: bytes = files.cat_file(path)
            if version == _version(files, path, content):
                return content, version
        except FileNotFoundError:
            return None


def _version(files: Any, path: str, content: bytes | None = None) -> str:
    info = files.info(path)
    return str(info["ETag"]) if "ETag" in info else version_of(files.cat_file(path) if content is None else content)


def version_of(content: bytes) -> str:
    """Return a substitute for a version, from the content, if the file system has no versions."""
    import hashlib

    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _listed(files: Any, path: str) -> dict[str, Stored]:
    tables = files.find(f"{path}/dags", detail=True)
    if not any(name.endswith(".parquet") for name in tables):
        return {}
    every = {name[len(path) + 1 :]: fact["size"] for name, fact in files.find(path, detail=True).items()}
    return {name: Stored(name, size) for name, size in every.items() if is_ours(name) and name.endswith(".parquet")}


def is_ours(name: str) -> bool:
    """Return whether an object below a store's URL belongs to the store and was not put there by a user."""
    return name.partition("/")[0] in {*BASE_TABLES, *PRIVATE_FOLDERS, SPILL}
