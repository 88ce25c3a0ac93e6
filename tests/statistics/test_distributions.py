"""Distributions are those of scipy.stats, which may take another way to the last digits in another version."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.statistics.distributions import (
    beta_ppf,
    binomial_ppf,
    binomial_tails,
    f_sf,
    hypergeometric_chances,
    normal_isf,
    normal_ppf,
    normal_sf,
    t_isf,
    t_ppf,
    t_sf,
)

shares = st.floats(1e-300, 1.0, exclude_max=True)
freedoms = st.floats(1.0, 3000.0)
values = st.floats(0.0, 100.0)


def as_scipy(*expected: float) -> object:
    return pytest.approx(expected, rel=1e-11, abs=0)


@given(shares)
def test_normal_quantiles(share: float) -> None:
    assert (normal_ppf(share), normal_isf(share)) == as_scipy(scipy.stats.norm.ppf(share), scipy.stats.norm.isf(share))


@given(st.floats(-30.0, 30.0))
def test_the_upper_tail_of_the_normal(value: float) -> None:
    assert (normal_sf(value),) == as_scipy(scipy.stats.norm.sf(value))


@given(shares, freedoms, values)
def test_students_t(share: float, freedom: float, value: float) -> None:
    expected = as_scipy(scipy.stats.t.ppf(share, freedom), scipy.stats.t.isf(share, freedom), scipy.stats.t.sf(value, freedom))
    assert (t_ppf(share, freedom), t_isf(share, freedom), t_sf(value, freedom)) == expected


@given(values, st.integers(1, 40), freedoms)
def test_the_upper_tail_of_f(value: float, freedom: int, below: float) -> None:
    assert (f_sf(value, freedom, below),) == as_scipy(scipy.stats.f.sf(value, freedom, below))


@given(st.floats(0.001, 0.999), st.integers(1, 3000), st.data())
def test_the_upper_tails_of_the_binomial_and_their_inverse(chance: float, n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = as_scipy(
        scipy.stats.binom.sf(k - 1, n, chance), scipy.stats.binom.pmf(n, n, chance), scipy.stats.beta.ppf(chance, k + 1, n - k + 1)
    )
    inverse = beta_ppf(chance, np.array([k + 1.0]), np.array([n - k + 1.0]))[0]
    assert (binomial_tails([k], [n], [chance])[0], chance**n, inverse) == expected


@given(st.floats(0.001, 0.999), st.integers(1, 3000), st.floats(0.001, 0.999))
def test_the_quantile_of_the_binomial_is_the_first_number_of_hits_with_enough_below(share: float, n: int, chance: float) -> None:
    k, room = binomial_ppf(share, n, chance), 1e-9
    assert scipy.stats.binom.cdf(k - 1, n, chance) < share + room
    assert scipy.stats.binom.cdf(k, n, chance) > share - room


@given(st.integers(1, 900), st.integers(1, 900), st.data())
def test_the_chances_of_the_hypergeometric_distribution(n: int, m: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n + m))
    expected = scipy.stats.hypergeom.pmf(np.arange(max(0, hits - n), min(hits, m) + 1), n + m, hits, m)
    assert hypergeometric_chances(hits, n, m) == pytest.approx(expected, rel=1e-11, abs=1e-290)


def test_analyses_import_no_more_of_scipy_than_they_need() -> None:
    script = """
import sys
import daganalysis as da
archive = da.load("sample_data/fleet/prod-a")
da.stragglers(archive), da.trend(archive), da.summary(archive), da.check(archive, ["elapsed_p95_s>60"])
fleet = da.load("sample_data/fleet", cluster_by="dir")
da.compare(fleet, fleet)
print("scipy.stats" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
