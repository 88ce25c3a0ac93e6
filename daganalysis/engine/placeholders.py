"""Placeholders: times that mean that there is no time (engine-semantics §3)."""

from __future__ import annotations

ZERO_YEARS = ("0000", "0001")
"""The years of Go's zero time and MySQL's: a DAG that was just created has it; an operator's request leaves the epoch, which is 1970."""

LAST_PLACEHOLDER_YEAR = 1970
"""The server writes the Unix epoch in its own zone, or Go's zero time of year 1, where a time is unset: both lie in or before this year."""
