"""Texts in columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.text.widths import cell_width, pad, shorten_end, shorten_middle

TEXTS = st.text(alphabet=st.sampled_from("ab-/ 租户テé\u0301"), max_size=30)


@pytest.mark.parametrize(("text", "width"), [("", 0), ("a", 1), ("租", 2), ("a租", 3), ("e\u0301", 1)])
def test_a_wide_character_takes_two_columns_and_a_mark_none(text, width):
    assert cell_width(text) == width


@given(TEXTS, st.integers(3, 20))
def test_a_shortened_text_fits_and_one_that_fits_stays(text, width):
    for shorten in (shorten_end, shorten_middle):
        shown = shorten(text, width)
        assert cell_width(shown) <= width
        assert shown == text or cell_width(text) > width


@given(TEXTS)
def test_a_padded_text_is_as_wide_as_asked_for(text):
    assert cell_width(pad(text, 80)) == 80
