"""Times that stand for no time (engine-semantics §3)."""

from __future__ import annotations

LAST_PLACEHOLDER_YEAR = 1970
"""The server writes the Unix epoch in its own zone, or Go's zero time of year 1, where a time is unset: both lie in or before this year."""
