"""One file to read: which it is, what it is called, and which part of it is meant."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from daganalysis.reading.limits import DEFAULT_LIMITS, Limits

_SUFFIXES = frozenset(
    {".json", ".jsonl", ".ndjson", ".har", ".txt", ".log", ".out", ".gz", ".zst", ".xz", ".bz2", ".zip", ".tar", ".tgz", ".txz", ""}
)
"""Endings of the files that answers are mostly saved in."""
_ENDINGS = tuple(_SUFFIXES - {""})
_TO_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FileStretch(NamedTuple):
    """A stretch of a file of one document a line: where it begins and ends (bytes), the number of its first line, the file's encoding."""

    begin: int
    end: int
    line: int
    codec: str = ""


@dataclass(slots=True)
class SourceFile:
    """One file to read.

    ``identity`` is unique (an absolute path, or a URL). ``name`` is its name in issues and snapshots: the path from the given source.
    ``mtime_ns`` is None if it has no time of change. ``content`` is its content, if that is in memory. ``trouble`` has the code and the
    message of an issue, if the file cannot be read. ``stretch`` is the part of it to read, if not all. ``parts`` are the files of a
    database copy that are read as one. ``zone`` applies to times without a zone: an offset, or a name such as ``Asia/Shanghai``.
    ``was_named``: the file was given by itself, not found in a folder, so it should hold answers.
    """

    identity: str
    name: str
    path: str | None = field(default=None, repr=False)  # a URL may hold a password
    content: bytes | None = field(default=None, repr=False)
    cluster: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    trouble: tuple[str, str] | None = None
    limits: Limits = DEFAULT_LIMITS
    stretch: FileStretch | None = None
    was_named: bool = False
    parts: tuple[SourceFile, ...] = ()
    zone: str | None = None

    @property
    def n_bytes(self) -> int:
        """How much there is to read; 0 if it is not known."""
        return self.size or 0 if self.stretch is None else self.stretch.end - self.stretch.begin


def printable(name: str) -> str:
    """Return a file's name as text: it may hold bytes that are none, which Python keeps as halves of surrogate pairs."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def open_file(path: str) -> int:
    """Open a file on disk to read; what turned into a FIFO since it was listed does not block for ever."""
    return os.open(path, _TO_READ)


_ANSWERS_EXPECTED = r"\.(?:jsonl?|ndjson|har)(?![a-z0-9])[^/]*$"
_PACKED = r"\.(?:gz|zst|xz|bz2|zip|tar|tgz|tzst|txz|tbz2?)(?![a-z0-9])[^/.]*$"


def promises_answers(name: str) -> bool:
    """Return whether a file should hold answers, by its name. It is then an error if it holds none.

    >>> promises_answers("poll.ndjson.1"), promises_answers("a/dag.json.bak.xz"), promises_answers("README"), promises_answers("x.log.gz")
    (True, True, False, False)
    """
    if re.search(_ANSWERS_EXPECTED, name, re.IGNORECASE):
        return True
    bare = name
    while (packed := re.search(_PACKED, bare, re.IGNORECASE)) is not None:
        bare = bare[: packed.start()]
    return bare != name and "." not in bare.rpartition("/")[2]


def is_answer_file(name: str) -> bool:
    """Say by a file's name whether answers may be saved in it.

    >>> is_answer_file("a/polls.ndjson.GZ"), is_answer_file("a/notes.pdf")
    (True, False)
    """
    # The end alone decides about nearly every name.
    return name.endswith(_ENDINGS) or _suffix(name) in _SUFFIXES


def _suffix(name: str) -> str:
    """The ending with its dot, in lower case; a Path for each of a hundred thousand names would take a second."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    return dot + ending.lower() if dot and ending else ""
