"""Reading: from saved responses to answers and issues.

Sources become files (``sources``), files plain streams (``streams``), streams JSON documents (``documents``), documents answers
(``responses``); only what an answer holds is decoded further (``decoding``), each different text once.
"""

from __future__ import annotations

import io
import os
from typing import IO, TYPE_CHECKING

from daganalysis.reading.answers import Answer, Issue, Kind, Reading
from daganalysis.reading.documents import find_documents
from daganalysis.reading.issue_codes import ISSUE_CODES, issue
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.responses import Reader
from daganalysis.reading.sources import SourceFile, list_source_files
from daganalysis.reading.streams import DAMAGE, ExcessError, open_streams

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DEFAULT_LIMITS",
    "ISSUE_CODES",
    "Answer",
    "Issue",
    "Kind",
    "Limits",
    "Reading",
    "SourceFile",
    "iter_answers",
    "list_source_files",
    "read_sources",
]

_REMEMBERED = 1 << 25
"""Bytes of one file after which the node texts seen so far, kept so that equal ones are one object, are forgotten."""


def read_sources(*sources: object, cluster: str | None = None, cluster_by: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read everything into memory: every answer, and an issue for each thing that cannot be used."""
    reading = Reading()
    for file in list_source_files(sources, cluster=cluster, cluster_by=cluster_by, limits=limits):
        reading.answers.extend(iter_answers(file, reading.issues))
    return reading


def iter_answers(file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    """Yield the answers of one file, in order; what cannot be used is added to ``issues``. Never raises for what the file holds."""
    if file.trouble is not None:
        issues.append(issue(file.trouble[0], file.name, None, file.trouble[1]))
        return
    try:
        stream = _open(file)
    except FileNotFoundError:
        issues.append(issue("vanished-file", file.name, None, "it was there when the folder was listed"))
        return
    except OSError as error:
        issues.append(issue("unreadable-file", file.name, None, error.strerror or str(error)))
        return
    with stream:
        yield from _answers_of(stream, file, issues)
        if file.content is None and file.path is not None and "://" not in file.path:
            _check_unchanged(stream, file, issues)


def _answers_of(stream: IO[bytes], file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    texts: dict[bytes, bytes] = {}
    reader = Reader(file.cluster, file.limits, issues, texts)
    for name, plain in open_streams(stream, file.name, file.limits, issues):
        try:
            seen = 0
            for document in find_documents(plain, name, file.limits, issues):
                yield from reader.read(document, name)
                seen += len(document.text)
                if seen > _REMEMBERED:
                    texts.clear()
                    seen = 0
        except ExcessError as error:
            issues.append(issue("unpacks-too-large", name, None, f"it unpacks to {error}"))
        except DAMAGE as error:
            issues.append(issue("damaged-archive", name, None, f"{type(error).__name__}: {error}"))


def _open(file: SourceFile) -> IO[bytes]:
    if file.content is not None:
        return io.BytesIO(file.content)
    if file.path is not None and "://" in file.path:
        from daganalysis.reading.remote import open_remote

        return open_remote(file.path)
    # A file that turned into a FIFO since it was listed would block for ever.
    descriptor = os.open(file.path or "", os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    return os.fdopen(descriptor, "rb")


def _check_unchanged(stream: IO[bytes], file: SourceFile, issues: list[Issue]) -> None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return
    if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
        issues.append(issue("changed-file", file.name, None, f"{file.size} bytes when it was listed, {status.st_size} after it was read"))
