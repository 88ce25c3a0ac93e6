"""The short way for runs without doubts finds what the rules find."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from daganalysis.history import rebuild as module
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer, Kind
from tests.history.responses import dag, log_lines, node, sub_task
from tests.profiles import LONG

if TYPE_CHECKING:
    from collections.abc import Iterable

STATES = ("PENDING", "READY", "RUNNING", "FAILED", "SUCCEED", "ODD")
OPERATORS = ("RUN", "RETRY", "ROLLBACK", "CANCEL", "PASS")
LINES: tuple[list[str], ...] = ([], ["ERROR: no space"], ["sub task timeout"], ["sub task cancelled"], ["wait operator to advance"])
EVERY = 1 if LONG else 7
"""Only some combinations of states are tried; the gate still meets each pair of two values."""
TIMES: tuple[tuple[float | None, float | None], ...] = ((1.05, 2.0), (None, 2.0), (1.05, None), (2.0, 1.05), (0.5, 2.0), (1.05, 9.0))


def assert_same(answers: list[Answer]) -> None:
    """The tables are those that the rules alone make."""
    short = rebuild(answers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "find_regular_runs", lambda *_: None)
        ruled = rebuild(answers)
    assert [name for name, table in ruled.items() if not table.equals(short[name])] == []


def of_different_runs(answers: Iterable[Answer]) -> list[Answer]:
    """The same answers, each about a DAG of its own."""
    return [replace(answer, gid=f"1{n}", body=answer.body.replace(b'"id": "11"', b'"id": "1%d"' % n)) for n, answer in enumerate(answers)]


def test_a_run_of_which_nothing_is_in_doubt_goes_the_short_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(sub_task()))])
    assert "judged 1 runs, 1 of them regular" in caplog.messages


def test_a_run_with_quotation_marks_in_its_lines_goes_the_short_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(sub_task(logs=['said "yes": no'])))])
    assert "judged 1 runs, 1 of them regular" in caplog.messages


def test_a_run_with_a_key_twice_is_left_to_the_rules(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = dag(node(sub_task()))
    assert answer.nodes is not None
    twice = replace(answer, nodes=[answer.nodes[0].replace(b'"node_id"', b'"node_id": 7, "node_id"')])
    assert_same([twice])
    assert "judged 1 runs, 0 of them regular" in caplog.messages


def test_a_run_with_additional_data_goes_the_short_way(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(sub_task() | {"additional_data": {"zone": "z1"}}))])
    assert "judged 1 runs, 1 of them regular" in caplog.messages


def test_ids_that_two_clusters_share_leave_both_runs_regular(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(sub_task()), cluster=cluster) for cluster in ("a", "b")])
    assert "judged 2 runs, 2 of them regular" in caplog.messages


def test_a_doubtful_run_leaves_those_beside_it_regular(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    two_of_one_id = dag(node(sub_task(), sub_task()), gid="12")
    a_relative = dag(node(sub_task(logs=["create task 22130706433028869 successfully"])), gid="13")
    assert_same([dag(node(sub_task())), two_of_one_id, a_relative])
    assert "judged 3 runs, 1 of them regular" in caplog.messages


def test_how_many_runs_went_the_short_way_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rebuild([dag(node(sub_task()), gid="11"), dag(node(sub_task()), gid="12"), dag(node(sub_task(times=3)), gid="13")])
    assert "judged 3 runs, 2 of them regular" in caplog.messages


@pytest.mark.parametrize(
    "more",
    [
        dag(node(sub_task()), at=101),
        log_lines(11, (1, "a line")),
        Answer(Kind.SUB_TASK, "11", b'{"id":"11","state":"SUCCEED"}'),
        Answer(Kind.NODE, "11", b'{"id":"11","state":"SUCCEED"}'),
    ],
    ids=["a second answer", "lines", "its sub-task", "its node"],
)
def test_a_run_of_which_more_is_known_than_one_answer_is_left_to_the_rules(more: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rebuild([dag(node(sub_task(logs=["a line"]))), more])
    assert "judged 1 runs, 0 of them regular" in caplog.messages


def test_every_state_of_a_sub_task() -> None:
    assert_same(of_different_runs(
        dag(node(sub_task(state, start, end, operator=operator, times=times, logs=lines)))
        for state, operator, times, (start, end), lines in [*itertools.product(STATES, OPERATORS, (0, 1, 2), TIMES, LINES)][::EVERY]
    ))  # fmt: skip


def test_every_state_of_a_node() -> None:
    assert_same(of_different_runs(
        dag(node(sub_task(), state=state, operator=operator, start=start, end=end))
        for state, operator, start, end in itertools.product(STATES, OPERATORS, (None, 1.01, 1.06, 0.5), (None, 2.5, 1.9, 9.0))
    ))  # fmt: skip


def test_every_state_of_a_dag() -> None:
    assert_same(of_different_runs(
        dag(node(sub_task()), state=state, operator=operator, start=start, end=end, stage=stage, max_stage=n)
        for state, operator, start, end, (stage, n) in [*itertools.product(
            STATES, OPERATORS, (None, 1.0, 1.02), (None, 2.51, 2.4, 0.5), ((1, 1), (0, 1), (1, 2), (2, 1))
        )][::EVERY]
    ))  # fmt: skip


GAPS = st.sampled_from([0.0, 0.02, 0.9, 1.0, 3.1, 4.9, 5.0, 5.000001, 7.0, 40.0, -0.01])


@st.composite
def clean_runs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], float, str]:
    """The nodes of a run that went well, or nearly so, its end, and its id, of a cluster or of one agent."""
    at, nodes, number = 1.0, [], 11
    for stage in range(draw(st.integers(1, 4))):
        start = at + draw(GAPS)
        tasks = []
        for _ in range(draw(st.integers(0, 3))):
            begun = start + draw(GAPS)
            end = begun + draw(GAPS)
            times, ip = draw(st.sampled_from([1, 1, 1, 1, 1, 2])), draw(st.sampled_from(["192.0.2.1", "192.0.2.2"]))
            tasks.append(sub_task(start=begun, end=end, gid=str(number), times=times, ip=ip))
            number += 1
        at = max([start, *(float(task["end_time"][17:-1]) + 60 * int(task["end_time"][14:16]) for task in tasks)]) + draw(GAPS)
        nodes.append(node(*tasks, gid=str(11 + stage), start=start, end=at))
    return nodes, at + draw(GAPS), draw(st.sampled_from(["11", "22130706433028869"]))


@given(clean_runs())
def test_a_run_and_what_is_one_step_from_it_give_the_same_tables(run: tuple[list[dict[str, Any]], float, str]) -> None:
    nodes, end, gid = run
    answer = dag(*nodes, end=end, gid=gid, stage=len(nodes), cluster="c1")
    assert_same([answer, *MORE_RUNS])


MORE_RUNS = [
    dag(node(sub_task()), gid="10", cluster="c1"),
    dag(node(sub_task("FAILED")), state="FAILED", gid="12", cluster="c1"),
    dag(node(sub_task(gid="1999"), sub_task(gid="19990")), gid="1234", name="Rebuild CLUSTER AGENT", cluster="c0"),
    dag(node(sub_task()), gid="1235", name="Start observer", cluster="c0", at=2.0),
]
"""Runs before and after the one in question, some of them left to the rules."""


def test_a_run_that_another_names_is_left_to_the_rules_with_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    child = dag(node(sub_task()), gid="22130706433028869", name="Start observer")
    main = dag(node(sub_task()), gid="12", name="Start OB", data={"sub_dags": {"192.0.2.1:2886": "22130706433028869"}})
    assert_same([child, main, dag(node(sub_task()), gid="13")])
    assert "judged 3 runs, 1 of them regular" in caplog.messages
    assert rebuild([child, main])["dags"].column("parent_run_id").to_pylist() == [None, "12"]


def test_an_answer_without_nodes_counts_as_a_second_one(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(sub_task())), dag(details=False, max_stage=1, at=50.0)])
    assert "judged 1 runs, 0 of them regular" in caplog.messages


@pytest.mark.parametrize(
    "spans", [[(1.05, 2.0), (1.05, 2.0)], [(1.05, 1.2), (1.1, 1.3), (1.3, 1.4), (2.0, 2.5)], [(1.01, 2.5), (1.2, 1.3)]]
)
def test_sub_tasks_that_run_at_the_same_time_or_one_after_the_other(
    spans: list[tuple[float, float]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([dag(node(*(sub_task(start=start, end=end, gid=f"1{n}") for n, (start, end) in enumerate(spans, start=1))))])
    assert "judged 1 runs, 1 of them regular" in caplog.messages


@pytest.mark.parametrize(
    "answer",
    [
        dag(node(sub_task(start=1.5, end=1.5))),
        dag(node(sub_task(gid="11"), sub_task(start=1.9, end=1.2, gid="12"))),
        dag(node(sub_task()), at=-3600.0),
        dag(node(sub_task(), gid="11"), node(sub_task(start=2.6, end=2.7), start=2.55, end=2.8, gid="12"), end=2.9, stage=2),
        dag(node(sub_task(logs=["remote task 22130706433028869 Start observer running [1/1]"]))),
        dag(node(sub_task(start=1.3), sub_task(start=1.5, gid="12", ip="192.0.2.2"))),
    ],
    ids=["no time", "an end before the start", "a time after the answer", "one id at two stages", "a line that names another DAG"]
    + ["agents that begin apart"],
)
def test_a_run_with_something_in_doubt_is_left_to_the_rules(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert_same([answer])
    assert "judged 1 runs, 0 of them regular" in caplog.messages
