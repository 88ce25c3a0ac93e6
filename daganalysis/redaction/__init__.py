"""Redaction: the same archive, safe to hand to a vendor.

Detectors replace addresses (also inside ids, logs and additional data), host names, paths, users and likely secrets. Of the rest, only
numbers, times and words of a known vocabulary stay. Pseudonyms are the same everywhere, and structure and times stay, so that every
analysis gives the same numbers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.archive import read_parquet
from daganalysis.errors import InputError, UsageError
from daganalysis.progress import shown
from daganalysis.reading import list_source_files
from daganalysis.reading.file_kinds import HIDDEN_FILE
from daganalysis.redaction.engine_words import ENGINE_WORDS
from daganalysis.redaction.files import DAMAGE, FileRedactor
from daganalysis.redaction.omissions import SkippedError
from daganalysis.redaction.pseudonyms import Originals
from daganalysis.redaction.redaction_walks import RedactionWalks
from daganalysis.redaction.sources import copied_one_by_one
from daganalysis.store import is_store
from daganalysis.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from daganalysis.archive import Archive
    from daganalysis.progress import Progress
    from daganalysis.reading import SourceFile


@dataclass(frozen=True, slots=True)
class Redacted:
    """The result of a redaction: how many files were written, how many things were replaced, and which files were left out, and why.

    ``skipped`` are files that are not copied because ``load`` skips them too, each with its kind: a picture, a hidden file.
    """

    n_files: int
    n_addresses: int
    n_words: int
    left_out: tuple[tuple[str, str], ...]
    skipped: tuple[tuple[str, str], ...] = ()


def redact(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    keep_cluster_names: bool = False,
    keep_words: Iterable[str] = (),
    lenient: bool = False,
    progress: Progress | None = None,
) -> Redacted:
    """Write a redacted copy of saved responses, logs and databases, or of a store, with the same layout.

    Addresses, names and secrets are replaced by pseudonyms, the same ones everywhere, so that every analysis gives the same numbers. In
    texts, only numbers, times, the words of the engine and of its systems, and plain English and Chinese words stay. A copy of a database
    is written anew, with only the tables and columns that ``load`` reads. Files that cannot be read or are not text are left out; hidden
    files, pictures and other files that ``load`` skips are not copied. Review the copy before sharing it: a password that is a common word
    stays if nothing around it marks it as a secret.

    Args:
        source: A file, a folder or a store; a path or a URL. A source at a URL is copied to this disk while the redaction runs.
        destination: The file or folder to write, which must not exist; a path or a URL.
        keep_cluster_names: Keep the names of folders, which are the labels of clusters.
        keep_words: Words to keep in texts in addition to the vocabulary, such as the names of your own workflows.
        lenient: Replace only what the detectors find, and keep all other words. Names and secrets that no detector finds then stay.
        progress: A function that receives the progress (:data:`daganalysis.progress.Progress`). None shows a bar in a terminal and in a
            notebook.

    Returns:
        What was replaced and which files were left out.

    Raises:
        UsageError: The destination exists or is in the source.
        InputError: There is nothing to redact.

    Example:
        >>> import daganalysis as da, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     redact("sample_data/documented", f"{folder}/copy").n_files
        ...     len(da.load(f"{folder}/copy"))
        1
        1
    """
    if is_url(os.fspath(source)) or is_url(os.fspath(destination)):
        from daganalysis.redaction.remote_copies import destination_here, source_here

        with destination_here(os.fspath(destination)) as here, source_here(os.fspath(source)) as copy:
            return redact(copy, here, keep_cluster_names=keep_cluster_names, keep_words=keep_words, lenient=lenient, progress=progress)
    target = Path(destination)
    if target.is_symlink() or (target.exists() and not (target.is_dir() and not any(target.iterdir()))):
        raise UsageError("the destination exists", where=str(target), hint="name a new file or folder")
    if Path(source).is_dir() and target.resolve().is_relative_to(Path(source).resolve()):
        raise UsageError("the destination is inside the source", where=str(target), hint="name a folder beside it")
    walks = RedactionWalks(is_strict=not lenient, keeps_clusters=keep_cluster_names, keep_words=keep_words)
    with shown(progress) as tell:
        if is_store(source):
            from daganalysis.redaction.stores import redact_store

            n_files, originals = redact_store(Path(source), target, tell, walks)
            return _summary(n_files, originals, [], [])
        return _redact_files(source, target, tell, walks)


@contextlib.contextmanager
def redacted(archive: Archive) -> Iterator[Archive]:
    """Give a redacted copy of an archive, kept in a temporary folder until the block ends."""
    with tempfile.TemporaryDirectory(prefix="daganalysis-") as folder:
        archive.to_parquet(f"{folder}/store")
        redact(f"{folder}/store", f"{folder}/copy")
        yield read_parquet(f"{folder}/copy")


def _redact_files(source: str | os.PathLike[str], target: Path, progress: Progress, walks: RedactionWalks) -> Redacted:
    files = copied_one_by_one(list_source_files([os.fspath(source)]))
    readable = [file for file in files if file.trouble is None and (file.parts or file.path is not None)]
    left_out = [(file.name, file.trouble[1]) for file in files if file.trouble is not None and file.trouble[0] != HIDDEN_FILE.code]
    left_out += [(file.name, "it can be read only once: save it in a file") for file in files if file.content is not None]
    skipped = [(file.name, file.trouble[1]) for file in files if file.trouble is not None and file.trouble[0] == HIDDEN_FILE.code]
    if not readable:
        if left_out:
            raise InputError(f"nothing can be redacted: {left_out[0][0]}: {left_out[0][1]}", where=str(source))
        raise InputError("nothing to redact", where=str(source), hint="give a file or a folder of saved responses")
    originals, vocabulary = _collect(readable, left_out, skipped, progress, walks)
    unusable = [*skipped, *left_out]
    names = {name for name, _ in unusable}
    readable = [file for file in readable if file.name not in names]
    if not readable:
        raise InputError(f"nothing can be redacted: {unusable[-1][1]}", where=unusable[-1][0])
    folder = target if Path(source).is_dir() else None
    redactor = FileRedactor(walks.replacing(originals, vocabulary))
    _write(readable, target, folder, redactor, progress)
    return _summary(len(readable), originals, left_out, skipped)


def _copy(redactor: FileRedactor, file: SourceFile, target: Path | None) -> None:
    if file.parts:
        redactor.copy_database({part.name: Path(part.path or "") for part in file.parts}, target)
    else:
        redactor.copy(Path(file.path or ""), target, was_named=file.was_named)


def _summary(n_files: int, originals: Originals, left_out: list[tuple[str, str]], skipped: list[tuple[str, str]]) -> Redacted:
    n_addresses = len(originals.certain[4]) + len(originals.certain[6])
    return Redacted(n_files, n_addresses, sum(map(len, originals.words.values())), tuple(left_out), tuple(skipped))


def _collect(
    files: Sequence[SourceFile],
    left_out: list[tuple[str, str]],
    skipped: list[tuple[str, str]],
    progress: Progress,
    walks: RedactionWalks,
) -> tuple[Originals, set[str]]:
    """Walk every file once to learn what there is to replace."""
    originals = Originals()
    texts = walks.collecting(originals)
    redactor = FileRedactor(texts)
    for number, file in enumerate(files, start=1):
        redactor.name(file.name)
        try:
            _copy(redactor, file, None)
        except SkippedError as error:
            skipped.append((file.name, str(error)))
        except DAMAGE as error:
            left_out.append((file.name, str(error) or type(error).__name__))
        for listed, members in ((left_out, redactor.left_out), (skipped, redactor.skipped)):
            listed += [(f"{file.name}!{member}", reason) for member, reason in members]
            members.clear()
        progress("looking", number, len(files))
    return originals, {*ENGINE_WORDS, *(word.lower() for word in texts.names)}


def _write(
    files: Sequence[SourceFile],
    target: Path,
    folder: Path | None,
    redactor: FileRedactor,
    progress: Progress,
) -> None:
    """Write the copies beside the destination and put them in place when all are complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.parent / f".{target.name}.new"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        for number, file in enumerate(files, start=1):
            _copy(redactor, file, staging / redactor.name(file.name))
            progress("replacing", number, len(files))
        if folder is None and len(files) == 1:
            next(path for path in staging.rglob("*") if path.is_file()).replace(target)
        else:
            if target.exists():
                target.rmdir()
            staging.rename(target)
    except OSError as error:
        raise InputError(f"the copy cannot be written ({error.strerror or error})", where=str(target)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
