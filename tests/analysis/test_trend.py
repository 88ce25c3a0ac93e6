from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis import trend
from daganalysis.statistics.change_points import largest_split, split_p
from daganalysis.tables.results import TREND
from tests.analysis.runs import archive_of_runs, run_rows, series
from tests.profiles import examples
from tests.rows import at

DAY = 86_400.0


def level(n, seconds, seed=1):
    rng = random.Random(seed)
    return [seconds * (1 + rng.uniform(-0.05, 0.05)) for _ in range(n)]


def shifts(archive):
    return trend(archive)[["name", "at_run_id", "n_before", "n_after"]].fillna("whole").to_numpy().tolist()


def test_a_shift_says_where_since_which_run_and_by_how_much():
    found = trend(series({"A": level(30, 10), "B": [*level(20, 20, 2), *level(10, 30, 3)]}))
    row = found[found["name"] == "B"].iloc[0]
    assert (row["at_run_id"], row["n_before"], row["n_after"]) == ("r020", 20, 10)
    assert row["at"].value == at(20 * DAY)
    assert (row["before_s"], row["after_s"], row["ratio"]) == pytest.approx((20, 30, 1.5), rel=0.05)
    assert row["confidence"] > 0.99
    assert found["name"].fillna("whole").tolist() == ["B", "whole"]


def test_one_spike_is_no_alarm_nor_are_four():
    values = level(30, 20)
    for spike in (7, 15, 16, 17):
        values[spike] = 200.0
    assert trend(series({"A": values})).empty


def test_a_level_of_five_runs_at_the_end_is_found_and_one_of_four_waited_for():
    assert shifts(series({"A": [*level(30, 20), *level(5, 40)]}))[0] == ["A", "r030", 30, 5]
    assert trend(series({"A": [*level(30, 20), *level(3, 40)]})).empty


def test_there_and_back_are_two_shifts():
    found = shifts(series({"A": [*level(15, 20), *level(15, 40), *level(15, 20)]}))
    assert [row for row in found if row[0] == "A"] == [["A", "r015", 15, 15], ["A", "r030", 15, 15]]


def test_a_shift_of_less_than_a_tick_or_ten_percent_is_none():
    assert trend(series({"A": [*level(20, 1.0), *level(20, 1.5)]})).empty
    assert trend(series({"A": [100.0 + i / 100 for i in range(20)] + [106.0 + i / 100 for i in range(20)]})).empty


def test_fewer_than_ten_runs_show_nothing():
    assert trend(series({"A": [1.0] * 4 + [100.0] * 5})).columns.tolist() == TREND.names


def test_constant_durations_are_no_shift():
    assert trend(series({"A": [5.0] * 40})).empty


def test_histories_of_clusters_and_sizes_are_apart():
    # Taken together the larger runs, which begin later, would be a shift.
    small = [run_rows(f"s{i:02d}", {"A": 10.0 + i / 50}, started=i * DAY, n_agents=3, cluster="a") for i in range(15)]
    large = [run_rows(f"t{i:02d}", {"A": 20.0 + i / 50}, started=(15 + i) * DAY, n_agents=9, cluster="a") for i in range(15)]
    other = [run_rows(f"u{i:02d}", {"A": 40.0 + i / 50}, started=(30 + i) * DAY, n_agents=9, cluster="b") for i in range(15)]
    assert trend(archive_of_runs(*small, *large, *other)).empty


def test_runs_that_failed_are_no_part_of_the_history():
    failed = [run_rows(f"f{i}", {"A": 1.0}, started=(40 + i) * DAY, outcome="failed") for i in range(10)]
    good = [run_rows(f"g{i:02d}", {"A": 20.0 + i / 40}, started=i * DAY) for i in range(20)]
    assert trend(archive_of_runs(*good, *failed)).empty


@examples(2)
@given(st.permutations(range(24)))
def test_the_order_of_the_input_is_irrelevant(order):
    runs = [run_rows(f"r{i:02d}", {"A": (10.0 if i < 12 else 20.0) + i / 40}, started=i * DAY) for i in range(24)]
    assert trend(archive_of_runs(*(runs[i] for i in order))).equals(trend(archive_of_runs(*runs)))


@given(st.integers(10, 400))
def test_the_best_split_possible_is_the_least_probable(n):
    assert split_p(largest_split(n), n, 5) <= split_p(largest_split(n) * 0.9, n, 5)


def test_a_slow_drift_is_told_as_a_drift_and_not_as_shifts():
    noise = level(100, 1.0)
    found = trend(series({"A": [20 * (1 + i / 100) * noise[i] for i in range(100)]}))
    row = found[found["name"] == "A"].iloc[0]
    assert found["kind"].unique().tolist() == ["drift"]
    assert (row["before_s"], row["after_s"]) == pytest.approx((20, 40), rel=0.1)


def test_slow_weekends_are_told_as_a_cycle_of_a_week():
    noise = level(84, 1.0)
    found = trend(series({"A": [(30.0 if i % 7 < 5 else 45.0) * noise[i] for i in range(84)]}))
    assert found["kind"].unique().tolist() == ["cycle"]
    assert found["period_s"].unique().tolist() == [7 * DAY]
