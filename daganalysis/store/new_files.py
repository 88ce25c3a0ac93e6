"""New files of a store, on disk or at a URL. A file appears under its name only when it is complete.

A writer that is killed, writes a file twice, or writes the same file as another one does no harm.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from daganalysis.store.remote_paths import RemoteStage

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    from daganalysis.store.remote_paths import StagePath

_PREFIX = ".unfinished-"
_AT_A_TIME = 4


class NewFile:
    """A file to write to ``stream``, which buffers some bytes. The file gets its name when it is closed as complete."""

    def __init__(self, path: StagePath, gathered: int = -1) -> None:
        # Imported here, as most commands write no store.
        import secrets
        import tempfile

        self._path = path
        if isinstance(path, RemoteStage):
            handle, name = tempfile.mkstemp(prefix="daganalysis-")
            os.close(handle)
            self._unfinished = Path(name)
            self.stream = self._unfinished.open("wb", gathered)
        else:
            self._unfinished = path.with_name(f"{_PREFIX}{path.name}-{secrets.token_hex(4)}")
            self.stream = self._unfinished.open("xb", gathered)

    def close(self, *, whole: bool, force: bool = True) -> None:
        """Give the file its name and sync it to the disk (``force``); or remove it if it is not complete."""
        try:
            if whole and force and not isinstance(self._path, RemoteStage):
                self.stream.flush()
                os.fsync(self.stream.fileno())
        finally:
            self.stream.close()
        if not whole:
            self._unfinished.unlink(missing_ok=True)
        elif isinstance(self._path, RemoteStage):
            self._path.upload(self._unfinished)
            self._unfinished.unlink()
        else:
            self._unfinished.replace(self._path)


class Closing:
    """Closes files as complete, several at a time, while other work continues. At the end of its block all are closed.

    Syncing files to the disk one after the other would take a fifth of the time of loading many small runs, all of it waiting. ``force`` is
    false if another process syncs the files (:meth:`sync`). Then each is closed at once.
    """

    def __init__(self, *, force: bool = True) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._force = force
        self._pool = ThreadPoolExecutor(_AT_A_TIME)
        self._closed: list[Future[None]] = []

    def add(self, file: NewFile) -> None:
        """Close a file soon."""
        if self._force:
            self._closed.append(self._pool.submit(file.close, whole=True))
        else:
            file.close(whole=True, force=False)

    def sync(self, path: Path) -> None:
        """Sync a file that another process closed to the disk soon, or a folder."""
        self._closed.append(self._pool.submit(_sync, path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown()
        if kind is None:
            for closed in self._closed:
                closed.result()  # raises what closing it raised


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)  # a folder cannot be open for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear_unfinished(folder: Path) -> None:
    """Remove what killed workers left."""
    for path in folder.rglob(f"{_PREFIX}*"):
        path.unlink(missing_ok=True)
