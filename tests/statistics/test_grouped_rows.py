from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.statistics.grouped_rows import GroupedRows
from tests.profiles import examples

VALUES = st.integers(-20, 20).map(float)
ROWS = st.lists(st.tuples(st.integers(0, 5), VALUES), min_size=1, max_size=40)


def groups_of(rows):
    groups = GroupedRows(np.array([group for group, _ in rows]), 6)
    return groups, np.array([value for _, value in rows]), [[value for own, value in rows if own == group] for group in range(6)]


@examples(100)
@given(ROWS)
def test_each_group_has_the_median_of_its_own_values(rows):
    groups, values, members = groups_of(rows)
    expected = [statistics.median(own) if own else math.nan for own in members]
    np.testing.assert_array_equal(groups.medians(values), expected)


@examples(100)
@given(ROWS, st.floats(0, 1))
def test_quantiles_are_those_of_numpy(rows, share):
    groups, values, members = groups_of(rows)
    expected = [np.quantile(own, share) if own else math.nan for own in members]
    assert groups.quantiles(values, [share])[0] == pytest.approx(expected, nan_ok=True)


@examples(100)
@given(ROWS)
def test_the_median_of_the_others_leaves_out_one_value_of_the_row(rows):
    doubled = rows + rows  # each group with two rows at least
    groups, values, _ = groups_of(doubled)
    others = [
        [value for place, (own, value) in enumerate(doubled) if own == group and place != at] for at, (group, _) in enumerate(doubled)
    ]
    assert groups.medians_of_others(values).tolist() == [statistics.median(own) for own in others]


@examples(50)
@given(ROWS)
def test_least_largest_and_sum_are_of_the_rows_of_the_group(rows):
    groups, values, members = groups_of(rows)
    for by, of_python in ((np.minimum, min), (np.maximum, max), (np.add, sum)):
        assert groups.reduced(values, by, 99.0).tolist() == [of_python(own) if own else 99.0 for own in members]


def test_values_that_are_not_a_number_are_left_out():
    groups = GroupedRows(np.array([0, 0, 1]), 2)
    values = np.array([np.nan, 4.0, np.nan])
    assert groups.medians(values).tolist()[0] == groups.quantiles(values, [0.9])[0].tolist()[0] == 4.0
    assert np.isnan(groups.medians(values)[1])
