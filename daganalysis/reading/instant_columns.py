"""RFC 3339 texts of the usual form to nanoseconds since 1970, all together: a row of numbers for each place in the texts.

Arrow could do it as fast, but its functions take longer to import than thousands of sub-tasks to load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    _Rows = npt.NDArray[np.uint8]
    _Whole = npt.NDArray[np.int64]
    _Mask = npt.NDArray[np.bool_]

_LOWEST, _HIGHEST = b"2000-00-00T00:00:00", b"2099-19-39T29:59:59"
"""What may stand in each place up to the seconds: in this century there are no placeholders, and nanoseconds do not end."""
_LOWEST_ZONE, _HIGHEST_ZONE = b"+00:00", b"-29:59"
_FRACTION = 9
"""Most digits of a second's fraction."""
_WIDEST = len(_LOWEST) + 1 + _FRACTION


def nanoseconds_together(texts: Sequence[str]) -> tuple[_Whole, _Mask]:
    """Return the nanoseconds since 1970 of texts, and which of them are of the usual form: of those alone it is true.

    >>> numbers, usual = nanoseconds_together(["2024-01-09T20:40:15.016+08:00", "2024-02-30T00:00:00Z"])
    >>> numbers[0], usual.tolist()
    (np.int64(1704804015016000000), [True, False])
    """
    # One byte for each sign, so that each stands where it stood; what is none of this encoding is of no instant either.
    codes = np.frombuffer(("".join(texts) + " " * _WIDEST).encode("latin-1", "replace"), np.uint8)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    head = _rows_from(codes, ends - lengths, _WIDEST)
    seconds, is_moment = _seconds(head)
    zone = _rows_from(codes, np.maximum(ends - len(_LOWEST_ZONE), 0), len(_LOWEST_ZONE))
    offset, n_zone, is_zone = _offset(zone)
    fraction, is_fraction = _fraction(head[len(_LOWEST) :], lengths - len(_LOWEST) - n_zone)
    return (seconds - offset) * 1_000_000_000 + fraction, is_moment & is_zone & is_fraction


def _rows_from(codes: _Rows, starts: _Whole, n: int) -> _Rows:
    """Return a row for each of n places from where texts start; NumPy goes along rows."""
    return np.ascontiguousarray(sliding_window_view(codes, n)[starts].T)


def _lie_between(rows: _Rows, lowest: bytes, highest: bytes) -> _Mask:
    low, high = (np.frombuffer(bound, np.uint8)[:, np.newaxis] for bound in (lowest, highest))
    mask: _Mask = np.logical_and.reduce((rows >= low) & (rows <= high))
    return mask


def _number(rows: _Rows, *places: int) -> _Whole:
    """Return the numbers that the digits in some places make."""
    number = np.zeros(rows.shape[1], np.int64)
    for place in places:
        number = number * 10 + (rows[place] - ord("0"))
    return number


def _seconds(head: _Rows) -> tuple[_Whole, _Mask]:
    """Return the seconds since 1970 without regard to the zone."""
    year, month, day, hour, minute, second = (_number(head, n, n + 1) for n in (2, 5, 8, 11, 14, 17))
    months: npt.NDArray[Any] = ((30 + year) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    is_day = (month >= 1) & (month <= 12) & (days.astype("datetime64[M]") == months)
    seconds = days.astype(np.int64) * 86_400 + hour * 3600 + minute * 60 + second
    return seconds, _lie_between(head[: len(_LOWEST)], _LOWEST, _HIGHEST) & is_day & (hour < 24)


def _offset(zone: _Rows) -> tuple[_Whole, _Whole, _Mask]:
    """Return the offset from UTC in seconds, and how long the zone is."""
    is_utc = zone[-1] == ord("Z")
    hours, minutes = _number(zone, 1, 2), _number(zone, 4, 5)
    sign = ord(",") - zone[0].astype(np.int64)  # the comma lies between plus and minus
    is_zone = is_utc | (_lie_between(zone, _LOWEST_ZONE, _HIGHEST_ZONE) & (sign != 0) & (hours < 24))
    return np.where(is_utc, 0, sign * (hours * 3600 + minutes * 60)), np.where(is_utc, 1, len(_LOWEST_ZONE)), is_zone


def _fraction(rows: _Rows, length: _Whole) -> tuple[_Whole, _Mask]:
    """Return the nanoseconds beyond the second, of a text of some length that begins with a point if it is there at all."""
    digits = np.where(np.arange(1, 1 + _FRACTION)[:, np.newaxis] < length, rows[1:], ord("0")).astype(np.uint8)
    is_fraction = (
        (rows[0] == ord(".")) & (length > 1) & (length <= 1 + _FRACTION) & _lie_between(digits, b"0" * _FRACTION, b"9" * _FRACTION)
    )
    return _number(digits, *range(_FRACTION)), (length == 0) | is_fraction
