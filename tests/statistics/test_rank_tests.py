from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.statistics.multiple_testing import LEVEL, holm, tarone_testable
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.statistics.rank_tests import doubled_ranks, effect, mann_whitney_p, rank_sum_chances, smallest_mann_whitney_p
from daganalysis.statistics.sample_sizes import sample_size_to_test
from daganalysis.statistics.stratified import van_elteren_p, van_elteren_weights

SAMPLES = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def enumerated_p(x: list[float], y: list[float]) -> float:
    """The two-sided p-value by trying every way of dealing the ranks to the two sides."""
    ranks = scipy.stats.rankdata([*x, *y])
    observed = sum(ranks[: len(x)])
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, len(x))]
    low = sum(s <= observed for s in sums) / len(sums)
    high = sum(s >= observed for s in sums) / len(sums)
    return min(1.0, 2 * min(low, high))


@given(SAMPLES, SAMPLES)
def test_the_p_value_of_small_samples_is_that_of_enumeration_ties_or_not(x, y):
    assert mann_whitney_p(x, y) == pytest.approx(enumerated_p(x, y), abs=1e-12)


@given(st.lists(st.floats(1, 100), min_size=20, max_size=20, unique=True), st.integers(2, 18))
def test_the_p_value_without_ties_is_that_of_scipy(values, n):
    x, y = values[:n], values[n:]
    assert mann_whitney_p(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y, method="exact").pvalue, abs=1e-12)


@given(st.integers(0, 1 << 32), st.integers(40, 90), st.integers(40, 90), st.integers(0, 2))
def test_the_p_value_of_large_samples_is_that_of_scipy_ties_or_not(seed, n, m, digits):
    rng = np.random.default_rng(seed)
    x, y = (np.round(rng.normal(size=size), digits) for size in (n, m))
    assert mann_whitney_p(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y, method="asymptotic").pvalue, rel=1e-11)


@given(st.lists(st.floats(0.5, 500), min_size=4, max_size=14), st.lists(st.floats(0.5, 500), min_size=4, max_size=14))
def test_the_other_way_round_gives_the_inverse_and_the_same_p_value(x, y):
    one, other = effect(x, y), effect(y, x)
    assert one.p_value == other.p_value
    assert [one.ratio, one.low, one.high] == pytest.approx([1 / other.ratio, 1 / other.high, 1 / other.low])


@given(SAMPLES, SAMPLES, st.floats(0.1, 10))
def test_the_ratio_does_not_depend_on_the_unit(x, y, factor):
    assert effect([v * factor for v in x], [v * factor for v in y]).ratio == pytest.approx(effect(x, y).ratio)


def test_the_interval_of_ten_against_ten_leaves_out_23_pairs_on_either_side():
    # The critical value of U in the printed tables for 10 and 10 at 5 %, two-sided, is 23.
    base, candidate = [1.0] * 10, [math.exp(i) for i in range(10)]
    found = effect(base, candidate)
    pairs = sorted(b / a for a in base for b in candidate)
    assert (found.low, found.high) == pytest.approx((pairs[23], pairs[-24]))


def test_large_samples_get_the_same_answer_from_their_quantiles():
    base, candidate = [1 + i / 5000 for i in range(5000)], [1.3 * (1 + i / 5000) for i in range(5000)]
    found = effect(base, candidate)
    assert found.ratio == pytest.approx(1.3, rel=0.002)
    assert found.low < 1.3 < found.high
    assert found.high - found.low < 0.03


def test_one_run_against_fifteen_hundred_is_still_tested_exactly():
    assert mann_whitney_p([5000.0], list(range(1500))) == pytest.approx(2 / 1501)


@pytest.mark.parametrize(("n", "p"), [(3, 0.1), (4, 2 / 70), (5, 2 / 252)])
def test_what_so_many_against_so_many_can_show_at_most(n, p):
    low, high = [float(v) for v in range(n)], [float(v) for v in range(100, 100 + n)]
    assert mann_whitney_p(low, high) == pytest.approx(p)
    assert smallest_mann_whitney_p(n, n) == pytest.approx(p)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 50))
def test_the_runs_needed_would_do_and_one_less_would_not(n, m, family):
    needed = sample_size_to_test(n, m, family)
    assert smallest_mann_whitney_p(max(n, needed), max(m, needed)) * family <= LEVEL
    assert needed == 1 or smallest_mann_whitney_p(max(n, needed - 1), max(m, needed - 1)) * family > LEVEL


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_corrects_upwards_never_beyond_bonferroni_and_keeps_the_order(p_values):
    corrected = holm(p_values)
    assert all(p <= c <= min(1, p * len(p_values)) + 1e-12 for p, c in zip(p_values, corrected, strict=True))
    pairs = sorted(zip(p_values, corrected, strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(pairs))


@given(st.lists(st.floats(1e-9, 1), max_size=40))
def test_what_can_show_something_can_do_so_after_correction_over_all_that_can(smallest):
    able = [p for p, can in zip(smallest, tarone_testable(smallest), strict=True) if can]
    assert all(p * len(able) <= LEVEL * (1 + 1e-12) for p in able)


def test_hopeless_members_of_a_family_cost_the_others_nothing():
    alone = tarone_testable([smallest_mann_whitney_p(5, 5)])
    crowd = tarone_testable([smallest_mann_whitney_p(5, 5), *[smallest_mann_whitney_p(3, 3)] * 200])
    assert (alone, crowd) == ([True], [True] + [False] * 200)


def test_a_chance_of_which_nothing_is_known_is_anything_from_nought_to_one():
    low, high = clopper_pearson_interval([0, 0, 20], [0, 20, 20])
    assert low.round(3).tolist() == [0, 0, 0.832]
    assert high.round(3).tolist() == [1, 0.168, 1]


def test_proportions_that_come_twice_have_the_interval_that_each_has_alone() -> None:
    hits, trials = [3, 0, 3, 10, 0], [10, 4, 11, 10, 4]
    alone = [clopper_pearson_interval(k, n) for k, n in zip(hits, trials, strict=True)]
    low, high = clopper_pearson_interval(hits, trials)
    assert list(zip(low, high, strict=True)) == [(float(one), float(other)) for one, other in alone]


@given(st.integers(0, 1 << 32), st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=4))
def test_the_p_value_within_strata_comes_from_the_convolution_of_their_rank_sums(seed, sizes):
    rng = np.random.default_rng(seed)
    strata = [(rng.integers(1, 9, n).astype(float), rng.integers(1, 9, m).astype(float)) for n, m in sizes]
    chances, observed = np.ones(1), 0
    for (x, y), weight in zip(strata, van_elteren_weights(sizes), strict=True):
        doubled, of_y = doubled_ranks(x, y)
        own = rank_sum_chances(tuple(doubled), len(y))
        spaced = np.zeros((len(own) - 1) * weight + 1)
        spaced[::weight] = own
        chances, observed = np.convolve(chances, spaced), observed + weight * of_y
    expected = min(1.0, 2 * min(chances[: observed + 1].sum(), chances[observed:].sum()))
    assert van_elteren_p(strata) == pytest.approx(expected, abs=1e-12)
