"""The time of one node execution: dispatch until its first attempt, execute while one runs, detect after the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.times import SECOND_NS
from daganalysis.history.clock_doubts import LATE_NS
from daganalysis.history.hidden_work import hides_attempt, hides_own_attempt, lacks_rollback_run
from daganalysis.history.stretches import FOR_GOOD, Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import NodeRun
    from daganalysis.history.timeline_input import TimelineInput


class Residue(msgspec.Struct, frozen=True, gc=False):
    """How a node execution left a timeline.

    ``open_end``: more time than is booked may belong to it. ``all_ended``: everything that it handed out has ended, and so has its leg.
    ``failed``: something in it failed or was passed.
    """

    open_end: bool = False
    all_ended: bool = False
    failed: bool = False


def book_execution(ledger: Ledger, node_run: NodeRun, inputs: TimelineInput) -> Residue:
    """Book one node execution."""
    limit = node_run.end
    doubtful = [attempt for attempt in node_run.attempts if attempt.is_doubtful]
    _doubt(ledger, node_run, is_doubtful=bool(doubtful))
    first, failed = True, False
    unknown_end: int | None = None
    for attempt in node_run.attempts:
        failed = failed or attempt.state == "FAILED" or attempt.passed_at is not None
        if attempt.start is None or (doubtful and attempt.is_doubtful):
            continue
        start, until, known = attempt.start, attempt.ran_until, attempt.end is not None
        if limit is not None and until > limit:
            start, until = min(start, limit), limit
        if start > ledger.cursor:
            _book_up_to_attempt(ledger, node_run, attempt, start, inputs, first=first, lost=unknown_end is not None)
        if until > ledger.cursor:
            observed = known and not attempt.is_estimated
            ledger.book(until, "execute", to_stage=node_run.stage, evidence="observed" if observed else "inferred")
        if attempt.ending == "interrupted" and attempt.end is not None:
            # Its agent was down for some of the time until it ended, and what that was is not known (engine-semantics §2.10, §12).
            ledger.unsure_until = max(ledger.unsure_until, attempt.end)
        if not known and (unknown_end is None or until > unknown_end):
            unknown_end = until
        first = False
    if limit is None:
        open_end = unknown_end is not None or hides_own_attempt(inputs.attempts, node_run)
        # A stage without a failed attempt was not the last of its leg. A stage that handed nothing out was cancelled.
        return Residue(open_end, all_ended=not open_end and (first or failed), failed=failed)
    _book_up_to_end(ledger, node_run, limit, inputs, empty=first, still_open=unknown_end is not None and unknown_end >= ledger.cursor)
    return Residue(failed=failed)


def directions_of(node_runs: Sequence[NodeRun]) -> list[str | None]:
    """Return the direction of each node execution, by its operator, or by its attempts if the operator does not tell it.

    An execution that is known by rollback runs alone may be a retry's (engine-semantics §2.3). It is a rollback's if the execution after it
    is a rollback's too, of the same stage or an earlier one, or if there is none. Else it goes in the direction of its leg (None).
    """
    found: list[str | None] = []
    next_stage: int | None = None
    for node_run in reversed(node_runs):
        direction: str | None
        if node_run.operator in {"RUN", "RETRY"}:
            direction = "forward"
        elif node_run.operator == "ROLLBACK":
            direction = "rollback"
        elif "run" in (kinds := {attempt.kind for attempt in node_run.attempts} - {"unknown"}):
            direction = "forward"
        else:
            goes_down = next_stage is None or next_stage < node_run.stage or (next_stage == node_run.stage and found[-1] == "rollback")
            direction = "rollback" if kinds and goes_down else None
        found.append(direction)
        next_stage = node_run.stage
    return found[::-1]


def _doubt(ledger: Ledger, node_run: NodeRun, *, is_doubtful: bool) -> None:
    """Note until when the times of an execution contradict each other. ``is_doubtful``: the times of an attempt cannot be used."""
    if ledger.unsure_until == FOR_GOOD:
        ledger.unsure_until = 0
    if node_run.set_back or is_doubtful:
        ledger.unsure_until = node_run.end if node_run.end is not None else FOR_GOOD


def _book_up_to_attempt(
    ledger: Ledger, node_run: NodeRun, attempt: Attempt, start: int, inputs: TimelineInput, *, first: bool, lost: bool
) -> None:
    """Book the time up to the start of an attempt: its dispatch, or the detection of another's end."""
    before = "dispatch" if first else "detect"
    long = not first and node_run.start is None and start - ledger.cursor > 3 * ledger.tick
    if lost or long or (attempt.number != 1 and lacks_rollback_run(node_run, attempt)) or _hides_work(ledger, start, inputs):
        before = "lost"
    if before == "detect" and attempt.kind == "run" and attempt.number > 1:
        # The pass that saw the rollback run end hands the re-run out. The rest of the time it waited for a worker (engine-semantics §4).
        ledger.book(min(ledger.next_pass(), start), "detect", to_stage=node_run.stage)
        before = "dispatch"
    doubtful = bool(inputs.doubtful_agents) and attempt.agent is not None and attempt.agent in inputs.doubtful_agents
    if before != "lost" and doubtful and start - ledger.cursor > LATE_NS:
        # By its own clock it began late: the engine may have taken long, or another clock is off.
        ledger.book(start, "unattributed", to_stage=node_run.stage, evidence="inferred")
    ledger.book(start, before, to_stage=node_run.stage)


def _book_up_to_end(ledger: Ledger, node_run: NodeRun, end: int, inputs: TimelineInput, *, empty: bool, still_open: bool) -> None:
    """Book the time from the last known attempt of an execution to its end. ``empty``: no attempt is known."""
    if empty and inputs.sub_tasks_missing:
        ledger.book(end, "unattributed", to_stage=node_run.stage, evidence="inferred")
        return
    lost = node_run.operator != "CANCEL" if empty else still_open or _hides_work(ledger, end, inputs)
    ledger.book(end, "lost" if lost else "detect", to_stage=node_run.stage)


def _hides_work(ledger: Ledger, until: int, inputs: TimelineInput) -> bool:
    """Return whether the stage may have run an attempt that no answer showed: it took longer than the detection of an end."""
    pause = until - ledger.cursor
    long = pause > 2 * SECOND_NS and pause > 2 * ledger.tick
    return long and (inputs.sub_tasks_missing or hides_attempt(inputs.attempts, ledger.cursor, until, stage=ledger.stage))
