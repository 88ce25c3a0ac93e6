"""The first pass: read pieces of the sources and spill their answers. Only what each describes, and its place, stays in memory."""

from __future__ import annotations

import operator
from array import array
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from daganalysis.loading.related import DAG_KINDS, FACT_KINDS, Unclaimed, entity_key, references_of, references_of_facts
from daganalysis.loading.spill import SpillWriter, read_spill
from daganalysis.reading.answers import Kind
from daganalysis.store.kept_answers import Kept, digest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from daganalysis.reading import SourceFile
    from daganalysis.reading.answers import Answer, Issue
    from daganalysis.store.remote_paths import StagePath

CHUNK_BYTES = 1 << 24
"""The most bytes of sources in a piece of work: enough that starting it costs nothing."""
_SMALLER = 4
"""The last pieces are so many times smaller, so that all processes end with theirs at about the same time."""
_SHARES = 8
"""A piece has at most one of so many shares of what is left."""
_FILE_BYTES = 4096
"""A file, however small, costs as much as so many bytes in a large one."""


@dataclass(slots=True)
class Chunk:
    """Some sources to read, each with its number; ``remembered`` are sources that gave answers before."""

    spill: StagePath
    sources: list[tuple[int, SourceFile]]
    remembered: frozenset[int] = frozenset()

    def names(self) -> list[str]:
        """Return the names of the sources, the largest first."""
        return [file.name for _, file in sorted(self.sources, key=lambda source: (-(source[1].size or 0), source[1].name))]


@dataclass(slots=True)
class Scanned:
    """The keys and references of the answers of a chunk, one entry an answer, and the issues of its sources.

    ``places`` has three numbers per answer: its place in the spill file.
    """

    spill: StagePath
    keys: list[str] = field(default_factory=list)
    is_dag: bytearray = field(default_factory=bytearray)
    kinds: list[Kind] = field(default_factory=list)
    sources: array[int] = field(default_factory=lambda: array("q"))
    references: dict[int, tuple[str, ...]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    issues: dict[int, list[Issue]] = field(default_factory=dict)
    places: array[int] = field(default_factory=lambda: array("q"))

    def add_references(self, number: int, references: Iterable[str]) -> None:
        """Add references that were found after an answer was read."""
        self.references[number] = tuple(sorted({*self.references.get(number, ()), *references}))

    def size(self, number: int) -> int:
        """Return the bytes of an answer in the spill file. Texts shared with other answers count once."""
        return self.places[3 * number + 2] - self.places[3 * number]

    def sizes(self) -> Iterator[int]:
        """Return the size of each answer; see :meth:`size`."""
        return map(operator.sub, self.places[2::3], self.places[::3])

    def read(self, numbers: Sequence[int]) -> Iterator[Kept]:
        """Read some answers again, in the given order."""
        ends = self.places
        places = [(ends[at], ends[at + 1], ends[at + 2]) for at in (3 * number for number in numbers)]
        for number, answer in zip(numbers, read_spill(self.spill, places), strict=True):
            yield Kept(answer, self.sources[number], self.keys[number], self.references.get(number, ()))


def scan(chunk: Chunk) -> Scanned:
    """Read the sources of a chunk and write their answers to its spill file."""
    issues: dict[int, list[Issue]] = {}
    found = put_aside(_answers_of(chunk, issues), chunk.spill, chunk.remembered)
    found.issues = {source: own for source, own in issues.items() if own}
    return found


def _answers_of(chunk: Chunk, issues: dict[int, list[Issue]]) -> Iterator[tuple[int, Answer]]:
    from daganalysis.reading import fetched, iter_answers

    for (source, _), file in zip(chunk.sources, fetched(file for _, file in chunk.sources), strict=True):
        own = issues.setdefault(source, [])
        for answer in iter_answers(file, own):
            yield source, answer


def put_aside(answers: Iterable[tuple[int, Answer]], spill: StagePath, remembered: frozenset[int]) -> Scanned:
    """Write answers, each with the number of its source, to a spill file; ``remembered`` are the sources that gave answers before."""
    found = Scanned(spill)
    with SpillWriter(spill) as writer:
        for source, answer in answers:
            number = len(found.keys)
            found.keys.append(entity_key(answer))
            found.is_dag.append(answer.kind in DAG_KINDS)
            found.kinds.append(answer.kind)
            named = references_of_facts(answer) if answer.kind in FACT_KINDS else ()
            found.sources.append(source)
            if source in remembered:
                found.digests[number] = digest(answer)
            place, ids = writer.write(answer)
            found.places.extend(place)
            if ids or named:
                found.references[number] = tuple(sorted({*named, *references_of(answer, ids)}))
    return found


def make_chunks(sources: Sequence[tuple[int, SourceFile]], remembered: frozenset[int], folder: StagePath) -> list[Chunk]:
    """Cut a list of sources into pieces of work, in order. The last ones are smaller."""
    from daganalysis.reading.split_ndjson import split_at_lines

    chunks: list[Chunk] = []
    sizes, least = [whole.n_bytes for _, whole in sources], _size_of_next(0, 0)
    room, left = 0, sum(sizes) + _FILE_BYTES * len(sizes)
    for (number, whole), size in zip(sources, sizes, strict=True):
        after = left - size
        for file in (whole,) if size <= least else split_at_lines(whole, partial(_size_of_next, after)):
            if room <= 0:
                chunks.append(Chunk(folder / f"spill-{len(chunks):05d}", [], remembered))
                room = _size_of_next(after, size) if file.stretch is None else file.n_bytes
            chunks[-1].sources.append((number, file))
            room -= (size if file is whole else file.n_bytes) + _FILE_BYTES
        left = after - _FILE_BYTES
    return chunks


def _size_of_next(after: int, rest: int) -> int:
    """Return how many bytes the next piece of work should have if so many are left of a file, and so many of the sources after it."""
    return max(CHUNK_BYTES // _SMALLER, min(CHUNK_BYTES, (after + rest) // _SHARES), 1)


@dataclass(slots=True)
class Claiming:
    """The DAG answers of a chunk, and the answers that may belong to them."""

    scanned: Scanned
    unclaimed: Unclaimed


def claim(work: Claiming) -> dict[int, set[str]]:
    """Return, by number of the DAG answer, the keys of the answers that it claims."""
    numbers = [number for number, kind in enumerate(work.scanned.kinds) if kind is Kind.DAG]
    claims: dict[int, set[str]] = {}
    for number, kept in zip(numbers, work.scanned.read(numbers), strict=True):
        if claimed := work.unclaimed.claimed_by(kept.answer):
            claims[number] = claimed
    return claims


def answers_of_kind(scanned: Scanned, kinds: Container[Kind]) -> list[tuple[int, Answer]]:
    """Return the answers of some kinds, with their numbers."""
    numbers = [number for number, kind in enumerate(scanned.kinds) if kind in kinds]
    return [(number, kept.answer) for number, kept in zip(numbers, scanned.read(numbers), strict=True)]
