"""Texts in columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.text.widths import cell_width, pad, shorten_end, shorten_middle, unbroken, wrap

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


@pytest.mark.parametrize("told", ["2 h 10 min", "12 min 59 s", "3 d 02 h", "13 µs", "84 %", "stage 5", "MySQL 4012"])
def test_a_number_and_its_unit_share_a_line_at_every_width(told: str) -> None:
    text = f"nobody acted for {told} in all"
    for width in range(12, 40):
        assert any(told in line for line in wrap(text, width)), width


def test_a_page_shows_the_same_words_and_breaks_no_line_within_a_duration() -> None:
    text = "84 % of 15 min 00 s unknown at stage 4 of 5"
    assert unbroken(text).replace("\u00a0", " ") == text
    assert "15\u00a0min\u00a000\u00a0s unknown at stage\u00a04 of 5" in unbroken(text)
