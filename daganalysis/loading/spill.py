"""Answers in temporary files, so a load needs memory for only a few of them.

The first pass writes the answers of each piece to one file. The second pass picks the answers of its runs from all files.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

import msgspec

from daganalysis.history.related_ids import ids_in_body, ids_in_logs, may_name_ids
from daganalysis.reading.answers import Answer, Kind
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote_paths import RemoteStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from daganalysis.store.remote_paths import StagePath

_REMEMBERED = 1 << 25
"""Bytes of texts among which a repetition is noticed."""
_AT_A_TIME = 1 << 20
"""Bytes of records read at a time. At a URL, each request costs a round trip."""
_GATHERED = 1 << 18
"""Bytes written at a time: most texts have a few kilobytes, and a system call for each costs more than copying it once more."""

RecordSpan = tuple[int, int, int]
"""The place of a record in a spill file: the start of its new texts, the start of its head, and the end of its head."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Answer, list[int], list[int]])
_NOTHING: frozenset[str] = frozenset()


class SpillWriter:
    """Writes answers to a new file. Each text of a DAG or a node is written and searched once, however often it was polled."""

    def __init__(self, path: StagePath) -> None:
        self._file = NewFile(path, _GATHERED)
        self._at = 0
        self._bodies: dict[bytes, int] = {}
        self._nodes: dict[bytes, int] = {}
        self._ids_at: dict[int, frozenset[str]] = {}
        self._remembered = 0

    def write(self, answer: Answer) -> tuple[RecordSpan, frozenset[str]]:
        """Append one answer and remove its texts from it; return its place, and the ids of the DAGs that it names."""
        if self._remembered > _REMEMBERED:
            self._bodies.clear()
            self._nodes.clear()
            self._ids_at.clear()
            self._remembered = 0
        begin = self._at
        body, nodes = answer.body, answer.nodes or ()
        body_start, starts = self._bodies.get(body), list(map(self._nodes.get, nodes))
        new: list[bytes] = []
        if body_start is None:
            body_start = self._add(body, self._bodies)
            new.append(body)
        if None in starts:
            for place, node in enumerate(nodes):
                if starts[place] is None:
                    start = self._nodes.get(node)  # a node may be there twice
                    if start is None:
                        start = self._add(node, self._nodes)
                        new.append(node)
                    starts[place] = start
        if new:
            texts = b"".join(new)
            self._file.stream.write(texts)
            # The log lines of a single sub-task or log answer are in its body, those of a DAG in the texts of its nodes.
            if body_start == begin and (ids := ids_in_body(body) if answer.kind is Kind.DAG else _ids_in_both(body)):
                self._ids_at[begin] = ids
            # All texts are looked through at once in less time than one after the other.
            if may_name_ids(texts):
                self._note_ids(nodes, starts)
        answer.body, answer.nodes = b"", None if answer.nodes is None else []
        head = _encoder.encode((answer, [body_start, *starts], [len(body), *map(len, nodes)]))
        self._file.stream.write(head)
        place_of = (begin, self._at, self._at + len(head))
        self._at += len(head)
        if not self._ids_at:
            return place_of, _NOTHING  # most archives have a few answers that name a DAG
        known = self._ids_at.keys() & (body_start, *starts)
        return place_of, _NOTHING.union(*map(self._ids_at.__getitem__, known))

    def _add(self, text: bytes, known: dict[bytes, int]) -> int:
        """Note a new text; return its future place."""
        start = known[text] = self._at
        self._at += len(text)
        self._remembered += len(text)
        return start

    def _note_ids(self, nodes: Sequence[bytes], starts: Sequence[int | None]) -> None:
        """Search the texts of nodes for ids."""
        for start, node in zip(starts, nodes, strict=True):
            if start is not None and (ids := ids_in_logs(node)):
                self._ids_at[start] = ids

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close(whole=kind is None, force=False)


def _ids_in_both(body: bytes) -> frozenset[str]:
    return ids_in_body(body) | ids_in_logs(body)


def read_spill(path: StagePath, places: Iterable[RecordSpan]) -> Iterator[Answer]:
    """Read some records of a spill file, in the given order. Equal texts are one object."""
    known: dict[int, bytes] = {}
    with reader_of(path) as read:
        for batch in _batches(places):
            heads = []
            far: dict[int, int] = {}
            stretches = _stretches(batch)
            regions = read([(own[0][0], own[-1][2]) for own in stretches])
            for own, region in zip(stretches, regions, strict=True):
                first, view = own[0][0], memoryview(region)
                for begin, head, end in own:
                    answer, starts, sizes = _decoder.decode(view[head - first : end - first])
                    heads.append((answer, starts))
                    for start, size in zip(starts, sizes, strict=True):
                        if start in known:
                            continue
                        if start < begin:
                            far[start] = size
                        else:
                            known[start] = region[start - first : start - first + size]
            known.update(zip(far, read([(start, start + size) for start, size in far.items()]), strict=True))
            for answer, starts in heads:
                answer.body, *nodes = map(known.__getitem__, starts)
                answer.nodes = None if answer.nodes is None else nodes
                yield answer


def _batches(places: Iterable[RecordSpan]) -> Iterator[list[RecordSpan]]:
    batch: list[RecordSpan] = []
    size = 0
    for place in places:
        batch.append(place)
        size += place[2] - place[0]
        if size > _AT_A_TIME:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _stretches(places: Iterable[RecordSpan]) -> list[list[RecordSpan]]:
    """Group places that follow each other without a gap, as the answers of one run often do."""
    stretches: list[list[RecordSpan]] = []
    end = -1
    for place in places:
        if place[0] != end:
            stretches.append([])
        stretches[-1].append(place)
        end = place[2]
    return stretches


@contextlib.contextmanager
def reader_of(path: StagePath) -> Iterator[Callable[[Sequence[tuple[int, int]]], list[bytes]]]:
    """Return a function that reads ranges of a file, each from an offset to another."""
    if isinstance(path, RemoteStage):
        yield path.read_ranges
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        yield lambda ranges: [os.pread(handle, end - start, start) for start, end in ranges]
    finally:
        os.close(handle)
