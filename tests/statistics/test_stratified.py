"""Two samples compared within strata."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.statistics import stratified
from daganalysis.statistics.stratified import stratified_effect

samples = st.lists(st.floats(0.5, 500.0).map(lambda seconds: round(seconds, 1)), min_size=1, max_size=9).map(np.array)
strata = st.lists(st.tuples(samples, samples), min_size=2, max_size=5)


@given(strata)
def test_pairs_that_are_too_many_to_be_formed_give_the_same_ratio_and_interval(of_strata):
    formed = stratified_effect(of_strata)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stratified, "_MOST_FORMED", 0)
        counted = stratified_effect(of_strata)
    np.testing.assert_allclose(np.array(formed, float), np.array(counted, float), rtol=1e-9)


@given(st.lists(samples, min_size=2, max_size=5))
def test_samples_compared_with_themselves_have_the_ratio_one(of_strata):
    assert stratified_effect([(sample, sample) for sample in of_strata]).ratio == pytest.approx(1.0, rel=1e-12)
