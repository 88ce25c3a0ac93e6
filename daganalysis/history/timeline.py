"""The timeline of a run: every nanosecond of its known span has one cause.

The span is cut into stretches that follow each other without gap or overlap. Known node executions and attempts are booked in order of
time, all on the clock of the DAG's own rows. The legs decide what the time between them is: a wait between the end of a leg and the start
of the next one, a hand-over inside a leg, and lost time where an execution was overwritten. Time is unattributed where the engine took
longer than it does while it runs, or where times contradict each other.

This module walks over legs and node executions. `stretches.py` books the time, `stage_work.py` handles the time within one execution,
`hidden_work.py` finds where something is hidden, and `proven_waits.py` finds waits in lost time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from daganalysis.engine.times import SECOND_NS
from daganalysis.history.hidden_work import Position, hides_attempt, hides_execution, hides_leg, hides_second_leg, skips_stage
from daganalysis.history.proven_waits import book_proven_waits
from daganalysis.history.stage_work import Residue, book_execution, directions_of
from daganalysis.history.stretches import FOR_GOOD, Ledger, Stretch
from daganalysis.history.timeline_input import EDGE_NS, TimelineInput, estimate_tick

if TYPE_CHECKING:
    from daganalysis.history.legs import Leg, NodeRun


_CLOCKS_DIFFER_NS = 2_000_000_000
"""The times of answers come from clocks of agents, which may differ by this much from the clock of the DAG's rows."""


def build_timeline(inputs: TimelineInput) -> list[Stretch]:
    """Cut the known span of a run into stretches, in order of time."""
    return book_proven_waits(_Walk(inputs).take(), inputs.legs, inputs.wait_category)


class _Walk:
    """The walk over the legs and node executions of a run.

    ``residue`` is how the execution before left the timeline, and ``operator`` the operator of its node. ``next_leg`` is the place of the
    leg that is entered next. ``unknown_legs`` counts legs that no answer showed. ``is_past_nodes``: no known execution follows.
    """

    def __init__(self, inputs: TimelineInput) -> None:
        self.inputs = inputs
        self.operator: str | None = None
        self.next_leg = 0
        self.unknown_legs = 0
        self.is_past_nodes = False
        self.ledger = Ledger(inputs.begin, inputs.end, estimate_tick(inputs.node_runs)[0])
        self.passes = [node_run.passed_at for node_run in inputs.node_runs if node_run.passed_at is not None]
        self.residue = Residue(open_end=not inputs.sure_begin)

    def take(self) -> list[Stretch]:
        """Walk from the beginning of the span to its end."""
        legs = self.inputs.legs
        while self.next_leg < len(legs) and legs[self.next_leg].start <= self.inputs.begin:
            self.next_leg += 1
        self.unknown_legs = 1 if legs and not self.next_leg else 0
        self._enter_leg()
        for node_run, direction in zip(self.inputs.node_runs, directions_of(self.inputs.node_runs), strict=True):
            self._go_to(node_run)
            self._go_through(node_run, direction)
        self._finish()
        return self.ledger.stretches

    @property
    def _tick(self) -> int:
        """The pause between two passes of the scheduler, or the least that it can be."""
        return max(self.ledger.tick, SECOND_NS)

    @property
    def _is_incomplete(self) -> bool:
        """Whether work that no answer shows may hide in any pause from here on."""
        return self.inputs.is_incomplete or (self.inputs.nodes_outdated and self.is_past_nodes)

    def _misses_attempt(self, until: int) -> bool:
        return self._is_incomplete or hides_attempt(self.inputs.attempts, self.ledger.cursor, until)

    # -- one node execution -----------------------------------------------------------------------------------------------------------

    def _go_through(self, node_run: NodeRun, direction: str | None) -> None:
        self.operator = node_run.operator
        self.ledger.stage = node_run.stage
        self.ledger.pass_at = node_run.begin
        self.unknown_legs += self.ledger.turn(direction)
        self.residue = book_execution(self.ledger, node_run, self.inputs)

    # -- from one node execution to the next ------------------------------------------------------------------------------------------

    def _go_to(self, node_run: NodeRun) -> None:
        """Book the time up to the next node execution."""
        ledger, legs = self.ledger, self.inputs.legs
        until, to_stage = node_run.begin, node_run.stage
        crossed = False
        while self.next_leg < len(legs) and legs[self.next_leg].start <= until + EDGE_NS:
            self._cross(legs[self.next_leg], to_stage, after_empty_leg=crossed)
            crossed = True
        if not crossed:
            self._close_leg(until)
            if self.passes:
                self._over_pass(until, to_stage)
        if until <= ledger.cursor:
            return
        place = Position(ledger.stage, self.operator, ledger.direction)
        pause, sure = until - ledger.cursor, self.inputs.sure_begin
        long = hides_execution(place, node_run, pause, self._tick, crossed=crossed, sure_begin=sure)
        skips = self.inputs.nodes_missing and skips_stage(place, node_run)
        if self.residue.open_end or skips or (long and self._misses_attempt(until)):
            ledger.book(until, "lost", to_stage=to_stage)
        elif long and not self._is_within_leg(until):
            self._wait(until - ledger.tick // 2, until, to_stage)
        else:
            ledger.book(until, "handoff", to_stage=to_stage, evidence="inferred" if node_run.start is None else "observed")

    @property
    def _current_leg(self) -> Leg | None:
        """The leg that the walk has entered last; None before the first."""
        return self.inputs.legs[self.next_leg - 1] if self.next_leg else None

    def _is_within_leg(self, until: int) -> bool:
        """Return whether the current leg is known to last until an instant, so nobody was waited for."""
        leg = self._current_leg
        return leg is not None and leg.end is not None and leg.start <= self.ledger.cursor and until <= leg.end

    def _close_leg(self, until: int) -> None:
        """Go to the known end of the current leg, if it is before an instant. The time after it belongs to a leg that no answer showed."""
        leg = self._current_leg
        if leg is not None and leg.end is not None and self.ledger.cursor <= leg.end < until and self.inputs.nodes_shown:
            self._end_leg(leg.end)
            self.residue = Residue(failed=self.residue.failed)

    def _over_pass(self, until: int, to_stage: int | None) -> None:
        """Cross into a leg that the pass of a node began and that only its nodes show, because its own start was overwritten."""
        passed = self._passed_between(until)
        if passed is not None:
            waited = not (self.residue.open_end or self.residue.all_ended or self._is_incomplete)
            self.ledger.book(passed, self.inputs.wait_category(passed) if waited else "lost", to_stage=to_stage)
            self.residue = replace(self.residue, open_end=False)

    # -- from one leg to the next -----------------------------------------------------------------------------------------------------

    def _enter_leg(self) -> None:
        """Enter the next leg, which decides the direction."""
        if self.next_leg:
            leg = self.inputs.legs[self.next_leg - 1]
            self.ledger.leg = self.next_leg + self.unknown_legs
            if leg.operator is not None:
                self.ledger.direction = "rollback" if leg.operator == "ROLLBACK" else "forward"

    def _cross(self, leg: Leg, to_stage: int | None, *, after_empty_leg: bool) -> None:
        """Cross into a new leg: to the end of the leg before, through the wait, to the start of this one."""
        before = self._current_leg
        ended = before.end if before is not None else None
        if not self.inputs.nodes_shown:
            self._cross_in_outline(leg, ended, to_stage)
        elif ended is not None and ended + EDGE_NS >= self.ledger.cursor:
            # A leg whose node executions were all overwritten is known by its two ends alone.
            self._cross_from_end(leg, ended, to_stage, lost=after_empty_leg)
        elif self.residue.all_ended and leg.operator != "CANCEL" and not self._is_incomplete and not self._hides_leg(leg, to_stage):
            self._wait(self._asked(leg), leg.start, to_stage)
        else:
            self._cross_from_unknown_end(leg, to_stage)
        self.residue = Residue(self._goes_on_in(leg), failed=self.residue.failed)
        self.next_leg += 1
        self._enter_leg()

    def _goes_on_in(self, leg: Leg) -> bool:
        """Return whether an execution of unknown end goes on in a leg: a cancel does not stop the node being rolled back (§2.5)."""
        return self.residue.open_end and leg.operator in {"CANCEL", None} and leg.start < self.ledger.cursor

    def _cross_in_outline(self, leg: Leg, ended: int | None, to_stage: int | None) -> None:
        """Cross into a leg if no answer shows nodes, so that whole legs may lie between two known ones."""
        if ended is not None:
            self._end_leg(ended)
            self.ledger.book(min(leg.asked_from or ended, leg.start), self.inputs.wait_category(leg.start), to_stage=to_stage)
        self.ledger.book(leg.start, "unattributed", to_stage=to_stage, evidence="inferred")

    def _cross_from_end(self, leg: Leg, ended: int, to_stage: int | None, *, lost: bool) -> None:
        """Cross into a leg if the end of the leg before is known."""
        ledger = self.ledger
        self._end_leg(ended, lost=lost)
        asked = self._asked(leg)
        if self._hides_leg(leg, to_stage):
            ledger.book(leg.start, "lost", to_stage=to_stage)
        else:
            ledger.book(asked, self.inputs.wait_category(asked), to_stage=to_stage, evidence="inferred")
        # The scheduler takes a request up within a tick; a longer pause hides legs that were overwritten.
        hidden = leg.start - ledger.cursor > 2 * self._tick and self._misses_attempt(leg.start)
        ledger.book(leg.start, "lost" if hidden else "handoff", to_stage=to_stage, evidence="inferred")

    def _cross_from_unknown_end(self, leg: Leg, to_stage: int | None) -> None:
        """Cross into a leg if no answer showed when the leg before ended."""
        ledger = self.ledger
        open_end = self.residue.open_end
        passed = self._passed_between(leg.start)
        if passed is not None:
            ledger.book(passed, "lost", to_stage=to_stage)
            open_end = False
        # A cancel reaches a DAG that has not ended, perhaps between two of its stages.
        asked_while_known = passed is not None or (leg.operator == "CANCEL" and not open_end)
        if asked_while_known and leg.start - ledger.cursor <= 2 * self._tick:
            ledger.book(leg.start, "handoff", to_stage=to_stage, evidence="inferred")
        elif open_end or self._misses_attempt(leg.start):
            ledger.book(leg.start, "lost", to_stage=to_stage)
        elif leg.operator == "CANCEL":
            # It waited for nobody, because only a DAG that has not ended can be cancelled (engine-semantics §2.5).
            ledger.book(leg.start, "unattributed", to_stage=to_stage, evidence="inferred")
        else:
            self._wait(self._asked(leg), leg.start, to_stage)

    def _end_leg(self, end: int, *, lost: bool = False) -> None:
        """Go to the end of a leg: the pass that noticed the end of its last stage, unless it ran stages without known attempts."""
        ledger = self.ledger
        if not self.inputs.nodes_shown:
            ledger.book(end, "unattributed", to_stage=None, evidence="inferred")
            return
        # A further stage would take two passes at least: one to begin it, one to see it end (engine-semantics §5).
        room = 2 * SECOND_NS - EDGE_NS if ledger.stage is not None else EDGE_NS
        lost = lost or self.residue.open_end or (end - ledger.cursor > room and self._misses_attempt(end))
        # The last node known ends in the same pass, unless others that no answer shows followed it.
        lost = lost or (self.inputs.nodes_missing and end - ledger.cursor > ledger.tick)
        ledger.book(end, "lost" if lost else "handoff", to_stage=None)

    def _wait(self, asked: int, until: int, to_stage: int | None) -> None:
        """Book a wait: the pass that noticed the last end, the wait until somebody asked, the pass that noticed the request."""
        ledger = self.ledger
        asked = max(asked, ledger.cursor)
        if ledger.cursor < ledger.unsure_until < FOR_GOOD:
            # An attempt was interrupted: the DAG failed after its agent was back (engine-semantics §2.10).
            ledger.book(min(ledger.unsure_until, asked), "unattributed", to_stage=ledger.stage, evidence="inferred")
        leg = self._current_leg
        if leg is None or leg.end != ledger.cursor:
            # What did not fail was cancelled, which takes a pass more (engine-semantics §2.5).
            noticed = ledger.next_pass() + (0 if self.residue.failed else ledger.tick)
            ledger.book(min(noticed, asked), "detect", to_stage=ledger.stage, evidence="inferred")
        if leg is not None and leg.seen_running is not None and leg.seen_running > ledger.cursor + _CLOCKS_DIFFER_NS:
            # An answer shows it running still, at what none shows: a sub-task that answers leave out, or a scheduler that was down. No
            # answer shows when that ended.
            ledger.book(asked, "unattributed", to_stage=ledger.stage, evidence="inferred")
        ledger.book(asked, self.inputs.wait_category(asked), to_stage=to_stage, evidence="inferred")
        ledger.book(until, "handoff", to_stage=to_stage, evidence="inferred")

    def _hides_leg(self, leg: Leg, to_stage: int | None) -> bool:
        """Return whether a whole leg is hidden before this one."""
        is_second = self.next_leg == 1 and not self.unknown_legs
        attempts_of = self.inputs.attempts
        before = self._current_leg
        stood_at = before.stage if before is not None and before.end is not None else self.ledger.stage
        if leg.operator == "ROLLBACK" and to_stage is not None and stood_at is not None and to_stage > stood_at:
            return True  # a rollback walks down from the stage at which the leg before it failed
        return self._is_incomplete or (is_second and hides_second_leg(attempts_of, self.inputs.legs[0], leg)) or hides_leg(attempts_of, leg)

    def _passed_between(self, until: int) -> int | None:
        return max((passed for passed in self.passes if self.ledger.cursor <= passed <= until), default=None) if self.passes else None

    def _asked(self, leg: Leg) -> int:
        """Return when the operator asked for this leg: half a tick before the scheduler noticed it, or within the bounds of the answers."""
        passed = self._passed_between(leg.start)
        if passed is not None:
            return passed
        guess = leg.start - self.ledger.tick // 2
        if leg.asked_to is not None and leg.asked_to > self.ledger.cursor:
            guess = min(guess, leg.asked_to)
        if leg.asked_from is not None:
            guess = max(guess, min(leg.asked_from, leg.start))
        return guess

    # -- the end ----------------------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        inputs, ledger = self.inputs, self.ledger
        self.is_past_nodes = True
        while self.next_leg < len(inputs.legs):
            self._cross(inputs.legs[self.next_leg], None, after_empty_leg=False)
        last = inputs.legs[-1] if inputs.legs else None
        if inputs.end is None:
            return
        if last is not None and last.end is not None and last.end + EDGE_NS >= ledger.cursor:
            self._end_leg(last.end)
            if inputs.passed and (inputs.nodes_shown or inputs.ends_in_last_leg):
                ledger.book(inputs.end, inputs.wait_category(inputs.end), to_stage=None)
        elif inputs.passed and inputs.nodes_shown:
            residue = self.residue
            known = inputs.ended_waiting or residue.all_ended or not (residue.open_end or self._misses_attempt(inputs.end))
            if known and not self._is_incomplete:
                # What waits for its main DAG fails at once, on purpose; what follows is the wait, but for the pass that notices it.
                self._wait(inputs.end, inputs.end, None)
            else:
                ledger.book(inputs.end, "lost", to_stage=None)
        ledger.book(inputs.end, "unattributed", to_stage=None, evidence="inferred")
