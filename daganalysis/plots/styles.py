"""Colours and marks: told apart by more than colour, and by people who see colours differently.

The colours are those of the Okabe-Ito palette; every outcome has a mark as well, every doubtful bar a hatch.
"""

from __future__ import annotations

from typing import NamedTuple


class Style(NamedTuple):
    """How an outcome looks: fill, and the mark at the end of its bar (a matplotlib marker, or none)."""

    colour: str
    marker: str | None = None


OUTCOMES = {
    "succeeded": Style("#0072B2"),
    "rolled_back": Style("#0072B2"),
    "passed": Style("#CC79A7", "D"),
    "waiting": Style("#F0E442", "d"),
    "failed": Style("#D55E00", "X"),
    "rollback_failed": Style("#D55E00", "X"),
    "timeout": Style("#D55E00", "P"),
    "interrupted": Style("#D55E00", "v"),
    "not_succeeded": Style("#D55E00", "d"),
    "cancelled": Style("#7F7F7F", "s"),
    "cancelled_before_start": Style("#7F7F7F", "s"),
    "running": Style("#56B4E9", ">"),
    "ready": Style("#56B4E9"),
    "never_run": Style("#BBBBBB"),
    "unknown": Style("#BBBBBB"),
}
"""The look of every outcome of an attempt."""

CATEGORIES = {
    "execute": "#0072B2",
    "dispatch": "#A6CEE3",
    "detect": "#E69F00",
    "handoff": "#DCDCDC",
    "wait_operator": "#CC79A7",
    "wait_protocol": "#F0E442",
    "lost": "#FFFFFF",
    "unattributed": "#EEEEEE",
}
"""The fill of every category of time."""

CATEGORY_HATCHES = {"wait_operator": "...", "wait_protocol": "oo", "lost": "xxx", "unattributed": "---"}
"""Categories in which nothing of this run was at work are hatched."""

CATEGORY_WORDS = {
    "execute": "executing",
    "dispatch": "dispatching",
    "detect": "end not noticed yet",
    "handoff": "handing over",
    "wait_operator": "waiting for an operator",
    "wait_protocol": "waiting for another DAG",
    "lost": "overwritten, unknown",
    "unattributed": "unattributed",
}
"""What a legend calls a category."""

DISPATCHED = "#A6CEE3"
NOTICED = "#E69F00"
INK = "#333333"
