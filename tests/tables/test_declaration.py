from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.errors import DagAnalysisError
from daganalysis.tables.declaration import Column, Table, Type
from tests.profiles import examples

TABLE = Table("of_tests", "one row", (Column("run_id", Type.STRING, "run"), Column("n", Type.INTEGER, "number")), ("run_id", "n"))
ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "Z", "é", None]), st.integers(0, 3) | st.none()), max_size=8)


@examples(30, long=2000)
@given(ROWS)
def test_rows_of_a_result_are_in_order_of_the_key_with_nulls_last_however_they_came(rows):
    frame = pd.DataFrame({name: pd.Series([row[place] for row in rows], dtype=object) for place, name in enumerate(TABLE.names)})
    found = TABLE.conform(frame)
    plain = [tuple(None if pd.isna(value) else value for value in row) for row in found.itertuples(index=False)]
    assert plain == sorted(rows, key=lambda row: [(value is None, value or 0) for value in row])
    assert found.index.equals(pd.RangeIndex(len(rows)))


def test_a_result_of_arrays_is_that_of_the_frame_with_the_same_values():
    found = TABLE.of_arrays({"n": np.array([2, 1]), "run_id": pa.array(["b", "a"]).dictionary_encode()})
    pd.testing.assert_frame_equal(found, TABLE.conform(pd.DataFrame({"run_id": ["a", "b"], "n": [1, 2]})))


@pytest.mark.parametrize("columns", [{"run_id": pa.array(["a"])}, {"run_id": pa.array(["a"]), "n": np.array([1]), "more": np.array([1])}])
def test_a_result_with_a_column_too_few_or_too_many_is_a_mistake_of_the_program(columns):
    with pytest.raises(DagAnalysisError, match="does not match its declaration"):
        TABLE.of_arrays(columns)
