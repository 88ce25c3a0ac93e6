"""The time of what an answer without an envelope lies in: an entry of a log, an exchange of a browser, a line of a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.times import SECOND_NS
from daganalysis.reading.instants import InstantError, parse_instant

if TYPE_CHECKING:
    from collections.abc import Sequence

Wrapper = dict[str, msgspec.Raw] | list[msgspec.Raw] | bytes
"""An object or a list that something lies in, or the text before it on its line."""

_NOT_LETTERS = re.compile(r"[^a-z]+")
_NAMES = frozenset(
    ("ts", "time", "timestamp", "date", "datetime", "at", "when", "starteddatetime", "started", "realtimetimestamp", "eventtime", "logtime")
    + (
        "observedat",
        "savedat",
        "polledat",
        "fetchedat",
        "capturedat",
        "collectedat",
        "requestedat",
        "receivedat",
        "polltime",
        "now",
        "epoch",
    )
)
"""Names of a wrapper's time, of which only the letters count."""
_INSTANT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)(?![\d:])")
_EARLIEST_S, _LATEST_S = 1_420_070_400, 4_102_444_800
"""The years from 2015 to 2100: a number outside them, whatever its unit, is no time at which an answer was saved."""
_UNITS = (SECOND_NS, 1_000_000, 1_000, 1)
"""Nanoseconds in seconds, milliseconds, microseconds and nanoseconds."""
_LONGEST = 64


def wrapper_time(wrappers: Sequence[Wrapper]) -> tuple[str, int] | None:
    """Return the name of the innermost time around an answer and the time in nanoseconds since 1970; None where there is none.

    A time without a zone does not count: whose it would be is not known.

    >>> wrapper_time([{"ts": msgspec.Raw(b'"2026-03-02T09:01:24+08:00"'), "dag": msgspec.Raw(b"{}")}])
    ('ts', 1772413284000000000)
    """
    for wrapper in reversed(wrappers):
        if isinstance(wrapper, bytes):
            found = _INSTANT.search(wrapper)
            at = None if found is None else _instant(found[0].decode())
            if at is not None:
                return "the beginning of its line", at
        elif isinstance(wrapper, list):
            # As Loki has its entries: a time and a text.
            at = _time_of(bytes(wrapper[0])) if len(wrapper) == 2 else None
            if at is not None:
                return "the entry of a list", at
        else:
            for name, raw in wrapper.items():
                if _NOT_LETTERS.sub("", name.lower()) in _NAMES and (at := _time_of(bytes(raw))) is not None:
                    return name, at
    return None


def _time_of(raw: bytes) -> int | None:
    if len(raw) > _LONGEST or raw[:1] not in b'"0123456789':
        return None
    text = raw.decode("ascii", "replace").strip('"')
    try:
        number = float(text)
    except ValueError:
        return _instant(text)
    for unit in _UNITS:
        if _EARLIEST_S * SECOND_NS <= number * unit < _LATEST_S * SECOND_NS:
            return int(text) * unit if text.isdigit() else round(number * unit)
    return None


def _instant(text: str) -> int | None:
    try:
        found = parse_instant(text)
    except InstantError:
        return None
    return None if found is None else found[0]
