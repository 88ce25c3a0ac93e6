"""The answers of sources: each file is opened, recognised, and read in the way that suits it."""

from __future__ import annotations

import io
import itertools
import os
from typing import IO, TYPE_CHECKING

from daganalysis.reading.answers import Answer, FileIssues, Issue, Reading
from daganalysis.reading.databases.forms import HEAD_BYTES, bare_rows, recognise
from daganalysis.reading.documents import alone
from daganalysis.reading.fast_path import fast_answer, placed
from daganalysis.reading.file_kinds import (
    AGENT_LOG,
    BINARY_FILE,
    DATA_FILE,
    DATABASE_COPY,
    OTHER_TEXT,
    TASK_DATA,
    in_other_notation,
    kind_of,
)
from daganalysis.reading.issue_codes import issue
from daganalysis.reading.json_repair import is_binary
from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.listing import list_source_files
from daganalysis.reading.plain_text import BLOCK_BYTES
from daganalysis.reading.recognition import looks_like_answer, may_hold_log
from daganalysis.reading.remote_files import fetched
from daganalysis.reading.source_file import SourceFile, open_file, promises_answers
from daganalysis.reading.streams import is_packed, open_streams
from daganalysis.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daganalysis.obshell_logs.entries import Readable
    from daganalysis.reading.databases.copies import DatabaseCopies
    from daganalysis.reading.databases.forms import Recognised
    from daganalysis.reading.file_kinds import FileKind

_OF_OTHER_TEXTS = frozenset(
    ("no-json", "invalid-json", "truncated-json", "trailing-comma", "nested-too-deep", "html-page", "empty-file", "not-a-task")
    + ("empty-list", "invalid-utf8", "lone-surrogate", "control-character", "not-a-number", "huge-number", "duplicate-key")
    + ("other-encoding", "trailing-comma")
)
"""Issue codes that a text about something else may give when answers are looked for in it."""


def read_sources(*sources: object, cluster: str | None = None, cluster_by: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read everything into memory: every answer, and an issue for each thing that cannot be used."""
    reading = Reading()
    reading.answers = read_files(list_source_files(sources, cluster=cluster, cluster_by=cluster_by, limits=limits), reading.issues)
    return reading


def read_files(files: Iterable[SourceFile], issues: list[Issue]) -> list[Answer]:
    """Read the answers of some files into memory, in order. Equal node texts become one object, because polls repeat themselves."""
    answers: list[Answer] = []
    texts: dict[bytes, bytes] = {}
    for file in fetched(files):
        for answer in iter_answers(file, issues):
            if answer.nodes is not None:
                answer.nodes = list(map(texts.setdefault, answer.nodes, answer.nodes))
            answers.append(answer)
    return answers


def iter_answers(file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    """Yield the answers of one file, in order; what cannot be used is added to ``issues``. Never raises for what the file holds.

    >>> issues = []
    >>> [answer.gid for answer in iter_answers(list_source_files(["sample_data/documented/scale-out.json"])[0], issues)], issues
    (['11'], [])
    """
    if file.trouble is not None:
        issues.append(issue(file.trouble[0], file.name, None, file.trouble[1]))
        return
    own = FileIssues(file.limits.issues)
    try:
        yield from _answers_of(file, own)
    except FileNotFoundError:
        own.append(issue("vanished-file", file.name, None, "it was there when the folder was listed, but could not be opened"))
    except OSError as error:
        own.append(issue("unreadable-file", file.name, None, error.strerror or str(error)))
    except MemoryError:
        own.append(issue("document-too-large", file.name, None, "not enough memory to read it"))
    issues += own
    for code, count in own.n_more.items() if own.n_more else ():
        issues.append(issue("more-issues", file.name, None, f"{count:,} more of {code}"))


def _answers_of(file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    if file.parts:
        yield from _database_copy(file, issues)
    elif file.content is not None:
        yield from _packed_or_plain(file.content, file, issues)
    elif file.path is not None and is_url(file.path):
        from daganalysis.reading.remote_files import open_remote

        with open_remote(file.path) as stream:
            yield from _unpacked(stream, file, issues)
    else:
        handle = open_file(file.path or "")
        try:
            yield from _local(handle, file, issues)
            _note_change(handle, file, issues)
        finally:
            os.close(handle)


def _local(handle: int, file: SourceFile, issues: list[Issue]) -> Iterable[Answer]:
    size = file.size or 0
    if file.stretch is None and size <= BLOCK_BYTES:
        # Small files, which most are, are read at one go.
        content = os.read(handle, size + 1)
        if content and len(content) <= size:
            return _packed_or_plain(content, file, issues)
        os.lseek(handle, 0, os.SEEK_SET)
    return _large(handle, file, issues)


def _large(handle: int, file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    with os.fdopen(handle, "rb", closefd=False) as stream:
        if file.stretch is None:
            yield from _unpacked(stream, file, issues)
            return
        from daganalysis.reading.document_search import find_lines
        from daganalysis.reading.responses import Reader

        reader = Reader(file.cluster, file.limits, issues)
        for document in find_lines(stream, file.stretch, file.name, file.limits, issues):
            yield from reader.read(document, file.name)
        yield from reader.close()


def _packed_or_plain(content: bytes, file: SourceFile, issues: list[Issue]) -> Iterable[Answer]:
    text, position = alone(content)
    answer = fast_answer(text, file.limits)
    if answer is not None:
        return (placed(answer, file.cluster, file.name, f"{position} /data"),)
    packed = is_packed(content[:512])
    kind = None if packed else kind_of(content)
    if packed or kind is DATABASE_COPY:
        return _unpacked(io.BytesIO(content), file, issues)
    return _plain(None, content, kind, file.name, file, issues)


def _unpacked(stream: IO[bytes], file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    from daganalysis.reading.databases.copies import DatabaseCopies

    with DatabaseCopies(file.cluster, file.limits, issues, file.zone) as copies:
        yield from _plain_files(stream, file, issues, copies)
        yield from copies.answers()


def _plain_files(stream: IO[bytes], file: SourceFile, issues: list[Issue], copies: DatabaseCopies) -> Iterator[Answer]:
    """Yield the answers of each plain file in a stream; the files of database copies are put to the others of theirs."""
    for name, plain in open_streams(stream, file.name, file.limits, issues):
        head = plain.read(BLOCK_BYTES)
        kind = kind_of(head)
        recognised = _copy(head[:HEAD_BYTES], kind, name)
        if recognised is None:
            yield from _plain(plain, head, kind, name, file, issues)
        else:
            copies.take(recognised, name, head, plain)


def _copy(head: bytes, kind: FileKind | None, name: str) -> Recognised | None:
    """Return what file of a database copy a plain file is."""
    if kind is DATABASE_COPY:
        return recognise(head)
    return bare_rows(name, head) if kind is None else None


def _plain(
    stream: IO[bytes] | None, content: bytes, kind: FileKind | None, name: str, file: SourceFile, issues: list[Issue]
) -> Iterator[Answer]:
    """Yield the answers of one plain file, or note what it is instead. Its beginning shows its kind."""
    if kind is None or not kind.certain:
        log = _log(stream, content, kind)
        if log is not None:
            from daganalysis.reading.agent_log import log_answers

            yield from log_answers(log, name, file)
            return
    was_promised = (file.was_named and name == file.name) or promises_answers(name.rpartition("!")[2])
    if kind is None and not was_promised and is_binary(content):
        kind = BINARY_FILE
    if kind in {DATA_FILE, BINARY_FILE} and TASK_DATA.matches(content):
        kind = TASK_DATA
    if kind is not None and kind.certain:
        issues.append(issue(kind.code, name, None, kind.message))
        return
    # Imported here, as most small files are as documented and need no search.
    from daganalysis.reading.document_search import find_documents
    from daganalysis.reading.responses import Reader

    n_before, n_answers = len(issues), 0
    reader = Reader(file.cluster, file.limits, issues)
    documents = find_documents(stream, name, file.limits, issues, content)
    for answer in itertools.chain(itertools.chain.from_iterable(reader.read(document, name) for document in documents), reader.close()):
        n_answers += 1
        yield answer
    if not n_answers:
        kind = kind or in_other_notation(content)
    if not n_answers and (kind is not None or not was_promised):
        _explain_emptiness(kind or OTHER_TEXT, name, n_before, issues)


def _log(stream: IO[bytes] | None, content: bytes, kind: FileKind | None) -> Readable | None:
    """Return the text of an agent's log, out of what is wrapped around it; None for another file."""
    if kind is AGENT_LOG and content.isascii():
        return _Rejoined(content, stream)
    if kind is not AGENT_LOG and (not may_hold_log(content) or looks_like_answer(content)):
        return None
    from daganalysis.reading.wrapped_logs import unwrapped_log

    return unwrapped_log(content, stream)


class _Rejoined:
    """A stream whose beginning was read already."""

    def __init__(self, begin: bytes, rest: IO[bytes] | None) -> None:
        self._begin, self._rest = begin, rest

    def read(self, size: int) -> bytes:
        """Return some more bytes; none at the end."""
        if self._begin:
            begin, self._begin = self._begin, b""
            return begin
        return self._rest.read(size) if self._rest is not None else b""


def _explain_emptiness(kind: FileKind, name: str, n_before: int, issues: list[Issue]) -> None:
    """Put what a file is in place of the faults that were found in looking for answers in it, unless something looked like one."""
    if all(found.code in _OF_OTHER_TEXTS for found in issues[n_before:]):
        del issues[n_before:]
        issues.append(issue(kind.code, name, None, kind.message))


def _database_copy(file: SourceFile, issues: list[Issue]) -> Iterator[Answer]:
    """Yield the answers of several files that make one copy of a database."""
    from daganalysis.reading.databases.copies import DatabaseCopies

    with DatabaseCopies(file.cluster, file.limits, issues, file.zone, name=file.name) as copies:
        for part in file.parts:
            if part.size != 0:  # the pages of an empty main file are in its write-ahead log
                yield from _part(part, issues, copies)
        yield from copies.answers()


def _part(part: SourceFile, issues: list[Issue], copies: DatabaseCopies) -> Iterator[Answer]:
    if part.path is not None and is_url(part.path):
        from daganalysis.reading.remote_files import open_remote

        with open_remote(part.path) as stream:
            yield from _plain_files(stream, part, issues, copies)
        return
    handle = open_file(part.path or "")
    with os.fdopen(handle, "rb") as stream:
        yield from _plain_files(stream, part, issues, copies)
        _note_change(handle, part, issues)


def _note_change(handle: int, file: SourceFile, issues: list[Issue]) -> None:
    """Say that a file changed while it was read."""
    status = os.fstat(handle)
    if (status.st_size, status.st_mtime_ns) != (file.size, file.mtime_ns):
        message = f"{file.size} bytes when it was listed, {status.st_size} after it was read"
        issues.append(issue("changed-file", file.name, None, message))
