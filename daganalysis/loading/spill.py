"""Answers in temporary files, so a load needs memory for only a few of them.

The first pass writes the answers of each piece to one file. The second pass picks the answers of its runs from all files.
"""

from __future__ import annotations

import contextlib
import os
from itertools import accumulate
from typing import TYPE_CHECKING, Self

import msgspec

from daganalysis.history.related_ids import ids_in_body, ids_in_logs
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
"""Bytes of records read at a time: where they lie at a URL, each request costs a round trip."""
_GATHERED = 1 << 18
"""Bytes written at a time: most texts have a few kilobytes, and a system call for each costs more than copying it once more."""

Place = tuple[int, int, int]
"""Where a record lies in a spill file: where the texts begin that it was first to bring, where its head does, and where that ends."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Answer, list[int], list[int]])
_NOTHING: frozenset[str] = frozenset()


class SpillWriter:
    """Writes answers to a new file; each text, of a DAG or of a node, is written once and looked into once, however often it was polled."""

    def __init__(self, path: StagePath) -> None:
        self._file = NewFile(path, _GATHERED)
        self._at = 0
        self._bodies: dict[bytes, int] = {}
        self._nodes: dict[bytes, int] = {}
        self._ids_at: dict[int, frozenset[str]] = {}
        self._remembered = 0

    def write(self, answer: Answer) -> tuple[Place, frozenset[str]]:
        """Append one answer, whose texts are taken from it; return where it lies, and the ids of the DAGs that it speaks of."""
        if self._remembered > _REMEMBERED:
            self._bodies.clear()
            self._nodes.clear()
            self._ids_at.clear()
            self._remembered = 0
        begin = self._at
        body, nodes = answer.body, answer.nodes or ()
        starts = [self._bodies.get(body), *map(self._nodes.get, nodes)]
        if None in starts:
            if starts[0] is None:
                # The log lines of a lone sub-task or log answer stand in its body; those of a DAG in the texts of its nodes.
                self._add([body], self._bodies, ids_in_body if answer.kind is Kind.DAG else _ids_in_both)
            new = dict.fromkeys([node for node, start in zip(nodes, starts[1:], strict=True) if start is None])
            self._add(list(new), self._nodes, ids_in_logs)
            starts = [self._bodies[body], *map(self._nodes.__getitem__, nodes)]
        answer.body, answer.nodes = b"", None if answer.nodes is None else []
        head = self._at
        self._append(_encoder.encode((answer, starts, [len(body), *map(len, nodes)])))
        known = () if self._ids_at.keys().isdisjoint(starts) else self._ids_at.keys() & starts
        return (begin, head, self._at), _NOTHING.union(*map(self._ids_at.__getitem__, known))

    def _add(self, texts: Sequence[bytes], known: dict[bytes, int], look: Callable[[bytes], frozenset[str]]) -> None:
        """Append new texts, and look for ids in each."""
        together = b"".join(texts)
        starts = list(accumulate(map(len, texts), initial=self._at))
        known.update(zip(texts, starts, strict=False))
        self._remembered += len(together)
        self._append(together)
        if look(together):  # most answers name no DAG, and one text is looked through sooner than many
            for text, start in zip(texts, starts, strict=False):
                if ids := look(text):
                    self._ids_at[start] = ids

    def _append(self, data: bytes) -> None:
        self._file.stream.write(data)
        self._at += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close(whole=kind is None, force=False)


def _ids_in_both(body: bytes) -> frozenset[str]:
    return ids_in_body(body) | ids_in_logs(body)


def read_spill(path: StagePath, places: Iterable[Place]) -> Iterator[Answer]:
    """Read some records of a spill file, in the given order. Equal texts are one object."""
    known: dict[int, bytes] = {}
    with reader_of(path) as read:
        for batch in _batches(places):
            regions = read([(begin, end) for begin, _, end in batch])
            heads = []
            far: dict[int, int] = {}
            for (begin, head, _), region in zip(batch, regions, strict=True):
                answer, starts, sizes = _decoder.decode(memoryview(region)[head - begin :])
                heads.append((answer, starts))
                for start, size in zip(starts, sizes, strict=True):
                    if start in known:
                        continue
                    if start < begin:
                        far[start] = size
                    else:
                        known[start] = region[start - begin : start - begin + size]
            known.update(zip(far, read([(start, start + size) for start, size in far.items()]), strict=True))
            for answer, starts in heads:
                answer.body, *nodes = map(known.__getitem__, starts)
                answer.nodes = None if answer.nodes is None else nodes
                yield answer


def _batches(places: Iterable[Place]) -> Iterator[list[Place]]:
    batch: list[Place] = []
    size = 0
    for place in places:
        batch.append(place)
        size += place[2] - place[0]
        if size > _AT_A_TIME:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


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
