"""The incomplete beta function is that of scipy.special, or of exact fractions where that one is not exact."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.statistics.incomplete_beta import incomplete_beta, incomplete_beta_inverse

parameters = st.floats(0.5, 100_000.0)
shares = st.floats(1e-9, 0.999)


@given(parameters, parameters, shares)
def test_the_value_at_a_quantile_is_its_share(a: float, b: float, share: float) -> None:
    x = float(scipy.special.betaincinv(a, b, share))
    expected = scipy.special.betainc(a, b, x)
    assert incomplete_beta(a, b, x) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@given(st.floats(1.0, 100_000.0), st.floats(1.0, 100_000.0), shares)
def test_quantiles(a: float, b: float, share: float) -> None:
    expected = scipy.special.betaincinv(a, b, share)
    assert incomplete_beta_inverse(np.array([a]), np.array([b]), share)[0] == pytest.approx(expected, rel=1e-10)


@given(st.integers(1, 400), st.integers(1, 999), st.data())
def test_the_smallest_tails_are_those_of_exact_sums(n: int, thousandths: int, data: st.DataObject) -> None:
    k, chance = data.draw(st.integers(1, n)), Fraction(float(thousandths / 1000))
    exact = float(sum(math.comb(n, hits) * chance**hits * (1 - chance) ** (n - hits) for hits in range(k, n + 1)))
    assert incomplete_beta(k, n - k + 1, float(chance)) == pytest.approx(exact, rel=1e-12, abs=1e-300)


def test_values_beyond_both_ends_and_not_a_number() -> None:
    np.testing.assert_array_equal(incomplete_beta(2, 3, [-1.0, 0.0, 1.0, 2.0, math.nan]), [0.0, 0.0, 1.0, 1.0, math.nan])


def test_each_of_several_quantiles_is_that_of_its_own_parameters() -> None:
    a, b = np.array([1.0, 1.0, 700.0, 1.0]), np.array([1.0, 90_000.0, 40.0, 3.0])
    together = incomplete_beta_inverse(a, b, 0.975)
    alone = [incomplete_beta_inverse(a[[place]], b[[place]], 0.975)[0] for place in range(len(a))]
    np.testing.assert_allclose(together, alone, rtol=1e-11)
