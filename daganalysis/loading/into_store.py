"""Load into a store: read new sources, rebuild the runs that they concern, and keep the rest."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from daganalysis.loading.by_cluster import MANY_PIECES, ClusterPlan, ScannedByCluster, plan_by_cluster, scan_by_cluster
from daganalysis.loading.carried_parts import evidence_to_carry, link_others, places_judged_again, tables_to_carry
from daganalysis.loading.from_stores import make_store_chunks, scan_store, take_newer
from daganalysis.loading.given import FolderFiles, compare
from daganalysis.loading.owners import add_owners, gather_unclaimed, join_by_lines, know_agents, owners_in_store
from daganalysis.loading.pieces import PartWork, Place, build_part, carry_evidence, carry_tables
from daganalysis.loading.planning import Picked, Plan, make_plan
from daganalysis.loading.scanning import Claiming, claim, make_chunks, scan
from daganalysis.loading.strictness import refuse_rejected, refuse_rejected_in
from daganalysis.loading.unchanged import fingerprint
from daganalysis.loading.workers import Workers
from daganalysis.store.commit import LOCK_WAIT_S, locked, staged
from daganalysis.store.folder_manifest import StoreNotes, check_manifest
from daganalysis.store.kept_answers import ANSWERS, TEXTS, digest, evidence_parts, read_evidence, read_index
from daganalysis.store.new_files import Closing
from daganalysis.store.opening import is_store
from daganalysis.store.parts import check_version
from daganalysis.store.remote_paths import SPILL
from daganalysis.store.source_list import SourceList, read_sources, write_sources
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.chain_tables import CHAIN_FOLDER
from daganalysis.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from daganalysis.dask_workers import DaskWorkers
    from daganalysis.history.replay.contexts import ClusterContext
    from daganalysis.loading.by_cluster import PlannedShard
    from daganalysis.loading.from_stores import GivenStore
    from daganalysis.loading.scanning import Scanned
    from daganalysis.reading import SourceFile
    from daganalysis.reading.answers import Issue
    from daganalysis.store.kept_answers import KeptIndex
    from daganalysis.store.remote_paths import StagePath, StorePath

Piece = TypeVar("Piece")
_ORPHANS = "orphans.parquet"
"""How the name of the part ends that holds what belongs to no run."""
_NOT_READ = frozenset({"unreadable-file", "vanished-file", "changed-file"})
"""Issue codes of a source that may well be readable the next time, though nothing about it seems to have changed."""
_OF_THE_ZONE = frozenset({"unknown-time-zone", "given-time-zone"})
"""Issue codes of a source whose times depend on the zone that is given with it."""
_WORTH_A_PROCESS = 1 << 24


@dataclass(slots=True)
class _Before:
    """The content of the store before a load."""

    folder: StorePath
    sources: SourceList = field(default_factory=SourceList)
    issues: dict[int, list[Issue]] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    """How many rows each file has, as the list of the store's files tells."""

    @classmethod
    def of(cls, store: StorePath) -> _Before:
        if not is_store(store):
            return cls(store)
        rows = check_manifest(store, private=True).rows if isinstance(store, Path) else {}
        names = sorted(path.name for path in (store / "dags").glob("*.parquet"))
        check_version(store / "dags" / names[0])
        sources, issues = read_sources(store)
        return cls(store, sources, issues, [name for name in names if not name.endswith(_ORPHANS)], evidence_parts(store), rows)

    def next_generation(self) -> int:
        names = [path.name for path in (self.folder / "dags").glob("*.parquet")] + self.evidence
        return 1 + max((int(name.split("-")[1]) for name in names), default=0)


def load_sources(
    files: Sequence[SourceFile] | FolderFiles,
    store: StorePath,
    *,
    stores: Sequence[GivenStore] = (),
    jobs: int | None = None,
    dask: DaskWorkers | None = None,
    strict: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
    wait_s: float = LOCK_WAIT_S,
) -> None:
    """Load sources into a store; see :func:`daganalysis.loading.load_into_store`."""
    with locked(store, wait_s) as real:
        before = _Before.of(real)
        load = _Load(before, files, stores, progress)
        names = None if stores or isinstance(files, FolderFiles) else {file.name for file in files}
        if load.nothing_new():
            load.check(strict)
            if strict:
                refuse_rejected_in(before.folder, names)
            return
        # The workers end before the folder that they write into is put in place or removed.
        notes = StoreNotes()
        with staged(real, far=dask is not None, notes=notes) as folder:
            with Workers(1 if load.is_small() else jobs) as here:
                if dask is not None:
                    dask.must_see(load.local_places(folder))
                is_new = load.run(dask or here, folder, strict)
            _remove_spill(folder)
            if strict and isinstance(folder, Path):
                refuse_rejected_in(folder if is_new else before.folder, names)
            notes.given, notes.rows = load.given, load.rows


class _LargeScan(list[ScannedByCluster]):
    """Answers from sources that are too large for one process to plan."""


class _Load:
    """One load into a store, step by step."""

    def __init__(
        self,
        before: _Before,
        files: Sequence[SourceFile] | FolderFiles,
        stores: Sequence[GivenStore],
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._before = before
        self._report = progress
        self._sources = before.sources
        self._issues = dict(before.issues)
        zoneless = {number for number, issues in before.issues.items() if any(one.code in _OF_THE_ZONE for one in issues)}
        self._files = files
        self._given, self._fresh = compare(files, self._sources, zoneless)
        of_stores, self._from_stores = take_newer(stores, self._sources, dict(self._fresh) if stores else ())
        self._given = [*self._given, *of_stores] if of_stores else self._given
        self._not_read: set[int] = set()
        self._contexts: dict[str, ClusterContext] = {}
        self.rows = dict(before.rows)
        """The row counts of the files that the store held before, and of the new ones."""

    def nothing_new(self) -> bool:
        """Whether the store exists and holds all given sources."""
        return not self._fresh and not self._from_stores and is_store(self._before.folder)

    def is_small(self) -> bool:
        """Whether there is so little to read that a second process is not worth its start."""
        kept = sum(store.size for store in {id(store): store for store, _ in self._from_stores.values()}.values())
        return kept + sum((file.size or 0) + 4096 for _, file in self._fresh) < _WORTH_A_PROCESS

    @cached_property
    def given(self) -> str | None:
        """The fingerprint of the given sources in the state in which they were read; None if a store is among them."""
        if self._from_stores:
            return None
        if isinstance(self._files, FolderFiles):
            return None if self._not_read else self._files.fingerprint
        every = self._sources.all()
        return fingerprint(every[number] for number in self._given)

    @cached_property
    def _kept(self) -> list[KeptIndex]:
        """The index of the answers that the store holds."""
        return [read_index(self._before.folder, part) for part in self._before.evidence]

    def local_places(self, folder: StagePath) -> list[Path]:
        """Return paths that a worker must see: the folder to write to, and the first and the last local file to read."""
        paths = [Path(file.path) for _, file in self._fresh if file.path is not None and file.trouble is None and not is_url(file.path)]
        stores = [store.folder for store, _ in self._from_stores.values()]
        return [place for place in (folder, *paths[:1], *paths[-1:], *stores[:1], *stores[-1:]) if isinstance(place, Path)]

    def check(self, strict: bool) -> None:
        """Raise :class:`RejectedRecordsError` if asked to be strict and records were rejected."""
        if strict:
            refuse_rejected(issue for number in set(self._given) for issue in self._issues.get(number, ()))

    def _progress(self, stage: str, done: int, total: int) -> None:
        if self._report is not None:
            self._report(stage, done, total)

    def run(self, workers: Workers | DaskWorkers, folder: StagePath, strict: bool) -> bool:
        """Build the new content of the store in an empty folder; return whether anything is new."""
        scanned = self._scan(workers, folder)
        self.check(strict)
        if isinstance(scanned, _LargeScan):
            planned = plan_by_cluster(workers, folder, self._before.folder, scanned)
            self._contexts = planned.contexts
            self._write_tables(workers, folder, [], planned)
            return True
        if is_store(self._before.folder) and self._learnt_nothing(scanned):
            return False
        kept = self._kept
        dropped, dead = self._compare(scanned, kept)
        self._find_owners(workers, scanned, kept, dropped, dead)
        self._contexts, renewed = know_agents(self._before.folder, scanned, kept, dropped, dead)
        plan = make_plan(scanned, kept, dropped, dead, renewed)
        void = plan.void if dead or plan.replaces_runs() else set()
        self._write_tables(workers, folder, scanned, plan, void, places_judged_again(self._before.folder, kept, plan, dead))
        self._carry_evidence(workers, folder, dead)
        return True

    # -- what is new ------------------------------------------------------------------------------------------------------------------

    def _scan(self, workers: Workers | DaskWorkers, folder: StagePath) -> list[Scanned] | _LargeScan:
        spill = folder / SPILL
        spill.mkdir()
        chunks = make_chunks(self._fresh, self._reread(), spill)
        kept = make_store_chunks(self._from_stores, self._reread(), spill)
        n_pieces = len(chunks) + len(kept)
        # The workers plan a large first load. Adding to a store needs its whole index.
        if len(chunks) > MANY_PIECES and not (kept or self._before.tables):
            large = _LargeScan(self._each(workers.over(scan_by_cluster, chunks), n_pieces))
            self._note_issues(large)
            return large
        scanned = list(self._each(itertools.chain(workers.over(scan, chunks), workers.over(scan_store, kept)), n_pieces))
        self._note_issues(scanned)
        return scanned

    def _each(self, pieces: Iterable[Piece], n_pieces: int) -> Iterator[Piece]:
        """Yield the results of the pieces, and report the progress."""
        for done, piece in enumerate(pieces, start=1):
            if done == 1 and n_pieces > 1:
                _ = self._kept  # while workers read the other pieces
            self._progress("reading", done, n_pieces)
            yield piece

    def _note_issues(self, scanned: Sequence[Scanned | ScannedByCluster]) -> None:
        """Note the issues of all sources, read or unreadable."""
        for number, _ in self._fresh:
            self._issues.pop(number, None)
        for found in scanned:
            for number, issues in found.issues.items():
                # Stretches of one file may each tell the same of it.
                self._issues[number] = list(dict.fromkeys([*self._issues.get(number, ()), *issues]))
        for number, (store, own) in self._from_stores.items():
            self._issues.pop(number, None)
            if own in store.issues:
                self._issues[number] = store.issues[own]
        self._not_read = {number for number, file in self._fresh if file.trouble is not None}
        given = {*(number for number, _ in self._fresh), *self._from_stores}
        self._not_read |= {
            number for number in given & self._issues.keys() if any(issue.code in _NOT_READ for issue in self._issues[number])
        }
        for number in self._not_read:
            self._sources[number] = self._sources[number]._replace(mtime_ns=None)

    def _reread(self) -> frozenset[int]:
        """Return the sources that are read although the store holds answers of them."""
        numbers = (*(number for number, _ in self._fresh), *self._from_stores)
        return frozenset(number for number in numbers if number < self._sources.n_before)

    def _learnt_nothing(self, scanned: Sequence[Scanned]) -> bool:
        no_answers = not any(chunk.keys for chunk in scanned)
        return no_answers and self._issues == self._before.issues and self._sources.is_as_before()

    def _compare(self, scanned: Sequence[Scanned], kept: Sequence[KeptIndex]) -> tuple[dict[int, set[int]], dict[str, set[int]]]:
        """Find, for sources read again, the answers that the store has already, and stored answers that the sources no longer have."""
        again: dict[bytes, list[tuple[int, int]]] = {}
        for place, chunk in enumerate(scanned):
            for number, name in chunk.digests.items():
                again.setdefault(name, []).append((place, number))
        reread = self._reread()
        dropped: dict[int, set[int]] = {}
        dead: dict[str, set[int]] = {}
        for part in kept:
            rows = part.from_sources(reread)
            for row, item in zip(rows, read_evidence(self._before.folder, part.part, rows) if rows else (), strict=True):
                twins = again.get(digest(item.answer))
                if twins:
                    place, number = twins.pop()
                    dropped.setdefault(place, set()).add(number)
                elif item.source not in self._not_read:
                    dead.setdefault(part.part, set()).add(row)
        return dropped, dead

    # -- answers of other kinds than DAG ----------------------------------------------------------------------------------------------

    def _find_owners(
        self,
        workers: Workers | DaskWorkers,
        scanned: Sequence[Scanned],
        kept: Sequence[KeptIndex],
        dropped: dict[int, set[int]],
        dead: dict[str, set[int]],
    ) -> None:
        """Add references between DAG answers and the answers of other kinds that belong to them."""
        new, every = gather_unclaimed(self._before.folder, scanned, kept, dropped, dead)
        if not every:
            return
        join_by_lines(scanned, every)
        for place, claims in enumerate(workers.over(claim, [Claiming(chunk, every) for chunk in scanned])):
            for number, keys in claims.items():
                scanned[place].add_references(number, keys)
        owners = owners_in_store(self._before.folder, self._before.tables, new) if new else {}
        if owners:
            add_owners(scanned, owners)

    # -- the new content --------------------------------------------------------------------------------------------------------------

    def _write_tables(
        self,
        workers: Workers | DaskWorkers,
        folder: StagePath,
        scanned: Sequence[Scanned],
        plan: Plan | ClusterPlan,
        void: Collection[str] = (),
        judged_again: frozenset[Place] = frozenset(),
    ) -> None:
        generation = self._before.next_generation()
        before = self._before
        works = tables_to_carry(before.folder, before.tables, void, folder, generation, judged_again)
        link_others(before.folder, before.tables, works, BASE_TABLES, folder)
        kept = {path.name for path in (before.folder / CHAIN_FOLDER).glob("*.parquet")}
        link_others(before.folder, [part for part in before.tables if part in kept], works, [CHAIN_FOLDER], folder)
        for _ in workers.over(carry_tables, works):
            pass
        dealt: Sequence[Sequence[Picked | PlannedShard]] = plan.parts
        parts = [
            self._part(folder, f"part-{generation:06d}-{len(works) + number:04d}.parquet", scanned, shards)
            for number, shards in enumerate(dealt)
        ]
        orphans = self._part(folder, f"part-{generation:06d}-{_ORPHANS}", scanned, [plan.orphans])
        orphans.issues = [issue for number in sorted(self._issues) for issue in self._issues[number]]
        made = [*parts, orphans]
        # A worker would wait for the disk at the end of each part. This process has nothing else to do.
        here = folder if isinstance(workers, Workers) and isinstance(folder, Path) else None
        for work in made:
            work.syncs = here is None
        with Closing() as closing:
            for done, part in enumerate(workers.over(build_part, made), start=1):
                for name, rows in part.rows.items():
                    self.rows[f"{name}/{part.name}"] = rows
                    if here is not None:
                        closing.sync(here / name / part.name)
                if done == 1:  # while workers make the other parts
                    write_sources(folder, self._sources, self._issues)
                    _ = self.given
                self._progress("rebuilding", done, len(made))

    def _part(self, folder: StagePath, part: str, scanned: Sequence[Scanned], shards: Sequence[Picked | PlannedShard]) -> PartWork:
        places = {place: scanned[place] for shard in shards if isinstance(shard, Picked) for place in shard.new}
        return PartWork(folder, part, self._before.folder, places, shards, contexts=self._contexts)

    def _carry_evidence(self, workers: Workers | DaskWorkers, folder: StagePath, dead: dict[str, set[int]]) -> None:
        before = self._before
        works = evidence_to_carry(before.folder, before.evidence, dead, folder, before.next_generation())
        link_others(before.folder, before.evidence, works, (ANSWERS, TEXTS), folder)
        for _ in workers.over(carry_evidence, works):
            pass


def _remove_spill(folder: StagePath) -> None:
    """Remove the spill files. At a URL the next writer removes them."""
    if isinstance(folder, Path):
        shutil.rmtree(folder / SPILL)
