"""Requests that no log tells of: those which answers prove, and no others."""

from __future__ import annotations

import json
import random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from daganalysis.history.rebuild import rebuild
from daganalysis.reading import read_sources
from daganalysis.reading.answers import Answer
from daganalysis.tables import BASE_TABLES
from enginemodel import ROUGH, DagRun, answer, rough_run
from tests.history.responses import dag, node, ns, sub_task
from tests.profiles import examples

SECOND = 1_000_000
SEEDS = st.integers(0, 100_000)


def operations(*answers: Answer) -> pd.DataFrame:
    return BASE_TABLES["operations"].frame(rebuild(answers)["operations"])


def asked(*answers: Answer) -> list[tuple[str, int | None, str]]:
    """Operation, stage and actor of each request but the creating one."""
    rows = operations(*answers).query("operation != 'create'")
    return [(r["operation"], None if pd.isna(r["stage"]) else int(r["stage"]), r["actor"]) for r in rows.to_dict("records")]


def failed(*, start: float, end: float, at: float, operator: str = "RUN", node_operator: str = "RUN", times: int = 1) -> Answer:
    task = sub_task("FAILED", start + 0.05, end - 0.5, times=times, logs=["ERROR: x"])
    own = node(task, state="FAILED", start=start + 0.01, end=end - 0.01, operator=node_operator)
    return dag(own, state="FAILED", start=start, end=end, at=at, operator=operator)


def test_a_node_that_was_retried_proves_a_retry_between_the_failure_and_the_new_start() -> None:
    again = dag(
        node(sub_task("SUCCEED", 102.0, 103.0, times=3), operator="RETRY", start=100.01, end=104.0), start=100.0, end=104.1, at=200.0
    )
    (row,) = operations(failed(start=1.0, end=3.0, at=50.0), again).query("operation == 'retry'").to_dict("records")
    # The answer of 50 s still shows it FAILED; the clock of the agent that gave it may be five seconds off.
    assert (row["at_min"].value, row["at_max"].value) == (ns(45.0), ns(100.0))
    assert (row["stage"], row["actor"], row["result"], row["evidence"]) == (1, "person", "accepted", "answers")
    assert pd.isna(row["at"])


def test_one_answer_proves_the_retry_that_its_node_bears_the_mark_of() -> None:
    again = dag(
        node(sub_task("SUCCEED", 102.0, 103.0, times=3), operator="RETRY", start=100.01, end=104.0), start=100.0, end=104.1, at=200.0
    )
    assert asked(again) == [("retry", 1, "person")]


def test_counters_prove_retries_of_which_nothing_else_is_left() -> None:
    often = sub_task("SUCCEED", 102.0, 103.0, gid="12", times=7, logs=["ERROR: x"])
    run = dag(node(sub_task()), node(often, gid="12", operator="RETRY", start=100.01, end=104.0), start=100.0, end=104.1, at=200.0, stage=2)
    assert [row[0] for row in asked(run)] == ["retry"] * 3


def test_a_rollback_and_a_cancel_are_proven_by_the_operator_of_the_dag() -> None:
    undone = node(sub_task("SUCCEED", 100.5, 101.0, operator="ROLLBACK", times=2), operator="ROLLBACK", start=100.1, end=102.0)
    assert asked(dag(undone, operator="ROLLBACK", start=100.0, end=102.1, at=200.0)) == [("rollback", None, "person")]
    stopped = node(sub_task("FAILED", 1.05, 50.0, logs=["sub task cancelled"]), state="FAILED", operator="CANCEL", start=50.0, end=50.1)
    assert asked(dag(stopped, state="FAILED", operator="CANCEL", start=49.9, end=51.0, at=200.0)) == [("cancel", None, "person")]


def test_a_pass_bears_the_moment_of_its_request() -> None:
    passed = node(sub_task("SUCCEED", 1.05, 90.0, operator="PASS", logs=["ERROR: x"]), operator="PASS", start=1.01, end=90.0)
    (row,) = operations(dag(passed, operator="PASS", start=1.0, end=90.0, at=200.0)).query("operation == 'pass'").to_dict("records")
    assert row["at_max"].value == ns(90.0)


def test_a_node_that_was_passed_by_itself_is_one_request_and_no_retry() -> None:
    passed = node(sub_task("SUCCEED", 1.05, 90.0, operator="PASS", logs=["ERROR: x"]), operator="PASS", start=1.01, end=90.0)
    last = node(sub_task("SUCCEED", 93.0, 94.0, gid="12"), gid="12", start=92.0, end=95.0)
    run = dag(passed, last, start=91.0, end=95.1, at=200.0, stage=2)
    assert asked(failed_at_first_of_two(), run) == [("pass_node", 1, "person")]


def failed_at_first_of_two() -> Answer:
    first = node(sub_task("FAILED", 1.05, 2.0, logs=["ERROR: x"]), state="FAILED", start=1.01, end=3.0)
    second = node(sub_task("PENDING", 0.5, 0.5, gid="12", times=0), gid="12", state="PENDING", start=0.5, end=0.5)
    return dag(first, second, state="FAILED", start=1.0, end=3.0, at=50.0)


def test_a_run_that_nobody_touched_was_created_and_nothing_else() -> None:
    (row,) = operations(dag(node(sub_task()))).to_dict("records")
    assert (row["operation"], row["actor"], row["at_max"].value) == ("create", "person", ns(1.0))


def test_a_dag_that_an_agent_creates_when_it_starts_was_not_asked_for() -> None:
    assert operations(dag(node(sub_task()), name="Rebuild CLUSTER AGENT")).empty


def test_a_dag_that_waits_to_be_taken_up_again_tells_of_the_request_though_nothing_ran_since() -> None:
    pending = node(sub_task("FAILED", 1.05, 2.0, logs=["ERROR: x"]), state="PENDING", operator="RETRY", start=None, end=None)
    ready = dag(pending, state="READY", start=None, end=None, at=100.0)
    (row,) = operations(failed(start=1.0, end=3.0, at=50.0), ready).query("operation == 'retry'").to_dict("records")
    assert (row["at_min"].value, row["at_max"].value) == (ns(45.0), ns(105.0))


def test_a_dag_not_begun_yet_bounds_no_later_request() -> None:
    fresh = node(sub_task("PENDING", 0.5, 0.5, times=0), state="PENDING", start=0.5, end=0.5)
    ready = dag(fresh, state="READY", start=0.5, end=0.5, at=0.8)
    again = dag(
        node(sub_task("SUCCEED", 102.0, 103.0, times=3), operator="RETRY", start=100.01, end=104.0), start=100.0, end=104.1, at=200.0
    )
    (row,) = operations(ready, again).query("operation == 'retry'").to_dict("records")
    assert row["at_max"].value == ns(100.0)


def unexplained(run: DagRun, texts: list[bytes], slack_s: float) -> list[tuple[object, ...]]:
    """The rows that no true request explains, each true one explaining one row: those with the closest bounds choose first."""
    rows = operations(*read_sources(*texts).answers)
    rows = rows[rows["operation"] != "create"]
    width = (rows["at_max"] - rows["at_min"]).dt.total_seconds().fillna(float("inf"))
    open_ = [(run.maintainer.clock(t), "pass_node" if word == "node_pass" else word) for t, word, _ in run.requests]
    found = []
    for row in rows.assign(width=width).sort_values("width").to_dict("records"):
        low = row["at_min"].value / 1000 if not pd.isna(row["at_min"]) else 0
        high = row["at_max"].value / 1000 if not pd.isna(row["at_max"]) else float("inf")
        fits = [one for one in open_ if one[1] == row["operation"] and low - slack_s * SECOND <= one[0] <= high + slack_s * SECOND]
        if fits:
            open_.remove(max(fits))
        else:
            found.append((row["operation"], row["at_min"], row["at_max"]))
    return found


@pytest.mark.parametrize("conditions", [name for name in ROUGH if "clocks" not in name])
@examples(2, long=40)
@given(SEEDS, st.sampled_from([0.0, 0.02, 0.2, 1.0]))
def test_no_request_is_told_that_nobody_made(conditions: str, seed: int, share: float) -> None:
    run = rough_run(seed, ROUGH[conditions])
    last = (run.ended or run.pass_at) + 2 * SECOND
    rng = random.Random(seed)
    moments = [t for t in range(run.created + 200_000, last, 700_000) if rng.random() < share]
    texts = [json.dumps(answer(run, t)).encode() for t in [*moments[:400], last]]
    assert unexplained(run, texts, 1.0) == []


def test_a_retry_that_had_nothing_to_do_came_before_its_own_end() -> None:
    empty = node(sub_task("SUCCEED", 1.05, 2.0), operator="RETRY", start=50.0, end=50.0)
    (row,) = operations(dag(empty, node(gid="12", operator="PASS", start=52.0, end=90.0), start=91.0, end=95.0, at=200.0)).query(
        "operation == 'retry'"
    ).to_dict("records")  # fmt: skip
    assert pd.isna(row["at_min"]) or row["at_min"].value < ns(50.0)


def test_nodes_passed_at_the_end_of_a_dag_of_unknown_operator_are_no_requests_of_their_own() -> None:
    passed = node(sub_task("SUCCEED", 1.05, 90.0, operator="PASS", logs=["ERROR: x"]), operator="PASS", start=1.01, end=90.0)
    shown = dag(passed, start=1.0, end=90.0, at=200.0)
    assert asked(replace(shown, body=shown.body.replace(b'"operator": "RUN"', b'"operator": null'))) == []


def test_a_request_that_was_seen_bounds_only_the_leg_that_it_began() -> None:
    standing = failed(start=1.0, end=3.0, at=10.0)
    to_retry = dag(node(sub_task("FAILED", logs=["ERROR: x"]), state="PENDING", operator="RETRY", start=None, end=None), state="READY",
                   start=None, end=None, at=20.0)  # fmt: skip
    undone = node(sub_task("SUCCEED", 100.5, 101.0, operator="ROLLBACK", times=3), operator="ROLLBACK", start=100.1, end=102.0)
    rows = operations(standing, to_retry, dag(undone, operator="ROLLBACK", start=100.0, end=102.1, at=200.0))
    assert rows.set_index("operation")["at_max"]["rollback"].value == ns(100.0)


def test_a_node_that_was_retried_long_after_a_leg_began_proves_no_request_before_that_leg() -> None:
    first = dag(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01), state="RUNNING", start=1.0, end=None, at=1.5)
    again = node(sub_task("SUCCEED", 51.5, 52.0, times=3), operator="RETRY", start=50.0, end=53.0)
    late = dag(again, node(sub_task(gid="12", start=93.0, end=94.0), gid="12", start=92.0, end=95.0), start=90.0, end=95.0, at=200.0)
    assert operations(first, late).query("operation == 'retry'")["at_max"].min().value >= ns(50.0)


def test_counters_of_filtered_answers_do_not_bound_when_requests_came() -> None:
    often = sub_task("SUCCEED", 1.05, 2.0, gid="12", times=5, logs=["ERROR: x"])
    run = dag(
        node(often, gid="12", operator="ROLLBACK", state="PENDING", start=None, end=None), start=100.0, end=104.1, at=200.0, max_stage=3
    )
    latest = operations(run).query("operation in ['retry', 'rollback']")["at_max"]
    assert len(latest)
    assert latest.min().value >= ns(200.0)
