"""Waits that answers prove, although more than a wait lies hidden in the same pause."""

from __future__ import annotations

import pandas as pd

from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from daganalysis.tables import BASE_TABLES
from tests.history.responses import dag, node, sub_task, when

BROKEN = ["ERROR: broken"]


def timeline(*answers: Answer) -> pd.DataFrame:
    return BASE_TABLES["timeline"].frame(rebuild(answers)["timeline"])


def failed(at: float) -> Answer:
    return dag(node(sub_task("FAILED", 1.05, 2.0, logs=BROKEN), state="FAILED"), state="FAILED", at=at)


def retried_twice() -> Answer:
    """The last leg of a run that was retried twice."""
    work = sub_task("SUCCEED", 901.1, 902.0, times=5, logs=BROKEN * 2)
    return dag(node(work, operator="RETRY", start=900.01, end=902.5), start=900.0, end=902.51, at=1000)


def test_a_pause_with_a_hidden_leg_is_a_wait_as_long_as_answers_show_the_dag_standing() -> None:
    waits = timeline(failed(10), failed(600), retried_twice()).query("category == 'wait_operator'")
    assert waits["started_at"].tolist() == [pd.Timestamp(when(2.51))]
    assert waits["ended_at"].tolist() == [pd.Timestamp(when(600))]
    assert waits["evidence"].tolist() == ["observed"]


def test_what_follows_the_last_answer_that_shows_it_standing_stays_lost() -> None:
    lost = timeline(failed(10), failed(600), retried_twice()).query("category == 'lost'")
    assert lost["started_at"].min() == pd.Timestamp(when(600))


def test_a_wait_ends_at_the_latest_where_the_next_leg_begins() -> None:
    spans = timeline(failed(10), failed(901), retried_twice())
    assert spans.query("category == 'wait_operator'")["ended_at"].max() <= pd.Timestamp(when(900))
    assert round(spans["duration_s"].sum(), 6) == 901.51


def test_when_what_an_answer_shows_running_still_failed_is_unknown_and_so_is_the_wait_after_it() -> None:
    work = sub_task("FAILED", 1.05, 2.0, logs=BROKEN)
    running = dag(node(work, state="RUNNING", end=1.01), state="RUNNING", end=0.5, at=50.0)
    again = sub_task("SUCCEED", 101.1, 102.0, times=3, logs=BROKEN)
    spans = timeline(running, dag(node(again, operator="RETRY", start=100.01, end=102.5), start=100.0, end=102.51))
    assert "wait_operator" not in set(spans["category"])
    assert spans.query("category == 'unattributed'")["duration_s"].sum() > 95
