"""Scenarios of ``what_if``: their texts, and the assumptions of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

ASSUMPTIONS = MappingProxyType(
    {
        "no_wait_operator": "a person acts at once wherever the run waited for one; everything else is unchanged",
        "no_engine": "the engine hands out, notices and hands over in no time; work and waits are unchanged",
        "tick": "the scheduler sleeps this many seconds between two passes instead of 1; passes and work take as long as they did",
        "no_stragglers": "an attempt takes at most the median of the others of its stage (one that was run again alone: of the others "
        "before it); an agent that works alone is no straggler; starts, and the time to notice ends, are unchanged",
        "no_retries": "each stage is executed once, like its last execution; each sub-task takes as long as its last run; there is no "
        "wait before a retry",
        "stage": "the work of the stage takes FACTOR times as long; the time to notice its end is unchanged",
    }
)
"""What each kind of scenario takes for granted."""

DEFAULTS = ("no_engine", "no_retries", "no_stragglers", "no_wait_operator")
"""The scenarios that are tried where none are named."""

_KINDS = "no_wait_operator, no_engine, no_stragglers, no_retries, tick=SECONDS, stage=NAME*FACTOR, or several of these joined by +"
_JOINED = re.compile(r"\+(?=no_|tick=|stage=)")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: the removed parts, the scheduler's sleep if it is changed, and factors for the work of stages."""

    text: str
    no_wait_operator: bool = False
    no_engine: bool = False
    no_stragglers: bool = False
    no_retries: bool = False
    tick_s: float = SCHEDULER_SLEEP_S
    factors: tuple[tuple[str, float], ...] = ()

    @property
    def changes_tick(self) -> bool:
        """Whether the scheduler sleeps longer or shorter than it did."""
        return self.tick_s != SCHEDULER_SLEEP_S and not self.no_engine


def parse_scenario(text: str) -> Scenario:
    """Read a scenario; raise :class:`UsageError` for one that makes no sense.

    >>> parse_scenario("no_engine+stage=Start observer*0.5").factors
    (('Start observer', 0.5),)
    """
    scenario = Scenario(text)
    for part in _JOINED.split(text):
        word, equals, value = part.partition("=")
        if not equals and word in DEFAULTS:
            removed: dict[str, Any] = {word: True}
            scenario = replace(scenario, **removed)
        elif word == "tick" and equals:
            scenario = replace(scenario, tick_s=_number(value, text, least=0.001))
        elif word == "stage" and "*" in value:
            name, _, factor = value.rpartition("*")
            scenario = replace(scenario, factors=(*scenario.factors, (name, _number(factor, text, least=0.0))))
        else:
            raise UsageError("no such scenario", where=text, hint=_KINDS)
    return scenario


def assumptions(scenarios: Iterable[str]) -> list[str]:
    """Return in words what scenarios assume, each kind once.

    >>> assumptions(["no_engine", "no_engine+tick=1"])[0]
    'no_engine: the engine hands out, notices and hands over in no time; work and waits are unchanged'
    """
    kinds = dict.fromkeys(part.partition("=")[0] for text in scenarios for part in _JOINED.split(text))
    return [f"{kind}: {ASSUMPTIONS[kind]}" for kind in kinds if kind in ASSUMPTIONS]


def _number(value: str, text: str, *, least: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not least <= number < float("inf"):
        raise UsageError("no such number in a scenario", where=text, hint=f"a number of at least {least:g}")
    return number
