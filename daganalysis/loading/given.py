"""The sources that a load is given, and which of them it must read: those that the store lacks, or has in another state."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
from daganalysis.reading.listing import in_order_of_walk
from daganalysis.reading.source_file import SourceFile
from daganalysis.store.source_list import KnownSource

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from daganalysis.reading.plain_folder import PlainFolder
    from daganalysis.store.source_list import SourceList

_STATE = attrgetter("identity", "cluster", "size", "mtime_ns")
"""The state of a file that is a source."""
_UNKNOWN = -1 << 63
"""Stands for an unknown size or time of change; a time may be negative."""


class _Columns(NamedTuple):
    """The states of files, column by column."""

    paths: list[str]
    clusters: list[str | None]
    sizes: list[int]
    changed: list[int]


@dataclass
class FolderFiles:
    """The files of a plain folder as sources, with an object only for each file that is asked for. None of them is part of a copy.

    ``fingerprint`` is that of all files in their states.
    """

    folder: PlainFolder
    fingerprint: str
    cluster: str | None = None
    cluster_by: str | None = None
    limits: Limits = DEFAULT_LIMITS

    @cached_property
    def columns(self) -> _Columns:
        """The states of the files."""
        found = _Columns([], [], [], [])
        for below, label, files in self.folder.labelled(self.cluster, self.cluster_by):
            texts = "\0".join(files).split("\0")
            place = f"{self.folder.root}/{below}"
            found.paths.extend([place + name for name in texts[::3]])
            found.clusters.extend(itertools.repeat(label, len(files)))
            found.sizes.extend(map(int, texts[1::3]))
            found.changed.extend(map(int, texts[2::3]))
        return found

    def __len__(self) -> int:
        """Return how many files there are."""
        return sum(len(files) for _, files in self.folder.folders)

    def at(self, places: Iterable[int]) -> list[tuple[int, SourceFile]]:
        """Return the files at some places of the columns, each with its place, in the order in which a walk of the folder finds them."""
        begin = len(self.folder.root) + 1
        columns = self.columns
        found = []
        for place in places:
            path, state = columns.paths[place], (columns.clusters[place], columns.sizes[place], columns.changed[place])
            found.append((place, SourceFile(path, path[begin:], path, None, *state, limits=self.limits)))
        return sorted(found, key=lambda one: in_order_of_walk(one[1].name))


class Given(NamedTuple):
    """The numbers of the given sources in the list of sources, and the files to read, each with its number."""

    numbers: Sequence[int]
    fresh: list[tuple[int, SourceFile]]


def compare(files: Sequence[SourceFile] | FolderFiles, sources: SourceList, zoneless: Container[int]) -> Given:
    """Find the files that differ from the sources of a store, and note their new states in the list of sources.

    ``zoneless`` are the sources with times whose zone is unknown or was given: they are read again if a zone is given.
    """
    if not sources.n_before:  # nothing is imported that starts threads, so that workers can be forked
        every = [file for _, file in files.at(range(len(files)))] if isinstance(files, FolderFiles) else files
        sources.extend(map(_STATE, every))
        return Given(range(len(every)), list(enumerate(every)))
    from daganalysis.tables.column_arrays import NONE

    numbers, differing = _differing(files, sources, zoneless)
    fresh = []
    for place, file in files.at(differing) if isinstance(files, FolderFiles) else [(place, files[place]) for place in differing]:
        state = KnownSource(*_STATE(file))
        number = numbers[place]
        if number == NONE:
            number = numbers[place] = sources.add(state)
        else:
            sources[number] = state
        fresh.append((number, file))
    return Given(numbers, fresh)


def _differing(files: Sequence[SourceFile] | FolderFiles, sources: SourceList, zoneless: Container[int]) -> tuple[list[int], list[int]]:
    """Return the number of each file, NONE for a new one, and the places of the files that are to be read."""
    import numpy as np

    from daganalysis.tables.column_arrays import NONE, integers

    columns = files.columns if isinstance(files, FolderFiles) else _columns_of(files)
    numbers = sources.find(columns.paths, columns.clusters)
    number, changed = np.array(numbers, np.int64), np.array(columns.changed, np.int64)
    is_same = (number != NONE) & (changed != _UNKNOWN)
    for name, now in (("size", np.array(columns.sizes, np.int64)), ("mtime_ns", changed)):
        is_same &= integers(sources.stored(name), _UNKNOWN)[number] == now  # at the place of NONE is another source
    if not isinstance(files, FolderFiles) and any(file.zone for file in files):
        is_same &= [not file.zone or number not in zoneless for file, number in zip(files, numbers, strict=True)]
    return numbers, np.flatnonzero(~is_same).tolist()


def _columns_of(files: Sequence[SourceFile]) -> _Columns:
    return _Columns(
        [file.identity for file in files],
        [file.cluster for file in files],
        [_UNKNOWN if file.size is None else file.size for file in files],
        [_UNKNOWN if file.mtime_ns is None else file.mtime_ns for file in files],
    )
