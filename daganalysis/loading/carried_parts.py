"""What stays of a store when it is added to: which files are linked as they are, and which are rewritten without some rows."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import key_of
from daganalysis.loading.pieces import CarriedEvidence, CarriedTables, Place
from daganalysis.reading.answers import ABOUT_PARTS
from daganalysis.store.kept_answers import ANSWERS, TEXTS
from daganalysis.store.parts import read_file
from daganalysis.store.remote_paths import RemotePath
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from daganalysis.loading.planning import Plan
    from daganalysis.store.kept_answers import KeptIndex
    from daganalysis.store.remote_paths import StagePath, StorePath

_SMALL = 1 << 17
"""The size in bytes below which a Parquet part is small. A daily load of a few hundred responses makes such parts."""
_MANY_SMALL = 16
"""So many small parts are made one."""


def tables_to_carry(
    store: StorePath,
    parts: Sequence[str],
    void: Collection[str],
    folder: StagePath,
    generation: int,
    judged_again: frozenset[Place] = frozenset(),
) -> list[CarriedTables]:
    """Return the parts to rewrite: parts with void rows, and small parts if there are many.

    ``judged_again`` are the places of :func:`places_judged_again`: a part with an issue of one of them has the runs of its group, too.
    """
    rows = {part: _void_runs(store, part, void) for part in parts}
    together = _small_parts(store, parts, BASE_TABLES)
    works = []
    for number, some in enumerate([*([part] for part in parts if rows[part] and part not in together), *([together] if together else [])]):
        gone = sorted({*void, *(run_id for part in some for run_id in rows[part])})
        works.append(CarriedTables(folder, f"part-{generation:06d}-{number:04d}.parquet", store, some, gone, judged_again))
    return works


def places_judged_again(store: StorePath, kept: Sequence[KeptIndex], plan: Plan, dead: Mapping[str, set[int]]) -> frozenset[Place]:
    """Return the places of the store's answers about nodes, sub-tasks and logs that are judged again or are dead.

    Such an answer may have become an issue without a run, beside the rows of the runs that it was rebuilt with.
    """
    rows = {part: set(own) for part, own in dead.items()}
    for picked in (plan.orphans, *(shard for shards in plan.parts for shard in shards)):
        for part, own in picked.old.items():
            rows.setdefault(part, set()).update(own)
    found: set[Place] = set()
    for index in kept:
        chosen = sorted(rows[index.part].intersection(index.of_kinds(ABOUT_PARTS))) if index.part in rows else []
        if chosen:
            table = read_file(store / ANSWERS / index.part, ["source_name", "position"]).take(chosen)
            found.update(map(Place, *(column.to_pylist() for column in table.columns)))
    return frozenset(found)


def evidence_to_carry(
    store: StorePath, parts: Sequence[str], dead: Mapping[str, set[int]], folder: StagePath, generation: int
) -> list[CarriedEvidence]:
    """Return the parts of the evidence to rewrite: parts with dead answers, and small parts if there are many."""
    together = _small_parts(store, parts, (ANSWERS, TEXTS))
    every = [*([part] for part in dead if part not in together), *([together] if together else [])]
    return [
        CarriedEvidence(folder, f"part-{generation:06d}-kept-{number:04d}.parquet", store, {part: dead.get(part, set()) for part in some})
        for number, some in enumerate(every)
    ]


def link_others(
    store: StorePath, parts: Iterable[str], works: Iterable[CarriedTables | CarriedEvidence], places: Iterable[str], folder: StagePath
) -> None:
    """Give the files of all parts that are not rewritten a second name in a folder."""
    carried = {part for work in works for part in work.parts}
    for part in parts:
        if part not in carried:
            for place in places:
                _link(store / place / part, folder / place / part)


def _small_parts(store: StorePath, parts: Sequence[str], places: Iterable[str]) -> list[str]:
    """Return the small parts, if there are many."""
    small = [part for part in parts if sum((store / place / part).stat().st_size for place in places) < _SMALL]
    return small if len(small) > _MANY_SMALL else []


def _void_runs(store: StorePath, part: str, void: Collection[str]) -> list[str]:
    """Return the runs of a part whose key is void."""
    if not void:
        return []
    columns = ["run_id", "cluster", "dag_gid"]
    table = read_file(store / "dags" / part, columns)
    rows = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
    return [run_id for run_id, cluster, gid in rows if key_of(cluster, gid) in void]


def _link(source: StorePath, target: StagePath) -> None:
    """Give a file a second name, or copy it if the file system has no links. At a URL the file stays as it is."""
    if isinstance(source, RemotePath):
        source.keep()
        return
    assert isinstance(target, Path)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            os.fsync(file.fileno())
