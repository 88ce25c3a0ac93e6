"""A large first load planned cluster by cluster, by the workers: no run and no link goes from one cluster to another.

The keys and references of the answers of a piece are written beside them, in order of cluster (:func:`by_cluster`). A worker plans a range
of clusters from these files and writes which answers belong together (:func:`plan_batch`). The main process holds a row for each cluster of
a piece and the sizes of the groups of a few ranges. It cuts the groups into the same shards as :mod:`daganalysis.loading.planning`.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from daganalysis.loading.owners import gather_unclaimed, join_by_lines, know_agents
from daganalysis.loading.planning import Packing, Picked, group_answers, in_parts
from daganalysis.loading.related import DAG_KINDS, cluster_of
from daganalysis.loading.scanning import Claiming, Scanned, claim, scan
from daganalysis.loading.spill import read_spill, reader_of
from daganalysis.reading.answers import Kind  # noqa: TC001 - msgspec reads the annotations
from daganalysis.store.kept_answers import Kept
from daganalysis.store.new_files import NewFile
from daganalysis.store.remote_paths import SPILL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from daganalysis.dask_workers import DaskWorkers
    from daganalysis.history.replay.contexts import ClusterContext
    from daganalysis.loading.scanning import Chunk
    from daganalysis.loading.workers import Workers
    from daganalysis.reading.answers import Issue
    from daganalysis.store.remote_paths import StagePath, StorePath

MANY_PIECES = 64
"""Pieces of sources, one gigabyte, from which on a first load is planned by the workers."""
STRETCH_ANSWERS = 1 << 17
"""Answers that one worker plans at a time, if no cluster has more: some 100 MB."""
_SEGMENT_BYTES = 1 << 24
"""Bytes of texts whose plan is read at once by whoever rebuilds some of them."""


class _Entries(msgspec.Struct, array_like=True, gc=False):
    """Some answers of one piece: their keys and references, their places, and their numbers in the piece; one entry an answer."""

    spill: str
    numbers: list[int] = []
    keys: list[str] = []
    kinds: list[Kind] = []
    sources: list[int] = []
    references: list[tuple[str, ...]] = []
    places: list[int] = []

    def take(self, rows: Iterable[int]) -> _Entries:
        taken = _Entries(self.spill)
        for row in rows:
            taken.add(self, row)
        return taken

    def add(self, other: _Entries, row: int) -> None:
        self.numbers.append(other.numbers[row])
        self.keys.append(other.keys[row])
        self.kinds.append(other.kinds[row])
        self.sources.append(other.sources[row])
        self.references.append(other.references[row])
        self.places += other.places[3 * row : 3 * row + 3]

    def as_scanned(self, folder: StagePath) -> Scanned:
        return Scanned(
            folder / SPILL / self.spill,
            self.keys,
            bytearray(kind in DAG_KINDS for kind in self.kinds),
            self.kinds,
            array("q", self.sources),
            {row: references for row, references in enumerate(self.references) if references},
            places=array("q", self.places),
        )


class _Segment(msgspec.Struct, array_like=True, gc=False):
    """Groups of answers (rows of entries, by piece), in order of their first DAG."""

    entries: dict[int, _Entries]
    groups: list[dict[int, list[int]]]


class ByteRange(NamedTuple):
    """A place in a file."""

    start: int
    end: int


@dataclass(slots=True)
class ScannedByCluster:
    """The result of a piece: where each cluster's answers are described, their number, and the issues."""

    spill: str
    index: str
    clusters: dict[str, tuple[ByteRange, int]]
    issues: dict[int, list[Issue]] = field(default_factory=dict)


def scan_by_cluster(chunk: Chunk) -> ScannedByCluster:
    """Read the sources of a chunk; write their answers to its spill file, and their keys and references beside it."""
    return by_cluster(scan(chunk))


def by_cluster(found: Scanned) -> ScannedByCluster:
    """Write the keys and references of the answers of a piece to a file beside them, in order of cluster."""
    name = found.spill.name
    every = _Entries(
        name,
        list(range(len(found.keys))),
        found.keys,
        found.kinds,
        found.sources.tolist(),
        [found.references.get(number, ()) for number in range(len(found.keys))],
        found.places.tolist(),
    )
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(found.keys):
        rows.setdefault(cluster_of(key, is_dag=bool(found.is_dag[row])), []).append(row)
    file = _Appended(found.spill.parent / f"index-{name}")
    clusters = {label: (file.append(every.take(own)), len(own)) for label, own in sorted(rows.items())}
    file.close()
    return ScannedByCluster(name, f"index-{name}", clusters, found.issues)


class _Appended:
    """A new file that objects are appended to."""

    def __init__(self, path: StagePath) -> None:
        self._file = NewFile(path, 1 << 18)
        self._at = 0

    def append(self, value: object) -> ByteRange:
        data = msgspec.msgpack.encode(value)
        self._file.stream.write(data)
        self._at += len(data)
        return ByteRange(self._at - len(data), self._at)

    def close(self) -> None:
        self._file.close(whole=True, force=False)


# -- a batch of clusters --------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class ClusterBatch:
    """Clusters to plan: the pieces with answers about them, by number, with the places of their entries."""

    folder: StagePath
    store: StorePath
    name: str
    pieces: dict[int, tuple[str, list[ByteRange]]] = field(default_factory=dict)


@dataclass(slots=True)
class BatchPlan:
    """The plan of a batch: the size of each group, the places of the plans, and the answers that belong to no DAG."""

    name: str
    sizes: array[int]
    segments: list[tuple[ByteRange, int]]
    orphans: ByteRange | None
    contexts: dict[str, ClusterContext]


def plan_batch(work: ClusterBatch) -> BatchPlan:
    """Plan some clusters, and write the plan to a file."""
    entries = {place: _read_entries(work.folder, index, places) for place, (index, places) in sorted(work.pieces.items())}
    scanned = [own.as_scanned(work.folder) for own in entries.values()]
    _, every = gather_unclaimed(work.store, scanned, [], {}, {})
    if every:
        join_by_lines(scanned, every)
        for chunk in scanned:
            for number, keys in claim(Claiming(chunk, every)).items():
                chunk.add_references(number, keys)
    for own, chunk in zip(entries.values(), scanned, strict=True):
        own.references = [chunk.references.get(row, ()) for row in range(len(own.keys))]
    contexts, _ = know_agents(work.store, scanned, [], {}, {})
    grouped = group_answers(scanned, [], {}, {})
    groups = sorted(grouped.groups, key=lambda group: group.first)
    file = _Appended(work.folder / SPILL / work.name)
    segments = [(file.append(_segment(some, entries)), len(some)) for some in _segments(groups)]
    orphans = file.append(_segment([grouped.orphans], entries)) if grouped.orphans.new else None
    file.close()
    return BatchPlan(work.name, array("q", (group.size for group in groups)), segments, orphans, contexts)


def _read_entries(folder: StagePath, index: str, places: Sequence[ByteRange]) -> _Entries:
    """Read the entries of some clusters of a piece, in the order of its answers."""
    with reader_of(folder / SPILL / index) as read:
        found = [msgspec.msgpack.decode(data, type=_Entries) for data in read(places)]
    if len(found) == 1:
        return found[0]
    return _in_order(found)


def _in_order(found: Sequence[_Entries]) -> _Entries:
    rows = sorted((number, part, row) for part, own in enumerate(found) for row, number in enumerate(own.numbers))
    whole = _Entries(found[0].spill)
    for _, part, row in rows:
        whole.add(found[part], row)
    return whole


def _segments(groups: Iterable[Picked]) -> Iterator[list[Picked]]:
    some: list[Picked] = []
    size = 0
    for group in groups:
        some.append(group)
        size += group.size
        if size > _SEGMENT_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _segment(groups: Sequence[Picked], entries: Mapping[int, _Entries]) -> _Segment:
    """Join the plan of some groups with the entries of their answers. Pieces have their numbers among all pieces."""
    numbers = list(entries)
    taken = {place: _Entries(own.spill) for place, own in entries.items()}
    facts = []
    for group in groups:
        rows: dict[int, list[int]] = {}
        for at, own in group.new.items():
            place = numbers[at]
            first = len(taken[place].numbers)
            for row in own:
                taken[place].add(entries[place], row)
            rows[place] = list(range(first, first + len(own)))
        facts.append(rows)
    return _Segment({place: own for place, own in taken.items() if own.numbers}, facts)


# -- all of them ----------------------------------------------------------------------------------------------------------------------


class ShardPiece(NamedTuple):
    """Some groups of a batch: a range of a segment of its plan."""

    plan: str
    place: ByteRange
    start: int
    end: int


PlannedShard = list[ShardPiece]


@dataclass(slots=True)
class ClusterPlan:
    """The shards to rebuild, by part; the answers that belong to no DAG; and the context of each cluster's agents."""

    parts: list[list[PlannedShard]]
    orphans: PlannedShard
    contexts: dict[str, ClusterContext]


def plan_by_cluster(
    workers: Workers | DaskWorkers, folder: StagePath, store: StorePath, scanned: Sequence[ScannedByCluster]
) -> ClusterPlan:
    """Let the workers plan the scanned answers. The shards are the same as those of a plan by one process."""
    shards: list[PlannedShard] = []
    orphans: PlannedShard = []
    contexts: dict[str, ClusterContext] = {}
    packing = Packing()
    for plan in workers.over(plan_batch, _batches(folder, store, scanned)):
        sizes = iter(plan.sizes)
        for place, n_groups in plan.segments:
            first = 0
            for at, size in zip(range(n_groups), sizes, strict=False):
                if packing.begins_shard(size):
                    if at > first:
                        shards[-1].append(ShardPiece(plan.name, place, first, at))
                    shards.append([])
                    first = at
            shards[-1].append(ShardPiece(plan.name, place, first, n_groups))
        if plan.orphans is not None:
            orphans.append(ShardPiece(plan.name, plan.orphans, 0, 1))
        contexts |= plan.contexts
    return ClusterPlan(in_parts(shards), orphans, contexts)


def _batches(folder: StagePath, store: StorePath, scanned: Sequence[ScannedByCluster]) -> list[ClusterBatch]:
    """Group clusters, in the order of their runs' keys, into batches that are worth a worker."""
    counts: dict[str, int] = {}
    for found in scanned:
        for label, (_, n) in found.clusters.items():
            counts[label] = counts.get(label, 0) + n
    batch_of: dict[str, int] = {}
    number = planned = 0
    for label in sorted(counts, key=lambda label: f"{label}/"):
        # Keys without a cluster may sort between those of two clusters, so all must be planned at once.
        if planned and planned + counts[label] > STRETCH_ANSWERS and "" not in counts:
            number, planned = number + 1, 0
        batch_of[label] = number
        planned += counts[label]
    batches = [ClusterBatch(folder, store, f"plan-{at:05d}") for at in range(number + 1 if counts else 0)]
    for place, found in enumerate(scanned):
        for label, (at, _) in found.clusters.items():
            batches[batch_of[label]].pieces.setdefault(place, (found.index, []))[1].append(at)
    return batches


def read_shard(folder: StagePath, shard: PlannedShard) -> Iterator[Kept]:
    """Read the answers of a shard, in order of their pieces and of their places there."""
    by_piece: dict[int, list[_Entries]] = {}
    for piece in shard:
        with reader_of(folder / SPILL / piece.plan) as read:
            segment = msgspec.msgpack.decode(read([piece.place])[0], type=_Segment)
        rows: dict[int, list[int]] = {}
        for group in segment.groups[piece.start : piece.end]:
            for place, own in group.items():
                rows.setdefault(place, []).extend(own)
        for place, own in rows.items():
            by_piece.setdefault(place, []).append(segment.entries[place].take(own))
    for _, found in sorted(by_piece.items()):
        entries = _in_order(found)
        ends = iter(entries.places)
        answers = read_spill(folder / SPILL / entries.spill, zip(ends, ends, ends, strict=True))
        yield from map(Kept, answers, entries.sources, entries.keys, entries.references)
