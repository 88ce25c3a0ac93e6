"""Requests that no answer shows any more: what they may have been, and how the time around them is booked."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from msgspec.structs import replace

import daganalysis as da
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer, Kind
from daganalysis.tables import BASE_TABLES
from tests.history.responses import dag, log_lines, node, ns, sub_task, when

DONE = node(sub_task("SUCCEED", 1.05, 2.0, gid="11"), gid="11", start=1.02, end=3.0)


def frame(name: str, *answers: Answer) -> pd.DataFrame:
    return BASE_TABLES[name].frame(rebuild(answers)[name])


def run_of(*answers: Answer) -> dict[str, Any]:
    (row,) = frame("dags", *answers).to_dict("records")
    return {str(name): value for name, value in row.items()}


def spent(*answers: Answer) -> dict[str, float]:
    seconds = frame("timeline", *answers).groupby("category")["duration_s"].sum()
    return {str(category): round(float(total), 2) for category, total in seconds.items()}


def never_run(gid: str) -> dict[str, Any]:
    return node(sub_task("PENDING", 0.5, 0.5, gid=gid, times=0, logs=None), gid=gid, state="PENDING", start=0.5, end=0.5)


def passed(gid: str, start: float, until: float, *, times: int, task_start: float, logs: list[str] | None = None) -> dict[str, Any]:
    task = sub_task("SUCCEED", task_start, until, gid=gid, operator="PASS", times=times, logs=logs)
    return node(task, gid=gid, operator="PASS", start=start, end=until)


def test_a_rollback_whose_marks_a_pass_overwrote_is_proven_by_where_the_dag_stands() -> None:
    first = passed("11", 100.02, 900.0, times=2, task_start=100.05)
    undone = node(
        sub_task("SUCCEED", 98.03, 98.07, gid="12", operator="ROLLBACK", times=2), gid="12", operator="PASS", start=98.0, end=900.0
    )
    run = dag(first, undone, operator="PASS", stage=1, start=97.9, end=900.0, at=1000.0)
    assert (run_of(run)["retries_min"], run_of(run)["rollbacks_min"], run_of(run)["rollbacks_max"]) == (0, 1, 1)
    assert set(frame("timeline", run)["direction"]) == {"rollback"}


def test_a_cancel_before_any_hand_out_may_have_made_the_first_hand_out_a_retry() -> None:
    redone = node(
        sub_task("SUCCEED", 302.0, 304.5, gid="12", times=3, logs=["ERROR: x"]), gid="12", operator="RETRY", start=300.02, end=304.9
    )
    run = run_of(dag(DONE, redone, stage=2, start=300.0, end=305.0, at=900.0))
    assert (run["retries_min"], run["retries_max"]) == (1, 2)


def test_a_passed_node_that_left_a_sub_task_rolled_back_was_rolled_back() -> None:
    undone = sub_task("SUCCEED", 60.05, 60.1, operator="ROLLBACK", times=2)
    run = run_of(dag(node(undone, operator="PASS", start=60.01, end=90.0), start=91.0, end=92.0))
    assert (run["outcome"], run["rollbacks_min"], run["rollbacks_max"]) == ("succeeded_with_node_pass", 1, 1)


def test_each_stage_may_have_been_cancelled_before_its_first_hand_out() -> None:
    undone = [
        node(
            sub_task(start=start, end=start + 1, gid=gid, operator="ROLLBACK", times=2), gid=gid, operator="ROLLBACK", start=start, end=95.0
        )
        for gid, start in (("11", 92.0), ("12", 90.0))
    ]
    run = run_of(dag(*undone, operator="ROLLBACK", stage=1, start=90.0, end=95.0))
    assert (run["retries_min"], run["retries_max"], run["rollbacks_min"], run["rollbacks_max"]) == (0, 2, 1, 1)


def test_what_began_after_its_dag_had_been_started_did_not_bear_its_creation_time() -> None:
    work = sub_task("RUNNING", 0.555, 0.5)
    running = dag(node(work, state="RUNNING", start=0.54, end=0.54), state="RUNNING", start=0.53, end=0.5, at=3.0)
    gone = sub_task("FAILED", 0.555, 5.0, logs=["sub task cancelled"])
    after = dag(node(gone, state="FAILED", operator="CANCEL", start=5.0, end=5.01), state="FAILED", operator="CANCEL", start=4.99, end=6.0)
    created = sub_task("READY", 0.5, 0.5, gid="11")
    begun = dag(node(created, state="RUNNING", start=0.54, end=0.54), state="RUNNING", start=0.53, end=0.5, at=0.551)
    for answers in ([running, after], [begun, after]):
        assert frame("attempts", *answers)["outcome"].tolist() == ["cancelled"]


def test_the_wait_of_a_node_cancelled_before_any_hand_out_ends_where_it_was_passed() -> None:
    cancelled = node(
        sub_task("PENDING", 0.5, 0.5, gid="12", times=0, logs=None), gid="12", state="FAILED", operator="CANCEL", start=4.12, end=4.13
    )
    seen = dag(DONE, cancelled, never_run("13"), state="FAILED", operator="CANCEL", stage=2, start=4.1, end=5.1, at=6.0)
    after = node(sub_task("SUCCEED", 303.05, 304.0, gid="13"), gid="13", start=303.0, end=305.0)
    last = dag(DONE, passed("12", 4.12, 300.5, times=0, task_start=0.5), after, stage=3, start=301.0, end=305.003, at=400.0)
    assert spent(seen, last)["wait_operator"] == 295.4
    assert "lost" not in spent(seen, last)


def test_a_leg_hidden_behind_a_passed_node_is_lost() -> None:
    cancelled = node(
        sub_task("FAILED", 4.05, 10.02, gid="12", logs=["sub task cancelled"]),
        gid="12",
        state="FAILED",
        operator="CANCEL",
        start=10.0,
        end=10.03,
    )
    seen = dag(DONE, cancelled, never_run("13"), state="FAILED", operator="CANCEL", stage=2, start=9.99, end=11.0, at=13.0)
    redone = node(sub_task("SUCCEED", 602.0, 1800.0, gid="13", times=3), gid="13", operator="RETRY", start=600.02, end=1801.0)
    behind = passed("12", 10.0, 100.0, times=1, task_start=4.05, logs=["sub task cancelled"])
    last = dag(DONE, behind, redone, stage=3, start=600.0, end=1801.5, at=2000.0)
    assert spent(seen, last)["lost"] >= 500
    assert spent(seen, last)["handoff"] < 5


def test_before_4_3_1_the_work_before_a_pass_is_no_wait() -> None:
    failed = node(sub_task("FAILED", 1.05, 4.0, logs=["ERROR: x"]), state="FAILED", start=1.02, end=4.9)
    seen = dag(failed, never_run("12"), state="FAILED", end=5.0, at=8.0)
    redone = node(sub_task("SUCCEED", 61.05, 62.0, times=3), operator="RETRY", start=60.02, end=63.0)
    last = dag(redone, passed("12", 64.0, 3700.0, times=1, task_start=64.03), operator="PASS", stage=2, start=None, end=3700.0, at=4000.0)
    assert spent(seen, last)["lost"] > 3600
    assert spent(seen, last)["wait_operator"] == 3.0


def test_what_wrote_lines_had_begun_however_soon_after_its_creation() -> None:
    cancelled = node(
        sub_task("FAILED", 0.546, 12.0, logs=["generate config", "sub task cancelled"]),
        state="FAILED",
        operator="CANCEL",
        start=12.0,
        end=12.01,
    )
    run = dag(cancelled, never_run("12"), state="FAILED", operator="CANCEL", start=11.99, end=13.0)
    assert frame("attempts", run)["outcome"].tolist() == ["cancelled"]


def test_a_log_answer_from_the_middle_of_a_run_does_not_outweigh_its_verdict() -> None:
    cancelled = node(
        sub_task("FAILED", 1.05, 4.0, gid="11", logs=["dropping", "sub task cancelled"]),
        state="FAILED",
        operator="CANCEL",
        start=4.0,
        end=4.01,
    )
    run = dag(cancelled, state="FAILED", operator="CANCEL", start=3.99, end=5.0)
    assert frame("attempts", run, log_lines(11, (1, "dropping"), at=2.0))["outcome"].tolist() == ["cancelled"]


def test_what_was_cancelled_and_then_retried_is_known_by_its_only_ending_line() -> None:
    work = sub_task("SUCCEED", 62.0, 78.0, times=3, logs=["drop", "sub task cancelled", "Rolling back", "drop"])
    run = dag(node(work, operator="RETRY", start=60.02, end=79.0), start=60.0, end=80.0)
    assert frame("attempts", run)["outcome"].tolist() == ["cancelled", "succeeded", "succeeded"]


def test_a_leg_has_one_direction() -> None:
    undone = node(
        sub_task("SUCCEED", 60.1, 60.2, gid="12", operator="ROLLBACK", times=2), gid="12", operator="ROLLBACK", start=60.0, end=61.0
    )
    run = dag(DONE, undone, state="RUNNING", operator="ROLLBACK", stage=1, start=59.9, end=None, at=62.0)
    directions = frame("timeline", run).groupby("leg")["direction"].nunique()
    assert directions.tolist() == [1] * len(directions)


def test_what_ran_before_a_later_stage_and_was_rolled_back_with_the_dag_had_succeeded() -> None:
    polling = ["wait", *["ERROR: get remote dag failed"] * 5, "is succeed", "no need to rollback"]
    first = sub_task("SUCCEED", 902.1, 902.5, gid="11", operator="ROLLBACK", times=2, logs=polling)
    second = sub_task("SUCCEED", 900.1, 900.2, gid="12", operator="ROLLBACK", times=2, logs=["ERROR: bad", "rb"])
    nodes = [
        node(first, gid="11", operator="ROLLBACK", start=902.0, end=904.0),
        node(second, gid="12", operator="ROLLBACK", start=900.0, end=901.0),
    ]
    run = dag(*nodes, operator="ROLLBACK", start=899.9, end=905.0, at=1000.0)
    assert frame("attempts", run)["outcome"].tolist() == ["succeeded", "succeeded", "unknown", "succeeded"]


@pytest.mark.parametrize(
    ("rolled_back_at", "lines", "outcome"),
    [
        (902.1, ["work", "Rolling back"], "succeeded"),
        (902.1, ["work", "sub task cancelled", "Rolling back"], "unknown"),
        (902.1, ["work", "sub task timeout", "Rolling back", "gone"], "unknown"),
        (30.0, ["work", "Rolling back", "gone"], "unknown"),
    ],
    ids=["nothing speaks against it", "cancelled", "timed out", "rolled back before the later stage began"],
)
def test_what_a_retry_rolled_back_and_did_not_run_again_had_not_succeeded(rolled_back_at: float, lines: list[str], outcome: str) -> None:
    first = sub_task("SUCCEED", rolled_back_at, rolled_back_at + 0.5, gid="11", operator="ROLLBACK", times=2, logs=lines)
    second = sub_task("FAILED", 40.0, 41.0, gid="12", logs=["ERROR: bad"])
    nodes = [
        node(first, state="PENDING", gid="11", operator="ROLLBACK", start=None, end=None),
        node(second, state="RUNNING", gid="12", operator="ROLLBACK", start=900.0, end=900.0),
    ]
    run = dag(*nodes, state="RUNNING", operator="ROLLBACK", stage=2, start=899.9, end=None, at=1000.0)
    assert frame("attempts", run)["outcome"].tolist() == [outcome, "succeeded", "failed"]


def test_work_that_was_rolled_back_and_not_done_again_is_told_with_its_stage_and_agent() -> None:
    undone = sub_task("SUCCEED", 50.05, 51.0, times=2, operator="ROLLBACK", ip="192.0.2.7")
    stages = [node(undone, operator="RETRY", start=50.01, end=52.0, name="Open archive log"), DONE | {"id": "12", "sub_tasks": []}]
    messages = frame("issues", dag(*stages, stage=2, start=49.9, end=54.6)).set_index("code")["message"]
    told = "the work of stage 1, Open archive log, was rolled back on 192.0.2.7:2886 and not done again, but the run went on"
    assert messages["rolled-back-not-redone"] == told


def test_a_pass_that_a_rollback_hid_on_the_node_is_known_by_its_sub_task() -> None:
    task = sub_task("SUCCEED", 1.05, 60.0, gid="11", operator="PASS", logs=["ERROR: x"])
    undone = node(task, gid="11", state="PENDING", operator="ROLLBACK", start=None, end=None)
    redone = node(
        sub_task("SUCCEED", 302.0, 304.5, gid="12", times=4, logs=["ERROR: x"]), gid="12", operator="RETRY", start=300.02, end=304.9
    )
    answer = dag(undone, redone, stage=2, start=300.0, end=305.0, at=900.0)
    assert run_of(answer)["outcome"] == "succeeded_with_node_pass"
    (request,) = frame("operations", answer).query("operation == 'pass_node'").to_dict("records")
    assert (request["stage"], request["at_max"].value) == (1, ns(60.0))
    (sentence,) = da.runs(da.Archive.from_tables(rebuild([answer])))["conclusion"]
    assert "a person passed stage 1" in sentence


def test_a_rollback_run_that_goes_on_after_a_cancel_leaves_no_wait() -> None:
    cancelled = {"state": "RUNNING", "operator": "CANCEL", "start": 60.0, "end": None, "max_stage": 2}
    waits = node(sub_task("SUCCEED", 1.05, 2.0, gid="11"), gid="11", state="PENDING", operator="CANCEL", start=None, end=None)
    goes_on = sub_task("RUNNING", 50.05, 10.0, gid="12", operator="ROLLBACK", times=2, logs=["ERROR: x"])
    shown = dag(waits, node(goes_on, gid="12", state="RUNNING", operator="ROLLBACK", start=50.0, end=50.0), stage=2, at=100.0, **cancelled)
    back = sub_task("SUCCEED", 900.05, 901.0, gid="12", operator="ROLLBACK", times=3, logs=["ERROR: x"])
    again = node(back, gid="12", operator="ROLLBACK", start=900.01, end=902.0)
    later = dag(waits, again, state="RUNNING", operator="ROLLBACK", stage=2, start=900.0, end=None, at=903.0)
    assert "wait_operator" not in spent(shown, later)


def test_a_cancel_after_the_end_of_an_attempt_did_not_end_it() -> None:
    logs = ["sub task cancelled", "ERROR: x"]
    before = sub_task("FAILED", 3.0, 4.0, gid="11", operator="ROLLBACK", times=2, logs=logs)
    assert outcomes(node(before, state="FAILED", operator="CANCEL", start=5.0, end=5.01)) == ["unknown", "failed"]
    ended_by_it = {**before, "end_time": when(5.0)}
    assert outcomes(node(ended_by_it, state="FAILED", operator="CANCEL", start=5.0, end=5.01)) == ["unknown", "cancelled"]
    untold = {**before, "end_time": None}
    assert outcomes(node(untold, state="FAILED", operator="CANCEL", start=5.0, end=5.01)) == ["unknown", "not_succeeded"]


def outcomes(stopped: dict[str, Any]) -> list[str]:
    answer = dag(stopped, state="FAILED", operator="CANCEL", start=4.9, end=6.0)
    return [str(outcome) for outcome in frame("attempts", answer)["outcome"]]


def test_a_cancel_leaves_room_for_one_more_rollback_also_where_only_its_line_is_left() -> None:
    logs = ["sub task cancelled", "Rolling back..."]
    undone = node(sub_task("SUCCEED", 60.05, 60.1, operator="ROLLBACK", times=2, logs=logs), operator="ROLLBACK", start=60.0, end=61.0)
    seen = [node(sub_task("FAILED", 1.05, 5.0, logs=logs[:1]), state="FAILED", operator="CANCEL", start=5.0, end=5.01)]
    last = dag(undone, operator="ROLLBACK", start=59.9, end=61.01)
    richer = run_of(dag(*seen, state="FAILED", operator="CANCEL", start=4.9, end=6.0, at=20.0), last)
    assert (richer["rollbacks_max"], run_of(last)["rollbacks_max"]) == (2, 2)


def test_nobody_was_waited_for_before_a_cancel_because_what_has_ended_cannot_be_cancelled() -> None:
    filtered = node(sub_task("SUCCEED", 1.05, 2.0), state="FAILED", operator="CANCEL", start=40.0, end=40.01)
    created = dag(
        node(sub_task("PENDING", 0.5, 0.5, times=0), state="PENDING", start=0.5, end=0.5), state="READY", start=0.5, end=0.5, at=0.6
    )
    time = spent(created, dag(filtered, state="FAILED", operator="CANCEL", start=39.99, end=41.02))
    assert (time.get("wait_operator"), time["unattributed"]) == (None, pytest.approx(37.99, abs=0.01))


def test_a_rollback_that_only_a_node_shows_counts_beside_one_whose_leg_is_known() -> None:
    line = ["ERROR: x"]
    first = node(sub_task("FAILED", 60.05, 60.1, operator="ROLLBACK", times=2, logs=line), state="FAILED", operator="ROLLBACK", start=60.0)
    rolled_back = dag({**first, "end_time": when(61.0)}, state="FAILED", operator="ROLLBACK", start=59.9, end=61.01, at=100.0)
    again = node(
        sub_task("FAILED", 300.05, 300.1, operator="ROLLBACK", times=3, logs=line), state="FAILED", operator="ROLLBACK", start=300.0
    )
    passed_now = node(sub_task("SUCCEED", 300.05, 400.0, operator="PASS", times=3, logs=line), operator="PASS", start=300.0, end=400.0)
    torn = dag({**again, "end_time": when(301.0)}, state="READY", start=None, end=None, at=401.0)
    run = run_of(rolled_back, torn, dag(passed_now, start=401.0, end=402.0, at=500.0))
    assert run["rollbacks_max"] == 2


FAILS = ["ERROR: [X.Y]: no"]


def rolled_back(gid: str, start: float, state: str = "SUCCEED", *, times: int = 2) -> dict[str, Any]:
    task = sub_task(state, start + 0.02, start + 0.1, gid=gid, operator="ROLLBACK", times=times, logs=FAILS)
    return node(task, gid=gid, state=state, operator="ROLLBACK", start=start, end=start + 1)


def test_a_rollback_whose_leg_a_pass_overwrote_counts_beside_the_one_before_it() -> None:
    resumed = [dag(DONE, rolled_back("12", at, "FAILED", times=n), state="FAILED", operator="ROLLBACK", stage=2, start=at, end=at + 1,
                   at=at + 9) for n, at in ((2, 50.0), (3, 100.0))]  # fmt: skip
    undone = sub_task("SUCCEED", 200.02, 200.1, gid="12", operator="ROLLBACK", times=4, logs=FAILS)
    passed_dag = dag(
        DONE, node(undone, gid="12", operator="PASS", start=200.0, end=300.0), operator="PASS", stage=2, start=199.9, end=300.0, at=400.0
    )
    run = run_of(*resumed, passed_dag)
    assert (run["rollbacks_min"], run["rollbacks_max"]) == (2, 3)


def test_a_rollback_walks_down_so_a_higher_stage_belongs_to_another_one() -> None:
    first = dag(
        DONE, rolled_back("12", 50.0), never_run("13"), state="RUNNING", operator="ROLLBACK", stage=2, start=49.9, end=None, at=50.5
    )
    last = dag(
        DONE,
        node(sub_task(gid="12", operator="ROLLBACK", start=50.02, end=50.1, times=2), gid="12", operator="ROLLBACK", start=50.0, end=51.0),
        node(sub_task(gid="13", operator="ROLLBACK", start=90.1, end=90.2, times=2), gid="13", operator="PASS", start=90.0, end=99.0),
        stage=3, start=100.0, end=101.0, at=200.0,
    )  # fmt: skip
    assert run_of(first, last)["rollbacks_max"] >= 2


def test_what_a_rollback_of_unknown_end_hands_out_again_belongs_to_another_request() -> None:
    failed = dag(node(sub_task("FAILED", logs=FAILS), state="FAILED"), state="FAILED", at=10.0)
    running = dag(
        node(sub_task("RUNNING", 50.1, 2.0, operator="ROLLBACK", times=2), state="RUNNING", operator="ROLLBACK", start=50.0, end=50.0),
        state="RUNNING", operator="ROLLBACK", start=49.9, end=None, at=51.0,
    )  # fmt: skip
    undone = dag(rolled_back("11", 200.0, times=4), operator="ROLLBACK", start=199.9, end=201.1, at=300.0)
    lines = log_lines(11, (1, FAILS[0]), (2, "Rolling back..."), (2, FAILS[0]), (3, FAILS[0]), (4, "Rolling back..."))
    run = run_of(failed, running, undone, lines)
    assert (run["rollbacks_min"], run["rollbacks_max"], run["retries_max"]) == (2, 3, 1)


def test_the_rollback_of_a_success_is_no_retry() -> None:
    tasks = [sub_task("SUCCEED", 1.05, 2.0, gid="11"), sub_task("FAILED", 1.05, 2.0, gid="12", logs=FAILS)]
    failed = dag(node(*tasks, state="FAILED", end=3.0), state="FAILED", end=3.0, at=10.0)
    undone = sub_task("SUCCEED", 50.1, 50.2, gid="11", operator="ROLLBACK", times=2)
    again = sub_task("SUCCEED", 101.1, 101.2, gid="12", times=4, logs=FAILS)
    run = run_of(failed, dag(node(undone, again, operator="RETRY", start=100.0, end=102.0), start=99.9, end=102.0, at=200.0))
    assert run["rollbacks_min"] == 1


def test_a_rollback_whose_leg_is_not_known_counts_beside_one_that_failed_before_it() -> None:
    nodes = [rolled_back("11", 50.0, "FAILED"), never_run("12"), never_run("13")]
    first = dag(*nodes, state="FAILED", operator="ROLLBACK", start=49.9, end=51.0, at=60.0)
    undone = sub_task("SUCCEED", 90.02, 99.0, gid="12", operator="PASS", times=2, logs=FAILS)
    passed_again = [passed("11", 50.0, 80.0, times=2, task_start=50.02), node(undone, gid="12", operator="PASS", start=90.0, end=99.0)]
    run = run_of(first, dag(*passed_again, never_run("13"), stage=3, start=100.0, end=101.0, at=200.0))
    assert run["rollbacks_max"] == 2


def test_a_stage_that_was_executed_after_the_newest_answer_of_its_dag_proves_no_rollback() -> None:
    nodes = [DONE, never_run("12")]
    known = dag(*nodes, state="RUNNING", start=1.0, end=0.5, at=3.5)
    started = sub_task("RUNNING", 4.1, 0.5, gid="12")
    later = Answer(Kind.SUB_TASK, "12", json.dumps(started).encode(), None, None, "later.json", "byte 0 /data", ns(5.0), 0, "trace5")
    assert run_of(known, later)["rollbacks_min"] == 0


def test_a_log_answer_that_fits_sub_tasks_of_two_agents_equally_well_tells_of_neither() -> None:
    gids = [f"2{2130706433 + agent:010d}0288611" for agent in range(2)]
    runs = [dag(node(sub_task(gid=gid, logs=["working"]), gid=gid), gid=gid, at=50.0) for gid in gids]
    lines = log_lines(11, (1, "working"))
    task_ids = [run.nodes[0].replace(b'"task_id": 8611', b'"task_id": 11') for run in runs]
    told = [replace(run, nodes=[text]) for run, text in zip(runs, task_ids, strict=True)]
    alone = frame("issues", told[0], lines)
    both = frame("issues", *told, lines)
    assert "orphan-logs" not in set(alone["code"])
    assert both.loc[both["code"].eq("orphan-logs"), "message"].tolist() == ["the logs 11 fit 2 sub-tasks of this archive equally well"]
