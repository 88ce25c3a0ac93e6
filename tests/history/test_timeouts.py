"""Attempts that ran into their timeout of an hour: how long they ran is known, though their times were overwritten."""

from __future__ import annotations

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from tests.history.responses import dag, log_lines, node, sub_task, when

SCHEDULER, EXECUTOR = "sub task timeout", "ERROR: [Common.Unexpected]: Unexpected error: task 11 timeout"


def archive(*answers: Answer) -> da.Archive:
    return da.Archive.from_tables(rebuild(answers))


def retried(at: float, *lines: str) -> Answer:
    """The last leg of a run whose only sub-task was retried, from two seconds before ``at`` on."""
    work = sub_task("SUCCEED", at - 0.5, at - 0.2, times=3, logs=["working", *lines, "working"])
    return dag(node(work, operator="RETRY", start=at - 2, end=at - 0.1), start=at - 2.01, end=at - 0.09, at=at)


def running() -> Answer:
    """The first attempt at work, from 1.05 s on."""
    return dag(node(sub_task("RUNNING", 1.05, 0.0), state="RUNNING", end=1.01), state="RUNNING", end=0.0, at=30)


@pytest.mark.parametrize("line", [SCHEDULER, EXECUTOR])
def test_an_attempt_seen_running_that_timed_out_ran_for_an_hour(line):
    found = archive(running(), retried(5000, line))
    assert da.time_budget(found)["execute_s"].iloc[0] == pytest.approx(3600 + 0.3, abs=0.01)


def test_an_attempt_of_which_neither_time_is_known_is_an_hour_of_what_was_lost():
    first = dag(node(sub_task("READY", 0.0, 0.0), state="RUNNING", end=1.01), state="RUNNING", end=0.0, at=1.03)
    found = archive(first, retried(5000, EXECUTOR))
    assert da.time_budget(found)["execute_s"].iloc[0] == pytest.approx(3600.3)
    assert found.timeline.query("category == 'execute'")["evidence"].tolist() == ["inferred", "observed"]
    assert found.attempts["started_at"].isna().tolist() == [True, True, False]


def test_the_reader_is_told_between_which_instants_the_hour_lies():
    issues = archive(running(), retried(5000, EXECUTOR, "ERROR: broken")).issues.query("code == 'ran-into-timeout'")
    assert issues["message"].tolist() == [
        "sub-task 11 of stage 1, Work, ran into its timeout: 3600 s of work between 2025-01-01T00:00:01Z and 2025-01-01T01:23:18Z"
    ]


def test_a_pause_that_cannot_hold_an_hour_stays_lost():
    assert da.time_budget(archive(running(), retried(3000, EXECUTOR)))["execute_s"].iloc[0] < 60


def test_a_timeout_that_an_answer_showed_is_not_booked_twice():
    shown = sub_task("FAILED", 1.05, 3601.5, logs=[SCHEDULER])
    failed = dag(node(shown, state="FAILED", end=3601.6), state="FAILED", end=3601.6, at=3602)
    again = sub_task("FAILED", 9001.1, 9001.3, times=3, logs=[SCHEDULER, "ERROR: broken"])
    last = dag(node(again, operator="RETRY", state="FAILED", start=9000, end=9002), state="FAILED", start=9000, end=9002, at=9100)
    later = retried(20000, SCHEDULER, "ERROR: broken")
    assert da.time_budget(archive(failed, last, later))["execute_s"].iloc[0] < 3700


def test_where_attempts_time_out_sooner_an_hour_is_not_taken_for_granted():
    early = sub_task("FAILED", 1.05, 11.5, logs=[SCHEDULER])
    failed = dag(node(early, state="FAILED", end=11.6), state="FAILED", end=11.6, at=12)
    assert da.time_budget(archive(failed, retried(9000, SCHEDULER, SCHEDULER)))["execute_s"].iloc[0] < 60


def test_a_line_that_only_speaks_of_a_timeout_proves_none():
    said = "ERROR: [Common.Unexpected]: Unexpected error: watch task 7 timeout, will go on"
    assert da.time_budget(archive(running(), retried(5000, said)))["execute_s"].iloc[0] < 60


def test_two_sub_tasks_of_one_stage_that_timed_out_may_have_run_at_the_same_time():
    first = [sub_task("READY", 0.0, 0.0, gid=gid) for gid in ("11", "12")]
    begun = dag(node(*first, state="RUNNING", end=1.01), state="RUNNING", end=0.0, at=1.03)
    tasks = [sub_task("SUCCEED", 8999.5, 8999.8, gid=gid, times=3, logs=[SCHEDULER]) for gid in ("11", "12")]
    ended = dag(node(*tasks, operator="RETRY", start=8998, end=8999.9), start=8997.99, end=8999.91, at=9000)
    assert da.time_budget(archive(begun, ended))["execute_s"].iloc[0] == pytest.approx(3600.3)


def test_the_log_endpoint_tells_which_attempt_timed_out():
    found = archive(running(), retried(5000, EXECUTOR), log_lines(11, (1, EXECUTOR)))
    stretch = found.timeline.query("category == 'execute'").iloc[0]
    assert stretch["ended_at"] == pd.Timestamp(when(3601.05))
    assert found.attempts["outcome"].iloc[0] == "timeout"
