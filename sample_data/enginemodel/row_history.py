"""The rows of the engine's tables, with every state that they ever had."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

STATES = ("PENDING", "READY", "RUNNING", "FAILED", "SUCCEED")
"""The states in the order of the engine's numbers, from 1."""
OPERATORS = ("RUN", "RETRY", "ROLLBACK", "CANCEL", "PASS")
"""The operators in the order of the engine's numbers, from 1."""


class Row:
    """One row of the engine's tables with every state it ever had."""

    def __init__(self, t: int, **values: Any) -> None:
        self._times = [t]
        self._states: list[dict[str, Any]] = [values]

    def set(self, t: int, **changes: Any) -> None:
        """Overwrite some columns at a time not before the last change."""
        assert t >= self._times[-1], (t, self._times[-1])
        self._times.append(t)
        self._states.append({**self._states[-1], **changes})

    def forget_after(self, t: int) -> None:
        """Take back what was to be written after a time (a cancel forestalls it)."""
        keep = bisect_right(self._times, t)
        del self._times[keep:], self._states[keep:]

    def at(self, t: int) -> dict[str, Any]:
        """The row as it was at a time."""
        return self._states[max(bisect_right(self._times, t) - 1, 0)]

    @property
    def created(self) -> int:
        """When it was inserted."""
        return self._times[0]

    def changed_at(self, t: int) -> int:
        """When it was last written, up to a time."""
        return self._times[max(bisect_right(self._times, t) - 1, 0)]

    @property
    def now(self) -> dict[str, Any]:
        """The row as it was left."""
        return self._states[-1]
