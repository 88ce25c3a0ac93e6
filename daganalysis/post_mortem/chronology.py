"""What happened in a run of several legs, in order of time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import CATEGORIES
from daganalysis.text.humanize import human_duration, plural

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row
    from daganalysis.text.zones import Zone

_WAITS = {name: category.past for name, category in CATEGORIES.items() if category.past}
_PAUSES = {"handoff", "unattributed"}
_MOST_SHOWN = 16
_WORTH_SAYING_S = 0.0005


def chronology_lines(facts: RunFacts, zone: Zone) -> list[str]:
    """List the legs: their stages, direction and length, and the waits between them. A run of one leg has no list."""
    if len({stretch["leg"] for stretch in facts.timeline}) < 2:
        return []
    events: list[str] = []
    waited_in = None
    for (leg, what), group in itertools.groupby(facts.timeline, key=_leg_and_wait):
        stretches = list(group)
        seconds = sum(stretch["duration_s"] for stretch in stretches)
        if what:
            waited_in = leg
        elif leg == waited_in and all(stretch["category"] in _PAUSES for stretch in stretches):
            continue  # the pass of the scheduler that takes the operator's request up
        if seconds >= _WORTH_SAYING_S:
            cause = _WAITS[what] if what else _leg(stretches)
            events.append(f"  {zone.short(stretches[0]['started_at'])}  {human_duration(seconds):>12}  {cause}")
    if len(events) > _MOST_SHOWN + 1:
        half = _MOST_SHOWN // 2
        events = [*events[:half], f"  … {plural(len(events) - 2 * half, 'event')} between …", *events[-half:]]
    return [f"What happened, leg by leg (times in {zone.name})", *events]


def _leg_and_wait(stretch: Row) -> tuple[int, str]:
    return stretch["leg"], stretch["category"] if stretch["category"] in _WAITS else ""


def _leg(stretches: list[Row]) -> str:
    stages = [stage for stretch in stretches for stage in (stretch["from_stage"], stretch["to_stage"]) if stage is not None]
    back = stretches[-1]["direction"] == "rollback"
    if stages:
        first, last = (max(stages), min(stages)) if back else (min(stages), max(stages))
        walked = f"stage {first}" if first == last else f"stages {first} to {last}"
    else:
        walked = "stages of unknown number"
    lost = sum(stretch["duration_s"] for stretch in stretches if stretch["category"] == "lost")
    return f"{'rolled back' if back else 'ran'} {walked}" + (f" ({human_duration(lost)} lost)" if lost >= _WORTH_SAYING_S else "")
