"""Columns of result frames, made directly of codes and NumPy arrays: each text is written once, in the form that pandas keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.tables.column_arrays import NONE, one_array

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables.column_arrays import Bools, Ints


def coded_texts(places: Ints, texts: pa.Array) -> pd.api.extensions.ExtensionArray:
    """Return the texts at some places of an array, null at -1.

    >>> import numpy as np, pyarrow as pa
    >>> coded_texts(np.array([1, NONE]), pa.array(["a", "b"])).tolist()
    ['b', nan]
    """
    return _texts(texts_of(places, texts))


def texts_of(places: Ints, texts: pa.Array) -> pa.Array:
    """Return the texts at some places of an array, null at -1, as an Arrow array."""
    import pyarrow as pa

    # To decode a dictionary would take as long, and memory that the kernel has to clear.
    return texts.cast(pa.large_string()).take(_masked(places))


def texts_among_nulls(column: pa.Array | pa.ChunkedArray, is_there: Bools) -> pd.api.extensions.ExtensionArray:
    """Return a column with the texts of another, one after the other, in the rows where they are, and null in the others.

    >>> import numpy as np, pyarrow as pa
    >>> texts_among_nulls(pa.array(["a", "b"]), np.array([True, False, True])).tolist()
    ['a', nan, 'b']
    """
    import numpy as np
    import pyarrow as pa

    from daganalysis.tables.arrays import present_in

    own = one_array(column)
    if not len(own):
        return no_texts(len(is_there))
    is_valid = is_there
    if own.null_count:
        is_valid = is_there.copy()
        is_valid[is_there] = present_in(own)
    before = np.zeros(len(is_there) + 1, np.int64)
    np.cumsum(is_there, out=before[1:])
    _, ends, texts = own.buffers()
    offsets = np.frombuffer(ends, np.int64 if pa.types.is_large_string(own.type) else np.int32)[own.offset :][: len(own) + 1]
    # The bytes of the texts stay where they are.
    bits = np.packbits(is_valid, bitorder="little")
    buffers = [pa.py_buffer(bits), pa.py_buffer(offsets[before].astype(np.int64, copy=False)), texts]
    return _texts(pa.Array.from_buffers(pa.large_string(), len(is_there), buffers))


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
