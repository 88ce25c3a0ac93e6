"""Redacting from a URL or to a URL, through a folder on this disk that is removed afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from daganalysis.errors import InputError, UsageError
from daganalysis.reading.remote_files import file_system, reaching
from daganalysis.store.folder_manifest import write_manifest
from daganalysis.store.remote_paths import FOLDER_MANIFEST, read_remote_manifest
from daganalysis.urls import is_url, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def source_here(source: str) -> Iterator[str]:
    """Give a copy of the source on this disk until the block ends; a source that is no URL is given as it is.

    The copy is readable by this user alone. Of a store, the files that belong to it are fetched.
    """
    if not is_url(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="daganalysis-") as folder:
        yield str(_fetch(source, Path(folder)))


@contextlib.contextmanager
def destination_here(destination: str) -> Iterator[str]:
    """Give a place on this disk whose content is sent to the destination when the block ends well.

    Raises :class:`UsageError` if there is something at the destination's URL.
    """
    if not is_url(destination):
        yield destination
        return
    with reaching(destination):
        files, path = file_system(destination)
        is_taken = files.exists(path)
    if is_taken:
        raise UsageError("the destination exists", where=without_secrets(destination), hint="name a new file or folder")
    with tempfile.TemporaryDirectory(prefix="daganalysis-") as folder:
        copy = Path(folder) / "copy"
        yield str(copy)
        _send(copy, destination)


def _fetch(source: str, folder: Path) -> Path:
    with reaching(source):
        files, path = file_system(source)
        held = {name: f"{path}/{stored.object}" for name, stored in read_remote_manifest(source).files.items()}
        target = folder / PurePosixPath(path).name
        if not held and files.isfile(path):
            files.get_file(path, str(target))
            return target
        for name, place in (held or {found[len(path) + 1 :]: found for found in files.find(path)}).items():
            copy = target / name
            if not copy.resolve().is_relative_to(target.resolve()):
                raise InputError("a name leads out of its folder", where=without_secrets(f"{source}/{name}"))
            copy.parent.mkdir(parents=True, exist_ok=True)
            files.get_file(place, str(copy))
    if held:
        write_manifest(target)
    if not target.exists():
        raise InputError("nothing to redact", where=without_secrets(source), hint="give a file or a folder of saved responses")
    return target


def _send(copy: Path, destination: str) -> None:
    with reaching(destination):
        files, path = file_system(destination)
        if copy.is_file():
            files.put_file(str(copy), path)
            return
        # A folder is a store as soon as it has runs, so those come last.
        names = sorted(
            (file.relative_to(copy).as_posix() for file in copy.rglob("*") if file.is_file()),
            key=lambda name: (name.startswith("dags/"), name),
        )
        for name in names:
            if name != FOLDER_MANIFEST:
                files.put_file(str(copy / name), f"{path}/{name}")
