"""Generic ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.engine.identifiers import Identity, identify


@pytest.mark.parametrize(
    ("gid", "identity"),
    [
        ("1" + "802", Identity("cluster", None, "802")),
        ("2" + "3221225985" + "02886" + "17", Identity("local", "192.0.2.1:2886", "17")),
        ("4" + "3221225985" + "02886" + "17", Identity("obproxy", "192.0.2.1:2886", "17")),
        ("3" + str(0x20010DB8 << 96 | 1).rjust(39, "0") + "02886" + "5", Identity("local", "[2001:db8::1]:2886", "5")),
    ],
)
def test_an_id_tells_its_owner(gid: str, identity: Identity) -> None:
    assert identify(gid) == identity


@pytest.mark.parametrize(
    "gid", ["", "1", "9123", "2123", "abc", "2" + "9999999999" + "02886" + "1", "2" + "3221225985" + "99999" + "1", "²³"]
)
def test_nothing_is_known_of_an_id_of_another_layout(gid: str) -> None:
    assert identify(gid) == Identity(None, None, None)


@given(st.text(max_size=80) | st.from_regex(r"[1-5][0-9]{0,79}", fullmatch=True))
def test_no_id_is_an_error(gid: str) -> None:
    assert identify(gid).scope in {None, "cluster", "local", "obproxy"}
