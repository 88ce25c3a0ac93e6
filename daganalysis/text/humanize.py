"""Numbers as a person reads them: durations with units, shares in percent, counts and instants.

Machine formats (JSON, CSV, Parquet) keep the raw values; these are for terminals and pages.
"""

from __future__ import annotations

import math

MISSING = "-"
"""What stands where a value is null."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def human_duration(seconds: float | None) -> str:
    """Return a duration with about three digits and its unit; null is a dash.

    >>> [human_duration(s) for s in (0, 0.0000131, 0.174417, 5.95206, 28.613749, 59.97, 125, 11220, 266400, -1.5, None)]
    ['0 s', '13 µs', '174 ms', '5.95 s', '28.6 s', '1 min 00 s', '2 min 05 s', '3 h 07 min', '3 d 02 h', '-1.50 s', '-']
    """
    if seconds is None or seconds != seconds:  # noqa: PLR0124 - NaN is the only number that differs from itself
        return MISSING
    if seconds < 0:
        return "-" + human_duration(-seconds)
    if seconds == 0:
        return "0 s"
    for limit, factor, digits, unit in ((0.0009995, 1e6, 0, "µs"), (0.9995, 1e3, 0, "ms"), (9.995, 1, 2, "s"), (59.95, 1, 1, "s")):
        if seconds < limit:
            return f"{_half_up(seconds * factor, digits)} {unit}"
    for limit, large, large_unit, small, small_unit in ((_HOUR, _MINUTE, "min", 1, "s"), (_DAY, _HOUR, "h", _MINUTE, "min")):
        rounded = math.floor(seconds / small + 0.5) * small
        if rounded < limit:
            return f"{rounded // large} {large_unit} {rounded % large // small:02d} {small_unit}"
    rounded = math.floor(seconds / _HOUR + 0.5)
    return f"{rounded // 24} d {rounded % 24:02d} h"


def _half_up(value: float, digits: int) -> str:
    """Round halves up as JavaScript does, so a page's script writes the same. Python rounds to the even neighbour.

    >>> _half_up(2.125, 2), _half_up(0.5, 0)
    ('2.13', '1')
    """
    if value * (2 << digits) % 1:  # exact: the value does not lie in the middle, and all ways of rounding agree
        return f"{value:.{digits}f}"
    import decimal  # most commands write no number

    return str(decimal.Decimal(value).quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP))


def human_share(share: float | None) -> str:
    """Return a share of 0..1 in percent; null is a dash. A share above 0 is never shown as 0 %.

    >>> [human_share(s) for s in (0, 0.0004, 0.034, 0.5, 0.9999, 1, None)]
    ['0 %', '<0.1 %', '3.4 %', '50 %', '>99 %', '100 %', '-']
    """
    if share is None or share != share:  # noqa: PLR0124 - NaN is the only number that differs from itself
        return MISSING
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"


def human_number(value: float | None) -> str:
    """Return a plain number with up to four digits; null is a dash.

    >>> [human_number(n) for n in (12, 1.25, 0.0345678, 1234567.0, None)]
    ['12', '1.25', '0.03457', '1234567', '-']
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN is the only number that differs from itself
        return MISSING
    return f"{value:.0f}" if value == int(value) or abs(value) >= 10_000 else f"{value:.4g}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun, in the singular or the plural.

    >>> plural(1, "attempt"), plural(3, "attempt"), plural(2, "child DAG"), plural(2, "retry", "retries")
    ('1 attempt', '3 attempts', '2 child DAGs', '2 retries')
    >>> plural(12000, "run")
    '12,000 runs'
    """
    return f"{count} {one}" if count == 1 else f"{count:,} {many or one + 's'}"
