"""Stretches of a timeline, and the ledger that books them one after another, without gap or overlap."""

from __future__ import annotations

import itertools

import msgspec

from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME, IN_STAGE

FOR_GOOD = 2**63 - 1
_MOST_PASSES = 5
"""The engine at work takes at most two passes for a step (engine-semantics §5, §2.9). What takes longer than this many, with one more for
each stage that is stepped over, is no rhythm: the scheduler, an agent or the database was down, or no worker was free (§4, §12)."""
LONGEST_STEP_NS = _MOST_PASSES * SECOND_NS
"""The engine may take this long for one step in any run: a tick is never shorter than a second."""


class Stretch(msgspec.Struct, gc=False):
    """One stretch of a timeline, in nanoseconds."""

    start: int
    end: int
    category: str
    leg: int
    from_stage: int | None
    to_stage: int | None
    direction: str
    evidence: str

    def continues_in(self, other: Stretch) -> bool:
        """Return whether another stretch, which begins at the end of this one, differs only in its bounds."""
        return (
            self.category == other.category
            and self.evidence == other.evidence
            and self.from_stage == other.from_stage
            and self.to_stage == other.to_stage
            and self.leg == other.leg
            and self.direction == other.direction
        )


class Ledger(msgspec.Struct):
    """Books time from one instant on.

    Time is booked up to ``cursor``. ``end`` is the end of the known span (None while the run has not ended). ``tick`` is the pause between
    two passes of the scheduler, ``pass_at`` one pass, from which the others follow. ``stage`` is the node executed last, ``leg`` and
    ``direction`` are the current ones. Until ``unsure_until`` times contradict each other, or an agent was down, so the time there is
    unattributed.
    """

    cursor: int
    end: int | None
    tick: int
    leg: int = 1
    stage: int | None = None
    direction: str = "forward"
    pass_at: int = 0
    unsure_until: int = 0
    stretches: list[Stretch] = msgspec.field(default_factory=list)

    def book(self, until: int, category: str, *, to_stage: int | None, evidence: str = "observed") -> None:
        """Book the time up to an instant, but not beyond the end of the span."""
        if self.end is not None and until > self.end:
            until = self.end
        is_unsure = self.unsure_until > self.cursor
        if (is_unsure or until - self.cursor > LONGEST_STEP_NS) and (category in ENGINE_TIME or category == "lost"):
            if is_unsure:
                self._lay(min(until, self.unsure_until), "unattributed", to_stage, "inferred")
            if category in ENGINE_TIME and until - self.cursor > self._longest_step(to_stage):
                category, evidence = "unattributed", "inferred"
        self._lay(until, category, to_stage, evidence)

    def turn(self, direction: str | None) -> bool:
        """Go on in a direction; return whether that begins a leg.

        A leg has one direction. A change of direction after some work begins a leg that no answer showed.
        """
        if direction is None or direction == self.direction:
            return False
        self.direction = direction
        own = list(itertools.takewhile(lambda stretch: stretch.leg == self.leg, reversed(self.stretches)))
        if any(stretch.category in IN_STAGE for stretch in own):
            self.leg += 1
            return True
        for stretch in own:
            stretch.direction = direction
        return False

    def next_pass(self) -> int:
        """Return the first pass of the scheduler from here on (engine-semantics §5)."""
        return self.pass_at - (self.pass_at - self.cursor) // self.tick * self.tick

    def _longest_step(self, to_stage: int | None) -> int:
        """Return how long the engine may take for one step while it is at work."""
        stepped_over = max(0, abs(to_stage - self.stage) - 1) if to_stage is not None and self.stage is not None else 0
        return (_MOST_PASSES + stepped_over) * max(self.tick, SECOND_NS)

    def _lay(self, until: int, category: str, to_stage: int | None, evidence: str) -> None:
        """Add a stretch, or lengthen the last one if only its end differs."""
        if until <= self.cursor:
            return
        evidence = "lost" if category == "lost" else evidence
        new = Stretch(self.cursor, until, category, self.leg, self.stage, to_stage, self.direction, evidence)
        stretches = self.stretches
        if stretches and stretches[-1].category == category and stretches[-1].continues_in(new):
            stretches[-1].end = until
        else:
            stretches.append(new)
        self.cursor = until
