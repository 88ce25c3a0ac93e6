"""Which runs ``--since`` and ``--until`` choose, in which zone, and how that is said."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.commands.options import DaysAgo
from daganalysis.commands.printing import notice
from daganalysis.text.humanize import plural
from daganalysis.text.zones import offset_name, zone_of

if TYPE_CHECKING:
    import argparse

    import pandas as pd

SERVERS = "server"
"""The zone of the servers that each run's answers came from."""
COLUMNS = ["started_at", "created_at", "first_observed_at", "utc_offset_s"]
"""The columns of ``dags`` that a period is held against."""


class _Zone(NamedTuple):
    """The zone of dates: one zone, or the offset of each run's servers. Times are shown in ``shown``."""

    own: dt.tzinfo | None
    offsets: pd.Series[int]
    shown: dt.tzinfo
    name: str


def starts_within(dags: pd.DataFrame, arguments: argparse.Namespace) -> pd.Series[bool]:
    """Return which runs started within ``--since`` and ``--until``, and say on stderr which period that is, with its zone.

    A date or a time without an offset is of the zone of ``--tz``, by default of each run's own servers. A run without a known start counts
    by the time when it was created, or first seen. If no run is chosen, stderr has the range of the archive's runs.
    """
    zone = _zone(dags, arguments.tz)
    started = dags["started_at"].fillna(dags["created_at"]).fillna(dags["first_observed_at"])
    chosen = started.notna()
    limits = []
    since, until = (_on_calendar(limit, zone) for limit in (arguments.since, arguments.until))
    if since is not None:
        chosen &= started >= _boundary(since, zone)
        limits.append(f"from {_said(since, zone)} on")
    if until is not None:
        chosen &= started < _boundary(until, zone)
        limits.append(f"before {_said(until, zone)}")
    notice(f"runs that started {' and '.join(limits)} ({zone.name}): {plural(int(chosen.sum()), 'run')} of {len(dags)}")
    if not chosen.any() and started.notna().any():
        first, last = (_written(instant.tz_convert(zone.shown)) for instant in (started.min(), started.max()))
        notice(f"nothing is selected: the archive's runs started from {first} to {last}")
    return chosen


def _zone(dags: pd.DataFrame, tz: str) -> _Zone:
    known = dags["utc_offset_s"].dropna()
    usual = int(known.mode().iloc[0]) if len(known) else 0
    offsets = dags["utc_offset_s"].fillna(usual).astype("int64")
    if tz != SERVERS:
        own = zone_of(tz)
        return _Zone(own, offsets, own, tz)
    names = [offset_name(int(seconds)) for seconds in sorted(set(offsets))] or ["UTC"]
    name = f"{names[0]}, the servers' zone" if len(names) == 1 else f"each run in its servers' zone: {', '.join(names)}"
    return _Zone(None, offsets, dt.timezone(dt.timedelta(seconds=usual)), name)


def _on_calendar(limit: dt.datetime | DaysAgo | None, zone: _Zone) -> dt.datetime | None:
    """Return a limit as a date or an instant: a day before today is counted in the zone that times are said in."""
    if not isinstance(limit, DaysAgo):
        return limit
    day = now().astimezone(zone.shown).date() - dt.timedelta(days=limit.days)
    return dt.datetime.combine(day, dt.time())


def now() -> dt.datetime:
    """Return the present moment. Only commands read the clock, and only for ``today`` and ``yesterday``."""
    return dt.datetime.now(dt.UTC)


def _boundary(instant: dt.datetime, zone: _Zone) -> pd.Timestamp | pd.Series[pd.Timestamp]:
    import pandas as pd

    if instant.tzinfo is not None:
        return pd.Timestamp(instant)
    if zone.own is not None:
        return pd.Timestamp(instant.replace(tzinfo=zone.own))
    boundaries: pd.Series[pd.Timestamp] = pd.Timestamp(instant, tz="UTC") - pd.to_timedelta(zone.offsets, unit="s")
    return boundaries


def _said(instant: dt.datetime, zone: _Zone) -> str:
    """Write a boundary. Without an offset of its own, it has no zone if there are several."""
    if instant.tzinfo is None and zone.own is None:
        return instant.strftime("%Y-%m-%d %H:%M:%S")
    return _written(instant.astimezone(zone.shown) if instant.tzinfo is not None else instant.replace(tzinfo=zone.own))


def _written(instant: dt.datetime) -> str:
    offset = instant.utcoffset() or dt.timedelta()
    return f"{instant.strftime('%Y-%m-%d %H:%M:%S')} {offset_name(round(offset.total_seconds()))}"
