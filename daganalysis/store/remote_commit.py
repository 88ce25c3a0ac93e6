"""Replace a store at a URL: one writer at a time, and every reader sees the old content or the new, never a mixture.

New files are written under names of their own beside the old ones, and the manifest is replaced, in one step, by one that names them. A
crash before that step leaves the old content, a crash after it the new; files that no manifest names are removed by the next writer.

A writer first puts its token into the manifest, on the condition that the manifest is what the writer has read; it commits on the same
condition. Of two writers, one is therefore always refused, and no file is removed that a writer may still commit. This needs a server with
conditional writes (S3 and compatible ones). Without them, the manifest is read again before it is written, which leaves a moment in which
two writers may collide.

No lock ends with its holder on an object store. A writer therefore writes a heartbeat every few seconds; another one waits as long as the
heartbeat continues, and takes over when it has stopped for some time. A writer whose lease expired finds that it can no longer commit.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daganalysis.errors import StoreBusyError, StoreError
from daganalysis.reading.remote_files import file_system, reaching
from daganalysis.store.remote_paths import (
    MANIFEST,
    RemoteManifest,
    RemotePath,
    RemoteStage,
    Shared,
    Stored,
    is_ours,
    own_name,
    read_remote_manifest,
    read_versioned,
    version_of,
)
from daganalysis.urls import scheme_of, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HEARTBEAT = "_writer.json"
_POLL_S = 1.0
_BEAT_S = 5.0
_SILENCE_S = 30.0
"""How long a writer may write no heartbeat before it is taken to have lost its lease."""
_REFUSALS = frozenset({404, 409, 412})
"""HTTP: not there, changed at the same moment, changed before."""
_log = logging.getLogger(__name__)


class _RefusedError(Exception):
    """The manifest has changed since the writer read it."""


class _Writer:
    """The one load that may change a store."""

    def __init__(self, url: str) -> None:
        self.token = secrets.token_hex(4)
        self._url = url
        self._files, self._path = file_system(url)
        self.catalogue = RemoteManifest()
        self._ended = threading.Event()

    # -- the manifest -----------------------------------------------------------------------------------------------------------------

    def _replace(self, catalogue: RemoteManifest) -> None:
        """Replace the manifest if it is unchanged; raises _RefusedError if it is not."""
        content = catalogue.as_json()
        version = _put_if(self._files, f"{self._path}/{MANIFEST}", content, catalogue.version)
        self.catalogue = replace(catalogue, version=version)

    def claim(self, wait_s: float) -> None:
        """Become the writer; wait for another one to end, and take over from a dead one."""
        seen: tuple[str, bytes] | None = None
        waited = silent = 0.0
        while True:
            found = read_remote_manifest(self._url)
            if found.writer is not None:
                sign = (found.writer, self._heartbeat())
                silent = silent + _POLL_S if sign == seen else 0.0
                seen = sign
                if silent < _SILENCE_S:
                    if waited >= wait_s:
                        raise StoreBusyError(
                            f"another process has been writing the store for more than {wait_s:g} s", where=self._url,
                            hint="try again when it is done",
                        )  # fmt: skip
                    time.sleep(_POLL_S)
                    waited += _POLL_S
                    continue
                _log.warning("an earlier load of %s was interrupted; its temporary files were removed", without_secrets(self._url))
            if found.version is None:
                self._refuse_other_places(found)
                self._make_folders([MANIFEST])
            with contextlib.suppress(_RefusedError):
                self._replace(replace(found, writer=self.token))
                break
        self._check_conditions()
        threading.Thread(target=self._live, daemon=True).start()

    def _refuse_other_places(self, found: RemoteManifest) -> None:
        # A new folder may be listed as an entry of itself.
        there = [] if found.files else [name for name in self._files.find(self._path) if name != self._path]
        # Another writer may have come first meanwhile, which the condition of the next write tells.
        if there and f"{self._path}/{MANIFEST}" not in there:
            raise StoreError("the place is not a store and not empty", where=self._url, hint="name a new or an empty one")

    def _check_conditions(self) -> None:
        """Warn if a server ignores the conditions of a write."""
        if _is_s3(self._files):
            try:
                version = _put_if_on_s3(self._files, f"{self._path}/{MANIFEST}", self.catalogue.as_json(), None)
            except _RefusedError:
                return
            self.catalogue = replace(self.catalogue, version=version)
        _log.warning("%s has no conditional writes: make sure that only one load at a time writes this store", scheme_of(self._url))

    def release(self) -> None:
        """Let others write the store, which stays as it is."""
        self._ended.set()
        if self.catalogue.writer is None:
            return
        # If it cannot be said, the next one waits for a heartbeat in vain, and takes over.
        with contextlib.suppress(Exception):
            self._replace(replace(self.catalogue, writer=None))

    # -- signs of life ----------------------------------------------------------------------------------------------------------------

    def _heartbeat(self) -> bytes:
        try:
            content: bytes = self._files.cat_file(f"{self._path}/{_HEARTBEAT}")
        except FileNotFoundError:
            return b""
        return content

    def _live(self) -> None:
        beat = 0
        while not self._ended.wait(_BEAT_S):
            beat += 1
            with contextlib.suppress(Exception):  # one sign fewer does no harm
                self._files.pipe_file(f"{self._path}/{_HEARTBEAT}", json.dumps({"writer": self.token, "beat": beat}).encode())

    # -- files ------------------------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove the files that the manifest does not name. No writer can commit them any more."""
        named = {stored.object for stored in self.catalogue.files.values()}
        found = (name[len(self._path) + 1 :] for name in self._files.find(self._path))
        self._remove(name for name in found if is_ours(name) and name not in named)

    def clear_own(self) -> None:
        """Remove the files of this writer that the manifest does not name. Files of other writers stay."""
        named = {stored.object for stored in self.catalogue.files.values()}
        with contextlib.suppress(Exception):  # what stays is removed by the next load
            found = [name[len(self._path) + 1 :] for name in self._files.find(self._path)]
            self._remove(name for name in found if is_ours(name) and self.token in name and name not in named)

    def upload(self, folder: Path) -> dict[str, Stored]:
        """Upload the files of a folder beside those of the store; return them by name."""
        paths = sorted(folder.rglob("*.parquet"))
        names = [path.relative_to(folder).as_posix() for path in paths]
        new = {name: Stored(own_name(name, self.token), path.stat().st_size) for name, path in zip(names, paths, strict=True)}
        objects = [stored.object for stored in new.values()]
        self._make_folders(objects)
        self._files.put([str(path) for path in paths], [f"{self._path}/{name}" for name in objects])
        return new

    def uploaded(self) -> dict[str, Stored]:
        """Return the files that workers have put beside those of the store, by name."""
        found = self._files.find(self._path, detail=True)
        own = {
            name[len(self._path) + 1 :]: fact["size"] for name, fact in found.items() if self.token in name and name.endswith(".parquet")
        }
        return {name.replace(f"-{self.token}", ""): Stored(name, size) for name, size in own.items() if is_ours(name)}

    def commit(self, new: dict[str, Stored], kept: set[str]) -> None:
        """Make the new files and the kept ones the store's content."""
        before = self.catalogue.files
        # A part is called what its file is called, which no other load calls it.
        named = {name if name.startswith("_sources/") else stored.object: stored for name, stored in new.items()}
        try:
            self._replace(RemoteManifest({name: before[name] for name in kept} | named, None, self.catalogue.version))
        except _RefusedError:
            self._remove(stored.object for stored in new.values())
            raise StoreBusyError(
                "another process took over the store because this one did not respond",
                where=self._url,
                hint="load again; nothing was changed",
            ) from None
        staying = {stored.object for stored in self.catalogue.files.values()}
        self._remove(stored.object for stored in before.values() if stored.object not in staying)

    def _make_folders(self, names: Iterable[str]) -> None:
        """Make folders on file systems that have them. Object stores have none, and s3fs would make a bucket instead."""
        if not _is_s3(self._files):
            for folder in sorted({name.rpartition("/")[0] for name in names}):
                self._files.makedirs(f"{self._path}/{folder}", exist_ok=True)

    def _remove(self, names: Iterable[str]) -> None:
        paths = [f"{self._path}/{name}" for name in names]
        try:
            if paths:
                self._files.rm(paths)
        except Exception as error:  # noqa: BLE001 - what stays is named by no manifest, and removed by the next load
            _log.warning("files that %s no longer needs could not be removed (%s)", without_secrets(self._url), type(error).__name__)


@contextlib.contextmanager
def claimed(store: RemotePath, wait_s: float) -> Iterator[RemotePath]:
    """Lock out other writers, remove what a crashed one left, and give the store's path with its present content.

    Raises :class:`StoreBusyError` if another process keeps writing the store, :class:`StoreError` if it cannot be written.
    """
    if "::" in store.url:
        raise StoreError("a store cannot be written through a chain of file systems", where=store.url, hint="name its own URL")
    with reaching(store.url, StoreError):
        writer = _Writer(store.url)
        writer.claim(wait_s)
    try:
        with reaching(store.url, StoreError):
            writer.clear()
        yield RemotePath(store.url, "", Shared(writer.catalogue, set(), writer))
    finally:
        writer.release()


@contextlib.contextmanager
def staged_here(store: RemotePath) -> Iterator[Path]:
    """Give an empty folder on disk. If the block succeeds and fills it, it becomes the store's content."""
    writer = store.shared.writer
    with tempfile.TemporaryDirectory(prefix="daganalysis-") as place:
        folder = Path(place) / "store"
        folder.mkdir()
        yield folder
        if any(folder.iterdir()):
            with reaching(store.url, StoreError):
                writer.commit(writer.upload(folder), store.shared.kept)


@contextlib.contextmanager
def staged_there(store: RemotePath) -> Iterator[RemoteStage]:
    """Give a folder at the store's URL for many workers to fill. If the block succeeds, it becomes the store's content."""
    writer = store.shared.writer
    try:
        yield RemoteStage(store.url, writer.token)
        with reaching(store.url, StoreError):
            new = writer.uploaded()
            if new:
                writer.commit(new, store.shared.kept)
    finally:
        writer.clear_own()


def _put_if(files: Any, path: str, content: bytes, version: str | None) -> str:
    """Replace an object of this version, or create it if there is none (None); return the new version.

    Raises _RefusedError if the object has another version. If the answer to a successful request was lost, the object has the content that
    was written, which no other writer writes.
    """
    try:
        return _put_if_on_s3(files, path, content, version) if _is_s3(files) else _put_if_unchanged(files, path, content, version)
    except Exception:
        found = read_versioned(files, path)
        if found is not None and found[0] == content and found[1] != version:
            return found[1]
        raise


def _is_s3(files: Any) -> bool:
    return "s3" in files.protocol and hasattr(files, "call_s3")


def _put_if_on_s3(files: Any, path: str, content: bytes, version: str | None) -> str:
    bucket, _, key = path.partition("/")
    condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
    try:
        return str(files.call_s3("put_object", Bucket=bucket, Key=key, Body=content, **condition)["ETag"])
    except OSError as error:
        answer = getattr(error.__cause__, "response", {})
        if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") in _REFUSALS and answer.get("Error", {}).get("Code") != "NoSuchBucket":
            raise _RefusedError from None
        raise


def _put_if_unchanged(files: Any, path: str, content: bytes, version: str | None) -> str:
    found = read_versioned(files, path)
    if (None if found is None else found[1]) != version:
        raise _RefusedError
    files.pipe_file(path, content)
    return version_of(content)
