"""Columns of result frames, made directly of codes and NumPy arrays: each text is written once, in the form that pandas keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.tables.column_arrays import NONE, one_array

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables.column_arrays import Ints


def coded_texts(places: Ints, texts: pa.Array) -> pd.api.extensions.ExtensionArray:
    """Return the texts at some places of an array, null at -1.

    >>> import numpy as np, pyarrow as pa
    >>> coded_texts(np.array([1, NONE]), pa.array(["a", "b"])).tolist()
    ['b', nan]
    """
    import pyarrow as pa

    # To decode a dictionary would take as long, and memory that the kernel has to clear.
    return _texts(texts.cast(pa.large_string()).take(_masked(places)))


def texts_at(column: pa.Array | pa.ChunkedArray, rows: Ints) -> pd.api.extensions.ExtensionArray:
    """Return the texts in some rows of a column of texts that do not repeat, null at -1.

    >>> import numpy as np, pyarrow as pa
    >>> texts_at(pa.array(["a", "b"]), np.array([1, NONE])).tolist()
    ['b', nan]
    """
    return _texts(one_array(column).take(_masked(rows)))


def no_texts(n: int) -> pd.api.extensions.ExtensionArray:
    """Return a column of ``n`` nulls."""
    import pyarrow as pa

    return _texts(pa.nulls(n, pa.large_string()))


def whole_numbers(values: Ints) -> pd.api.extensions.ExtensionArray:
    """Return whole numbers; -1 is null.

    >>> import numpy as np
    >>> whole_numbers(np.array([3, NONE])).tolist()
    [3, <NA>]
    """
    import pandas as pd

    numbers: pd.api.extensions.ExtensionArray = pd.arrays.IntegerArray(values, values == NONE, copy=False)
    return numbers


def instants(nanoseconds: Ints) -> pd.api.extensions.ExtensionArray:
    """Return instants, none of which is null.

    >>> import numpy as np
    >>> instants(np.array([0]))[0].isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    import pandas as pd

    times: pd.api.extensions.ExtensionArray = pd.array(nanoseconds, dtype=pd.DatetimeTZDtype("ns", "UTC"), copy=False)
    return times


def _masked(places: Ints) -> pa.Array:
    import pyarrow as pa

    is_null = places == NONE
    return pa.array(places, pa.int64(), mask=is_null if is_null.any() else None)


def _texts(column: pa.Array) -> pd.api.extensions.ExtensionArray:
    import pandas as pd

    dtype: Any = pd.StringDtype(na_value=float("nan"))
    texts: pd.api.extensions.ExtensionArray = dtype.__from_arrow__(column)
    return texts
