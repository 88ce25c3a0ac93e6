"""Time zones by name or by offset."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

from daganalysis.errors import UsageError

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def zone_of(tz: str) -> dt.tzinfo:
    """Return the time zone of a name such as ``Asia/Shanghai``, or of an offset such as ``+08:00``.

    Raises:
        UsageError: there is no such zone.

    Example:
        >>> zone_of("+08:00")
        datetime.timezone(datetime.timedelta(seconds=28800))
    """
    offset = _OFFSET.fullmatch(tz)
    try:
        if offset:
            size = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return dt.timezone(size if offset[1] == "+" else -size)
        return dt.UTC if tz == "UTC" else zoneinfo.ZoneInfo(tz)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError("no such time zone", where=tz, hint="a name such as UTC or Asia/Shanghai, or an offset such as +08:00") from None


def offset_name(seconds: int) -> str:
    """Return the name of the zone so many seconds ahead of UTC.

    >>> offset_name(28800), offset_name(-12600), offset_name(0)
    ('+08:00', '-03:30', 'UTC')
    """
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}" if seconds else "UTC"
