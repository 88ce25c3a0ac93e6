"""Answers written in another time zone: the same instants, other texts."""

from __future__ import annotations

import datetime as dt
import re

_INSTANT = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d:\d\d)")


def written_in(text: bytes, zone: str) -> bytes:
    """Write every instant of an answer in a zone such as ``+05:30``; the epoch, which stands for no time, stays."""
    sign, hours, minutes = zone[0], int(zone[1:3]), int(zone[4:])
    elsewhere = dt.timezone((-1 if sign == "-" else 1) * dt.timedelta(hours=hours, minutes=minutes))

    def moved(found: re.Match[bytes]) -> bytes:
        moment, fraction, offset = (part.decode() for part in found.groups(b""))
        if moment < "1971":
            return found[0]
        return f"{dt.datetime.fromisoformat(moment + offset).astimezone(elsewhere):%Y-%m-%dT%H:%M:%S}{fraction}{zone}".encode()

    return _INSTANT.sub(moved, text)
