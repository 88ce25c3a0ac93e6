"""Arrow arrays of plain Python values, without ``pyarrow.array``.

That function imports pandas to recognise its objects. A load needs pandas for nothing else, and several thousand sub-tasks are loaded in
the time of the import, which each process would repeat.
"""

from __future__ import annotations

import contextlib
import operator
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Sized

    import numpy.typing as npt
    import pyarrow as pa

    _Mask = npt.NDArray[np.bool_]

_REACH = (1 << 31) - 1
"""Bytes of text, or items of lists, that 32-bit offsets reach."""


def table_of(columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Make an Arrow table of equally long columns of plain Python values. Arrow arrays are taken as they are."""
    import pyarrow as pa

    return pa.Table.from_arrays([array_of(columns[field.name], field.type) for field in schema], schema=schema)


def array_of(values: Sequence[Any] | npt.NDArray[Any], kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Make an Arrow array of plain Python values: texts, bytes, numbers (instants are whole ones), lists of these, or None.

    NumPy arrays of numbers are not converted, and an Arrow array is returned as it is.

    >>> import pyarrow as pa
    >>> array_of(["a", None], pa.string()).to_pylist()
    ['a', None]
    """
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return values
    if isinstance(values, np.ndarray):
        return _array(kind, len(values), None, np.ascontiguousarray(values))
    make = _of_numbers if pa.types.is_primitive(kind) else _of_sized
    try:
        return make(values, kind)
    except OverflowError:
        return pa.array(values, kind)  # it divides values that are too long for one array, and refuses a number that is too large


def interleave(tables: Sequence[pa.Table], key: str) -> pa.Table:
    """Merge tables that are sorted by a column of texts. Rows of one text keep their order. Nulls come last.

    >>> import pyarrow as pa
    >>> interleave([pa.table({"run": ["a", "c"]}), pa.table({"run": ["b"]})], "run")["run"].to_pylist()
    ['a', 'b', 'c']
    """
    import pyarrow as pa

    tables = [table for table in tables if table.num_rows] or list(tables[:1])
    if len(tables) == 1:
        return tables[0]
    whole = pa.concat_tables(tables).combine_chunks()
    coded = whole.column(key).combine_chunks().dictionary_encode()
    texts = coded.dictionary.to_pylist()
    rank = np.empty(len(texts) + 1, np.int64)
    rank[sorted(range(len(texts)), key=texts.__getitem__)] = np.arange(len(texts))
    rank[-1] = len(texts)
    places = np.frombuffer(coded.indices.buffers()[1], np.int32)[: len(whole)].astype(np.int64)
    if coded.null_count:
        places[~_bits(coded.indices.buffers()[0], coded.indices)] = -1
    return whole.take(array_of(np.argsort(rank[places], kind="stable"), pa.int64()))


def seconds_between(starts: pa.Array, ends: pa.Array) -> pa.Array:
    """Return the seconds from one instant to another, never negative; null if either is null or the end is before the start.

    >>> import pyarrow as pa
    >>> instants = pa.timestamp("ns")
    >>> seconds_between(array_of([0, 0, 1], instants), array_of([1500000000, None, 0], instants)).to_pylist()
    [1.5, None, None]
    """
    import pyarrow as pa

    begun, ended = _instants(starts), _instants(ends)
    present = begun <= ended
    for array in (starts, ends):
        if array.null_count:
            present &= _bits(array.buffers()[0], array)
    return _array(pa.float64(), len(starts), present, (ended - begun) / 1e9)


def _instants(array: pa.Array) -> npt.NDArray[np.int64]:
    """Return instants as a NumPy array with arbitrary values for nulls, because ``to_numpy`` would import pandas."""
    return np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array)]


def present_in(array: pa.Array) -> _Mask:
    """Return which values of an array are not null.

    >>> import pyarrow as pa
    >>> present_in(array_of([1, None], pa.int64())).tolist()
    [True, False]
    """
    return _bits(array.buffers()[0], array) if array.null_count else np.ones(len(array), np.bool_)


def _bits(buffer: pa.Buffer, array: pa.Array) -> _Mask:
    return np.unpackbits(np.frombuffer(buffer, np.uint8), count=array.offset + len(array), bitorder="little")[array.offset :].astype(
        np.bool_
    )


# -- numbers --------------------------------------------------------------------------------------------------------------------------


def _of_numbers(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_floating(kind):
        numbers = np.fromiter(values, np.float64, len(values))
        return _array(kind, len(values), ~np.isnan(numbers), numbers)  # NumPy reads None as not-a-number, and no value is that
    is_boolean = pa.types.is_boolean(kind)
    whole, present = _whole_numbers(values, np.dtype(np.int8 if is_boolean else f"i{kind.bit_width // 8}"))
    return _array(kind, len(values), present, np.packbits(whole > 0, bitorder="little") if is_boolean else whole)


def _whole_numbers(values: Sequence[int | None], dtype: np.dtype[Any]) -> tuple[npt.NDArray[Any], _Mask | None]:
    """Return numbers, and which of them are not null (None: all)."""
    with contextlib.suppress(TypeError):  # of None; looking for it first takes as long as this
        return np.fromiter(values, dtype, len(values)), None
    unlikely = int(np.iinfo(dtype).min)
    numbers = np.fromiter([unlikely if value is None else value for value in values], dtype, len(values))
    present = numbers != unlikely
    if np.count_nonzero(present) + values.count(None) < len(values):
        present = _present(values)
    return numbers, present


def numbers_where(present: _Mask, numbers: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Make an Arrow array of NumPy's numbers, null where they are not present.

    >>> import pyarrow as pa
    >>> numbers_where(np.array([True, False]), np.array([1, 0]), pa.int64()).to_pylist()
    [1, None]
    """
    return _array(kind, len(numbers), present, numbers)


# -- texts, bytes and lists -----------------------------------------------------------------------------------------------------------


def _of_sized(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    try:
        return _of_every(values, kind, None)
    except TypeError:  # of None; looking for it first takes as long as this
        if values.count(None) == len(values):
            return pa.nulls(len(values), kind)
        nothing = () if pa.types.is_list(kind) else "" if pa.types.is_string(kind) else b""
        return _of_every([nothing if value is None else value for value in values], kind, _present(values))


def _of_every(values: Sequence[Any], kind: pa.DataType, present: _Mask | None) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_list(kind):
        return _array(kind, len(values), present, _offsets(values), items=array_of(list(chain.from_iterable(values)), kind.value_type))
    if pa.types.is_string(kind):
        text = "".join(values)
        if not text.isascii():
            # One character for each byte: joining them is a copy, and ASCII texts need no encoding.
            values = [value if value.isascii() else value.encode().decode("latin-1") for value in values]
            text = "".join(values)
        return _array(kind, len(values), present, _offsets(values), text.encode("latin-1"))
    return _array(kind, len(values), present, _offsets(values, wide=pa.types.is_large_binary(kind)), b"".join(values))


def _offsets(values: Sequence[Sized], *, wide: bool = False) -> npt.NDArray[np.signedinteger[Any]]:
    """Return the offsets of the values: where each begins, and where the last one ends."""
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, values), np.int64, len(values)), out=offsets[1:])
    if wide:
        return offsets
    if offsets[-1] > _REACH:
        raise OverflowError
    return offsets.astype(np.int32)


# -- both -----------------------------------------------------------------------------------------------------------------------------


def _present(values: Sequence[object]) -> _Mask:
    return np.fromiter(map(operator.is_not, values, repeat(None)), np.bool_, len(values))


def _array(kind: pa.DataType, n: int, present: _Mask | None, *data: npt.NDArray[Any] | bytes, items: pa.Array | None = None) -> pa.Array:
    """Make an Arrow array from its buffers: which values are not null, then the values."""
    import pyarrow as pa

    valid = None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(kind, n, [valid, *map(pa.py_buffer, data)], children=None if items is None else [items])
