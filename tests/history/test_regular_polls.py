"""Runs that were polled while they went well go the short way, and what the rules find in them stays the same."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from daganalysis.history.rebuild import rebuild
from tests.history.responses import dag, node, ns, sub_task
from tests.history.test_regular_runs import assert_same
from tests.profiles import examples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.reading.answers import Answer

CREATED = 0.5
SPANS = (((1.05, 2.0), (1.1, 3.0)), ((4.1, 4.2),))
"""When the sub-tasks of each node run. A node begins 40 ms before its first sub-task, and ends half a second after its last."""
END = 4.7
LINES = ["begin", "half", "done"]


def task_at(t: float, start: float, end: float, gid: str) -> dict[str, Any]:
    """What an answer of a moment shows of a sub-task that runs from one instant to another, and writes three lines."""
    shown = partial(sub_task, gid=gid, ip=f"192.0.2.{gid}")
    if t < start:
        waits = t < start - 0.02
        return shown("PENDING" if waits else "READY", CREATED, CREATED, times=0 if waits else 1) | {"task_logs": None}
    if t < end:
        return shown("RUNNING", start, CREATED, logs=LINES[: 1 + (t > (start + end) / 2)])
    return shown("SUCCEED", start, end, logs=LINES)


def node_at(t: float, place: int) -> dict[str, Any]:
    """What an answer of a moment shows of a node."""
    spans = SPANS[place]
    start, end = spans[0][0] - 0.04, max(end for _, end in spans) + 0.5
    state, begun, ended = ("PENDING", CREATED, CREATED) if t < start else ("RUNNING", start, start) if t < end else ("SUCCEED", start, end)
    tasks = [task_at(t, *span, gid=f"{place + 1}{number}") for number, span in enumerate(spans)]
    return node(*tasks, state=state, start=begun, end=ended, gid=f"{place + 11}")


def poll(t: float, **changed: Any) -> Answer:
    """The answer of a moment."""
    state, start, end = ("READY", CREATED, CREATED) if t < 1.0 else ("RUNNING", 1.0, CREATED) if t < END else ("SUCCEED", 1.0, END)
    nodes = [node_at(t, place) for place in range(len(SPANS))]
    fields: dict[str, Any] = {"state": state, "start": start, "end": end, "at": t, "stage": 1 if t < 3.5 else 2, "source": f"{t}.json"}
    return dag(*nodes, **fields | changed)


def assert_regular(answers: Sequence[Answer], n_regular: int, caplog: pytest.LogCaptureFixture) -> None:
    """The tables equal those of the rules, and this number of runs took the short way."""
    caplog.set_level(logging.DEBUG)
    assert_same(list(answers))
    assert caplog.messages[0].endswith(f"{n_regular} of them regular")


def test_a_run_that_was_polled_while_it_went_well_goes_the_short_way(caplog: pytest.LogCaptureFixture) -> None:
    answers = [poll(t) for t in (0.6, 1.02, 1.5, 2.5, 3.2, 4.0, 4.15, 5.0, 6.0)]
    assert_regular(answers, 1, caplog)


def test_what_is_known_of_a_polled_run() -> None:
    dags = rebuild([poll(t) for t in (0.6, 1.5, 5.0, 6.0)])["dags"].to_pylist()
    found = {name: value.value if hasattr(value, "value") else value for name, value in dags[0].items()}
    assert (found["created_at"], found["first_observed_at"], found["n_snapshots"]) == (ns(CREATED), ns(0.6), 4)


def test_the_creation_is_the_latest_time_of_the_request_for_a_run() -> None:
    operations = rebuild([poll(0.6), poll(5.0)])["operations"].to_pylist()
    assert [(row["operation"], row["at_max"].value) for row in operations] == [("create", ns(CREATED))]


@pytest.mark.parametrize("moments", [(0.6, 5.0), (1.5, 5.0), (5.0, 6.0), (4.15, 4.8, 7.0)])
def test_few_polls(moments: Sequence[float], caplog: pytest.LogCaptureFixture) -> None:
    assert_regular([poll(t) for t in moments], 1, caplog)


def test_a_response_that_was_saved_twice(caplog: pytest.LogCaptureFixture) -> None:
    answers = [poll(1.5), poll(5.0), *(replace(poll(t), source="copy.json") for t in (1.5, 5.0))]
    assert_regular(answers, 1, caplog)


def test_polls_without_nodes(caplog: pytest.LogCaptureFixture) -> None:
    assert_regular([poll(0.7, details=False), poll(1.5), poll(2.5, details=False, max_stage=2), poll(5.0)], 1, caplog)


@pytest.mark.parametrize(
    "answers",
    [
        [poll(1.5), poll(2.5)],
        [poll(5.0, at=1.5), poll(1.5, at=5.0)],
        [poll(1.5), poll(5.0), poll(2.5, at=6.0)],
        [poll(0.6, at=0.6), poll(1.5, at=0.2), poll(5.0)],
        [poll(1.5, at=0.9), poll(5.0)],
        [poll(1.5, at=4.69), poll(2.5, at=4.71), poll(5.0)],
        [poll(4.8, at=4.6), poll(5.0)],
        [poll(1.5, start=0.9), poll(5.0)],
        [poll(1.5, end=None), poll(5.0)],
        [poll(1.5, name="Other"), poll(5.0)],
        [poll(1.5, max_stage=3), poll(5.0)],
        [poll(1.5, data={"a": 1}), poll(5.0)],
        [poll(1.5, operator="CANCEL"), poll(5.0)],
        [poll(0.6, start=None), poll(5.0)],
        [replace(poll(0.6), body=poll(0.6).body.replace(b"00.5", b"01.1"), nodes=None), poll(5.0)],
        [replace(poll(0.6), body=poll(0.6).body.replace(b"2025-01-01T00:00:00.500000Z", b"soon")), poll(5.0)],
        [replace(poll(1.5), observed_at=None), poll(5.0)],
        [replace(poll(1.5), utc_offset_s=3600), poll(5.0)],
        [replace(poll(1.5), body=poll(1.5).body.replace(b"0Z", b"0+00:15", 1)), poll(5.0)],
        [replace(poll(1.5), nodes=(poll(1.5).nodes or [])[:1]), poll(5.0)],
        [replace(poll(1.5), nodes=(poll(1.5).nodes or [])[::-1]), poll(5.0)],
        [poll(2.5), replace(poll(3.2), nodes=poll(1.5).nodes), poll(5.0)],
    ],
    ids=[
        "not ended", "times of the answers the other way round", "a state of before", "a clock that was set back",
        "shown running before it began", "shown running after it ended", "shown ended before it ended", "another start", "an end unset",
        "another name", "another number of stages", "other data", "another operator", "created at no time", "created after it began",
        "created at no instant",
        "an answer without a time", "an answer from another zone", "a time of another zone", "a node missing", "another order of nodes",
        "nodes of before",
    ],
)  # fmt: skip
def test_polls_that_tell_more_are_left_to_the_rules(answers: list[Answer], caplog: pytest.LogCaptureFixture) -> None:
    assert_regular(answers, 0, caplog)


MARKS: tuple[tuple[bytes, bytes], ...] = (
    (b'"execute_times": 1', b'"execute_times": 2'), (b'"execute_times": 1', b'"execute_times": 0'),
    (b'"execute_times": 0', b'"execute_times": 1'), (b'"RUN"', b'"RETRY"'), (b'"RUN"', b'"ROLLBACK"'), (b'"RUNNING"', b'"FAILED"'),
    (b'"SUCCEED"', b'"FAILED"'), (b'"READY"', b'"PENDING"'), (b'"RUNNING"', b'"SUCCEED"'), (b'"SUCCEED"', b'"RUNNING"'),
    (b'"PENDING"', b'"RUNNING"'), (b'"192.0.2.10"', b'"192.0.2.99"'), (b'"begin"', b'"other"'),
    (b'["begin", "half", "done"]', b'["begin"]'), (b'["begin"]', b"null"), (b'["begin"]', b'["begin", "more"]'), (b'"Work"', b'"Other"'),
    (b'"id": "10"', b'"id": "99"'), (b'"id": "11"', b'"id": "12"'), (b'"additional_data": null', b'"additional_data": {}'),
    (b"00.5", b"00.4"), (b"00.5", b"01.9"), (b"01.05", b"01.06"), (b"01.05", b"00.05"), (b"02.0", b"02.1"), (b"03.5", b"03.6"),
    (b"2025-01-01T", b"1970-01-01T"), (b"2025-01-01T", b"yesterday "), (b"2025-01-01T", b"2025-02-30T"),
    (b'"name"', b'"state": "READY", "name"'),
)  # fmt: skip
"""What one text of an answer may say else."""


def changed(answer: Answer, place: int, mark: tuple[bytes, bytes], *, everywhere: bool) -> Answer:
    """The answer with one of its texts changed: that of the DAG itself, or of a node."""
    texts = [answer.body, *(answer.nodes or ())]
    place %= len(texts)
    texts[place] = texts[place].replace(*mark, -1 if everywhere else 1)
    return replace(answer, body=texts[0], nodes=None if answer.nodes is None else texts[1:])


CHANGES: st.SearchStrategy[Callable[[Answer], Answer]] = st.one_of(
    st.just(lambda answer: answer),
    st.builds(
        lambda place, mark, everywhere: lambda answer: changed(answer, place, mark, everywhere=everywhere),
        st.integers(0, 2), st.sampled_from(MARKS), st.booleans(),
    ),
    st.builds(lambda by: lambda answer: replace(answer, observed_at=(answer.observed_at or 0) + ns(by) - ns(0)), st.integers(-6, 6)),
)  # fmt: skip


@examples(20, long=800)
@given(
    st.lists(st.sampled_from([0.6, 0.9, 1.005, 1.02, 1.04, 1.06, 1.5, 1.6, 2.5, 3.2, 3.55, 4.07, 4.15, 4.6, 5.0, 6.0]), max_size=6),
    CHANGES,
    st.sampled_from(["11", "22130706433028869"]),
    st.integers(0, 6),
)
def test_polls_and_what_is_one_step_from_them_give_the_same_tables(
    moments: list[float], change: Callable[[Answer], Answer], gid: str, which: int
) -> None:
    answers = [poll(t, gid=gid) for t in [*moments, 5.5]]
    answers[which % len(answers)] = change(answers[which % len(answers)])
    assert_same([*answers, dag(node(sub_task()), gid="10")])
