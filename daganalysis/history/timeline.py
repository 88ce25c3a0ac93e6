"""The timeline of a run: every nanosecond of its known span put down to one cause.

The span is cut into stretches that follow each other without gap or overlap. What the answers show of node executions and attempts is laid
down in order of time (all on the clock of the DAG's own rows, so that skewed agents cannot make a negative stretch); what lies between two
of them is judged by the legs: between the end of a leg and the start of the next somebody waited, inside a leg the engine handed over, and
where an execution is known to have been overwritten, the time is lost. Where the engine took longer than it does while it runs, or where
stamps contradict each other, the time is unattributed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.history.attempts import unlisted_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import Leg, NodeRun

SECOND = 1_000_000_000
_EDGE_NS = 50_000_000
"""Two stamps of the same scheduler pass lie closer than this (engine-semantics §5: 13 to 30 ms)."""
_LONGEST_TICK_S = 3.0
"""A longer pause between two nodes is no estimate of the tick."""
_MOST_PASSES = 5
"""The engine at work takes at most two passes for a step (engine-semantics §5, §2.9). What takes longer than this many, with one more for
each stage that is stepped over, is no rhythm: the scheduler, an agent or the database was down, or no worker was free (§4, §12)."""
_ENGINE = frozenset({"dispatch", "detect", "handoff"})
_UNTOLD = frozenset({"lost", "unattributed", "handoff"})
"""What may turn out to be a wait that answers prove."""
_AT_WORK = frozenset({"execute", "dispatch", "detect"})
_FOR_GOOD = 2**63 - 1


@dataclass(slots=True)
class Stretch:
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
        """Tell whether another, which begins where this one ends, differs in nothing but its bounds."""
        return (
            self.category == other.category
            and self.evidence == other.evidence
            and self.from_stage == other.from_stage
            and self.to_stage == other.to_stage
            and self.leg == other.leg
            and self.direction == other.direction
        )


@dataclass(slots=True)
class Story:
    """What a timeline is made of.

    ``begin`` is where the known span begins and ``sure_begin`` whether an answer showed it (else it is a bound); ``end`` is None for a
    run that has not ended. ``nodes_shown`` says whether any answer held its nodes, ``nodes_missing`` and ``sub_tasks_missing`` whether some
    of them, or of their sub-tasks, are in none; ``passed`` whether an operator's pass ended it,
    ``ended_waiting`` whether what was passed had failed on purpose, ``wait_category`` for whom a wait that ended at some instant was.
    """

    legs: Sequence[Leg]
    node_runs: Sequence[NodeRun]
    attempts: Sequence[Sequence[Attempt]]
    begin: int
    sure_begin: bool
    end: int | None
    wait_category: Callable[[int], str]
    nodes_shown: bool = True
    nodes_missing: bool = False
    sub_tasks_missing: bool = False
    passed: bool = False
    ended_waiting: bool = False


def estimate_tick(node_runs: Sequence[NodeRun]) -> tuple[int, bool]:
    """Estimate the scheduler's tick from the pauses between nodes; (nanoseconds, whether the run itself shows it).

    A node starts one pass after the one before it was seen to have ended (engine-semantics §5). Without such a pair the sleep of the
    scheduler, a lower bound, is returned.
    """
    pauses = [
        after.start - before.end
        for before, after in zip(node_runs, node_runs[1:], strict=False)
        if before.end is not None and after.start is not None and after.operator == "RUN" and after.stage == before.stage + 1
        # A node that ended in the pass that started it may have had to wait for one more (engine-semantics §2.9).
        if before.start is None or before.end - before.start > _EDGE_NS
    ]
    usable = sorted(pause for pause in pauses if SECOND * 0.9 <= pause <= _LONGEST_TICK_S * SECOND)
    if not usable:
        return int(SCHEDULER_SLEEP_S * SECOND), False
    # Some pauses take a pass more (engine-semantics §2.9), none takes less than one.
    return usable[(len(usable) - 1) // 4], True


def build_timeline(story: Story) -> list[Stretch]:
    """Cut the known span of a run into stretches, in order of time."""
    return _book_proven_waits(_Builder(story).build(), story)


def _book_proven_waits(stretches: list[Stretch], story: Story) -> list[Stretch]:
    """Turn what is lost, or put down to nothing, into waits where answers show the DAG standing FAILED with one and the same end.

    A request wipes the end (engine-semantics §3), so from that end to the last answer that shows it nobody had acted.
    """
    proven = [
        (leg.end, min(leg.stood_until, after.start if after is not None else leg.stood_until))
        for leg, after in zip_longest(story.legs, story.legs[1:])
        if leg.state == "FAILED" and leg.end is not None and leg.stood_until is not None
    ]
    if not any(until > since for since, until in proven):
        return stretches
    result: list[Stretch] = []
    for stretch in stretches:
        result += _split(stretch, proven, story) if stretch.category in _UNTOLD else [stretch]
    return result


def _split(stretch: Stretch, proven: Sequence[tuple[int, int]], story: Story) -> list[Stretch]:
    """Cut the proven waits out of a stretch."""
    parts = []
    cursor = stretch.start
    for since, until in proven:
        low, high = max(since, cursor), min(until, stretch.end)
        if low >= high:
            continue
        if low > cursor:
            parts.append(replace(stretch, start=cursor, end=low))
        parts.append(replace(stretch, start=low, end=high, category=story.wait_category(until), evidence="observed"))
        cursor = high
    if cursor < stretch.end:
        parts.append(replace(stretch, start=cursor))
    return parts


@dataclass(slots=True)
class _Builder:
    story: Story
    stretches: list[Stretch] = field(default_factory=list)
    cursor: int = 0
    leg: int = 1
    direction: str = "forward"
    stage: int | None = None
    open_end: bool = False
    tick: int = SECOND
    next_leg: int = 0
    unknown_legs: int = 0
    all_ended: bool = False
    failed: bool = False
    operator: str | None = None
    anchor: int = 0
    passes: list[int] = field(default_factory=list)
    unsure_until: int = 0
    """Until when stamps contradict each other, or an agent was down: no engine's time and no lost one can be told there."""

    def build(self) -> list[Stretch]:
        story = self.story
        self.tick, _ = estimate_tick(story.node_runs)
        self.passes = [node_run.passed_at for node_run in story.node_runs if node_run.passed_at is not None]
        self.cursor = story.begin
        self.open_end = not story.sure_begin
        while self.next_leg < len(story.legs) and story.legs[self.next_leg].start <= story.begin:
            self.next_leg += 1
        self.unknown_legs = 1 if story.legs and not self.next_leg else 0
        self._enter_leg()
        for node_run in story.node_runs:
            self._between(node_run.begin, node_run)
            self._inside(node_run)
        self._finish()
        return self.stretches

    # -- laying down ------------------------------------------------------------------------------------------------------------------

    def _add(self, until: int, category: str, *, to_stage: int | None, evidence: str = "observed") -> None:
        """Go on to an instant: with a stretch of its own, or by lengthening the last where nothing but its end differs."""
        end = self.story.end
        if end is not None and until > end:
            until = end
        if until <= self.cursor:
            return
        if category in _ENGINE or category == "lost":
            if self.unsure_until > self.cursor:
                self._lay(min(until, self.unsure_until), "unattributed", to_stage, "inferred")
            if category in _ENGINE and until - self.cursor > self._longest_step(to_stage):
                category, evidence = "unattributed", "inferred"
        self._lay(until, category, to_stage, evidence)

    def _longest_step(self, to_stage: int | None) -> int:
        """Return how long the engine may take for one step while it is at work."""
        stepped_over = max(0, abs(to_stage - self.stage) - 1) if to_stage is not None and self.stage is not None else 0
        return (_MOST_PASSES + stepped_over) * max(self.tick, SECOND)

    def _lay(self, until: int, category: str, to_stage: int | None, evidence: str) -> None:
        if until <= self.cursor:
            return
        evidence = "lost" if category == "lost" else evidence
        new = Stretch(self.cursor, until, category, self.leg, self.stage, to_stage, self.direction, evidence)
        last = self.stretches[-1] if self.stretches else None
        if last is not None and last.continues_in(new):
            last.end = until
        else:
            self.stretches.append(new)
        self.cursor = until

    def _enter_leg(self) -> None:
        """The leg entered last decides the direction."""
        if self.next_leg:
            leg = self.story.legs[self.next_leg - 1]
            self.leg = self.next_leg + self.unknown_legs
            if leg.operator is not None:
                self.direction = "rollback" if leg.operator == "ROLLBACK" else "forward"

    # -- between two node executions --------------------------------------------------------------------------------------------------

    def _between(self, until: int, node_run: NodeRun | None) -> None:
        """Account for the time up to the next node execution (or up to the end, if there is none)."""
        to_stage = node_run.stage if node_run is not None else None
        crossed = False
        legs = self.story.legs
        while self.next_leg < len(legs) and legs[self.next_leg].start <= until + _EDGE_NS:
            self._cross(legs[self.next_leg], to_stage, after_empty_leg=crossed)
            crossed = True
        if not crossed:
            self._close_leg(until)
            self._over_pass(until, to_stage)
        if until <= self.cursor:
            return
        hidden = node_run is not None and self._hides(node_run, until, crossed=crossed)
        if self.open_end or self._skips(node_run) or (hidden and self._misses_attempt(until)):
            self._add(until, "lost", to_stage=to_stage)
        elif hidden:
            self._wait(until - self.tick // 2, until, to_stage)
        else:
            inferred = node_run is not None and node_run.start is None
            self._add(until, "handoff", to_stage=to_stage, evidence="inferred" if inferred else "observed")
        self.open_end = False

    def _close_leg(self, until: int) -> None:
        """Go to the known end of the leg in hand, if that lies before an instant: what follows belongs to a leg that no answer showed."""
        leg = self.story.legs[self.next_leg - 1] if self.next_leg else None
        if leg is not None and leg.end is not None and self.cursor <= leg.end < until and self.story.nodes_shown:
            self._end_leg(leg.end)
            self.open_end = self.all_ended = False

    def _over_pass(self, until: int, to_stage: int | None) -> None:
        """A node was passed, and the leg that this began is known by its nodes alone: its own start was overwritten."""
        passed = self._passed_between(until)
        if passed is not None:
            waited = not self.open_end and not self.all_ended
            self._add(passed, self.story.wait_category(passed) if waited else "lost", to_stage=to_stage, evidence="observed")
            self.open_end = False

    def _skips(self, node_run: NodeRun | None) -> bool:
        """Tell whether nodes that no answer shows may have been executed before this one."""
        if not self.story.nodes_missing or node_run is None or node_run.operator != "RUN" or self.stage is None:
            return False
        return abs(node_run.stage - self.stage) > 1

    def _hides(self, node_run: NodeRun, until: int, *, crossed: bool) -> bool:
        """Tell whether executions that no answer shows must, or may well, lie between here and the start of this one."""
        tick = max(self.tick, SECOND)
        stages = abs(node_run.stage - self.stage) if self.stage is not None else 1
        # Stages that were rolled back before are stepped over, one in each pass (engine-semantics §2.4).
        long = until - self.cursor > (stages + 2) * tick
        if crossed:
            return long
        if self.stage is None:
            return not self.story.sure_begin
        if node_run.start is None or node_run.operator is None:
            return long or min((attempt.number for attempt in node_run.attempts), default=1) > 1
        if node_run.operator == "RUN":
            # A stage follows the one before it whatever keeps the scheduler busy; a jump over stages hides their executions.
            return long and stages != 1
        if node_run.operator == "ROLLBACK" and self.operator == "ROLLBACK" and node_run.stage < self.stage:
            return long
        return not (self.direction == "rollback" and node_run.operator == "ROLLBACK" and node_run.stage < self.stage)

    def _cross(self, leg: Leg, to_stage: int | None, *, after_empty_leg: bool) -> None:
        """Go over the boundary to a new leg: to the end of the one before, through the wait, to the start of this one."""
        before = self.story.legs[self.next_leg - 1] if self.next_leg else None
        ended = before.end if before is not None else None
        if not self.story.nodes_shown:
            # Whole legs may lie between the last answer that showed an end and the next leg that is known.
            if ended is not None:
                self._end_leg(ended)
                self._add(min(leg.asked_from or ended, leg.start), self.story.wait_category(leg.start), to_stage=to_stage)
            self._add(leg.start, "unattributed", to_stage=to_stage, evidence="inferred")
        elif ended is not None and ended + _EDGE_NS >= self.cursor:
            # A leg whose node executions were all overwritten is known by its two ends alone.
            self._end_leg(ended, lost=after_empty_leg)
            asked = self._asked(leg)
            if self._hides_leg(leg):
                self._add(leg.start, "lost", to_stage=to_stage)
            else:
                self._add(asked, self.story.wait_category(asked), to_stage=to_stage, evidence="inferred")
            # The scheduler takes a request up within a tick; a longer pause hides legs that were overwritten.
            hidden = leg.start - self.cursor > 2 * max(self.tick, SECOND) and self._misses_attempt(leg.start)
            self._add(leg.start, "lost" if hidden else "handoff", to_stage=to_stage, evidence="inferred")
        elif self.all_ended and not self._hides_leg(leg):
            self._wait(self._asked(leg), leg.start, to_stage)
        else:
            passed = self._passed_between(leg.start)
            if passed is not None:
                self._add(passed, "lost", to_stage=to_stage)
                self.open_end = False
            # A cancel comes upon a DAG that has not ended, perhaps between two of its stages.
            asked_while_known = passed is not None or (leg.operator == "CANCEL" and not self.open_end)
            soon = leg.start - self.cursor <= 2 * max(self.tick, SECOND)
            if asked_while_known and soon:
                self._add(leg.start, "handoff", to_stage=to_stage, evidence="inferred")
            elif self.open_end or self._misses_attempt(leg.start):
                self._add(leg.start, "lost", to_stage=to_stage)
            else:
                self._wait(self._asked(leg), leg.start, to_stage)
        self.open_end = False
        self.all_ended = False
        self.next_leg += 1
        self._enter_leg()

    def _end_leg(self, end: int, *, lost: bool = False) -> None:
        """Go to the end of a leg: the pass that saw its last stage end, unless it ran stages of which no answer showed an attempt."""
        if not self.story.nodes_shown:
            self._add(end, "unattributed", to_stage=None, evidence="inferred")
            return
        # A further stage would take two passes at least: one to begin it, one to see it end (engine-semantics §5).
        room = 2 * SECOND - _EDGE_NS if self.stage is not None else _EDGE_NS
        lost = lost or self.open_end or (end - self.cursor > room and self._misses_attempt(end))
        # The last node known ends in the same pass, unless others that no answer shows followed it.
        lost = lost or (self.story.nodes_missing and end - self.cursor > self.tick)
        self._add(end, "lost" if lost else "handoff", to_stage=None)

    def _wait(self, asked: int, until: int, to_stage: int | None) -> None:
        """Lay down a wait: the pass that saw the last attempt end, the wait until somebody asked, the pass that took the request up."""
        asked = max(asked, self.cursor)
        # What did not fail was cancelled, which takes a pass more (engine-semantics §2.5).
        noticed = self._next_pass() + (0 if self.failed else self.tick)
        self._add(min(noticed, asked), "detect", to_stage=self.stage, evidence="inferred")
        self._add(asked, self.story.wait_category(asked), to_stage=to_stage, evidence="inferred")
        self._add(until, "handoff", to_stage=to_stage, evidence="inferred")

    def _hides_work(self, until: int) -> bool:
        """Tell whether the stage in hand may well have run an attempt that no answer showed: it took longer than to notice an end."""
        return until - self.cursor > 2 * max(self.tick, SECOND) and self._misses_attempt(until, stage=self.stage)

    def _misses_attempt(self, until: int, *, stage: int | None = None) -> bool:
        """Tell whether an attempt (of one stage) of which no answer showed the start may lie between here and an instant."""
        for attempts in self.story.attempts:
            if stage is not None and attempts and attempts[0].stage != stage:
                continue
            before: int | None = None
            missing = bool(attempts) and attempts[0].number == 0  # others may lie before one that no answer counts
            for attempt in attempts:
                if attempt.start is None:
                    missing = missing or attempt.verdict != "cancelled_before_start"
                    continue
                if missing and (before is None or before < until) and attempt.start > self.cursor:
                    return True
                before, missing = attempt.start, False
            if missing and (before is None or before < until):
                return True
        return False

    def _hides_leg(self, leg: Leg) -> bool:
        """Tell whether a whole leg lies unseen before this one: more hand-outs than this leg itself can account for.

        A leg hands a sub-task out once, or twice where it retries it (engine-semantics §2.3). Only sub-tasks that had failed count: every
        leg must redo those, while others may have been repeated by skewed clocks. The first leg hands each sub-task out once, and none
        of a stage beyond the one it failed at.
        """
        if self.next_leg == 1 and not self.unknown_legs and self._hides_second_leg(self.story.legs[0], leg):
            return True
        verdicts = []
        for attempts in self.story.attempts:
            before = [a for a in attempts if a.start is not None and a.start < leg.start]
            if not before or before[-1].state != "FAILED":
                continue
            after = next((a for a in attempts if a.start is not None and a.start >= leg.start), None)
            unseen = (after.number if after is not None else attempts[-1].number + 1) - before[-1].number - 1
            own = 2 if after is None else 0 if after.kind == "rollback" else 1
            verdicts.append(unseen > own)
        return bool(verdicts) and all(verdicts)

    def _hides_second_leg(self, first: Leg, known: Leg) -> bool:
        """Tell whether sub-tasks were handed out before a leg more often than the first leg can account for."""
        for attempts in self.story.attempts:
            after = next((a for a in attempts if a.start is not None and a.start >= known.start), None)
            if after is None or (first.stage is None or after.stage is None):
                continue
            own = 1 if after.kind == "run" and after.number > 1 else 0
            if after.number - 1 - own > (1 if after.stage <= first.stage else 0):
                return True
        return False

    def _next_pass(self) -> int:
        """The first pass of the scheduler from here on: passes follow the one that started the node tick by tick (engine-semantics §5)."""
        return self.anchor - (self.anchor - self.cursor) // self.tick * self.tick

    def _passed_between(self, until: int) -> int | None:
        return max((passed for passed in self.passes if self.cursor <= passed <= until), default=None) if self.passes else None

    def _asked(self, leg: Leg) -> int:
        """When the operator asked for this leg: half a tick before the scheduler took it up, or as the answers bound it."""
        passed = self._passed_between(leg.start)
        if passed is not None:
            return passed
        guess = leg.start - self.tick // 2
        if leg.asked_to is not None and leg.asked_to > self.cursor:
            guess = min(guess, leg.asked_to)
        if leg.asked_from is not None:
            guess = max(guess, min(leg.asked_from, leg.start))
        return guess

    # -- inside one node execution ----------------------------------------------------------------------------------------------------

    def _inside(self, node_run: NodeRun) -> None:
        """Account for one node execution: until the first attempt dispatch, while one runs execute, after the last detect."""
        self.stage = node_run.stage
        self.operator = node_run.operator
        self.anchor = node_run.begin
        self._turn(_direction(node_run))
        self.all_ended = False
        self.failed = any(a.state == "FAILED" or a.passed_at is not None for a in node_run.attempts)
        limit = node_run.end
        first = True
        unknown_end: int | None = None
        if self.unsure_until == _FOR_GOOD:
            self.unsure_until = 0
        if node_run.set_back or any(attempt.is_doubtful for attempt in node_run.attempts):
            self.unsure_until = limit if limit is not None else _FOR_GOOD
        for attempt in node_run.attempts:
            start, until, known = _extent(attempt, limit)
            if start is None:
                continue
            if start > self.cursor:
                self._before_attempt(node_run, attempt, start, first=first, lost=unknown_end is not None)
            if until > self.cursor:
                observed = known and not attempt.is_estimated
                self._add(until, "execute", to_stage=node_run.stage, evidence="observed" if observed else "inferred")
            if attempt.verdict == "interrupted" and attempt.end is not None:
                # Its agent was down for some of the time until it ended, and what that was is not known (engine-semantics §2.10, §12).
                self.unsure_until = max(self.unsure_until, attempt.end)
            if not known and (unknown_end is None or until > unknown_end):
                unknown_end = until
            first = False
        if limit is None:
            self.open_end = unknown_end is not None or self._hides_attempts(node_run)
            # A stage none of whose attempts failed was not the last of its leg; one that handed nothing out was cancelled.
            self.all_ended = not self.open_end and (first or self.failed)
            return
        still_open = unknown_end is not None and unknown_end >= self.cursor
        if first and self.story.sub_tasks_missing:
            self._add(limit, "unattributed", to_stage=node_run.stage, evidence="inferred")
        elif first:
            self._add(limit, "lost" if node_run.operator != "CANCEL" else "detect", to_stage=node_run.stage)
        else:
            self._add(limit, "lost" if still_open or self._hides_work(limit) else "detect", to_stage=node_run.stage)
        self.open_end = False

    def _turn(self, direction: str | None) -> None:
        """Go on in a direction. A leg has one, so that where it turns a leg begins that no answer showed."""
        if direction is None or direction == self.direction:
            return
        if self.stretches and self.stretches[-1].leg == self.leg and self.stretches[-1].category in _AT_WORK:
            self.unknown_legs += 1
            self.leg += 1
        for stretch in reversed(self.stretches):
            if stretch.leg != self.leg:
                break
            stretch.direction = direction
        self.direction = direction

    def _before_attempt(self, node_run: NodeRun, attempt: Attempt, start: int, *, first: bool, lost: bool) -> None:
        """Account for the time up to the start of an attempt: it was handed out, or the end of another had to be noticed."""
        before = "dispatch" if first else "detect"
        long = not first and node_run.start is None and start - self.cursor > 3 * self.tick
        if lost or long or self._rollback_hidden(node_run, attempt) or self._hides_work(start):
            before = "lost"
        if before == "detect" and attempt.kind == "run" and attempt.number > 1:
            # The pass that saw the rollback run end hands the re-run out; what is left it waited for a worker (engine-semantics §4).
            self._add(min(self._next_pass(), start), "detect", to_stage=node_run.stage)
            before = "dispatch"
        self._add(start, before, to_stage=node_run.stage)

    def _hides_attempts(self, node_run: NodeRun) -> bool:
        """Tell whether a sub-task of the stage may have run in this execution without an answer that shows it."""
        own = {id(attempt) for attempt in node_run.attempts}
        for attempts in self.story.attempts:
            if not attempts or attempts[0].stage != node_run.stage or any(id(attempt) in own for attempt in attempts):
                continue
            before = [index for index, a in enumerate(attempts) if a.start is not None and a.start < node_run.begin]
            following = before[-1] + 1 if before else 0
            if following < len(attempts) and (attempts[following].start is None or unlisted_before(attempts, following)):
                return True
        return False

    def _rollback_hidden(self, node_run: NodeRun, attempt: Attempt) -> bool:
        """A re-run whose rollback run, in the same execution, is not known: it lies somewhere before it (engine-semantics §2.3)."""
        if attempt.kind != "run" or attempt.number == 1:
            return False
        return not any(other.number == attempt.number - 1 and other.kind == "rollback" for other in node_run.attempts)

    # -- the end ----------------------------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        story = self.story
        legs = story.legs
        while self.next_leg < len(legs):
            self._cross(legs[self.next_leg], None, after_empty_leg=False)
        last = legs[-1] if legs else None
        if story.end is None:
            return
        if last is not None and last.end is not None and last.end + _EDGE_NS >= self.cursor:
            self._end_leg(last.end)
            if story.passed:
                self._add(story.end, story.wait_category(story.end), to_stage=None)
        elif story.passed and story.nodes_shown:
            if story.ended_waiting or self.all_ended or not (self.open_end or self._misses_attempt(story.end)):
                # What waits for its main DAG fails at once, on purpose; what follows is the wait, but for the pass that notices it.
                self._wait(story.end, story.end, None)
            else:
                self._add(story.end, "lost", to_stage=None)
        self._add(story.end, "unattributed", to_stage=None, evidence="inferred")


def _direction(node_run: NodeRun) -> str | None:
    """Return which way a node execution went: as its operator says, or else its attempts."""
    if node_run.operator in {"RUN", "RETRY"}:
        return "forward"
    if node_run.operator == "ROLLBACK":
        return "rollback"
    kinds = {attempt.kind for attempt in node_run.attempts} - {"unknown"}
    return None if not kinds else "forward" if "run" in kinds else "rollback"


def _extent(attempt: Attempt, limit: int | None) -> tuple[int | None, int, bool]:
    """Where an attempt lies, within its node execution: (start, last instant it is known to have run until, whether that is its end)."""
    if attempt.start is None or attempt.is_doubtful:
        return None, 0, False
    start = attempt.start if limit is None else min(attempt.start, limit)
    until = attempt.ran_until
    return start, until if limit is None else min(until, limit), attempt.end is not None
