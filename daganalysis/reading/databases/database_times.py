"""Instants as databases write them: texts of SQLite have an offset, those of a dump are in the time zone of the session that made it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Protocol

from daganalysis.engine.placeholders import LAST_PLACEHOLDER_YEAR
from daganalysis.engine.times import SECOND_NS
from daganalysis.reading.instants import InstantError, parse_instant

_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d\d)", re.ASCII)
_QUARTER_S = 15 * 60
"""Offsets from UTC are multiples of a quarter of an hour."""
_FARTHEST_S = 14 * 3600
_SLACK_S = 120
"""How far the clocks of an agent and of the database may be apart where both write down one moment."""


class DatabaseTimes(Protocol):
    """How one database writes instants.

    ``zoned`` says whether each text has its offset, ``known`` whether the zone of texts without an offset is known. If it is not,
    nanoseconds are local time read as if it were UTC.
    """

    zoned: bool
    known: bool

    def rfc3339(self, text: object) -> str | None:
        """Return a text as the API would write it; None for what is no instant, or where the zone is not known."""

    def instant(self, text: object) -> int | None:
        """Return nanoseconds since 1970; None for a placeholder and for what is no instant."""


class OwnOffsets:
    """Texts with an offset, as the agent's own database has them.

    >>> OwnOffsets().rfc3339("2025-02-19 01:18:11.15694982+08:00")
    '2025-02-19T01:18:11.15694982+08:00'
    """

    zoned = True
    known = True

    def rfc3339(self, text: object) -> str | None:
        """Return the text with the T of RFC 3339."""
        return text.replace(" ", "T", 1) if isinstance(text, str) and text else None

    def instant(self, text: object) -> int | None:
        """Return nanoseconds since 1970."""
        try:
            found = parse_instant(text) if isinstance(text, str) else None
        except InstantError:
            return None
        return None if found is None else found[0]


class SessionZone:
    """Texts in the time zone of a session.

    They are written in UTC with the offset ``-00:00``, which says that the local time where they were made is not known (RFC 3339 §4.3).

    >>> SessionZone(timezone(timedelta(hours=8))).rfc3339("2025-02-19 01:06:01.215094")
    '2025-02-18T17:06:01.215094-00:00'
    """

    zoned = False

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self.known = zone is not None

    def rfc3339(self, text: object) -> str | None:
        """Return the text in UTC."""
        return _both(text, self._zone or UTC)[0] if self.known and isinstance(text, str) else None

    def instant(self, text: object) -> int | None:
        """Return nanoseconds since 1970."""
        return _both(text, self._zone or UTC)[1] if isinstance(text, str) else None


@lru_cache(maxsize=1 << 14)
def _both(text: str, zone: tzinfo) -> tuple[str | None, int | None]:
    """Return a text in UTC, and in nanoseconds since 1970. Cached, because rows that were made together share their times."""
    moment = _in_utc(text, zone)
    if moment is None:
        return None, None
    written = f"{moment.replace(tzinfo=None).isoformat()}-00:00"
    if moment.year <= LAST_PLACEHOLDER_YEAR:
        return written, None
    return written, round(moment.replace(microsecond=0).timestamp()) * SECOND_NS + moment.microsecond * 1000


@lru_cache(maxsize=1 << 14)
def _in_utc(text: str, zone: tzinfo) -> datetime | None:
    try:
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        early, late = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
        # An hour that a change of the clocks repeats, or leaves out, names no moment.
        return early.astimezone(UTC) if early.utcoffset() == late.utcoffset() else None
    except (ValueError, OverflowError):
        return None


def parse_zone(name: str | None) -> tzinfo | None:
    """Return the zone that a dump's header or an option names: an offset, or a name such as ``Asia/Shanghai``; None for any other text.

    >>> parse_zone("+08:00"), parse_zone("SYSTEM")
    (datetime.timezone(datetime.timedelta(seconds=28800)), None)
    """
    if not name:
        return None
    offset = _OFFSET.fullmatch(name.strip())
    if offset is not None:
        seconds = int(offset[2]) * 3600 + int(offset[3]) * 60
        return timezone(timedelta(seconds=seconds if offset[1] == "+" else -seconds)) if seconds <= _FARTHEST_S else None
    if name.strip().upper() in {"UTC", "Z", "GMT"}:
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name.strip()) if "/" in name else None
    except (OSError, ValueError):
        return None


def zone_shown_by(unix_seconds: object, text: object) -> tzinfo | None:
    """Return the zone of a session from a row that holds one moment twice, once as Unix seconds; None if the two do not fit.

    The maintainer's row is such a row: its agent writes ``agent_time`` in Unix seconds in the update that sets ``active_time`` (obshell's
    service/coordinator/coordinator.go).

    >>> zone_shown_by(1739905603, "2025-02-19 03:06:43")
    datetime.timezone(datetime.timedelta(seconds=28800))
    """
    if not (isinstance(unix_seconds, int) and isinstance(text, str)) or unix_seconds <= 0:
        return None
    moment = _in_utc(text, UTC)
    if moment is None:
        return None
    ahead = round(moment.timestamp()) - unix_seconds
    offset = round(ahead / _QUARTER_S) * _QUARTER_S
    fits = abs(ahead - offset) <= _SLACK_S and abs(offset) <= _FARTHEST_S
    return timezone(timedelta(seconds=offset)) if fits else None
