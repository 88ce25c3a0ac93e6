"""What must be rebuilt together, and in which pieces, decided from keys alone, without the answers."""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from daganalysis.loading.related import DAG_KINDS, FACT_KINDS, OWNER, Groups, cluster_of
from daganalysis.reading.answers import Kind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.loading.scanning import Scanned
    from daganalysis.store.kept_answers import KeptIndex

Shard = TypeVar("Shard")
SHARD_BYTES = 1 << 21
"""Bytes of different texts in a shard. In memory they take about twenty times as much."""
PART_SHARDS = 8
"""The largest number of shards in one part of a large store. Its parts are a multiple of this number, too: two, four or eight processes
end with them at the same time."""


class _Member(NamedTuple):
    """An answer: the number of its key among the groups; the place of its chunk or part, and its number there; its references; its size."""

    at: int
    key: str
    kind: Kind
    place: int
    is_new: bool
    number: int
    references: Sequence[str]
    size: int


@dataclass(slots=True)
class Picked:
    """Some answers, by their numbers in each chunk (new ones) and in each evidence part (those in the store)."""

    new: dict[int, list[int]] = field(default_factory=dict)
    old: dict[str, list[int]] = field(default_factory=dict)
    size: int = 0
    first: str = ""

    @classmethod
    def joined(cls, shards: Sequence[Picked]) -> Picked:
        """Return the answers that several picked."""
        whole = cls(first=shards[0].first)
        for shard in shards:
            whole.extend(shard)
        return whole

    def extend(self, other: Picked) -> None:
        """Add the answers that another picked."""
        for place, numbers in other.new.items():
            self.new.setdefault(place, []).extend(numbers)
        for part, rows in other.old.items():
            self.old.setdefault(part, []).extend(rows)
        self.size += other.size


@dataclass(slots=True)
class Plan:
    """The shards to rebuild, by the part they make, the answers that belong to no DAG, and the keys whose earlier rows are void."""

    parts: list[list[Picked]]
    orphans: Picked
    void: set[str]

    def replaces_runs(self) -> bool:
        """Return whether an answer in the store is judged again with others, so that runs may change that the store holds."""
        return any(shard.old for shards in self.parts for shard in shards)


@dataclass(slots=True)
class Grouped:
    """Answers that must be rebuilt together, in no order, the answers that belong to no DAG, and the keys whose earlier rows are void."""

    groups: list[Picked]
    orphans: Picked
    void: set[str]


def make_plan(
    scanned: Sequence[Scanned],
    kept: Sequence[KeptIndex],
    dropped: dict[int, set[int]],
    dead: dict[str, set[int]],
    renewed: frozenset[str] = frozenset(),
) -> Plan:
    """Plan the runs to rebuild when some answers are new and some of the store's are dead.

    ``dropped`` are new answers that the store has already (by chunk). ``dead`` are answers in the store that their source no longer gives
    (by evidence part). ``renewed`` are clusters with new knowledge of their agents, which may change the meaning of their logs for any run.
    Only groups that hold a new or a dead answer, or facts of such a cluster, are planned. The order of the sources does not change the
    plan.
    """
    grouped = group_answers(scanned, kept, dropped, dead, renewed)
    return Plan(in_parts(_packed(grouped.groups)), grouped.orphans, grouped.void)


def group_answers(
    scanned: Sequence[Scanned],
    kept: Sequence[KeptIndex],
    dropped: dict[int, set[int]],
    dead: dict[str, set[int]],
    renewed: frozenset[str] = frozenset(),
) -> Grouped:
    """Group the answers that must be rebuilt together; see :func:`make_plan`."""
    groups = Groups()
    touched: list[int] = []
    members: list[_Member] = []
    owners = _Owners()
    # An answer in the store may be about the same DAG.
    alone = {} if kept else _alone(scanned, dropped)
    for place, chunk in enumerate(scanned):
        gone = dropped.get(place, set())
        for number, (key, is_dag) in enumerate(zip(chunk.keys, chunk.is_dag, strict=True)):
            if key in alone or number in gone:
                continue
            references = chunk.references.get(number, ())
            at = groups.add(key, references)
            touched.append(at)
            members.append(_Member(at, key, chunk.kinds[number], place, True, number, references, chunk.size(number)))
            if is_dag:
                owners.note(key, references)
    referred_to = _referred_to(scanned, kept, dead)
    for place, part in enumerate(kept):
        gone = dead.get(part.part, set())
        for number, key, kind, words, size in part.near(referred_to):  # in a large store most have nothing in common with new answers
            if number in gone:
                # Objects that only a dead answer joined are rebuilt separately; each of its keys is touched by itself.
                touched += [groups.add(word.removeprefix(OWNER)) for word in (key, *words)]
                continue
            at = groups.add(key, words)
            if renewed and kind in FACT_KINDS and cluster_of(key, is_dag=kind in DAG_KINDS) in renewed:
                touched.append(at)
            members.append(_Member(at, key, kind, place, False, number, words, size))
            if kind in DAG_KINDS:
                owners.note(key, words)
    grouped = _plan_groups(groups, set(map(groups.group, touched)), members, kept, owners)
    return Grouped([*alone.values(), *grouped.groups], grouped.orphans, grouped.void.union(alone))


def _alone(scanned: Sequence[Scanned], dropped: Mapping[int, Container[int]]) -> dict[str, Picked]:
    """Return the groups of DAGs without references to or from others, as most are, by their keys: the answers about each."""
    named: set[str] = set()
    for chunk in scanned:
        named.update(map(chunk.keys.__getitem__, chunk.references), itertools.compress(chunk.keys, map(operator.not_, chunk.is_dag)))
        named.update(word.removeprefix(OWNER) for words in chunk.references.values() for word in words)
    groups: dict[str, Picked] = {}
    for place, chunk in enumerate(scanned):
        gone = dropped.get(place, ())
        for number, (key, size) in enumerate(zip(chunk.keys, chunk.sizes(), strict=True)):
            if key in named or number in gone:
                continue
            group = groups.get(key)
            if group is None:
                groups[key] = Picked({place: [number]}, {}, size, key)
            else:
                group.new.setdefault(place, []).append(number)
                group.size += size
    return groups


def _referred_to(scanned: Sequence[Scanned], kept: Sequence[KeptIndex], dead: dict[str, set[int]]) -> pa.Array:
    """Return the keys of new and dead answers, and all keys of answers that refer to others, or to which answers refer."""
    import pyarrow as pa

    from daganalysis.tables.arrays import array_of

    found: set[str] = set()
    for chunk in scanned if kept else ():
        found.update(chunk.keys, *chunk.references.values())
    for part in kept:
        for row in part.with_references():
            found.update((row.key, *row.references))
        found.update(row.key for row in part.rows(sorted(dead.get(part.part, ()))))
    return array_of(sorted(found | {reference.removeprefix(OWNER) for reference in found if reference.startswith(OWNER)}), pa.string())


class _Owners:
    """Which answers of other kinds than DAG belong to a DAG that is there."""

    def __init__(self) -> None:
        self._dags: set[str] = set()
        self._claimed: set[str] = set()

    def note(self, key: str, references: Iterable[str]) -> None:
        """Note a DAG and its references."""
        self._dags.add(key)
        self._claimed.update(references)

    def has_owner(self, key: str, references: Iterable[str]) -> bool:
        return key in self._claimed or any(
            reference.startswith(OWNER) and reference.removeprefix(OWNER) in self._dags for reference in references
        )


def _plan_groups(
    groups: Groups,
    touched: set[int],
    members: Sequence[_Member],
    kept: Sequence[KeptIndex],
    owners: _Owners,
) -> Grouped:
    orphans = Picked()
    by_group: dict[int, Picked] = {}
    with_dag = {groups.group(member.at) for member in members if member.kind in DAG_KINDS}
    for at, key, kind, place, is_new, number, references, size in members:
        is_dag = kind in DAG_KINDS
        if kind in FACT_KINDS:
            is_owned = groups.group(at) in with_dag
        else:
            # A log answer may share its lines only with an answer about a sub-task.
            is_owned = is_dag or (kind is Kind.LOGS and groups.group(at) in with_dag)
            is_owned = is_owned or owners.has_owner(key, references)
        if not is_owned:
            picked = orphans
        elif (root := groups.group(at)) in touched:
            picked = by_group.get(root) or by_group.setdefault(root, Picked())
            if is_dag and (not picked.first or key < picked.first):
                picked.first = key
        else:
            continue
        if is_new:
            picked.new.setdefault(place, []).append(number)
        else:
            picked.old.setdefault(kept[place].part, []).append(number)
        picked.size += size
    return Grouped(list(by_group.values()), orphans, groups.keys_of(touched))


def in_parts(shards: list[Shard]) -> list[list[Shard]]:
    """Assign shards, in their order, to parts of a store."""
    n_parts = min(len(shards), -(-len(shards) // PART_SHARDS**2) * PART_SHARDS)
    ends = (math.ceil(len(shards) * number / n_parts) for number in range(1, n_parts + 1))  # the longest first
    return [shards[start:end] for start, end in itertools.pairwise((0, *ends))]


class Packing:
    """Packs groups, one after the other, into shards of some bytes."""

    def __init__(self) -> None:
        self._size: int | None = None

    def begins_shard(self, size: int) -> bool:
        """Take a group of some size; return whether it begins a shard."""
        if self._size is None or self._size + size > SHARD_BYTES:
            self._size = size
            return True
        self._size += size
        return False


def _packed(groups: Iterable[Picked]) -> list[Picked]:
    """Pack groups into shards in order of their first DAG, so each shard is mostly a range of the run ids."""
    shards: list[Picked] = []
    packing = Packing()
    for group in sorted(groups, key=operator.attrgetter("first")):
        if packing.begins_shard(group.size):
            shards.append(Picked(first=group.first))
        shards[-1].extend(group)
    return shards
