"""What the exit status of the program says."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """Fixed: scripts rely on them."""

    DONE = 0
    GATE_TRIPPED = 1
    USAGE = 2
    UNUSABLE = 3
    UNDECIDED = 4
    INTERRUPTED = 130
    """As shells have it for a program stopped by Ctrl-C (128 + the signal's number)."""
