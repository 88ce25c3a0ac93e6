"""Columns of result frames."""

import numpy as np
import pyarrow as pa
import pytest

from daganalysis.tables.pandas_columns import texts_among_nulls


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_texts_go_to_the_rows_that_have_one_in_order_and_a_null_among_them_stays(kind: pa.DataType) -> None:
    texts = pa.array(["left out", "one", None, "", "two"], kind)[1:]
    told = texts_among_nulls(texts, np.array([False, True, True, False, True, True]))
    assert told.isna().tolist() == [True, False, True, True, False, False]
    assert told.dropna().tolist() == ["one", "", "two"]


def test_of_no_texts_all_rows_are_null() -> None:
    assert texts_among_nulls(pa.array([], pa.string()), np.zeros(2, bool)).isna().tolist() == [True, True]
    assert len(texts_among_nulls(pa.array([], pa.string()), np.zeros(0, bool))) == 0
