"""The second pass: parts of the new store, each made by one piece of work."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.loading.by_cluster import read_shard
from daganalysis.loading.planning import Picked
from daganalysis.store.kept_answers import EvidenceWriter, read_evidence
from daganalysis.store.new_files import Closing
from daganalysis.store.parts import read_parts, write_chains, write_part
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.chain_tables import CHAIN_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.history.replay.contexts import ClusterContext
    from daganalysis.loading.by_cluster import PlannedShard
    from daganalysis.loading.scanning import Scanned
    from daganalysis.reading.answers import Issue
    from daganalysis.store.remote_paths import StagePath, StorePath


@dataclass(slots=True)
class PartWork:
    """A part to make: runs to rebuild, shard by shard, from the answers that were read now and those in the store.

    ``scanned`` are the chunks that the shards pick from. ``contexts`` has the context of each cluster's agents. ``syncs`` is true if each
    file is synced to the disk when it is closed, and false if the process that hands out the work syncs it.
    """

    folder: StagePath
    part: str
    store: StorePath
    scanned: dict[int, Scanned]
    shards: Sequence[Picked | PlannedShard]
    issues: list[Issue] = field(default_factory=list)
    contexts: Mapping[str, ClusterContext] = field(default_factory=dict)
    syncs: bool = True

    def names(self) -> list[str]:
        """Return the result of this piece of work in words, for messages."""
        return [f"rebuilding the runs of {self.part}"]


class BuiltPart(NamedTuple):
    """The name of a part, and the row count of each of its files, by folder."""

    name: str
    rows: dict[str, int]


def import_for_parts() -> None:
    """Import what only the second pass needs and what takes long to import."""
    for name in ("pyarrow.compute", "pyarrow.parquet", "daganalysis.history.rebuild", "daganalysis.chains.chain_rows"):
        importlib.import_module(name)


def build_part(work: PartWork) -> BuiltPart:
    """Rebuild the runs of a part, write their rows and the new answers."""
    import pyarrow as pa

    pieces: dict[str, list[pa.Table]] = {name: [] for name in BASE_TABLES}
    with Closing(force=work.syncs) as closing:
        with EvidenceWriter(work.folder, work.part, closing) as evidence:
            for shard in two_by_two(work.shards):
                for name, table in _build_shard(work, shard, evidence).items():
                    pieces[name].append(table)
            rows = evidence.rows
        rows |= write_chains_of(pieces, work.folder, work.part, closing)
        # One table after the other, so that a second copy, in order, is there of one alone.
        rows |= {name: sum(piece.num_rows for piece in own) for name, own in pieces.items()}
        write_tables(((name, _sorted_by_key(name, pieces.pop(name))) for name in BASE_TABLES), work.folder, work.part, closing)
    # Arrow keeps memory that it no longer needs, and the objects of the next shard need the same amount again.
    pa.default_memory_pool().release_unused()
    return BuiltPart(work.part, rows)


def two_by_two(shards: Sequence[Picked | PlannedShard]) -> Iterator[Picked | PlannedShard]:
    """Join the shards of a part in pairs: some work is done once for all answers that are rebuilt together, however few they are."""
    for place in range(0, len(shards), 2):
        pair = shards[place : place + 2]
        picked = [shard for shard in pair if isinstance(shard, Picked)]
        yield Picked.joined(picked) if picked else [piece for shard in pair if not isinstance(shard, Picked) for piece in shard]


def _build_shard(work: PartWork, shard: Picked | PlannedShard, evidence: EvidenceWriter) -> dict[str, pa.Table]:
    from daganalysis.history.rebuild import rebuild

    if isinstance(shard, Picked):
        fresh = [kept for place in sorted(shard.new) for kept in work.scanned[place].read(sorted(shard.new[place]))]
    else:
        fresh = list(read_shard(work.folder, shard))
    evidence.write(fresh)
    answers = [kept.answer for kept in fresh]
    for part, rows in shard.old.items() if isinstance(shard, Picked) else ():
        answers += [kept.answer for kept in read_evidence(work.store, part, rows)]
    return rebuild(answers, work.issues, work.contexts)


def write_chains_of(pieces: dict[str, list[pa.Table]], folder: StagePath, part: str, closing: Closing) -> dict[str, int]:
    """Write the chains of a part, if it has a timeline; return how many rows they have. The tables that they need become one piece."""
    from daganalysis.chains.chain_rows import NEEDED, chains_of_part
    from daganalysis.tables.arrow_memory import memory_kept

    if not any(table.num_rows for table in pieces["timeline"]):
        return {}
    pieces |= {name: [_sorted_by_key(name, pieces[name])] for name in NEEDED}
    with memory_kept():
        chains = chains_of_part({name: pieces[name][0] for name in NEEDED})
    (folder / CHAIN_FOLDER).mkdir(exist_ok=True)
    write_chains(*chains, folder / CHAIN_FOLDER / part, closing)
    return {CHAIN_FOLDER: sum(len(table) for table in chains)}


def _sorted_by_key(name: str, tables: list[pa.Table]) -> pa.Table:
    """Join tables that are each sorted by the key. They are copied only if they do not follow each other."""
    import pyarrow as pa

    whole = pa.concat_tables(tables)
    return whole if _in_order(name, tables) else whole.sort_by([(key, "ascending") for key in BASE_TABLES[name].sort])


def _in_order(name: str, tables: list[pa.Table]) -> bool:
    ends = [_key_at(name, table, row) for table in tables if table.num_rows for row in (0, table.num_rows - 1)]
    return all(one <= other for one, other in itertools.pairwise(ends))


def _key_at(name: str, table: pa.Table, row: int) -> list[tuple[bool, object]]:
    """Return the key of a row for comparisons; nulls come last. Instants are numbers, because other types would import pandas."""
    import pyarrow as pa

    cells = [table.column(key)[row] for key in BASE_TABLES[name].sort]
    values = [cell.value if isinstance(cell, pa.TimestampScalar) else cell.as_py() for cell in cells]
    return [(value is None, value) for value in values]


def write_tables(tables: Iterable[tuple[str, pa.Table]], folder: StagePath, part: str, closing: Closing) -> None:
    """Write rows of every base table, given with its name, as a part of the store in ``folder``."""
    for name, table in tables:
        (folder / name).mkdir(exist_ok=True)
        write_part(table, name, folder / name / part, closing)


class Place(NamedTuple):
    """The place of an answer: the name of its source, and its position there."""

    source: str | None
    position: str | None


@dataclass(slots=True)
class CarriedTables:
    """Parts of the store that become one new part, without the rows of some runs, and without issues of no run at some places."""

    folder: StagePath
    part: str
    store: StorePath
    parts: list[str]
    void: list[str]
    judged_again: frozenset[Place] = frozenset()


def carry_tables(work: CarriedTables) -> str | None:
    """Write what stays of some parts; return the new part's name, or None if nothing stays."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.tables.arrays import array_of

    void = array_of(work.void, pa.string())
    tables = {}
    for name, declared in BASE_TABLES.items():
        left = []
        for part in work.parts:
            table = read_parts([work.store / name / part], declared.schema(), declared.names, None)
            for column in ("parent_run_id", "child_run_id") if name == "links" else filter(None, (declared.run_key,)):
                table = table.filter(pc.invert(pc.is_in(table.column(column), void)))
            left.append(_without_issues_at(work.judged_again, table) if name == "issues" else table)
        tables[name] = _sorted_by_key(name, left)
    if not any(table.num_rows for table in tables.values()):
        return None
    with Closing() as closing:
        write_chains_of({name: [table] for name, table in tables.items()}, work.folder, work.part, closing)
        write_tables(tables.items(), work.folder, work.part, closing)
    return work.part


def _without_issues_at(places: frozenset[Place], issues: pa.Table) -> pa.Table:
    """Leave out issues of no run that were found at some places."""
    import pyarrow as pa

    if not places or not issues.column("run_id").null_count:
        return issues
    rows = zip(*(issues.column(name).to_pylist() for name in ("run_id", "source", "position")), strict=True)
    return issues.filter(pa.array([run_id is not None or (source, at) not in places for run_id, source, at in rows]))


@dataclass(slots=True)
class CarriedEvidence:
    """Evidence parts of the store that become one new part, without their dead rows."""

    folder: StagePath
    part: str
    store: StorePath
    parts: dict[str, set[int]]


def carry_evidence(work: CarriedEvidence) -> str:
    """Write what stays of some evidence parts, if anything does; return the new part's name."""
    with EvidenceWriter(work.folder, work.part) as evidence:
        for part, dead in work.parts.items():
            evidence.write([item for number, item in enumerate(read_evidence(work.store, part)) if number not in dead])
    return work.part
