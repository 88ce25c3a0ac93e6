"""Which files of a source are redacted, and which of them together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.reading.databases.forms import HEAD_BYTES
from daganalysis.redaction.database_copies import is_agent_database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daganalysis.reading import SourceFile


def copied_one_by_one(files: Iterable[SourceFile]) -> list[SourceFile]:
    """Separate the files that are read as one source, such as those of a dump. The files of an agent's database stay together."""
    return [part for file in files for part in _parts(file)]


def _parts(file: SourceFile) -> Iterator[SourceFile]:
    # The main file is empty while all pages are in the write-ahead log.
    heads = [head for part in file.parts if (head := _head(part))]
    if not file.parts or (heads and all(map(is_agent_database, heads))):
        yield file
    else:
        yield from file.parts


def _head(file: SourceFile) -> bytes:
    try:
        with Path(file.path or "").open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError:
        return b""
