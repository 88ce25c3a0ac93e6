"""Runs rebuilt from answers: merge, outcome, bounds, timeline."""

from __future__ import annotations

import itertools
import json

import pandas as pd
import pytest

from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer, Kind
from daganalysis.tables import BASE_TABLES
from tests.history.responses import dag, log_lines, node, ns, sub_task, when


def frame(name: str, *answers: Answer) -> pd.DataFrame:
    return BASE_TABLES[name].frame(rebuild(answers)[name])


def run_of(*answers: Answer) -> dict[str, object]:
    (row,) = frame("dags", *answers).to_dict("records")
    return {str(key): value for key, value in row.items()}


TWO_NODES = (node(sub_task()), node(sub_task("SUCCEED", 3.55, 5.0, gid="12"), start=3.5, end=5.5, gid="12", name="More"))
HEALTHY = dag(*TWO_NODES, stage=2, end=5.51)

FIRST_FAILED = dag(node(sub_task("FAILED", 1.05, 2.0, logs=["ERROR: broken"]), state="FAILED"), state="FAILED", at=10)
RETRY_ASKED = dag(
    node(sub_task("FAILED", 1.05, 2.0, logs=["ERROR: broken"]), state="PENDING", operator="RETRY", start=None, end=None),
    state="READY",
    start=None,
    end=None,
    at=59.5,
)
RETRIED = dag(
    node(sub_task("SUCCEED", 61.1, 62.0, times=3, logs=["ERROR: broken", "done"]), operator="RETRY", start=60.01, end=62.5),
    start=60.0,
    end=62.51,
    at=70,
)


def test_a_healthy_run_is_accounted_for_to_the_microsecond() -> None:
    table = frame("timeline", HEALTHY)
    assert [(c, round(s, 6)) for c, s in zip(table["category"], table["duration_s"], strict=True)] == [
        ("handoff", 0.01),
        ("dispatch", 0.04),
        ("execute", 0.95),
        ("detect", 0.5),
        ("handoff", 1.0),
        ("dispatch", 0.05),
        ("execute", 1.45),
        ("detect", 0.5),
        ("handoff", 0.01),
    ]
    assert run_of(HEALTHY)["elapsed_s"] == 4.51


def test_the_wait_of_a_polled_retry_is_the_operators() -> None:
    table = frame("timeline", FIRST_FAILED, RETRY_ASKED, RETRIED)
    wait = table[table["category"] == "wait_operator"]
    assert len(wait) == 1
    assert wait["started_at"].iloc[0] == pd.Timestamp(when(2.51))
    assert pd.Timestamp(when(59)) < wait["ended_at"].iloc[0] <= pd.Timestamp(when(59.5))
    assert wait["evidence"].iloc[0] == "inferred"


def test_a_retry_is_counted_once_however_often_it_was_seen() -> None:
    run = run_of(FIRST_FAILED, RETRY_ASKED, RETRIED, RETRIED)
    assert (run["retries_min"], run["retries_max"], run["outcome"], run["history"]) == (1, 1, "succeeded_after_retry", "partial")


def test_a_single_answer_of_a_retried_run_claims_no_elapsed_time() -> None:
    run = run_of(RETRIED)
    assert pd.isna(run["elapsed_s"])
    assert run["last_leg_s"] == 2.51
    assert (run["retries_min"], run["history"]) == (1, "last_leg")


def test_a_row_that_was_never_run_bounds_a_start_that_was_overwritten() -> None:
    unreached = node(sub_task("PENDING", 0.4, 0.4, gid="12", times=0), state="PENDING", start=0.4, end=0.4, gid="12")
    failed_again = dag(
        node(sub_task("FAILED", 61.1, 62.0, times=3, logs=["ERROR: broken"]), state="FAILED", operator="RETRY", start=60.01, end=62.5),
        unreached,
        state="FAILED",
        start=60.0,
        end=62.51,
    )
    run = run_of(failed_again)
    assert run["created_at"] == pd.Timestamp(when(0.4))
    assert pd.isna(run["started_at"])
    assert pd.isna(run["elapsed_s"])
    assert (run["elapsed_min_s"], run["elapsed_max_s"]) == (2.51, 62.11)


def test_a_hand_out_that_a_sub_task_answer_alone_shows_may_be_that_of_a_rollback() -> None:
    first = node(sub_task(), gid="12")
    failed = node(sub_task("FAILED", 3.05, 4.0, gid="13", logs=["ERROR: broken"]), state="FAILED", start=3.0, end=4.5, gid="13")
    body = json.dumps(sub_task("SUCCEED", 60.1, 60.2, operator="ROLLBACK", gid="13", times=2)).encode()
    later = Answer(Kind.SUB_TASK, "13", body, None, None, "b.json", "byte 0 /data", ns(61), 0, "other")
    run = run_of(dag(first, failed, state="FAILED", stage=2, end=4.51), later)
    assert (run["retries_min"], run["retries_max"]) == (0, 1)


def test_the_last_snapshot_decides_and_a_poorer_one_erases_nothing() -> None:
    brief = dag(*TWO_NODES, stage=2, end=5.51, at=200, details=False)
    tables = rebuild([HEALTHY, brief])
    assert tables["nodes"].num_rows == 2
    assert tables["dags"].column("n_snapshots").to_pylist() == [2]


def test_the_order_of_answers_is_irrelevant() -> None:
    answers = [FIRST_FAILED, RETRY_ASKED, RETRIED, HEALTHY]
    wanted = rebuild(answers)
    for shuffled in itertools.permutations(answers):
        for name, table in rebuild(shuffled).items():
            assert table.equals(wanted[name]), name


def test_an_id_that_comes_back_is_another_run() -> None:
    other = dag(node(sub_task("SUCCEED", 1000.05, 1001.0), start=1000.01, end=1001.5), start=1000.0, end=1001.51, at=1010)
    table = frame("dags", HEALTHY, dag(*TWO_NODES[:1], name="Drop tenant t1", at=300), other)
    assert table["run_id"].tolist() == ["11", "11#2", "11#3"]
    assert "id-came-back" in set(frame("issues", HEALTHY, other)["code"])


def test_a_dag_that_succeeded_twice_at_different_times_is_two() -> None:
    alike = dag(*TWO_NODES, stage=2, start=1.02, end=5.2, at=100.5)
    assert frame("dags", HEALTHY, alike, HEALTHY)["run_id"].tolist() == ["11", "11#2"]
    assert "id-came-back" in set(frame("issues", HEALTHY, alike)["code"])


def test_the_same_dag_run_anew_behind_an_id_is_told_by_its_counters() -> None:
    again = dag(node(sub_task("SUCCEED", 1000.05, 1001.0), start=1000.01, end=1001.5), start=1000.0, end=1001.51, at=1010)
    once = dag(node(sub_task()))
    assert frame("dags", once, again)["run_id"].tolist() == ["11", "11#2"]


def test_a_dag_that_starts_after_it_had_succeeded_is_another_run() -> None:
    again = dag(state="RUNNING", start=1000.0, end=None, max_stage=2, at=1010, details=False)
    assert frame("dags", HEALTHY, again)["outcome"].tolist() == ["succeeded", "running"]


def test_runs_of_one_id_in_two_clusters_are_two_runs() -> None:
    table = frame("dags", dag(node(sub_task()), cluster="a"), dag(node(sub_task()), cluster="b"))
    assert table["run_id"].tolist() == ["a/11", "b/11"]


@pytest.mark.parametrize(("state", "outcome"), [("RUNNING", "running"), ("READY", "not_started")])
def test_a_run_that_has_not_ended_has_no_elapsed_time(state: str, outcome: str) -> None:
    begun = node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01)
    waiting = node(sub_task("PENDING", 0.5, 0.5, times=0), state="PENDING", start=0.5, end=0.5)
    run = run_of(dag(begun if state == "RUNNING" else waiting, state=state, start=1.0 if state == "RUNNING" else 0.5, end=0.5))
    assert run["outcome"] == outcome
    assert pd.isna(run["elapsed_s"])
    assert pd.isna(run["ended_at"])


def test_a_skewed_agent_makes_no_negative_stretch() -> None:
    behind = dag(node(sub_task("SUCCEED", 0.95, 1.9)))
    table = frame("timeline", behind)
    assert (table["duration_s"] > 0).all()
    assert table["duration_s"].sum() == pytest.approx(1.51, abs=1e-9)


@pytest.mark.parametrize("ahead", [-7.0, 7.0])
def test_an_agent_whose_clock_is_off_by_seconds_costs_the_run_no_time(ahead: float) -> None:
    local = sub_task("SUCCEED", 61.05, 63.0)
    other = sub_task("SUCCEED", 61.05 + ahead, 63.0 + ahead, gid="12", ip="192.0.2.2")
    both = dag(node(local, other, start=61.01, end=63.5), start=61.0, end=63.51)
    assert run_of(both)["elapsed_s"] == 2.51
    assert frame("issues", both)["code"].tolist() == ["clocks-differ"]
    assert dict(categories(both))["execute"] >= 1.95
    assert frame("attempts", both)["started_at"].tolist() == [pd.Timestamp(when(61.05)), pd.Timestamp(when(61.05 + ahead))]


def test_stretches_follow_each_other_without_gap_or_overlap() -> None:
    table = frame("timeline", FIRST_FAILED, RETRY_ASKED, RETRIED)
    assert (table["ended_at"].iloc[:-1].to_numpy() == table["started_at"].iloc[1:].to_numpy()).all()
    assert table["ended_at"].iloc[-1] - table["started_at"].iloc[0] == pd.Timedelta(ns(62.51) - ns(1.0), "ns")


def test_an_unknown_state_passes_through_with_one_issue() -> None:
    odd = dag(node(sub_task("PAUSED")), node(sub_task("PAUSED", gid="12"), gid="12"))
    tables = rebuild([odd])
    assert BASE_TABLES["sub_tasks"].frame(tables["sub_tasks"])["outcome"].tolist() == ["unknown", "unknown"]
    assert BASE_TABLES["issues"].frame(tables["issues"])["code"].tolist() == ["unknown-state"]


def test_a_falling_counter_is_a_contradiction_and_the_higher_one_is_kept() -> None:
    older = dag(node(sub_task("FAILED", 1.05, 2.0), state="FAILED"), state="FAILED", at=90)
    tables = rebuild([RETRIED, older])
    assert "contradiction" in BASE_TABLES["issues"].frame(tables["issues"])["code"].tolist()
    assert tables["sub_tasks"].column("execute_times").to_pylist() == [3]


def test_torn_answers_are_no_contradiction() -> None:
    torn = dag(node(sub_task("RUNNING", 1.05, 0.5), state="RUNNING", end=1.01), state="RUNNING", at=10.2)
    finished = dag(node(sub_task("SUCCEED", 1.05, 2.0), state="RUNNING", end=1.01), state="RUNNING", at=10.1)
    assert frame("issues", finished, torn).empty


def categories(*answers: Answer) -> list[tuple[str, float]]:
    table = frame("timeline", *answers)
    return [(c, round(s, 3)) for c, s in zip(table["category"], table["duration_s"], strict=True)]


def test_where_every_hand_out_is_known_a_long_pause_is_a_wait() -> None:
    cancelled = node(sub_task("SUCCEED", 1.05, 2.0), operator="PASS", start=5.01, end=90.0)
    unreached = node(sub_task("SUCCEED", 0.4, 90.0, operator="PASS", gid="12", times=0), operator="PASS", start=0.4, end=90.0, gid="12")
    passed = dag(cancelled, unreached, operator="PASS", start=5.0, end=90.0)
    spent = dict(categories(passed))
    assert spent["wait_operator"] > 80
    assert "lost" not in spent
    assert frame("dags", passed)["outcome"].tolist() == ["passed"]


def test_the_wait_before_a_pass_is_known_although_an_old_server_wiped_the_start() -> None:
    seen = dag(node(sub_task("FAILED", 1.05, 2.0, logs=["ERROR: broken"]), state="FAILED"), state="FAILED", at=10)
    passed = node(sub_task("SUCCEED", 1.05, 90.0, operator="PASS", logs=["ERROR: broken"]), operator="PASS", end=90.0)
    assert categories(seen, dag(passed, operator="PASS", start=None, end=90.0))[-1] == ("wait_operator", 87.49)


def test_a_leg_that_ended_beyond_the_stages_known_of_it_is_no_long_hand_over() -> None:
    first = node(sub_task())
    started = dag(
        first, node(sub_task("PENDING", 0.4, 0.4, gid="12", times=0), state="PENDING", start=0.4, end=0.4, gid="12"), state="RUNNING"
    )
    failed = dag(state="FAILED", stage=2, end=20.0, max_stage=2, at=30, details=False)
    undone = node(
        sub_task("SUCCEED", 60.1, 60.2, operator="ROLLBACK", gid="12", times=2), operator="ROLLBACK", start=60.01, end=61.0, gid="12"
    )
    rolled_back = dag(first, undone, state="RUNNING", operator="ROLLBACK", stage=1, start=60.0, end=None, at=61.5)
    assert ("lost", 17.5) in categories(started, failed, rolled_back)


def test_headers_alone_tell_of_no_work_and_of_no_first_start() -> None:
    headers = [dag(state="FAILED", end=2.51, at=10, details=False), dag(start=60.0, end=70.0, at=90, details=False)]
    run = run_of(*headers)
    assert run["outcome"] == "unknown"
    assert (run["retries_min"], run["history"]) == (0, "outline")
    assert pd.isna(run["retries_max"])
    assert pd.isna(run["elapsed_s"])
    assert run["last_leg_s"] == 10.0


def test_headers_that_show_the_first_leg_running_bound_the_wait_and_leave_the_rest_unattributed() -> None:
    headers = [
        dag(state="RUNNING", end=0.4, at=1.5, details=False),
        dag(state="FAILED", end=2.51, at=40, details=False),
        dag(start=60.0, end=70.0, at=90, details=False),
    ]
    assert categories(*headers) == [("unattributed", 1.51), ("wait_operator", 37.49), ("unattributed", 20.0), ("unattributed", 10.0)]
    assert run_of(*headers)["elapsed_s"] == 69.0


def test_an_overwritten_attempt_had_failed_if_its_own_last_line_says_so() -> None:
    told = [(1, "ERROR: [A.B]: broken"), (3, "ERROR: mended, going on"), (3, "copied 7 files"), (5, "done")]
    work = sub_task("SUCCEED", 121.1, 122.0, times=5, gid="12", logs=[line for _, line in told])
    once = dag(node(work, operator="RETRY", start=120.0, end=122.5), start=119.9, end=122.6)
    attempts = frame("attempts", once, log_lines(12, *told))
    assert attempts["outcome"].tolist() == ["failed", "unknown", "not_succeeded", "succeeded", "succeeded"]
    assert attempts["evidence"].tolist() == ["inferred", "lost", "inferred", "inferred", "observed"]
    assert frame("attempts", once)["outcome"].tolist() == ["unknown", "unknown", "not_succeeded", "succeeded", "succeeded"]
