"""Attempts rebuilt from the snapshots of a sub-task."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.engine.records import SubTask
from daganalysis.history.attempts import rebuild_attempts
from daganalysis.history.evidence import TaskSnapshot
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from daganalysis.tables import ATTEMPTS, SUB_TASKS
from tests.history.responses import dag, node, sub_task, when


def attempts(*answers: Answer) -> pd.DataFrame:
    return ATTEMPTS.frame(rebuild(answers)["attempts"])


def shown(task: dict[str, object], at: float, **of_node: object) -> Answer:
    return dag(node(task, **of_node), at=at)


FAILED = sub_task("FAILED", 1.05, 2.0, logs=["ERROR: broken"])
ROLLED_BACK = sub_task("SUCCEED", 60.1, 60.2, operator="ROLLBACK", times=2, logs=["ERROR: broken", "Rolling back..."])
REDONE = sub_task("SUCCEED", 61.1, 62.0, times=3, logs=["ERROR: broken", "Rolling back...", "done"])


def test_one_success_is_one_observed_run() -> None:
    (row,) = attempts(shown(sub_task(), 10)).to_dict("records")
    assert (row["attempt"], row["kind"], row["outcome"], row["evidence"]) == (1, "run", "succeeded", "observed")
    assert row["started_at"] == pd.Timestamp(when(1.05))
    assert row["duration_s"] == 0.95


def test_a_polled_retry_shows_run_rollback_and_run() -> None:
    table = attempts(
        shown(FAILED, 10, state="FAILED"),
        shown(ROLLED_BACK, 60.5, state="RUNNING", operator="RETRY", start=60.0, end=60.0),
        shown(REDONE, 70, operator="RETRY", start=60.0, end=62.5),
    )
    assert table["kind"].tolist() == ["run", "rollback", "run"]
    assert table["outcome"].tolist() == ["failed", "succeeded", "succeeded"]
    assert set(table["evidence"]) == {"observed"}


def test_a_single_answer_of_a_retried_run_observes_its_last_attempt_alone() -> None:
    table = attempts(shown(REDONE, 70, operator="RETRY", start=60.0, end=62.5))
    assert table["evidence"].tolist() == ["inferred", "inferred", "observed"]
    assert table["kind"].tolist() == ["run", "rollback", "run"]
    assert table["started_at"].isna().tolist() == [True, True, False]
    assert table["outcome"].tolist() == ["failed", "succeeded", "succeeded"]


def test_what_no_order_of_hand_outs_implies_is_lost() -> None:
    redone = sub_task("SUCCEED", 61.1, 62.0, times=5)
    assert attempts(shown(redone, 70, operator="RETRY", start=60.0, end=62.5))["evidence"].tolist() == [
        "inferred",
        "lost",
        "inferred",
        "inferred",
        "observed",
    ]


def test_a_ready_row_still_shows_the_attempt_before_it() -> None:
    again = sub_task("READY", 1.05, 2.0, operator="ROLLBACK", times=2, logs=None)
    table = attempts(shown(again, 60.05, state="RUNNING", operator="RETRY", start=60.0, end=60.0))
    assert table["evidence"].tolist() == ["inferred", "observed"]
    assert table["ended_at"].tolist()[0] == pd.Timestamp(when(2.0))
    assert table["outcome"].tolist()[1] == "ready"
    assert table["started_at"].isna().tolist() == [False, True]


def test_a_running_row_shows_when_the_attempt_before_it_ended() -> None:
    again = sub_task("RUNNING", 60.1, 2.0, operator="ROLLBACK", times=2)
    table = attempts(shown(again, 60.15, state="RUNNING", operator="RETRY", start=60.0, end=60.0))
    assert table["ended_at"].tolist() == [pd.Timestamp(when(2.0)), pd.NaT]
    assert table["outcome"].tolist()[1] == "running"


def test_a_pass_is_no_attempt_and_leaves_the_last_one_failed() -> None:
    passed = sub_task("SUCCEED", 1.05, 300.0, operator="PASS", logs=["sub task timeout"])
    (row,) = attempts(shown(passed, 310, operator="PASS", end=300.0)).to_dict("records")
    assert (row["outcome"], row["evidence"], row["ended_at"]) == ("timeout", "inferred", pd.NaT)


def test_a_passed_sub_task_that_never_ran_has_no_attempt() -> None:
    never = sub_task("SUCCEED", 0.5, 300.0, operator="PASS", times=0)
    tables = rebuild([shown(never, 310, operator="PASS", start=0.5, end=300.0)])
    assert tables["attempts"].num_rows == 0
    assert SUB_TASKS.frame(tables["sub_tasks"])["started_at"].isna().all()


def test_a_sub_task_cancelled_before_it_began_has_no_start() -> None:
    waiting = dag(node(sub_task("READY", 0.5, 0.5), state="RUNNING", end=1.01), state="RUNNING", end=None, at=2)
    cancelled = sub_task("FAILED", 0.5, 5.0, logs=["sub task cancelled"])
    table = attempts(
        waiting, dag(node(cancelled, state="FAILED", operator="CANCEL", start=5.0, end=5.01), state="FAILED", operator="CANCEL", at=9)
    )
    (row,) = table.to_dict("records")
    assert row["outcome"] == "cancelled_before_start"
    assert row["started_at"] is pd.NaT


def test_late_lines_after_a_cancel_do_not_hide_it() -> None:
    cancelled = sub_task("FAILED", 1.05, 5.0, logs=["sub task cancelled", "ERROR: context canceled"])
    assert attempts(shown(cancelled, 9, state="FAILED", operator="CANCEL", start=5.0, end=5.01))["outcome"].tolist() == ["cancelled"]


def test_a_duration_is_null_where_start_and_end_contradict_each_other() -> None:
    odd = sub_task("SUCCEED", 5.0, 4.0)
    assert attempts(shown(odd, 9))["duration_s"].isna().all()


def test_late_lines_after_a_timeout_do_not_hide_it() -> None:
    given_up = sub_task("FAILED", 1.05, 5.0, logs=["sub task timeout", "ERROR: context canceled"])
    rolled_back = sub_task("SUCCEED", 60.1, 60.2, operator="ROLLBACK", times=2, logs=["sub task timeout", "ERROR: context canceled"])
    again = sub_task("FAILED", 61.1, 62.0, times=3, logs=["sub task timeout", "ERROR: context canceled", "ERROR: broken"])
    table = attempts(shown(given_up, 9, state="FAILED"), shown(rolled_back, 60.5), shown(again, 70, state="FAILED", operator="RETRY"))
    assert table["outcome"].tolist() == ["timeout", "succeeded", "failed"]


def test_a_failed_attempt_has_the_line_it_ended_with_in_a_table_of_its_own() -> None:
    lines = ["ERROR: [Common.DirNotEmpty]: dir a is not empty", "Rolling back...", "done"]
    [row] = rebuild([dag(node(sub_task(times=3, logs=lines), operator="RETRY"))])["failed_attempts"].to_pylist()
    assert (row["attempt"], row["line"], row["error_code"], row["evidence"]) == (1, lines[0], "Common.DirNotEmpty", "observed")


def test_what_succeeded_at_once_leaves_no_failed_attempt() -> None:
    assert rebuild([dag(node(sub_task(logs=["ERROR: a poll that went on"])))])["failed_attempts"].num_rows == 0


def test_an_attempt_that_no_answer_shows_ran_on_the_agent_of_its_sub_task_unless_the_scheduler_chose_it_anew() -> None:
    lost = sub_task("SUCCEED", 61.1, 62.0, times=3, logs=["ERROR: broken", "done"], gid="11", ip="192.0.2.7")
    beside = sub_task(gid="12", ip="192.0.2.8")
    alone = attempts(dag(node(lost, operator="RETRY"), at=70))
    parallel = attempts(dag(node(lost, beside, operator="RETRY"), at=70))
    assert alone.loc[alone["evidence"] != "observed", "agent"].isna().all()
    assert set(parallel.loc[parallel["task_gid"] == "11", "agent"]) == {"192.0.2.7:2886"}


LINES = st.sampled_from(
    ["copied", "ERROR: broken", "ERROR: A and will try again[1/3].", "sub task timeout", "sub task cancelled", "wait operator to advance"]
)
ROWS = st.builds(
    SubTask,
    st.just("11"),
    state=st.sampled_from(["PENDING", "READY", "RUNNING", "FAILED", "SUCCEED", "SUCCEED", "SUCCEED"]),
    operator=st.sampled_from(["RUN", "RUN", "RUN", "ROLLBACK", "PASS"]),
    start=st.sampled_from([None, 10, 10, 12]),
    end=st.sampled_from([None, 20, 20, 22]),
    execute_times=st.sampled_from([None, 0, 1, 1, 1, 2, 3, 5, 12]),
    agent_ip=st.sampled_from([None, "192.0.2.1", "192.0.2.1", "192.0.2.2"]),
    agent_port=st.just(2886),
    logs=st.none() | st.lists(LINES, max_size=4),
)


@given(st.lists(st.builds(lambda at, row: TaskSnapshot(at, at, row), st.integers(30, 33), ROWS), min_size=1, max_size=3))
def test_attempts_of_successes_alike_are_those_that_the_rules_find(snapshots):
    by_rules = {99: ["a line of an attempt that no answer counts"]}
    assert rebuild_attempts(snapshots) == rebuild_attempts(snapshots, written=by_rules)


def test_the_end_of_a_run_that_a_rollback_still_shows_may_be_the_time_of_a_pass() -> None:
    running = sub_task("RUNNING", 90.0, 50.0, operator="ROLLBACK", times=2)
    ends = [
        attempts(shown(running, 91.0, state="RUNNING", start=89.9, end=89.9, operator=operator))["ended_at"].iloc[0]
        for operator in ("RETRY", "ROLLBACK")
    ]
    assert ends[0] == pd.Timestamp(when(50.0))
    assert pd.isna(ends[1])


def test_a_pass_leaves_the_agent_of_the_last_attempt() -> None:
    passed = sub_task("SUCCEED", 1.05, 50.0, operator="PASS", logs=["ERROR: broken"])
    assert attempts(shown(passed, 60, operator="PASS", end=50.0))["agent"].tolist() == ["192.0.2.1:2886"]


def test_how_an_attempt_ended_that_a_pass_may_have_ended_is_unknown() -> None:
    running, ended = sub_task("RUNNING", 1.05, 0.5), sub_task("SUCCEED", 1.05, 50.0) | {"operator": None}
    table = attempts(shown(running, 2, state="RUNNING", end=1.01), shown(ended, 60, operator="PASS", end=50.0))
    assert table["outcome"].tolist() == ["unknown"]
