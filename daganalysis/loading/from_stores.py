"""Stores as sources: a store keeps the answers of the sources that it was made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.loading.scanning import put_aside
from daganalysis.store.commit import readable_folder
from daganalysis.store.kept_answers import ANSWERS, TEXTS, evidence_parts, read_evidence
from daganalysis.store.opening import is_store
from daganalysis.store.parts import check_version
from daganalysis.store.remote_paths import store_path
from daganalysis.store.source_list import KnownSource, read_sources

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from daganalysis.loading.scanning import Scanned
    from daganalysis.reading.answers import Answer, Issue
    from daganalysis.store.remote_paths import StagePath, StorePath
    from daganalysis.store.source_list import SourceList

    FromStores = dict[int, tuple["GivenStore", int]]
    """Sources that given stores have, by their numbers: the store, and the number there."""


@dataclass(slots=True)
class GivenStore:
    """A store to load from: its sources, their issues by number, and a cluster label for sources without one."""

    folder: StorePath
    cluster: str | None
    sources: list[KnownSource]
    issues: dict[int, list[Issue]]

    @classmethod
    def open(cls, place: str | os.PathLike[str], cluster: str | None) -> GivenStore:
        """Open a store. Raises :class:`StoreError` if it does not keep its answers."""
        folder = readable_folder(store_path(place))
        check_version(min((folder / "dags").glob("*.parquet")))
        sources, issues = read_sources(folder)
        return cls(folder, cluster, [source._replace(cluster=source.cluster or cluster) for source in sources.all()], issues)

    @property
    def size(self) -> int:
        """Bytes of the answers it keeps."""
        return sum((self.folder / place / part).stat().st_size for part in evidence_parts(self.folder) for place in (ANSWERS, TEXTS))


def split_stores(sources: Iterable[object], cluster: str | None) -> tuple[list[object], list[GivenStore]]:
    """Part sources into stores and all others."""
    files: list[object] = []
    stores: list[GivenStore] = []
    for source in sources:
        if isinstance(source, (str, os.PathLike)) and source != "-" and is_store(source):
            stores.append(GivenStore.open(source, cluster))
        else:
            files.append(source)
    return files, stores


@dataclass(slots=True)
class StoreChunk:
    """A piece of the first pass: the answers of one evidence part of a store that came from some of its sources.

    ``numbers`` has the number of each source in the new store. ``remembered`` are sources that gave it answers before.
    """

    spill: StagePath
    store: StorePath
    part: str
    cluster: str | None
    numbers: Mapping[int, int]
    remembered: frozenset[int]


def scan_store(chunk: StoreChunk) -> Scanned:
    """Write answers that a store keeps to a spill file, as :func:`daganalysis.loading.scanning.scan` does for files."""
    return put_aside(_answers_of(chunk), chunk.spill, chunk.remembered)


def _answers_of(chunk: StoreChunk) -> Iterator[tuple[int, Answer]]:
    for item in read_evidence(chunk.store, chunk.part):
        source = chunk.numbers.get(item.source)
        if source is not None:
            item.answer.cluster = item.answer.cluster or chunk.cluster
            yield source, item.answer


def make_store_chunks(given: FromStores, remembered: frozenset[int], folder: StagePath) -> list[StoreChunk]:
    """Cut the sources of stores (by their new numbers) into pieces of work, one for each evidence part."""
    by_store: dict[int, tuple[GivenStore, dict[int, int]]] = {}
    for number, (store, own) in given.items():
        by_store.setdefault(id(store), (store, {}))[1][own] = number
    return [
        StoreChunk(folder / f"spill-kept-{place:03d}-{at:05d}", store.folder, part, store.cluster, numbers, remembered)
        for place, (store, numbers) in enumerate(by_store.values())
        for at, part in enumerate(evidence_parts(store.folder))
    ]


def take_newer(stores: Sequence[GivenStore], sources: SourceList, read_now: Container[int]) -> tuple[list[int], FromStores]:
    """Note the sources of given stores that are new, or newer than those in the list, except sources that are read now.

    Return the numbers of all of them in the list, and those that were noted: which store has each, and its number there.
    """
    numbers: list[int] = []
    taken: FromStores = {}
    if not stores:
        return numbers, taken
    states, added = sources.all(), sources.added()
    for store in stores:
        found = sources.find([source.path for source in store.sources], [source.cluster for source in store.sources])
        for own, (source, held) in enumerate(zip(store.sources, found, strict=True)):
            number = added.get((source.path, source.cluster)) if held < 0 else held
            if number is None:
                number = added[source.path, source.cluster] = sources.add(source)
                states.append(source)
            elif number not in read_now and _is_newer(source, states[number]):
                sources[number] = states[number] = source
            else:
                numbers.append(number)
                continue
            numbers.append(number)
            taken[number] = store, own
    return numbers, taken


def _is_newer(one: KnownSource, other: KnownSource) -> bool:
    """Return whether a source was read in a later state than another, or may have been because a time is unknown."""
    return one.mtime_ns is None or other.mtime_ns is None or one.mtime_ns > other.mtime_ns
