from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import retry_patterns
from daganalysis.errors import UsageError
from tests.analysis.runs import archive_of_runs, told_rows
from tests.profiles import examples
from tests.rows import archive_of, at

DISK, PORT = "ERROR: [Disk.Full]: disk full", "ERROR: [Port.InUse]: port in use"
AGAIN = ("rollback succeeded",)
ONCE = ["run failed", *AGAIN, "run succeeded"]
TWICE = ["run failed", *AGAIN, "run failed", *AGAIN, "run succeeded"]
FINE = ["run succeeded"]


def patterns(*runs, level="pattern"):
    return retry_patterns(archive_of_runs(*runs), level=level)


def test_a_pattern_says_after_what_how_often_and_whether_it_helped():
    runs = [
        told_rows("a", {"x": (ONCE, [DISK])}),
        told_rows("b", {"y": (["run failed", *AGAIN, "run failed"], [DISK, DISK])}, outcome="failed"),
        told_rows("c", {"x": (FINE, [])}),
        told_rows("d", {"x": (FINE, [])}),
    ]
    (row,) = patterns(*runs).to_dict("records")
    assert (row["workflow"], row["name"], row["error_code"]) == ("Create tenant", "Work", "Disk.Full")
    assert (row["n_runs"], row["n_retried"], row["retry_share"], row["succeeded_after_share"]) == (4, 2, 0.5, 0.5)
    assert (row["agents"], row["example_run_id"]) == ("x y", "a")


def test_the_error_is_that_before_each_retry():
    found = patterns(told_rows("a", {"x": (TWICE, [DISK, PORT])}))
    assert found[["error_code", "n_retried", "retries_p50"]].to_numpy().tolist() == [["Disk.Full", 1, 1.0], ["Port.InUse", 1, 1.0]]


def test_the_first_retry_and_the_second_have_their_own_chance():
    runs = [told_rows(f"t{i}", {"x": (TWICE, [DISK, DISK])}) for i in range(3)] + [told_rows("o", {"x": (ONCE, [DISK])})]
    found = patterns(*runs, level="nth")
    assert found[["nth", "n", "n_succeeded", "n_failed", "succeeded_share"]].to_numpy().tolist() == [[1, 4, 1, 3, 0.25], [2, 3, 3, 0, 1.0]]
    assert found["succeeded_low"].tolist() == pytest.approx([0.0063, 0.2924], abs=1e-3)


def test_sub_tasks_redone_together_are_one_retry_that_fails_if_one_does():
    run = told_rows("a", {"x": (ONCE, [DISK]), "y": (TWICE, [DISK, DISK]), "z": (FINE, [])})
    found = patterns(run, level="nth")
    assert found[["nth", "n", "n_succeeded", "n_failed"]].to_numpy().tolist() == [[1, 1, 0, 1], [2, 1, 1, 0]]
    assert patterns(run)["agents"].tolist() == ["x y"]


def test_overwritten_attempts_are_retries_all_the_same():
    lost = ["run unknown", "rollback succeeded", "run unknown", "rollback succeeded", "run succeeded"]
    found = patterns(told_rows("a", {"x": (lost, [DISK, PORT])}), level="nth")
    assert found[["nth", "n_succeeded", "n_failed"]].to_numpy().tolist() == [[1, 0, 1], [2, 1, 0]]


def test_a_retry_that_is_not_over_is_neither():
    found = patterns(told_rows("a", {"x": (["run failed", *AGAIN, "run running"], [DISK])}), level="nth").iloc[0]
    assert (found["n"], found["n_succeeded"], found["n_failed"]) == (1, 0, 0)
    assert found[["succeeded_share"]].isna().all()


def test_hand_shakes_and_rollbacks_are_no_retries():
    shake = told_rows("a", {"x": (["run waiting", *AGAIN, "run succeeded"], ["wait operator to advance"])}, name="Start observer")
    undone = told_rows("b", {"x": (["run succeeded", "rollback succeeded"], ["Rolling back..."])}, outcome="rolled_back")
    assert patterns(shake, undone).empty
    assert patterns(shake, undone, level="nth").empty
    assert patterns().empty


def test_the_cost_is_what_came_before_the_last_execution():
    run = told_rows("a", {"x": (ONCE, [DISK])})  # the stage's last execution begins at 50 s
    parts = [("handoff", 0, 1, None), ("execute", 1, 11, 1), ("wait_operator", 11, 49, 1), ("handoff", 49, 50, 1), ("execute", 50, 60, 1)]
    run["timeline"] = [
        {"run_id": "a", "seq": n, "category": category, "from_stage": from_stage, "to_stage": 1}
        | {"started_at": at(start), "ended_at": at(end), "duration_s": float(end - start)}
        for n, (category, start, end, from_stage) in enumerate(parts)
    ]
    assert patterns(run)[["cost_s", "wait_operator_s"]].to_numpy().tolist() == [[49.0, 38.0]]


@examples(2)
@given(st.permutations(range(6)))
def test_the_order_of_the_input_is_irrelevant(order):
    stories = [(ONCE, [DISK]), (TWICE, [DISK, PORT]), (FINE, [])] * 2
    runs = [told_rows(f"r{i}", {"x": story, "y": (FINE, [])}) for i, story in enumerate(stories)]
    for level in ("pattern", "nth"):
        assert patterns(*(runs[i] for i in order), level=level).equals(patterns(*runs, level=level))


def test_another_level_is_a_mistake():
    with pytest.raises(UsageError, match="no such level"):
        patterns(level="run")


@pytest.mark.parametrize(
    ("file", "bounds"), [("retried-polled.ndjson", (1, 1)), ("retried-one-answer.json", (1, 3)), ("rolled-back.json", (0, 1))]
)
def test_a_sub_task_was_retried_no_more_often_than_its_run(file, bounds):
    archive = da.load(f"sample_data/tenant/{file}")
    found = da.retries(archive)
    assert (found["retries_max"] <= archive.dags["retries_max"].item()).all()
    assert (found["retries_min"].max(), found["retries_max"].max()) == bounds


def test_a_sub_task_whose_dag_was_not_saved_is_listed_among_the_retries():
    task = {"stage": None, "task_gid": "7", "name": "Work", "execute_times": 3, "outcome": "succeeded", "task_logs": [DISK]}
    archive = archive_of(sub_tasks=[{"run_id": None, **task}, {"run_id": "a", **task, "execute_times": 1}])
    (row,) = da.retries(archive).to_dict("records")
    assert (row["task_gid"], row["execute_times"], row["error_code"]) == ("7", 3, "Disk.Full")
