"""Answers whose envelopes bear the clocks of different agents, and what the engine can do in one order only."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest

from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer, Kind
from tests.history.responses import dag, node, ns, sub_task
from tests.history.test_runs import frame, run_of

RUNNING = dag(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01), state="RUNNING", end=0.5, at=97.0)
ENDED = dag(node(sub_task("SUCCEED", 1.05, 94.7), end=95.0), end=95.0, at=96.0)


def created(start_time: str, *, at: float = 1.0) -> Answer:
    """The answer to the request that created the DAG, which holds no nodes."""
    body = {**json.loads(RUNNING.body), "state": "READY", "start_time": start_time, "end_time": start_time}
    return msgspec.structs.replace(dag(at=at, details=False), body=json.dumps(body).encode())


@pytest.mark.parametrize("answers", [(RUNNING, ENDED), (ENDED, RUNNING)])
def test_success_is_final_though_a_running_answer_bears_a_later_time(answers: tuple[Answer, ...]) -> None:
    run = run_of(*answers)
    assert (run["state"], run["outcome"], run["elapsed_s"]) == ("SUCCEED", "succeeded", 94.0)
    assert frame("nodes", *answers)["outcome"].tolist() == ["succeeded"]
    assert frame("attempts", *answers)["outcome"].tolist() == ["succeeded"]
    assert frame("issues", *answers).empty


def test_a_failure_comes_after_the_running_answer_of_its_own_leg() -> None:
    running = dag(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01), state="RUNNING", end=0.5, at=6.0)
    failed = dag(node(sub_task("FAILED", 1.05, 2.0), state="FAILED"), state="FAILED", at=4.0)
    assert run_of(failed, running)["outcome"] == "failed"


def test_a_node_answer_of_an_agent_whose_clock_is_ahead_does_not_undo_the_end() -> None:
    body = json.dumps({**node(state="RUNNING", start=1.01, end=1.01), "sub_tasks": None}).encode()
    late = Answer(Kind.NODE, "11", body, source="node.json", position="byte 0 /data", observed_at=ENDED.observed_at + 1_000_000_000)  # type: ignore[operator]
    assert frame("nodes", ENDED, late)["state"].tolist() == ["SUCCEED"]


def test_a_node_answer_brings_its_sub_tasks() -> None:
    brief = dag(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01), state="RUNNING", end=0.5, at=6.0)
    body = json.dumps(node(sub_task("FAILED", 1.05, 9.0, logs=["ERROR: broken"]), state="FAILED", end=9.5)).encode()
    shown = Answer(Kind.NODE, "11", body, source="node.json", position="byte 0 /data", observed_at=ns(10.0))
    (task,) = frame("sub_tasks", brief, shown).to_dict("records")
    assert (task["outcome"], list(task["task_logs"]), task["duration_s"]) == ("failed", ["ERROR: broken"], 7.95)
    (lone,) = frame("sub_tasks", shown).to_dict("records")
    assert (lone["outcome"], list(lone["task_logs"])) == ("failed", ["ERROR: broken"])


def test_a_node_answer_of_an_agent_whose_clock_is_ahead_does_not_undo_the_end_of_a_sub_task() -> None:
    body = json.dumps(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", start=1.01, end=1.01)).encode()
    late = Answer(Kind.NODE, "11", body, source="node.json", position="byte 0 /data", observed_at=ENDED.observed_at + 1_000_000_000)  # type: ignore[operator]
    assert frame("sub_tasks", ENDED, late)["state"].tolist() == ["SUCCEED"]


def test_a_running_answer_many_seconds_after_the_success_is_told_as_a_contradiction() -> None:
    assert frame("issues", ENDED, msgspec.structs.replace(RUNNING, observed_at=RUNNING.observed_at + 60_000_000_000))["code"].tolist() == [  # type: ignore[operator]
        "contradiction"
    ]


def test_the_answer_to_the_creating_request_has_not_started() -> None:
    assert run_of(created("0001-01-01T00:00:00Z"))["outcome"] == "not_started"


def test_a_dag_that_an_operator_sent_off_again_runs() -> None:
    assert run_of(created("1970-01-01T08:00:00+08:00"))["outcome"] == "running"


@pytest.mark.parametrize("at", [1.0, 98.0])
def test_the_creating_answer_comes_first_whatever_its_clock_says(at: float) -> None:
    run = run_of(created("0001-01-01T00:00:00Z", at=at), ENDED)
    assert (run["outcome"], run["n_snapshots"]) == ("succeeded", 2)


def test_no_table_depends_on_the_order_of_answers_whose_clocks_differ() -> None:
    answers = [RUNNING, ENDED, created("0001-01-01T00:00:00Z", at=3.0)]
    assert all(rebuild(order) == rebuild(answers) for order in itertools.permutations(answers))
