"""Answers on their way through a temporary file, so that loading needs memory for a few of them only.

Whoever reads a piece of the sources writes its answers to one file; whoever rebuilds some runs picks the answers of those from all files.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

from daganalysis.loading.related import REMEMBERED_BYTES
from daganalysis.reading.answers import Answer, Kind
from daganalysis.store.evidence import Kept
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote import RemoteStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from daganalysis.store.remote import StagePath

_AT_A_TIME = 1 << 20
"""Bytes of records read at a time: where they lie at a URL, each request costs a round trip."""


@dataclass(slots=True, frozen=True)
class Place:
    """Where a record lies in a spill file: the texts that it was first to bring, then its head."""

    start: int
    head: int
    end: int


class _Head(msgspec.Struct, array_like=True):
    kind: Kind
    gid: str
    body: bytes
    nodes: list[tuple[int, int]] | None
    cluster: str | None
    source_name: str
    position: str
    observed_at: int | None
    utc_offset_s: int | None
    trace_id: str | None
    http_status: int | None
    request_ms: int | None
    source: int
    token: str
    clues: tuple[str, ...]


class SpillWriter:
    """Writes answers to a new file, each node text once (as far back as is remembered)."""

    def __init__(self, path: StagePath) -> None:
        self._file = NewFile(path)
        self._at = 0
        self._known: dict[bytes, tuple[int, int]] = {}
        self._known_size = 0
        self._encoder = msgspec.msgpack.Encoder()

    def write(self, item: Kept) -> Place:
        """Append one answer and return where it lies."""
        start = self._at
        answer = item.answer
        nodes = None if answer.nodes is None else [self._text(text) for text in answer.nodes]
        head = _Head(
            answer.kind, answer.gid, answer.body, nodes, answer.cluster, answer.source, answer.position, answer.observed_at,
            answer.utc_offset_s, answer.trace_id, answer.http_status, answer.request_ms, item.source, item.token, item.clues,
        )  # fmt: skip
        at = self._at
        self._append(self._encoder.encode(head))
        return Place(start, at, self._at)

    def _text(self, text: bytes) -> tuple[int, int]:
        place = self._known.get(text)
        if place is None:
            if self._known_size > REMEMBERED_BYTES:
                self._known.clear()
                self._known_size = 0
            place = self._known[text] = (self._at, len(text))
            self._known_size += len(text)
            self._append(text)
        return place

    def _append(self, data: bytes) -> None:
        self._file.stream.write(data)
        self._at += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close(whole=kind is None, force=False)


class TextPool:
    """Makes equal texts one object, as whoever rebuilds runs expects."""

    def __init__(self) -> None:
        self._texts: dict[bytes, bytes] = {}

    def one(self, text: bytes) -> bytes:
        """Return the first equal text."""
        return self._texts.setdefault(text, text)


def read_spill(path: StagePath, places: Iterable[Place], pool: TextPool) -> Iterator[Kept]:
    """Read some records of a spill file, in the order asked for."""
    decoder = msgspec.msgpack.Decoder(_Head)
    elsewhere: dict[tuple[int, int], bytes] = {}
    with _reader(path) as read:
        for batch in _batches(places):
            regions = read([(place.start, place.end) for place in batch])
            heads = [decoder.decode(memoryview(region)[place.head - place.start :]) for place, region in zip(batch, regions, strict=True)]
            far = {text for place, head in zip(batch, heads, strict=True) for text in head.nodes or () if text[0] < place.start}
            missing = sorted(far - elsewhere.keys())
            texts = read([(at, at + length) for at, length in missing])
            elsewhere.update((text, pool.one(found)) for text, found in zip(missing, texts, strict=True))
            for place, region, head in zip(batch, regions, heads, strict=True):
                yield _kept(place, region, head, elsewhere, pool)


def _kept(place: Place, region: bytes, head: _Head, elsewhere: dict[tuple[int, int], bytes], pool: TextPool) -> Kept:
    nodes = None
    if head.nodes is not None:
        nodes = []
        for at, length in head.nodes:
            text = elsewhere.get((at, length))
            if text is None:
                text = elsewhere[at, length] = pool.one(region[at - place.start : at - place.start + length])
            nodes.append(text)
    answer = Answer(
        head.kind, head.gid, head.body, nodes, head.cluster, head.source_name, head.position, head.observed_at,
        head.utc_offset_s, head.trace_id, head.http_status, head.request_ms,
    )  # fmt: skip
    return Kept(answer, head.source, head.token, head.clues)


def _batches(places: Iterable[Place]) -> Iterator[list[Place]]:
    batch: list[Place] = []
    size = 0
    for place in places:
        batch.append(place)
        size += place.end - place.start
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
