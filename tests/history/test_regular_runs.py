"""The short way for runs of which nothing is in doubt finds what the rules find."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.history import judging
from daganalysis.history.collecting import collect_runs
from daganalysis.history.rebuild import rebuild
from daganalysis.history.regular_runs import judge_regular
from daganalysis.reading.answers import Answer, Kind
from tests.history.responses import dag, log_lines, node, sub_task

if TYPE_CHECKING:
    from daganalysis.history.views import RunView

STATES = ("PENDING", "READY", "RUNNING", "FAILED", "SUCCEED", "ODD")
OPERATORS = ("RUN", "RETRY", "ROLLBACK", "CANCEL", "PASS")
LINES: tuple[list[str], ...] = ([], ["ERROR: no space"], ["sub task timeout"], ["sub task cancelled"], ["wait operator to advance"])
TIMES: tuple[tuple[float | None, float | None], ...] = ((1.05, 2.0), (None, 2.0), (1.05, None), (2.0, 1.05), (0.5, 2.0), (1.05, 9.0))


def both(answer: Answer) -> tuple[RunView | None, RunView]:
    """What the short way and the rules find."""
    (run,) = collect_runs([answer])
    return judge_regular(run, judging.judge_by_rules), judging.judge_by_rules(run)


def assert_same(answers: list[Answer]) -> None:
    """The short way either finds what the rules find, or leaves the run to them."""
    for answer in answers:
        short, ruled = both(answer)
        assert short is None or short == ruled


def test_a_run_of_which_nothing_is_in_doubt_goes_the_short_way() -> None:
    short, ruled = both(dag(node(sub_task())))
    assert short == ruled
    assert short is not None
    assert short.is_regular


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
    assert_same([
        dag(node(sub_task(state, start, end, operator=operator, times=times, logs=lines)))
        for state, operator, times, (start, end), lines in itertools.product(STATES, OPERATORS, (0, 1, 2), TIMES, LINES)
    ])  # fmt: skip


def test_every_state_of_a_node() -> None:
    assert_same([
        dag(node(sub_task(), state=state, operator=operator, start=start, end=end))
        for state, operator, start, end in itertools.product(STATES, OPERATORS, (None, 1.01, 1.06, 0.5), (None, 2.5, 1.9, 9.0))
    ])  # fmt: skip


def test_every_state_of_a_dag() -> None:
    assert_same([
        dag(node(sub_task()), state=state, operator=operator, start=start, end=end, stage=stage, max_stage=n)
        for state, operator, start, end, (stage, n) in itertools.product(
            STATES, OPERATORS, (None, 1.0, 1.02), (None, 2.51, 2.4, 0.5), ((1, 1), (0, 1), (1, 2), (2, 1))
        )
    ])  # fmt: skip


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
            tasks.append(sub_task(start=begun, end=end, gid=str(number), times=draw(st.sampled_from([1, 1, 1, 1, 1, 2]))))
            number += 1
        at = max([start, *(float(task["end_time"][17:-1]) + 60 * int(task["end_time"][14:16]) for task in tasks)]) + draw(GAPS)
        nodes.append(node(*tasks, gid=str(11 + stage), start=start, end=at))
    return nodes, at + draw(GAPS), draw(st.sampled_from(["11", "22130706433028869"]))


@given(clean_runs())
def test_a_run_and_what_is_one_step_from_it_give_the_same_tables(run: tuple[list[dict[str, Any]], float, str]) -> None:
    nodes, end, gid = run
    answer = dag(*nodes, end=end, gid=gid, stage=len(nodes), cluster="c1")
    decided = rebuild([answer])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "judge_regular", lambda *_: None)
        by_rules = rebuild([answer])
    assert decided == by_rules
