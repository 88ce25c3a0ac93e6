"""The second pass: parts of the new store, each made by one piece of work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.loading.spill import TextPool
from daganalysis.store.evidence import Kept, read_evidence, write_evidence
from daganalysis.store.parts import read_parts, write_part
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from daganalysis.loading.planning import Picked
    from daganalysis.loading.scanning import Scanned
    from daganalysis.reading.answers import Answer, Issue


@dataclass(slots=True)
class Shard:
    """Some runs to rebuild from what was read now and from what the store held; ``extra`` are clues found since the answers were read."""

    folder: Path
    part: str
    store: Path
    scanned: dict[int, Scanned]
    picked: Picked
    extra: dict[int, dict[int, tuple[str, ...]]]
    issues: list[Issue] = field(default_factory=list)


def build_shard(shard: Shard) -> str:
    """Rebuild the runs of a shard, write their rows and the new answers; return the part's name."""
    from daganalysis.history.rebuild import rebuild

    pool = TextPool()
    fresh = list(_fresh(shard, pool))
    answers = [kept.answer for kept in fresh]
    for part, rows in shard.picked.old.items():
        answers += _pooled(read_evidence(shard.store, part, rows), pool)
    write_tables(rebuild(answers, shard.issues), shard.folder, shard.part)
    if fresh:
        write_evidence(fresh, shard.folder, shard.part)
    return shard.part


def _fresh(shard: Shard, pool: TextPool) -> Iterator[Kept]:
    for place in sorted(shard.picked.new):
        numbers = sorted(shard.picked.new[place])
        clues = shard.extra.get(place, {})
        for number, kept in zip(numbers, shard.scanned[place].read(numbers, pool), strict=True):
            if number in clues:
                kept.clues = tuple(sorted({*kept.clues, *clues[number]}))
            yield kept


def _pooled(kept: Sequence[Kept], pool: TextPool) -> Iterator[Answer]:
    for item in kept:
        if item.answer.nodes is not None:
            item.answer.nodes = [pool.one(text) for text in item.answer.nodes]
        yield item.answer


def write_tables(tables: dict[str, pa.Table], folder: Path, part: str) -> None:
    """Write rows of every base table as a part of the store in ``folder``."""
    for name in BASE_TABLES:
        (folder / name).mkdir(exist_ok=True)
        write_part(tables[name], name, folder / name / part)


@dataclass(slots=True)
class CarriedTables:
    """Parts of the store to make one new part of, without the rows of some runs."""

    folder: Path
    part: str
    store: Path
    parts: list[str]
    void: list[str]


def carry_tables(work: CarriedTables) -> str | None:
    """Write what stays of some parts; return the new part's name, or None where nothing stays."""
    import pyarrow as pa
    import pyarrow.compute as pc

    void = pa.array(work.void, pa.string())
    tables = {}
    for name, declared in BASE_TABLES.items():
        table = read_parts([work.store / name / part for part in work.parts], declared.schema(), declared.names, None)
        for column in ("parent_run_id", "child_run_id") if name == "links" else ("run_id",):
            table = table.filter(pc.invert(pc.is_in(table.column(column), void)))
        tables[name] = table.sort_by([(key, "ascending") for key in declared.sort]) if len(work.parts) > 1 else table
    if not any(table.num_rows for table in tables.values()):
        return None
    write_tables(tables, work.folder, work.part)
    return work.part


@dataclass(slots=True)
class CarriedEvidence:
    """Evidence parts of the store to make one new part of, without the dead rows of each."""

    folder: Path
    part: str
    store: Path
    parts: dict[str, set[int]]


def carry_evidence(work: CarriedEvidence) -> str | None:
    """Write what stays of some evidence parts; return the new part's name, or None where nothing stays."""
    kept: list[Kept] = []
    for part, dead in work.parts.items():
        kept += [item for number, item in enumerate(read_evidence(work.store, part)) if number not in dead]
    if not kept:
        return None
    write_evidence(kept, work.folder, work.part)
    return work.part
