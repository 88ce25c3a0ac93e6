"""The time zone of an output: that of the servers, or the one that the user asked for."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.text.humanize import MISSING
from daganalysis.text.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Iterable

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_IN_UTC = re.compile(r"\b([12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z\b|\+00:00)")
_DAY_NS = 86_400 * 10**9


def zone_of(tz: str) -> dt.tzinfo:
    """Return the time zone of a name such as ``Asia/Shanghai``, or of an offset such as ``+08:00``.

    >>> zone_of("+08:00")
    datetime.timezone(datetime.timedelta(seconds=28800))
    """
    offset = _OFFSET.fullmatch(tz)
    try:
        if offset:
            size = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return dt.timezone(size if offset[1] == "+" else -size)
        return dt.UTC if tz == "UTC" else _named_zone(tz)
    except (KeyError, ValueError, OSError):  # a name that is not known is a KeyError
        raise UsageError("no such time zone", where=tz, hint=_nearest_zone(tz)) from None


def _nearest_zone(tz: str) -> str:
    from zoneinfo import available_timezones

    near = closest(tz, sorted(available_timezones()), 1)
    return f"perhaps {near[0]}" if near else "a name such as UTC or Asia/Shanghai, or an offset such as +08:00"


def _named_zone(name: str) -> dt.tzinfo:
    from zoneinfo import ZoneInfo  # which looks for the system's zones as it is imported

    return ZoneInfo(name)


def offset_name(seconds: int) -> str:
    """Return the name of the zone so many seconds ahead of UTC.

    >>> offset_name(28800), offset_name(-12600), offset_name(0)
    ('+08:00', '-03:30', 'UTC')
    """
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}" if seconds else "UTC"


def _offset_s(info: dt.tzinfo, at_ns: int) -> int:
    offset = dt.datetime.fromtimestamp(at_ns / 1e9, dt.UTC).astimezone(info).utcoffset() or dt.timedelta()
    return round(offset.total_seconds())


def _changed_at(info: dt.tzinfo, before_ns: int, after_ns: int) -> int:
    """Return the first whole second between two instants at which the offset of the later one holds."""
    low, high, offset = before_ns // 10**9, -(-after_ns // 10**9), _offset_s(info, after_ns)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset_s(info, middle * 10**9) == offset else (middle, high)
    return high * 10**9


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone of an output, with its name."""

    name: str = "UTC"

    @property
    def info(self) -> dt.tzinfo:
        """The zone itself."""
        return zone_of(self.name)

    @property
    def changes(self) -> bool:
        """Whether its offset may differ from one instant to another."""
        return not isinstance(self.info, dt.timezone)

    def offset_at(self, instant: dt.datetime) -> str:
        """Return the offset that holds at an instant.

        >>> Zone("Europe/Berlin").offset_at(dt.datetime(2024, 7, 1, tzinfo=dt.UTC))
        '+02:00'
        """
        offset = instant.astimezone(self.info).utcoffset() or dt.timedelta()
        return offset_name(round(offset.total_seconds()))

    def bare(self, instant: dt.datetime | None) -> str:
        """Write an instant to the second, for a place that names the zone elsewhere; null is a dash.

        If the offset of the zone changes during the year, every time has its offset, so times around a clock change are clear.

        >>> moment = dt.datetime(2024, 1, 9, 12, 40, 1, 706073, tzinfo=dt.UTC)
        >>> Zone("+08:00").bare(moment), Zone("Europe/Berlin").bare(moment)
        ('2024-01-09 20:40:01', '2024-01-09 13:40:01 +01:00')
        """
        if instant is None or instant != instant:  # noqa: PLR0124 - NaT is the only instant that differs from itself
            return MISSING
        text = instant.astimezone(self.info).strftime("%Y-%m-%d %H:%M:%S")
        return f"{text} {self.offset_at(instant)}" if self.changes else text

    def full(self, instant: dt.datetime | None) -> str:
        """Write an instant to the second with its offset; null is a dash.

        >>> moment = dt.datetime(2024, 1, 9, 12, 40, 1, tzinfo=dt.UTC)
        >>> Zone().full(moment), Zone("+08:00").full(moment)
        ('2024-01-09 12:40:01 UTC', '2024-01-09 20:40:01 +08:00')
        """
        if instant is None or instant != instant:  # noqa: PLR0124 - NaT is the only instant that differs from itself
            return MISSING
        return f"{instant.astimezone(self.info):%Y-%m-%d %H:%M:%S} {self.offset_at(instant)}"

    def short(self, instant: dt.datetime) -> str:
        """Write an instant as :meth:`bare` does, without the year, for a place that names the year elsewhere.

        >>> moment = dt.datetime(2024, 1, 9, 12, 40, 1, tzinfo=dt.UTC)
        >>> Zone("+08:00").short(moment), Zone("Europe/Berlin").short(moment)
        ('01-09 20:40:01', '01-09 13:40:01 +01:00')
        """
        return self.bare(instant)[5:]

    def offsets(self, begin_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return the offsets in seconds that hold from one instant to another, each with the instant it holds from, in order.

        Instants are nanoseconds since 1970.

        >>> day = 86_400 * 10**9
        >>> Zone("Europe/Berlin").offsets(20_020 * day, 20_021 * day)  # the last Sunday of October 2024 is the day after
        [(1729728000000000000, 7200)]
        >>> Zone("Europe/Berlin").offsets(20_022 * day, 20_024 * day)
        [(1729900800000000000, 7200), (1729990800000000000, 3600)]
        """
        info = self.info
        held = [(begin_ns, _offset_s(info, begin_ns))]
        at = begin_ns
        while at < end_ns:
            later = min(at + _DAY_NS, end_ns)
            if _offset_s(info, later) != held[-1][1]:
                held.append((_changed_at(info, at, later), _offset_s(info, later)))
            at = later
        return held

    def within(self, text: str) -> str:
        """Write each instant in UTC that a text holds, such as the message of an issue, to the second with its offset.

        >>> Zone("+08:00").within("between 2024-01-09T12:40:01Z and 2024-01-09T12:41:00.250+00:00")
        'between 2024-01-09 20:40:01 +08:00 and 2024-01-09 20:41:00 +08:00'
        """

        def written(found: re.Match[str]) -> str:
            try:
                return self.full(dt.datetime.fromisoformat(found[1] + "+00:00"))
            except ValueError:  # such as the 30th of February
                return found[0]

        return _IN_UTC.sub(written, text)

    def of_text(self, text: str) -> str:
        """Write an instant from its RFC 3339 text.

        >>> Zone("+08:00").of_text("2024-01-09T12:40:01.706073000Z")
        '2024-01-09 20:40:01'
        """
        return self.bare(dt.datetime.fromisoformat(text[:19] + "+00:00"))


UTC = Zone()


def servers_zone(offsets: Iterable[int | None]) -> Zone:
    """Return the zone that most runs were served in, from their offsets in seconds; UTC if no run has one.

    >>> servers_zone([28800, None, 28800, 0]).name
    '+08:00'
    """
    known = Counter(int(offset) for offset in offsets if offset is not None)
    if not known:
        return UTC
    most = max(known.values())
    return Zone(offset_name(min(offset for offset, n in known.items() if n == most)))
