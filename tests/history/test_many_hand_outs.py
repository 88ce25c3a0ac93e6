"""Counters so large that not every hand-out can be a row."""

from __future__ import annotations

import pytest

import daganalysis as da
from daganalysis.history.rebuild import rebuild
from daganalysis.tables import BASE_TABLES
from tests.history.responses import dag, node, sub_task


def tables(n_tasks, times, **of_task):
    tasks = [sub_task("FAILED", 61.1, 62.0, gid=str(100 + n), times=times, **of_task) for n in range(n_tasks)]
    built = rebuild([dag(node(*tasks, state="FAILED", operator="RETRY", start=60.0, end=62.5), at=70)])
    return {name: BASE_TABLES[name].frame(table) for name, table in built.items()}, da.Archive.from_tables(built)


@pytest.mark.parametrize("times", [1, 2, 40, 100])
def test_a_counter_of_an_ordinary_run_makes_as_many_rows(times):
    assert tables(3, times)[0]["attempts"].groupby("task_gid").size().tolist() == [times] * 3


@pytest.mark.parametrize("times", [1_000, 99_999, 100_000])
def test_rows_are_bounded_by_the_sub_tasks_and_not_by_the_counter(times):
    found, _ = tables(40, times)
    assert len(found["attempts"]) <= 40 * 101
    assert found["attempts"]["attempt"].max() == times
    assert found["sub_tasks"]["execute_times"].eq(times).all()
    assert found["issues"]["code"].tolist().count("hand-outs-not-listed") == 1


@pytest.mark.long
def test_more_sub_tasks_get_fewer_rows_each():
    assert len(tables(2_000, 99_999)[0]["attempts"]) <= 2_000 * 21


def test_hand_outs_without_a_row_still_count_in_the_bounds_of_retries():
    (run,) = tables(1, 99_999)[0]["dags"].to_dict("records")
    assert run["retries_min"] <= 49_999 <= run["retries_max"]
    assert run["retries_max"] >= 99_998


def test_every_analysis_of_one_archive_works_on_them():
    archive = tables(3, 99_999)[1]
    for name in ("summary", "retries", "retry_patterns", "failures", "time_budget", "stage_latency", "stragglers", "runs", "trouble"):
        assert getattr(da, name)(archive) is not None, name
