"""Colours and marks: distinguishable without colour, and by people who see colours differently.

The colours are those of the Okabe-Ito palette; every outcome has a mark as well, every doubtful bar a hatch.
"""

from __future__ import annotations

from typing import NamedTuple

from daganalysis.engine.vocabulary import CATEGORIES, TASK_OUTCOMES


class Style(NamedTuple):
    """How an outcome looks: fill, and the mark at the end of its bar (a matplotlib marker, or none)."""

    colour: str
    marker: str | None = None


_PALETTE = {
    "work": "#0072B2",
    "failure": "#D55E00",
    "person": "#CC79A7",
    "waiting": "#F0E442",
    "stopped": "#7F7F7F",
    "running": "#56B4E9",
    "nothing": "#BBBBBB",
    "dispatch": "#A6CEE3",
    "detect": "#E69F00",
    "handoff": "#DCDCDC",
    "lost": "#FFFFFF",
    "unattributed": "#EEEEEE",
}
"""The colour of each key that the vocabulary names."""
_MARKERS = {
    "passed": "D",
    "waiting": "d",
    "failed": "X",
    "rollback_failed": "X",
    "timeout": "P",
    "interrupted": "v",
    "not_succeeded": "d",
    "cancelled": "s",
    "cancelled_before_start": "s",
    "running": ">",
}

OUTCOMES = {name: Style(_PALETTE[outcome.colour], _MARKERS.get(name)) for name, outcome in TASK_OUTCOMES.items()}
"""The look of every outcome of an attempt."""

CATEGORY_COLOURS = {name: _PALETTE[category.colour] for name, category in CATEGORIES.items()}
"""The fill of every category of time."""

CATEGORY_HATCHES = {"wait_operator": "...", "wait_protocol": "oo", "lost": "xxx", "unattributed": "---"}
"""Categories in which nothing of this run was at work are hatched."""

SCENARIO_MARKS = {
    "no_wait_operator": Style(_PALETTE["person"], "D"),
    "no_engine": Style(_PALETTE["detect"], "s"),
    "no_stragglers": Style(_PALETTE["running"], "^"),
    "no_retries": Style(_PALETTE["failure"], "o"),
}
"""The look of what each scenario of ``what_if`` predicts."""

DISPATCHED = _PALETTE["dispatch"]
NOTICED = _PALETTE["detect"]
INK = "#333333"
