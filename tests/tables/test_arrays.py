"""Arrays are those that Arrow makes of the same values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.tables.arrays import array_of, seconds_between, table_of

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_WHOLE = st.integers(-(1 << 63), (1 << 63) - 1) | st.sampled_from([-(1 << 63), 0])
_VALUES = [
    (pa.string(), _TEXTS),
    (pa.binary(), st.binary(max_size=5)),
    (pa.large_binary(), st.binary(max_size=5)),
    (pa.int64(), _WHOLE),
    (pa.timestamp("ns", "UTC"), _WHOLE),
    (pa.int32(), st.integers(-(1 << 31), (1 << 31) - 1)),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.bool_(), st.booleans()),
    (pa.list_(pa.string()), st.lists(st.none() | _TEXTS, max_size=3)),
    (pa.list_(pa.int32()), st.lists(st.integers(0, 9), max_size=3)),
]
_KIND_AND_VALUES = st.sampled_from(_VALUES).flatmap(lambda of: st.tuples(st.just(of[0]), st.lists(of[1]) | st.lists(st.none() | of[1])))


@given(_KIND_AND_VALUES)
def test_an_array_is_what_arrow_makes_of_the_values(kind_and_values: tuple[pa.DataType, list[Any]]) -> None:
    kind, values = kind_and_values
    made = array_of(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))


@pytest.mark.parametrize(
    ("kind", "values"), [(pa.string(), [1]), (pa.string(), ["\ud800"]), (pa.int64(), [1 << 63]), (pa.int32(), [1 << 31])]
)
def test_what_is_not_of_the_type_is_refused(kind: pa.DataType, values: list[Any]) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        array_of(values, kind)


def test_texts_too_long_for_one_array_make_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daganalysis.tables.arrays._REACH", 3)
    assert array_of(["ab", None, "cd"], pa.string()).to_pylist() == ["ab", None, "cd"]


def test_a_table_may_be_given_arrays_beside_values() -> None:
    schema = pa.schema([("made", pa.int64()), ("values", pa.int64())])
    assert table_of({"made": pa.array([1]), "values": [2]}, schema).to_pylist() == [{"made": 1, "values": 2}]


def test_a_duration_is_null_where_its_ends_contradict_each_other() -> None:
    instants = pa.timestamp("ns", "UTC")
    starts, ends = array_of([0, 0, None, 5], instants), array_of([2_500_000_000, 0, 1, 4], instants)
    assert seconds_between(starts, ends).to_pylist() == [2.5, 0.0, None, None]
