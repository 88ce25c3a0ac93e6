"""RFC 3339 text to nanoseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from daganalysis.engine.placeholders import LAST_PLACEHOLDER_YEAR

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:?\d\d)",
)
_LARGEST_NS = 2**63 - 1
_LONGEST_OFFSET_S = 24 * 3600


class InstantError(ValueError):
    """A text that is no instant; the message says why."""


@lru_cache(maxsize=4096)
def _midnight(date: str) -> int:
    """Seconds from 1970 to the midnight that a date begins with, in UTC."""
    return int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp())


@lru_cache(maxsize=256)
def _offset(text: str) -> int:
    if text in {"Z", "z"}:
        return 0
    seconds = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    if seconds >= _LONGEST_OFFSET_S or int(text[-2:]) > 59:
        raise InstantError(f"{text} is no offset from UTC")
    return seconds if text[0] == "+" else -seconds


def parse_instant(text: str) -> tuple[int, int] | None:
    """Return (nanoseconds since 1970 in UTC, offset from UTC in seconds), or None for a placeholder of the server.

    Digits beyond the ninth of a second's fraction are cut. Raises :class:`InstantError` for anything else.

    >>> parse_instant("2024-01-09T20:40:15.016+08:00")
    (1704804015016000000, 28800)
    >>> parse_instant("1970-01-01T08:00:00+08:00") is None, parse_instant("0001-01-01T00:00:00Z") is None
    (True, True)
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise InstantError("it is not of the form 2024-01-09T20:40:01.706073+08:00")
    date, hour, minute, second, fraction, zone = match.groups()
    if int(date[:4]) <= LAST_PLACEHOLDER_YEAR:
        return None
    offset = _offset(zone)
    try:
        midnight = _midnight(date)
    except ValueError as error:
        raise InstantError(str(error)) from None
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > 23 or minutes > 59 or seconds > 60:
        raise InstantError(f"{hour}:{minute}:{second} is no time of day")
    nanoseconds = (midnight + hours * 3600 + minutes * 60 + seconds - offset) * 1_000_000_000
    if fraction:
        nanoseconds += int(fraction[:9].ljust(9, "0"))
    if nanoseconds > _LARGEST_NS:
        raise InstantError("it lies beyond the year 2262, where nanoseconds end")
    return nanoseconds, offset
