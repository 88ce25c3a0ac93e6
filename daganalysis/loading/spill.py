"""Answers on their way through a temporary file, so that loading needs memory for a few of them only.

Whoever reads a piece of the sources writes its answers to one file; whoever rebuilds some runs picks the answers of those from all files.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

import msgspec

from daganalysis.loading.related import REMEMBERED_BYTES
from daganalysis.reading.answers import Answer
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote import RemoteStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from daganalysis.store.remote import StagePath

_GATHERED = 1 << 18
"""Bytes written at a time: most texts have a few kilobytes, and a system call for each costs more than copying it once more."""
_AT_A_TIME = 1 << 20
"""Bytes of records read at a time: where they lie at a URL, each request costs a round trip."""


Place = tuple[int, int, int]
"""Where a record lies in a spill file: where the texts begin that it was first to bring, where its head does, and where that ends."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Answer, list[int], list[int]])


class SpillWriter:
    """Writes answers to a new file, each node text once (as far back as is remembered)."""

    def __init__(self, path: StagePath) -> None:
        self._file = NewFile(path, _GATHERED)
        self._at = 0
        self._known: dict[bytes, int] = {}
        self._known_size = 0

    def write(self, answer: Answer) -> Place:
        """Append one answer and return where it lies. Its nodes are taken from it."""
        begin = self._at
        texts, answer.nodes = answer.nodes, None if answer.nodes is None else []
        starts = list(map(self._known.get, texts or ()))
        if None in starts:
            starts = [self._start_of(text) for text in texts or ()]
        head = self._at
        self._append(_encoder.encode((answer, starts, list(map(len, texts or ())))))
        return begin, head, self._at

    def _start_of(self, text: bytes) -> int:
        start = self._known.get(text)
        if start is None:
            if self._known_size > REMEMBERED_BYTES:
                self._known.clear()
                self._known_size = 0
            start = self._known[text] = self._at
            self._known_size += len(text)
            self._append(text)
        return start

    def _append(self, data: bytes) -> None:
        self._file.stream.write(data)
        self._at += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close(whole=kind is None, force=False)


def read_spill(path: StagePath, places: Iterable[Place]) -> Iterator[Answer]:
    """Read some records of a spill file, in the order asked for; a text that several of them have is one object."""
    known: dict[int, bytes] = {}
    with _reader(path) as read:
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
                if answer.nodes is not None:
                    answer.nodes = list(map(known.__getitem__, starts))
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
def _reader(path: StagePath) -> Iterator[Callable[[Sequence[tuple[int, int]]], list[bytes]]]:
    """Give what reads stretches of a file, each from an offset to another."""
    if isinstance(path, RemoteStage):
        yield path.read_ranges
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        yield lambda ranges: [os.pread(handle, end - start, start) for start, end in ranges]
    finally:
        os.close(handle)
