"""Which answers must be rebuilt together, and which need not be rebuilt."""

from __future__ import annotations

import itertools
from pathlib import Path

import pyarrow as pa
import pytest

from daganalysis.loading.by_cluster import ShardPiece
from daganalysis.loading.pieces import two_by_two
from daganalysis.loading.planning import PART_SHARDS, SHARD_BYTES, Picked, Plan, in_parts, make_plan
from daganalysis.loading.related import DAG_KINDS, OWNER
from daganalysis.loading.scanning import Scanned
from daganalysis.reading.answers import Kind
from daganalysis.store.kept_answers import KeptIndex

MAIN, CHILD, OTHER = "a/11", "a/22", "a/33"


def new(*answers: tuple[str, *tuple[str, ...]], kind: Kind = Kind.DAG, size: int = 10) -> Scanned:
    """Answers that were just read, each with its key and the keys of the objects that it names."""
    chunk = Scanned(Path("spill"))
    for number, (key, *references) in enumerate(answers):
        chunk.keys.append(key)
        chunk.kinds.append(kind)
        chunk.is_dag.append(kind in DAG_KINDS)
        chunk.places.extend((number * size, number * size, (number + 1) * size))
        if references:
            chunk.references[number] = tuple(references)
    return chunk


def held(*answers: tuple[str, *tuple[str, ...]], kind: Kind = Kind.DAG, part: str = "old.parquet") -> KeptIndex:
    """Answers that the store holds."""
    n = len(answers)
    columns = {"source": [0] * n, "kind": [kind.value] * n, "key": [key for key, *_ in answers], "size": [10] * n}
    references_of = pa.array([words for _, *words in answers], pa.list_(pa.string()))
    return KeptIndex(part, pa.table(columns | {"references": references_of}))


def rebuilt(plan: Plan) -> set[tuple[str, int]]:
    """The answers in a plan, as (chunk or part, number)."""
    shards = [shard for part in plan.parts for shard in part]
    return {
        (str(place), number)
        for shard in shards
        for found in (shard.new, shard.old)
        for place, numbers in found.items()
        for number in numbers
    }


def test_a_new_answer_is_rebuilt_and_an_old_one_of_another_dag_is_not() -> None:
    assert rebuilt(make_plan([new((MAIN,))], [held((OTHER,))], {}, {})) == {("0", 0)}


def test_an_old_answer_of_the_same_dag_is_rebuilt_with_the_new_one() -> None:
    assert rebuilt(make_plan([new((MAIN,))], [held((MAIN,), (OTHER,))], {}, {})) == {("0", 0), ("old.parquet", 0)}


@pytest.mark.parametrize("old", [((CHILD,),), ((CHILD, MAIN),), ((OTHER, MAIN), (CHILD, OTHER))])
def test_a_main_dag_and_its_child_are_rebuilt_together(old: tuple[tuple[str, *tuple[str, ...]], ...]) -> None:
    plan = make_plan([new((MAIN, CHILD))], [held(*old)], {}, {})
    assert rebuilt(plan) == {("0", 0), *(("old.parquet", number) for number in range(len(old)))}


@pytest.mark.parametrize(("old", "replaces"), [(((OTHER,),), False), (((MAIN,),), True), (((CHILD,),), True), (((OTHER, CHILD),), True)])
def test_runs_of_the_store_are_replaced_only_where_new_answers_concern_them(
    old: tuple[tuple[str, *tuple[str, ...]], ...], *, replaces: bool
) -> None:
    assert make_plan([new((MAIN, CHILD))], [held(*old)], {}, {}).replaces_runs() == replaces


def test_an_answer_that_the_store_has_already_changes_nothing() -> None:
    plan = make_plan([new((MAIN,))], [held((MAIN,))], {0: {0}}, {})
    assert rebuilt(plan) == set()
    assert plan.void == set()


def test_what_an_answer_that_is_gone_had_joined_is_rebuilt_without_it() -> None:
    plan = make_plan([], [held((MAIN, CHILD), (CHILD,), (OTHER,))], {}, {"old.parquet": {0}})
    assert rebuilt(plan) == {("old.parquet", 1)}
    assert plan.void == {MAIN, CHILD}


def test_a_node_without_its_dag_is_an_orphan_and_one_whose_dag_names_it_is_not() -> None:
    node = new(("node a/5",), kind=Kind.NODE)
    assert make_plan([node], [], {}, {}).orphans.new == {0: [0]}
    assert rebuilt(make_plan([node, new((MAIN, "node a/5"))], [], {}, {})) == {("0", 0), ("1", 0)}


def test_a_node_that_was_found_to_belong_to_a_dag_of_the_store_is_rebuilt_with_it() -> None:
    node = new(("node a/5", OWNER + MAIN), kind=Kind.NODE)
    assert rebuilt(make_plan([node], [held((MAIN,))], {}, {})) == {("0", 0), ("old.parquet", 0)}


def test_facts_of_a_cluster_of_whose_agents_more_is_known_are_rebuilt_with_their_dag() -> None:
    old = held((MAIN, "sub_task a/7"))
    facts = held(("sub_task a/7", MAIN), kind=Kind.FACTS, part="facts.parquet")
    assert rebuilt(make_plan([], [old, facts], {}, {})) == set()
    assert rebuilt(make_plan([], [old, facts], {}, {}, frozenset({"a"}))) == {("old.parquet", 0), ("facts.parquet", 0)}


def test_a_cluster_whose_name_holds_a_blank_is_told_from_one_named_like_its_end() -> None:
    dag, facts = held(("a b/1", "sub_task a b/7")), held(("sub_task a b/7", "a b/1"), kind=Kind.FACTS, part="facts.parquet")
    assert rebuilt(make_plan([], [dag, facts], {}, {}, frozenset({"a b"}))) == {("old.parquet", 0), ("facts.parquet", 0)}
    assert rebuilt(make_plan([], [dag, facts], {}, {}, frozenset({"b"}))) == set()


def test_the_order_of_the_sources_does_not_change_what_comes_together() -> None:
    chunks = [new((MAIN, CHILD)), new((CHILD,)), new((OTHER,))]
    plans = [make_plan(list(order), [], {}, {}) for order in itertools.permutations(chunks)]
    assert len({tuple(shard.first for part in plan.parts for shard in part) for plan in plans}) == 1


def test_dags_that_share_nothing_are_planned_as_if_groups_were_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = [new((OTHER,), (MAIN, CHILD), ("a/44",), size=20), new((OTHER,), (CHILD,)), new((OTHER, "node a/5"))]
    node = new(("node a/5",), ("node a/6",), kind=Kind.NODE)
    for scanned in (chunks[:2], chunks, [*chunks, node]):
        plan = make_plan(scanned, [], {0: {2}}, {})
        with monkeypatch.context() as patched:
            patched.setattr("daganalysis.loading.planning._alone", lambda *_: {})
            assert plan == make_plan(scanned, [], {0: {2}}, {})


def test_groups_that_are_too_large_for_one_shard_begin_another() -> None:
    plan = make_plan([new(("11",), ("22",), ("33",), size=SHARD_BYTES // 2)], [], {}, {})
    assert [len(shard.new[0]) for part in plan.parts for shard in part] == [2, 1]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_shards_of_a_part_are_rebuilt_two_at_a_time_and_none_is_left_out(n: int) -> None:
    picked = [Picked(new={0: [number], number: [0]}, old={"part": [number]}, size=1, first=str(number)) for number in range(n)]
    pairs = [shard for shard in two_by_two(picked) if isinstance(shard, Picked)]
    assert [shard.size for shard in pairs] == [2] * (n // 2) + [1] * (n % 2)
    assert sorted(number for shard in pairs for number in shard.old["part"]) == list(range(n))
    assert {place for shard in pairs for place in shard.new} == set(range(n))
    assert list(two_by_two([[ShardPiece("plan", number, 0, 1)] for number in range(n)])) == [
        [ShardPiece("plan", number, 0, 1) for number in range(first, min(first + 2, n))] for first in range(0, n, 2)
    ]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 64, 65, 200])
def test_parts_hold_every_shard_in_order_and_differ_by_one_at_most(n: int) -> None:
    parts = in_parts(list(range(n)))
    assert list(itertools.chain(*parts)) == list(range(n))
    sizes = {len(part) for part in parts}
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert max(sizes, default=0) <= PART_SHARDS
