"""Columns of Arrow tables as NumPy arrays: codes instead of texts, whole numbers instead of instants.

Work on a million rows uses such arrays. Each different text is compared and sorted only once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.tables.arrays import array_of, numbers_where, present_in

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Bools = np.ndarray[Any, np.dtype[np.bool_]]

NONE = -1
"""Stands for a null in an array of codes, stages, instants or places."""
_MOST_STAGES = 1 << 20
_LARGEST = 1 << 62


def integers(column: pa.Array | pa.ChunkedArray, null: int = NONE) -> Ints:
    """Return whole numbers or instants as a NumPy array, which may be the column's own memory: do not write into it."""
    import pyarrow as pa

    array = one_array(column)
    if not (pa.types.is_integer(array.type) or pa.types.is_temporal(array.type)):
        array = array.cast(pa.int64())
    data = array.buffers()[1]
    if data is None:  # as of an empty array
        return np.full(len(array), null)
    # NumPy's own conversion of Arrow arrays would import pandas, which a load does without.
    found = _memory_of(array, f"i{array.type.bit_width // 8}")
    values: Ints = found.astype(np.int64, copy=False)
    return np.where(present_in(array), values, null) if array.null_count else values


def reals(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Return real numbers as a NumPy array, which may be the column's own memory; null is not-a-number."""
    array = one_array(column)
    data = array.buffers()[1]
    if data is None:
        return np.full(len(array), np.nan)
    values: Floats = _memory_of(array, "f8")
    return np.where(present_in(array), values, np.nan) if array.null_count else values


def _memory_of(array: pa.Array, kind: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the numbers of an array that has some, without a copy."""
    found = np.frombuffer(array.buffers()[1], kind)[array.offset :][: len(array)]
    found.flags.writeable = False  # columns that a store remembers are shared by analyses
    return found


def encoded(column: pa.Array | pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return the places of a column's values in an array of its different ones, and that array."""
    import pyarrow as pa

    found = one_array(column)
    found = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    return integers(found.indices), found.dictionary


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()  # which copies even one piece


def is_equal(column: pa.Array | pa.ChunkedArray, *texts: str) -> Bools:
    """Return which rows of a column have one of some texts."""
    codes, known = encoded(column)
    sought = frozenset(texts)
    wanted = np.array([*(text in sought for text in known.to_pylist()), False])  # the last place is that of null
    return wanted[codes]


def rows_with(table: pa.Table, only: tuple[str, Collection[str] | range]) -> pa.Table:
    """Return the rows of a table that have one of some texts, or a number within a range, in a column.

    >>> import pyarrow as pa
    >>> rows_with(pa.table({"a": ["x", None, "y"], "b": [1, 2, 3]}), ("a", {"y"})).to_pylist()
    [{'a': 'y', 'b': 3}]
    >>> rows_with(pa.table({"a": ["x", None, "y"], "b": [1, 2, 3]}), ("b", range(2))).to_pylist()
    [{'a': 'x', 'b': 1}]
    """
    import pyarrow as pa

    name, values = only
    column = table.column(name)
    if isinstance(values, range):
        numbers = integers(column)
        return table.take(pa.array(np.flatnonzero((numbers >= values.start) & (numbers < values.stop))))
    return table.take(pa.array(np.flatnonzero(is_equal(column, *values))))


def codes_of(column: pa.Array | pa.ChunkedArray, values: pa.Array) -> Ints:
    """Return the places of a column's values in an array of different ones, or none."""
    codes, known = encoded(column)
    return codes if known.equals(values) else places_in(known, values)[codes]


def places_in(texts: pa.Array, values: pa.Array) -> Ints:
    """Return the places of texts in an array of different ones, or none; one more at the end is that of null.

    >>> import pyarrow as pa
    >>> places_in(pa.array(["b", "c"]), pa.array(["a", "b"])).tolist()
    [1, -1, -1]
    """
    import pyarrow.compute as pc

    return np.append(integers(pc.index_in(texts, values)), NONE)


def ranked(column: pa.Array | pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return the places of a column's values in an array of its different ones, and that array, which is sorted.

    >>> import pyarrow as pa
    >>> places, texts = ranked(pa.array(["b", None, "a", "b"]))
    >>> places.tolist(), texts.to_pylist()
    ([1, -1, 0, 1], ['a', 'b'])
    """
    import pyarrow.compute as pc

    codes, texts = encoded(column)
    order = integers(pc.sort_indices(texts))
    rank = np.full(len(texts) + 1, NONE)  # the last place is that of null
    rank[order] = np.arange(len(order))
    return rank[codes], texts.take(order)


def run_stage_keys(run: Ints, stage: Ints) -> Ints:
    """Return one number for a stage of a run; negative if either is unknown."""
    return np.where((run == NONE) | (stage < 0), NONE, run * _MOST_STAGES + stage)


def run_stage_key(run: int, stage: int) -> int:
    """Return the number that :func:`run_stage_keys` gives to one stage of a run; both are known.

    >>> run_stage_key(7, 3) == run_stage_keys(np.array([7]), np.array([3]))[0]
    np.True_
    """
    return run * _MOST_STAGES + stage


def runs_of_keys(keys: Ints) -> Ints:
    """Return the runs of stages that have the numbers :func:`run_stage_keys` gave them.

    >>> runs_of_keys(run_stage_keys(np.array([7]), np.array([3]))).tolist()
    [7]
    """
    return keys // _MOST_STAGES


def find(ordered: Ints, values: Ints) -> Ints:
    """Return the places of values in a sorted array, or none."""
    if not len(ordered):
        return np.full(len(values), NONE)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.where((ordered[place] == values) & (values >= 0), place, NONE)


def taken(column: pa.Array | pa.ChunkedArray, places: Ints) -> pa.Array:
    """Return the values of a column at some places, null at negative places.

    >>> import pyarrow as pa
    >>> taken(pa.array(["a", "b"]), np.array([1, NONE])).to_pylist()
    ['b', None]
    """
    import pyarrow as pa

    is_null = places == NONE
    return one_array(column).take(numbers_where(~is_null, places, pa.int64()) if is_null.any() else array_of(places, pa.int64()))


def numbered(*columns: Ints) -> tuple[Ints, Ints]:
    """Number the different combinations of codes, in their order, nulls last: return the number of each row, and a row of each number.

    >>> number, first = numbered(np.array([7, 5, 7]), np.array([1, 0, 1]))
    >>> number.tolist(), first.tolist()
    ([1, 0, 1], [1, 0])
    """
    import pandas as pd

    number, n = np.zeros(len(columns[0]), np.int64), 1
    for codes in columns:
        size = int(codes.max(initial=NONE)) + 2
        if n * size > _LARGEST:
            number, distinct = pd.factorize(number, sort=True)
            n = len(distinct)
        number, n = number * size + np.where(codes == NONE, size - 1, codes), n * size
    number, distinct = pd.factorize(number, sort=True)
    first = np.empty(len(distinct), np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    return number, first
