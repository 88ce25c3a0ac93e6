"""The time of the wrapper of an answer without an envelope: an entry of a log, an exchange of a browser, a line of a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from daganalysis.engine.times import SECOND_NS
from daganalysis.reading.instants import InstantError, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Wrapper = dict[str, msgspec.Raw] | list[msgspec.Raw] | bytes
"""A wrapper: an object or a list around an answer, or the text before it on its line."""

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
"""Names of a wrapper's time. Only their letters count."""
_INSTANT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d(?![\d:]))?")
_EARLIEST_S, _LATEST_S = 1_420_070_400, 4_102_444_800
"""The years from 2015 to 2100. A number outside them, in any unit, is not the time when an answer was saved."""
_STAMP = re.compile(rb'"(?:start|end)_time"\s*:\s*"([^"\\]{20,40})"')
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?")
_MOST_SKEW = 300 * SECOND_NS
"""So far may the clock of a program that saves answers be behind the clocks of the agents."""
_SOON = 900 * SECOND_NS
"""So soon after the latest time in an answer is it saved, where the wall clock is right and the zone is not."""
_HOUR = 3600 * SECOND_NS
_UNITS = (SECOND_NS, 1_000_000, 1_000, 1)
"""Nanoseconds in seconds, milliseconds, microseconds and nanoseconds."""
_LONGEST = 64


class WrapperTime(NamedTuple):
    """A time around an answer: what it is called, when it is (nanoseconds since 1970), and its offset from UTC in seconds.

    ``at`` is None where no time around the answer has a zone.
    """

    name: str
    at: int | None
    offset_s: int = 0


def wrapper_time(wrappers: Sequence[Wrapper]) -> WrapperTime | None:
    """Return the innermost time around an answer; one without a zone where that is all there is, None where there is none.

    >>> wrapper_time([{"ts": msgspec.Raw(b'"2026-03-02T09:01:24+08:00"'), "dag": msgspec.Raw(b"{}")}])
    WrapperTime(name='ts', at=1772413284000000000, offset_s=28800)
    """
    without_zone = None
    for wrapper in reversed(wrappers):
        for name, raw in _named_times(wrapper):
            found = _time_of(raw)
            if found is not None:
                return WrapperTime(name, *found)
            if without_zone is None and _WITHOUT_ZONE.fullmatch(raw.decode("ascii", "replace").strip('"')):
                without_zone = WrapperTime(name, None)
    return without_zone


def fault_of(time: WrapperTime, texts: Iterable[bytes]) -> str:
    """Say why the time around an answer cannot be when it was saved; empty where it can. ``texts`` are those of the answer's objects."""
    if time.at is None:
        return f"{time.name} has no time zone"
    stamps = [found for text in texts for match in _STAMP.finditer(text) if (found := _instant(match[1].decode("ascii", "replace")))]
    if not stamps:
        return ""
    latest, offset_s = max(stamps)
    if time.at < latest - _MOST_SKEW:
        return f"{time.name} is {(latest - time.at) / _HOUR:.1f} h before the latest time in the answer"
    shift = (time.offset_s - offset_s) * SECOND_NS
    if shift and -_MOST_SKEW < time.at + shift - latest < _SOON:
        return f"{time.name} is {(time.at - latest) / _HOUR:.1f} h after the latest time in the answer, as if its time zone were wrong"
    return ""


def _named_times(wrapper: Wrapper) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the text of what may be a time in one wrapper."""
    if isinstance(wrapper, bytes):
        found = _INSTANT.search(wrapper)
        if found is not None:
            yield "the beginning of its line", found[0]
    elif isinstance(wrapper, list):
        if len(wrapper) == 2:  # as Loki has its entries: a time and a text
            yield "the entry of a list", bytes(wrapper[0])
    else:
        yield from ((name[:40], bytes(raw)) for name, raw in wrapper.items() if _NOT_LETTERS.sub("", name.lower()) in _NAMES)


def _time_of(raw: bytes) -> tuple[int, int] | None:
    """Return a time in nanoseconds since 1970 and its offset from UTC; None for a text without a zone, and for anything else."""
    if len(raw) > _LONGEST or raw[:1] not in b'"0123456789':
        return None
    text = raw.decode("ascii", "replace").strip('"')
    try:
        number = float(text)
    except ValueError:
        return _instant(text)
    for unit in _UNITS:
        if _EARLIEST_S * SECOND_NS <= number * unit < _LATEST_S * SECOND_NS:
            return (int(text) * unit if text.isdigit() else round(number * unit)), 0
    return None


def _instant(text: str) -> tuple[int, int] | None:
    try:
        return parse_instant(text)
    except InstantError:
        return None
