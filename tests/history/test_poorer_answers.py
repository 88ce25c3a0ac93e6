"""Poorer answers never claim more than richer ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pandas as pd
import pytest

from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from daganalysis.tables import BASE_TABLES
from tests.history.responses import dag, node, sub_task

BROKEN = ["ERROR: [X.Y]: broken"]


def frame(name: str, *answers: Answer) -> pd.DataFrame:
    return BASE_TABLES[name].frame(rebuild(answers)[name])


def run_of(*answers: Answer) -> dict[str, Any]:
    (row,) = frame("dags", *answers).to_dict("records")
    return {str(name): value for name, value in row.items()}


def bounds(run: dict[str, Any], name: str) -> tuple[object, object]:
    high = run[f"{name}_max"]
    return run[f"{name}_min"], None if pd.isna(high) else high


A = node(sub_task(gid="11"), gid="11", name="A", start=1.01, end=16.0)
B = node(sub_task("FAILED", 17.02, 20.0, gid="12", logs=BROKEN), gid="12", state="FAILED", start=17.0, end=21.0, name="B")
C = node(sub_task("PENDING", 0.4, 0.4, gid="13", times=0, logs=None), gid="13", state="PENDING", start=0.4, end=0.4, name="C")


def failed(*nodes: dict[str, Any], at: float = 60.0) -> Answer:
    return dag(*nodes, state="FAILED", stage=2, max_stage=3, end=21.01, at=at)


def without(task: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {name: value for name, value in task.items() if name not in fields}


def test_a_filtered_list_keeps_the_true_stages_and_names_no_work_of_the_engine() -> None:
    tables = rebuild([failed(B, C)])
    assert tables["nodes"].column("stage").to_pylist() == [2, 3]
    timeline = BASE_TABLES["timeline"].frame(tables["timeline"])
    assert timeline.iloc[0][["category", "duration_s"]].tolist() == ["lost", 16.0]
    assert "nodes-missing" in frame("issues", failed(B, C))["code"].tolist()


def test_a_stage_that_nothing_proves_is_null() -> None:
    orphan = dag(A, B, C, state="SUCCEED", stage=9, max_stage=9, start=700.0, end=800.0)
    assert frame("nodes", orphan)["stage"].isna().all()


def test_a_node_without_an_id_keeps_its_place_in_the_list() -> None:
    nodes = frame("nodes", failed(A | {"id": None}, B, C))
    assert nodes[["node_gid", "stage"]].to_numpy().tolist() == [["12", 2], ["13", 3]]


def test_stages_that_follow_each_other_at_once_have_none_between_them() -> None:
    second = node(sub_task(gid="15"), gid="15", start=17.0, end=19.0)
    last = node(sub_task(gid="16"), gid="16", start=20.02, end=22.0)
    nodes = frame("nodes", dag(A, second, last, stage=6, max_stage=6, start=0.5, end=22.003))
    assert nodes["stage"].tolist() == [4, 5, 6]


def test_two_filtered_answers_merge_by_id() -> None:
    assert frame("nodes", failed(A, C, at=50), failed(B, at=60))[["node_gid", "stage"]].to_numpy().tolist() == [
        ["11", 1],
        ["12", 2],
        ["13", 3],
    ]


def test_an_answer_without_details_is_an_outline() -> None:
    run = run_of(dag(stage=5, max_stage=5, end=30.0, details=False))
    assert (run["history"], run["outcome"]) == ("outline", "unknown")
    assert (bounds(run, "retries"), bounds(run, "rollbacks")) == ((0, None), (0, None))
    assert frame("issues", dag(stage=5, max_stage=5, end=30.0, details=False))["code"].tolist() == ["details-missing"]


def test_a_leg_that_fails_no_later_than_the_one_before_was_retried() -> None:
    legs = [dag(state="FAILED", stage=2, max_stage=5, start=start, end=start + 10, at=start + 60, details=False) for start in (0, 120, 210)]
    run = run_of(*legs, dag(stage=5, max_stage=5, start=300, end=330, at=360, details=False))
    assert bounds(run, "retries") == (2, None)


def test_one_answer_that_shows_the_first_leg_running_excludes_every_request() -> None:
    first = dag(state="RUNNING", start=1.0, end=0.4, at=2.0, max_stage=5, details=False)
    run = run_of(first, dag(stage=5, max_stage=5, start=1.0, end=30.0, details=False))
    assert (run["outcome"], bounds(run, "retries")) == ("succeeded", (0, 0))


def test_a_brief_answer_of_what_may_be_a_child_does_not_say_who_was_waited_for() -> None:
    legs = [
        dag(name="Stop observer", state="FAILED", start=1.0, end=5.0, at=10.0, max_stage=2, details=False),
        dag(name="Stop observer", start=600.0, end=610.0, at=700.0, stage=2, max_stage=2, details=False),
    ]
    assert set(frame("timeline", *legs)["category"]) == {"unattributed"}
    assert run_of(legs[0])["outcome"] == "unknown"


def test_without_a_counter_the_first_execution_of_a_node_is_still_the_first() -> None:
    task = without(sub_task(), "execute_times")
    run = dag(node(task))
    assert frame("attempts", run)[["attempt", "outcome", "evidence"]].to_numpy().tolist() == [[1, "succeeded", "observed"]]
    assert run_of(run)["history"] == "outline"
    assert bounds(run_of(run), "retries") == (0, 0)


def test_without_a_counter_the_last_attempt_of_a_retried_node_has_no_number() -> None:
    task = without(sub_task("SUCCEED", 61.1, 62.0), "execute_times")
    retried = dag(node(task, operator="RETRY", start=60.01, end=62.5), start=60.0, end=62.51)
    attempts = frame("attempts", retried)
    assert attempts["attempt"].isna().all()
    assert attempts["outcome"].tolist() == ["succeeded"]
    assert bounds(run_of(retried), "retries") == (1, None)


def test_a_node_without_sub_tasks_keeps_its_time_unattributed() -> None:
    run = dag(node() | {"sub_tasks": None})
    spent = frame("timeline", run).groupby("category")["duration_s"].sum().round(3).to_dict()
    assert spent == {"handoff": 0.02, "unattributed": 1.49}


@pytest.mark.parametrize("logs", [None, ["working"]])
def test_a_failure_without_a_line_of_its_own_is_not_called_a_failure(logs: list[str] | None) -> None:
    task = sub_task("FAILED", 1.05, 2.0) | {"task_logs": logs}
    assert frame("attempts", dag(node(task, state="FAILED"), state="FAILED"))["outcome"].tolist() == ["not_succeeded"]


def test_details_of_one_answer_are_enough() -> None:
    whole = failed(A, B, C)
    brief = msgspec.structs.replace(whole, nodes=None, observed_at=(whole.observed_at or 0) + 10**9)
    assert run_of(whole, brief)["history"] == run_of(whole)["history"] == "complete"


def test_nodes_of_before_the_newest_leg_do_not_tell_that_it_is_the_first() -> None:
    waiting = [node(sub_task("PENDING", 0.4, 0.4, times=0), state="PENDING", start=0.4, end=0.4)]
    before = dag(*waiting, state="READY", start=0.4, end=0.4, at=0.6)
    run = run_of(before, dag(start=30.0, end=90.0, at=95.0, max_stage=1, details=False))
    assert pd.isna(run["elapsed_s"])
    assert (run["elapsed_min_s"], run["elapsed_max_s"]) == (60.0, pytest.approx(89.6))


def test_the_mark_of_a_retry_counts_though_the_node_has_no_times() -> None:
    task = sub_task(start=5.0, end=9.0, times=3)
    run = run_of(dag(without(node(task, operator="RETRY"), "start_time", "end_time"), end=9.5))
    assert (run["outcome"], bounds(run, "retries")[0]) == ("succeeded_after_retry", 1)


def test_where_sub_tasks_are_missing_a_pause_between_legs_is_no_wait() -> None:
    early = dag(A, B | {"sub_tasks": None}, C, state="RUNNING", stage=2, max_stage=3, end=0.4, at=20.0)
    late = dag(A, B | {"sub_tasks": None, "operator": "RETRY"}, C, state="FAILED", stage=2, start=500.0, end=521.0, max_stage=3, at=600.0)
    assert "wait_operator" not in frame("timeline", early, late)["category"].tolist()


@pytest.mark.parametrize("counters", [(None,), (0, None), ()])
def test_a_passed_node_without_counters_may_never_have_begun(counters: tuple[int | None, ...]) -> None:
    passed = [sub_task("SUCCEED", 0.4, 60.0, gid=f"1{n}", operator="PASS", times=times) for n, times in enumerate(counters, start=3)]
    last = node(*passed, gid="13", operator="PASS", start=0.4, end=60.0, name="C")
    answer = dag(A, B | {"operator": "PASS", "state": "SUCCEED"}, last, operator="PASS", stage=2, end=60.0)
    assert run_of(answer)["elapsed_s"] == 59.0
    assert pd.isna(frame("nodes", answer)["started_at"].iloc[2])


def test_the_mark_of_a_retry_counts_though_neither_times_nor_sub_tasks_are_known() -> None:
    retried = {**node(operator="RETRY"), "start_time": None, "sub_tasks": None}
    run = run_of(dag(retried, start=90.0, end=99.0))
    assert (run["outcome"], *bounds(run, "retries")) == ("succeeded_after_retry", 1, None)


def test_nodes_without_operators_do_not_tell_what_people_did() -> None:
    answer = dag(without(A, "operator"), stage=1, end=16.01)
    run = run_of(answer)
    assert (run["outcome"], *bounds(run, "retries"), *bounds(run, "rollbacks")) == ("unknown", 0, None, 0, None)
    (issue,) = frame("issues", answer).to_dict("records")
    assert issue["message"] == "no answer shows the operators of some of its nodes"


def test_a_pass_of_an_old_version_hides_the_leg_that_it_ended() -> None:
    first = dag(state="FAILED", start=1.0, end=20.0, at=30.0, max_stage=3, details=False)
    running = dag(state="RUNNING", start=1.0, end=0.5, at=10.0, max_stage=3, details=False)
    passed = dag(operator="PASS", start=None, end=90.0, at=99.0, max_stage=3, details=False)
    run = run_of(running, first, passed)
    assert (bounds(run, "retries"), bounds(run, "rollbacks")) == ((0, None), (0, None))
    timeline = BASE_TABLES["timeline"].frame(rebuild([running, first, passed])["timeline"])
    assert timeline.groupby("category")["duration_s"].sum().to_dict() == {"unattributed": 79.0, "wait_operator": 10.0}


def test_a_success_without_an_operator_may_have_been_a_pass() -> None:
    last = node(without(sub_task(start=17.1, end=60.0, gid="13"), "operator"), gid="13", start=17.0, end=60.0, name="C")
    nodes = frame("nodes", dag(A, without(last, "operator"), stage=2, end=60.0))
    assert nodes["started_at"].notna().all()
    assert nodes["ended_at"].notna().tolist() == [True, False]


def test_a_rollback_may_account_for_hand_outs_where_no_operator_tells() -> None:
    last = node(without(sub_task("FAILED", 90.1, 95.0, gid="12", times=4), "operator"), gid="12", state="FAILED", start=90.0, end=95.0)
    run = run_of(dag(A, without(last, "operator"), state="FAILED", stage=2, start=89.0, end=95.0))
    assert bounds(run, "retries") == (0, None)


def test_a_passed_stage_without_counters_worked_for_an_unknown_time() -> None:
    running = node(without(sub_task("PENDING", 0.5, 0.5), "execute_times"), state="RUNNING", start=1.01, end=1.01)
    passed = node(without(sub_task("SUCCEED", 1.05, 90.0, operator="PASS"), "execute_times"), operator="PASS", start=1.01, end=90.0)
    answers = [dag(running, state="RUNNING", start=1.0, end=0.5, at=1.02), dag(passed, operator="PASS", start=1.0, end=90.0)]
    timeline = BASE_TABLES["timeline"].frame(rebuild(answers)["timeline"])
    assert "wait_operator" not in set(timeline["category"])


def test_where_the_nodes_of_a_later_leg_are_unknown_a_pause_before_it_is_no_wait() -> None:
    ended = node(sub_task(gid="12", start=17.02, end=20.0), gid="12", state="RUNNING", start=17.0, end=17.0, name="B")
    shown = dag(A, ended, C, state="RUNNING", stage=2, max_stage=3, end=0.5, at=21.0)
    later = dag(state="FAILED", stage=2, max_stage=3, start=3700.0, end=3720.0, at=3800.0, details=False)
    timeline = BASE_TABLES["timeline"].frame(rebuild([shown, later])["timeline"])
    assert "wait_operator" not in set(timeline["category"])


def test_nodes_shown_before_anything_was_handed_out_show_no_attempts() -> None:
    waiting = node(sub_task("PENDING", 0.4, 0.4, times=0, logs=None), state="PENDING", start=0.4, end=0.4)
    run = run_of(dag(waiting, state="READY", start=0.4, end=0.4, at=0.6), dag(start=30.0, end=90.0, at=95.0, max_stage=1, details=False))
    assert run["history"] == "outline"


def test_a_retried_node_all_of_whose_sub_tasks_succeeded_at_once_lacks_the_one_that_failed() -> None:
    retried = node(sub_task(start=1.05, end=2.0), operator="RETRY", start=60.01, end=61.0)
    assert run_of(dag(retried, start=60.0, end=61.01))["history"] == "outline"
    handed_out_after_a_cancel = node(sub_task(start=60.05, end=60.9), operator="RETRY", start=60.01, end=61.0)
    assert run_of(dag(handed_out_after_a_cancel, start=60.0, end=61.01))["history"] != "outline"


def test_attempts_without_starts_still_show_that_a_leg_is_hidden() -> None:
    task = sub_task("FAILED", None, 3.0, gid="11", logs=BROKEN)
    stands = dag(node(task, state="FAILED", end=4.0), state="FAILED", end=4.01, at=50.0)
    again = sub_task("SUCCEED", None, 301.0, gid="11", operator="ROLLBACK", times=3, logs=BROKEN)
    back = dag(node(again, operator="ROLLBACK", start=300.0, end=302.0), operator="ROLLBACK", start=299.9, end=302.01, at=310.0)
    timeline = BASE_TABLES["timeline"].frame(rebuild([stands, back])["timeline"])
    assert timeline[timeline["category"] == "wait_operator"]["duration_s"].sum() == pytest.approx(50.0 - 4.01)


@pytest.mark.parametrize("field", ["state", "operator"])
def test_a_field_of_a_sub_task_that_no_answer_has_is_named(field: str) -> None:
    answers = dag(node(without(sub_task(), field)))
    assert frame("issues", answers)["message"].tolist() == [f"no answer shows the {field}s of some of its sub-tasks"]
