"""Instants: many at a time are read as one at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.reading.instants import InstantError, parse_instant, parse_instants

_USUAL = "2023-12-31T05:20:08.113723Z"
_ENOUGH = [_USUAL] * 100
"""So many that they are parsed together."""

_TEXTS = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["0001", "1970", "1971", "2023", "2024", "2099", "2262", "2300"]),
    st.sampled_from(["00", "01", "02", "06", "13"]),
    st.sampled_from(["00", "01", "28", "29", "30", "31", "32"]),
    st.sampled_from("TTt "),
    st.sampled_from(["05", "23", "24"]),
    st.sampled_from(["00", "59", "60"]),
    st.sampled_from(["07", "59", "60", "61"]),
    st.sampled_from(["", ".", ".1", ".123456", ".123456789", ".1234567891", ",5"]),
    st.sampled_from(["Z", "z", "+08:00", "-07:30", "+0800", "+24:00", "+23:59", "-00:00", ""]),
)


@given(_TEXTS)
def test_a_text_among_many_is_what_it_is_alone(text: str) -> None:
    try:
        found = parse_instant(text)
    except InstantError:
        with pytest.raises(InstantError):
            parse_instants([*_ENOUGH, text])
    else:
        assert parse_instants([*_ENOUGH, text])[-1] == (None if found is None else found[0])


def test_what_is_no_instant_stays_none() -> None:
    assert parse_instants([None, *_ENOUGH, "1970-01-01T08:00:00+08:00"])[:: len(_ENOUGH) + 1] == [None, None]
