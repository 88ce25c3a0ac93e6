"""Runs in which one node was retried go the short way, and what the rules find in them stays the same."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from daganalysis.history.rebuild import rebuild
from tests.history.responses import dag, node, ns, sub_task
from tests.history.test_regular_runs import EVERY, OPERATORS, STATES, assert_same, of_different_runs
from tests.history.test_regular_runs import LINES as ENDINGS
from tests.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.reading.answers import Answer

FAILED_LINES = ["ERROR: [Common.Unexpected]: no space", "Rolling back..."]
LOCAL = "22130706433028869"


def redone(start: float, end: float, gid: str, **fields: Any) -> dict[str, Any]:
    """A sub-task that failed, was rolled back, and ran again."""
    return sub_task(start=start, end=end, gid=gid, times=3, **{"logs": FAILED_LINES, **fields})


def plain(start: float, end: float, gid: str, **fields: Any) -> dict[str, Any]:
    """A node that went well, with one sub-task."""
    return node(sub_task(start=start + 0.02, end=end - 0.5, gid=gid), start=start, end=end, gid=gid, **fields)


def retried(*tasks: dict[str, Any], start: float = 30.01, end: float = 33.0, gid: str = "12") -> dict[str, Any]:
    """A node that was retried."""
    return node(*tasks, start=start, end=end, gid=gid, operator="RETRY")


def run_of(*nodes: dict[str, Any], start: float = 30.0, end: float, **fields: Any) -> Answer:
    """The last answer about a run whose last leg began at a time."""
    return dag(*nodes, start=start, end=end, stage=len(nodes), **fields)


BEFORE, AFTER = plain(1.0, 2.5, "11"), plain(34.0, 35.5, "15")
AGAIN, EARLY = redone(31.1, 32.5, "12"), sub_task(start=3.55, end=4.5, gid="13", ip="192.0.2.2")

RUNS: dict[str, Answer] = {
    "a later node": run_of(BEFORE, retried(AGAIN), AFTER, end=35.51),
    "a later node, of which a sub-task had succeeded": run_of(BEFORE, retried(AGAIN, EARLY), AFTER, end=35.51),
    "the last node": run_of(BEFORE, retried(AGAIN), end=33.01),
    "the first node": run_of(retried(AGAIN, gid="11"), AFTER, end=35.51),
    "the first node, of which a sub-task had succeeded": run_of(retried(AGAIN, EARLY, gid="11"), AFTER, end=35.51),
    "the only node": run_of(retried(AGAIN, gid="11"), end=33.01),
    "a node of a local DAG": run_of(BEFORE, retried(AGAIN, EARLY), AFTER, end=35.51, gid=LOCAL),
    "two sub-tasks at once": run_of(BEFORE, retried(AGAIN, redone(31.2, 32.6, "13"), gid="12"), end=33.01),
    "a rollback run that took long": run_of(BEFORE, retried(redone(80.0, 82.0, "12"), end=83.0), end=83.01),
    "a failure without lines": run_of(BEFORE, retried(redone(31.1, 32.5, "12", logs=[])), end=33.01),
    "two lines of failures": run_of(BEFORE, retried(redone(31.1, 32.5, "12", logs=["ERROR: A", "ERROR: B"])), end=33.01),
}


def assert_regular(answers: Sequence[Answer], n_regular: int, caplog: pytest.LogCaptureFixture) -> None:
    """The tables equal those of the rules, and this number of runs took the short way."""
    caplog.set_level(logging.DEBUG)
    assert_same(list(answers))
    assert caplog.messages[0].endswith(f"{n_regular} of them regular")


@pytest.mark.parametrize("answer", RUNS.values(), ids=RUNS.keys())
def test_a_run_in_which_one_node_was_retried_goes_the_short_way(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    assert_regular([answer], 1, caplog)


def test_runs_of_all_kinds_together(caplog: pytest.LogCaptureFixture) -> None:
    answers = [replace(answer, gid=gid) for gid, answer in zip(map(str, range(101, 150)), RUNS.values(), strict=False)]
    well = dag(node(sub_task()), gid="105", cluster="b")
    failed = dag(node(sub_task("FAILED"), state="FAILED"), state="FAILED", gid="106", cluster="b")
    assert_regular([*answers, well, failed], len(answers) + 1, caplog)


def test_what_is_known_of_a_run_whose_first_node_was_retried() -> None:
    tables = rebuild([RUNS["the first node"]])
    (row,) = tables["dags"].to_pylist()
    assert (row["started_at"], row["elapsed_s"], row["elapsed_min_s"], row["outcome"]) == (None, None, 5.51, "succeeded_after_retry")
    assert [row["attempt"] for row in tables["attempts"].to_pylist()] == [1, 2, 3, 1]


def test_the_retry_is_a_request_that_came_by_the_start_of_the_last_leg() -> None:
    operations = rebuild([RUNS["a later node"]])["operations"].to_pylist()
    assert [(row["operation"], row["stage"], row["at_max"].value) for row in operations] == [
        ("create", None, ns(1.0)),
        ("retry", 2, ns(30.0)),
    ]


OTHERWISE: dict[str, Answer] = {
    "two nodes were retried": run_of(
        retried(AGAIN, gid="11"), retried(redone(34.1, 35.0, "14"), start=34.0, end=35.5, gid="14"), end=35.51
    ),
    "no sub-task ran again": run_of(BEFORE, retried(sub_task(start=31.1, end=32.5, gid="12")), end=33.01),
    "a node under RUN was handed out again": run_of(BEFORE, node(AGAIN, start=30.01, end=33.0, gid="12"), end=33.01),
    "it failed by its timeout": run_of(BEFORE, retried(redone(31.1, 32.5, "12", logs=["sub task timeout"])), end=33.01),
    "it was cancelled": run_of(BEFORE, retried(redone(31.1, 32.5, "12", logs=["sub task cancelled"])), end=33.01),
    "it waited for another DAG": run_of(BEFORE, retried(redone(31.1, 32.5, "12", logs=["wait operator to advance"])), end=33.01),
    "a sub-task that had succeeded wrote an error": run_of(BEFORE, retried(AGAIN, EARLY | {"task_logs": ["ERROR: A"]}), end=33.01),
    "it may be a child": run_of(BEFORE, retried(AGAIN), end=33.01, name="Start observer"),
    "it began long after its leg": run_of(BEFORE, retried(AGAIN, start=31.6, end=33.0), end=33.01),
    "its leg began at once": run_of(BEFORE, retried(AGAIN), start=2.6, end=33.01),
    "its leg began before the node before it ended": run_of(BEFORE, retried(AGAIN), start=2.4, end=33.01),
    "a sub-task had begun late": run_of(BEFORE, retried(AGAIN, sub_task(start=5.1, end=6.0, gid="13")), end=33.01),
    "a sub-task had begun before its stage": run_of(BEFORE, retried(AGAIN, sub_task(start=2.2, end=6.0, gid="13")), end=33.01),
    "a sub-task ended after the retry began": run_of(BEFORE, retried(AGAIN, sub_task(start=3.5, end=30.5, gid="13")), end=33.01),
    "sub-tasks had run one after the other": run_of(
        BEFORE, retried(AGAIN, EARLY, sub_task(start=5.0, end=5.5, gid="14")), end=33.01
    ),
    "sub-tasks ran again one after the other": run_of(BEFORE, retried(redone(31.1, 31.5, "12"), redone(32.0, 32.5, "13")), end=33.01),
    "a sub-task ran again before its node": run_of(BEFORE, retried(redone(30.0, 32.5, "12")), start=29.9, end=33.01),
    "it began in 1970": run_of(retried(AGAIN, sub_task(start=None, end=4.0, gid="13"), gid="11"), end=33.01),
    "agents that began apart": run_of(
        BEFORE, retried(AGAIN, EARLY, sub_task(start=3.8, end=4.4, gid="14", ip="192.0.2.3")), end=33.01
    ),
    "handed out five times": run_of(BEFORE, retried(AGAIN | {"execute_times": 5}), end=33.01),
}  # fmt: skip


@pytest.mark.parametrize("answer", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_a_run_one_step_from_that_is_left_to_the_rules(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    assert_regular([answer], 0, caplog)


SPANS: tuple[tuple[float | None, float | None], ...] = ((31.1, 32.5), (3.55, 4.5), (None, 32.5), (31.1, None), (32.5, 31.1), (29.9, 32.5))


def test_every_state_of_a_sub_task_of_a_retried_node() -> None:
    assert_same(of_different_runs(
        run_of(BEFORE, retried(sub_task(state, start, end, operator=operator, times=times, logs=lines, gid="12"), other), AFTER, end=35.51)
        for state, operator, times, (start, end), lines, other in [
            *itertools.product(STATES, OPERATORS, (0, 1, 2, 3, 5), SPANS, ENDINGS, (EARLY, redone(31.1, 32.5, "13")))
        ][:: 2 * EVERY]
    ))  # fmt: skip


def test_every_state_of_a_retried_node() -> None:
    assert_same(of_different_runs(
        run_of(BEFORE, node(AGAIN, EARLY, state=state, operator=operator, start=start, end=end, gid="12"), AFTER, end=35.51)
        for state, operator, start, end in itertools.product(STATES, OPERATORS, (None, 30.01, 30.0, 31.2, 3.5), (None, 33.0, 32.0, 34.2))
    ))  # fmt: skip


def test_every_state_of_a_dag_with_a_retried_node() -> None:
    assert_same(of_different_runs(
        dag(*nodes, state=state, operator=operator, start=start, end=end, stage=stage, max_stage=2)
        for nodes, state, operator, start, end, stage in itertools.product(
            ((BEFORE, retried(AGAIN)), (retried(AGAIN, gid="11"), AFTER)), STATES, OPERATORS, (None, 30.0, 1.0), (33.01, 35.51), (1, 2)
        )
    ))  # fmt: skip


def test_a_second_answer_about_such_a_run_leaves_it_to_the_rules(caplog: pytest.LogCaptureFixture) -> None:
    answer = RUNS["a later node"]
    assert_regular([answer, replace(answer, observed_at=ns(101.0), source="b.json")], 0, caplog)


GAPS = st.sampled_from([0.0, 0.02, 0.9, 1.0, 1.02, 1.49, 1.51, 2.0, 2.4, 2.6, 3.1, 4.9, 5.0, 5.000001, 7.0, 40.0, -0.01])
STEPS = st.sampled_from([0.0, 0.02, 0.02, 1.0, 1.0, 2.4])
"""Steps that the engine takes at work. One gap of a run is drawn from all."""
LINES = st.sampled_from([
    FAILED_LINES, FAILED_LINES, [], ["ERROR: A", "ERROR: A"], ["ERROR: A", "ERROR: B"], ["sub task timeout"], ["sub task cancelled"],
    ["wait operator to advance"], ["ERROR: A and will try again[1/3]."], ["ERROR: task unexpectedly interrupted and cannot continue"],
])  # fmt: skip
IPS = st.sampled_from(["192.0.2.1", "192.0.2.1", "192.0.2.2"])


@st.composite
def runs(draw: st.DrawFn) -> Answer:
    """The last answer about a run in which one node was retried, with all of its times as usual but for one."""
    n, number = draw(st.integers(1, 4)), 11
    place, odd, count = draw(st.integers(0, n - 1)), draw(st.integers(0, 60)), 0

    def step() -> float:
        nonlocal count
        count += 1
        return draw(GAPS) if count == odd else draw(STEPS)

    at, leg, nodes = 1.0, 1.0, []
    for stage in range(n):
        tasks, early_end = [], at
        if stage == place:
            early = at + step()
            for _ in range(draw(st.integers(0, 2))):
                begun = early + draw(st.sampled_from([0.0, 0.01, 0.2]))
                early_end = max(early_end, ended := begun + 0.5 + step())
                tasks.append((begun, ended, 1, draw(st.sampled_from([[], [], ["a line"], ["ERROR: A"]]))))
            leg = at = early_end + draw(st.sampled_from([10.0, 60.0, 0.31, 0.29, 4000.0]))
        start = at + step()
        for _ in range(draw(st.integers(1, 2))):
            begun = start + step() + 0.02
            tasks.append((begun, begun + 0.3 + step(), *((3, draw(LINES)) if stage == place else (1, []))))
        rows = [
            sub_task(start=begun, end=ended, gid=str(number + k), times=times, logs=logs, ip=draw(IPS))
            for k, (begun, ended, times, logs) in enumerate(draw(st.permutations(tasks)))
        ]
        number += len(rows)
        at = max(ended for _, ended, _, _ in tasks) + step()
        nodes.append(node(*rows, gid=str(11 + stage), start=start, end=at, operator="RETRY" if stage == place else "RUN"))
    fields: dict[str, Any] = {
        "gid": draw(st.sampled_from(["11", LOCAL])),
        "name": draw(st.sampled_from(["Create tenant t1", "Create tenant t1", "Stop observer", "Take over"])),
    }
    return run_of(*nodes, start=leg, end=at + step(), at=9000.0, **fields)


CHANGES: st.SearchStrategy[Callable[[bytes], bytes]] = st.one_of(
    st.just(bytes),
    st.builds(
        lambda mark, everywhere: lambda text: text.replace(*mark, -1 if everywhere else 1),
        st.sampled_from([
            (b'"execute_times": 3', b'"execute_times": 1'), (b'"execute_times": 3', b'"execute_times": 2'),
            (b'"execute_times": 3', b'"execute_times": 5'), (b'"execute_times": 1', b'"execute_times": 3'), (b'"RETRY"', b'"RUN"'),
            (b'"RUN"', b'"RETRY"'), (b'"RUN"', b'"ROLLBACK"'), (b'"RETRY"', b'"PASS"'), (b'"SUCCEED"', b'"FAILED"'),
            (b"2025-01-01T", b"1970-01-01T"), (b'"additional_data": null', b'"additional_data": {"a": 1}'),
        ]),
        st.booleans(),
    ),
)  # fmt: skip


@examples(40, long=800)
@given(st.lists(runs(), min_size=1, max_size=3), CHANGES, st.integers(0, 5))
def test_retried_runs_and_what_is_one_step_from_them_give_the_same_tables(
    answers: list[Answer], change: Callable[[bytes], bytes], place: int
) -> None:
    texts = [answers[0].body, *(answers[0].nodes or ())]
    texts[place % len(texts)] = change(texts[place % len(texts)])
    changed = replace(answers[0], body=texts[0], nodes=texts[1:])
    others = [replace(answer, cluster=f"c{n}") for n, answer in enumerate(answers[1:])]
    assert_same([changed, *others, dag(node(sub_task()), gid="10")])
