"""Replacing a store as a whole: one writer at a time, and every reader sees the old content or the new, never a mixture.

The new content is built in a hidden folder beside the store, ``.NAME.new``, forced to the disk, and exchanged with the store in one step. A
crash before that step leaves the old content, a crash after it the new. The next writer removes its other remains. A store at a URL is
replaced in another way (:mod:`daganalysis.store.remote_commit`), with the same promise.

The lock is the kernel's own, on a file beside the store that is opened without following a link and never removed, so it ends with its
holder. filelock would fall back to a marker file on a file system without locks, and a marker outlives a writer that was killed. On such a
file system, a load fails instead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.errors import StoreBusyError, StoreError
from daganalysis.store.folder_manifest import write_manifest
from daganalysis.store.new_files import Closing, clear_unfinished
from daganalysis.store.remote_paths import FOLDER_MANIFEST, PRIVATE_FOLDERS, SPILL, RemotePath
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.store.folder_manifest import StoreNotes
    from daganalysis.store.remote_paths import StagePath, StorePath

LOCK_WAIT_S = 60.0
"""How long a writer waits for another to finish before it gives up."""

_POLL_S = 0.05
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def new_generation(store: StorePath, wait_s: float = LOCK_WAIT_S) -> Iterator[Path]:
    """Give an empty folder to fill. If the block succeeds, it becomes the store; otherwise it is removed and the store stays as it was.

    Raises :class:`StoreBusyError` if another process keeps writing the store for ``wait_s`` seconds, :class:`StoreError` if the folder
    holds anything but a store, or cannot be written (a full disk, a missing permission).
    """
    with locked(store, wait_s) as real, staged(real) as folder:
        assert isinstance(folder, Path)
        yield folder


@contextlib.contextmanager
def locked(store: StorePath, wait_s: float = LOCK_WAIT_S) -> Iterator[StorePath]:
    """Lock out other writers, remove what a crashed one left, and give the store's real path (links followed)."""
    if isinstance(store, RemotePath):
        from daganalysis.store.remote_commit import claimed

        with claimed(store, wait_s) as claim:
            yield claim
        return
    real = store.resolve()
    with _writing(real):
        _refuse_other_folders(real)  # before a lock file is left beside a folder that was named by mistake
        real.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(real.parent / f".{real.name}.lock", os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
    try:
        _wait_for_lock(handle, real, wait_s)
        with _writing(real):
            _clear_left_overs(real)
            _refuse_other_folders(real)
        yield real
    finally:
        os.close(handle)


@contextlib.contextmanager
def staged(store: StorePath, *, far: bool = False, notes: StoreNotes | None = None) -> Iterator[StagePath]:
    """Give an empty folder beside a locked store, and exchange the two if the block succeeds and fills it.

    A store at a URL is written on this disk first or, for workers on other machines (``far``), at the URL.
    """
    if isinstance(store, RemotePath):
        from daganalysis.store.remote_commit import staged_here, staged_there

        with staged_there(store) if far else staged_here(store) as elsewhere:
            yield elsewhere
        return
    folder = _beside(store, "new")
    with _writing(store):
        folder.mkdir(mode=0o700)  # evidence holds unaltered answers: no other user may read them before the store's own mode is set
        try:
            yield folder
            clear_unfinished(folder)
            if not any(folder.iterdir()):
                return
            _keep_foreign_files(store, folder)
            write_manifest(folder, notes)
            _keep_permissions(store, folder)
            _force_folders(folder)
            _put_in_place(folder, store)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def readable_folder(store: StorePath) -> StorePath:
    """Return the folder to read a store from: its own, or the old content if a crash came between two renames.

    The second case exists only on systems that cannot exchange two folders in one step.
    """
    if isinstance(store, Path) and not store.exists():
        old = _beside(store.resolve(), "old")
        if old.is_dir():
            return old
    return store


def _beside(store: Path, role: str) -> Path:
    return store.parent / f".{store.name}.{role}"


@contextlib.contextmanager
def _writing(store: Path) -> Iterator[None]:
    """Turn errors of the system into errors of this package, with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise StoreError(
                "no space left to write the store", where=str(store), hint="the store is unchanged; free some space, or name another folder"
            ) from error
        reason = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror or str(error)
        where = str(error.filename or store)
        raise StoreError(f"the store cannot be written ({reason})", where=where, hint="the store is unchanged") from error


def _wait_for_lock(handle: int, store: Path, wait_s: float) -> None:
    for _ in range(round(wait_s / _POLL_S)):
        if _try_lock(handle):
            return
        time.sleep(_POLL_S)
    if _try_lock(handle):
        return
    raise StoreBusyError(
        f"another process has been writing the store for more than {wait_s:g} s", where=str(store), hint="try again when it is done"
    )


if sys.platform == "win32":  # pragma: no cover

    def _try_lock(handle: int) -> bool:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(handle: int) -> bool:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _clear_left_overs(store: Path) -> None:
    old, new = _beside(store, "old"), _beside(store, "new")
    if old.exists():
        if not store.exists():
            old.rename(store)
        _warn_of_interruption(store)
        shutil.rmtree(old, ignore_errors=True)
    if new.exists():
        if not _is_ours(new):
            raise StoreError(
                "a folder is in the way", where=str(new), hint="a load needs this place for the new store: move the folder elsewhere"
            )
        _warn_of_interruption(store)
        shutil.rmtree(new)


def _warn_of_interruption(store: Path) -> None:
    import logging  # which few commands have anything to say with

    logging.getLogger(__name__).warning("an earlier load of %s was interrupted; its temporary files were removed", store)


def _is_ours(folder: Path) -> bool:
    """Return whether an interrupted load left a folder beside the store: it is empty or holds parts of a store."""
    ours = {*BASE_TABLES, *PRIVATE_FOLDERS, SPILL, FOLDER_MANIFEST}
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() and not folder.is_symlink() else {""}
    return names <= ours or bool(names & {*PRIVATE_FOLDERS, FOLDER_MANIFEST})


def _refuse_other_folders(store: Path) -> None:
    if not store.exists():
        return
    if not store.is_dir():
        raise StoreError("the store's path is a file", where=str(store), hint="name a folder")
    if any(store.iterdir()) and not (store / "dags").is_dir():
        raise StoreError("the folder is not a store and not empty", where=str(store), hint="name a new or an empty folder")


def _keep_foreign_files(store: Path, folder: Path) -> None:
    """Keep the files that a user put into the store's folder."""
    ours = {*BASE_TABLES, *PRIVATE_FOLDERS, FOLDER_MANIFEST}
    for entry in store.iterdir() if store.exists() else ():
        if entry.name in ours:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.copytree(entry, folder / entry.name, symlinks=True)
        else:
            shutil.copy2(entry, folder / entry.name, follow_symlinks=False)


def _keep_permissions(store: Path, folder: Path) -> None:
    """Give new content the owner, the group and the mode of the old content. A new store has the defaults of the process."""
    if not store.exists():
        umask = os.umask(0)
        os.umask(umask)
        folder.chmod(0o777 & ~umask)
        return
    kept = store.stat()
    mode = stat.S_IMODE(kept.st_mode)
    for place, _, names in os.walk(folder, topdown=False):
        for path, wanted in [*((Path(place, name), mode & 0o666) for name in names), (Path(place), mode)]:
            if path.is_symlink():
                continue
            # Only root may give files away, and a member of a group may give them to the group.
            with contextlib.suppress(PermissionError):
                os.chown(path, kept.st_uid if os.geteuid() == 0 else -1, kept.st_gid)
            path.chmod(wanted)  # after chown, which takes setgid away


def _force_folders(folder: Path) -> None:
    """Sync the folders of new content to the disk. The files were synced when they were written."""
    if sys.platform == "win32":  # pragma: no cover
        return  # folders cannot be opened there
    with Closing() as closing:
        for place, _, _ in os.walk(folder):
            closing.sync(Path(place))


def _force(folder: str | Path) -> None:
    if sys.platform == "win32":  # pragma: no cover
        return  # folders cannot be opened there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(folder: Path, store: Path) -> None:
    if not store.exists() or not any(store.iterdir()):
        if store.exists():
            store.rmdir()
        folder.rename(store)
    elif not _exchange(folder, store):
        old = _beside(store, "old")
        store.rename(old)
        folder.rename(store)
        shutil.rmtree(old, ignore_errors=True)
    _force(store.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False if the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in {errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP}:
        return False
    raise OSError(code, os.strerror(code), str(other))
