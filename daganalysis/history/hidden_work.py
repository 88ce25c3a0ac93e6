"""Signs that a pause hides attempts, executions or whole legs that no answer showed.

Each function answers one question and changes nothing. ``attempts_of`` has the attempts of every sub-task, in order of their numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.history.attempts import unlisted_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import Leg, NodeRun

    AttemptsOf = Sequence[Sequence[Attempt]]


class Position(msgspec.Struct, frozen=True, gc=False):
    """The place of a timeline: the node executed last (None: none yet), its operator, and the direction of the current leg."""

    stage: int | None
    operator: str | None
    direction: str


def hides_attempt(attempts_of: AttemptsOf, since: int, until: int, *, stage: int | None = None) -> bool:
    """Return whether an attempt (of one stage) with an unknown start may lie between two instants."""
    for attempts in attempts_of:
        if stage is not None and attempts and attempts[0].stage != stage:
            continue
        before: int | None = None
        missing = bool(attempts) and attempts[0].number == 0  # others may come before one that no answer counts
        for attempt in attempts:
            if attempt.start is None:
                missing = missing or attempt.ending != "cancelled_before_start"
                continue
            if (missing or attempt.began_unseen) and (before is None or before < until) and attempt.start > since:
                return True
            before, missing = attempt.start, False
        if missing and (before is None or before < until):
            return True
    return False


def hides_leg(attempts_of: AttemptsOf, leg: Leg) -> bool:
    """Return whether a whole leg is hidden before this one: there are more hand-outs than this leg can explain.

    A leg hands a sub-task out once, or twice where it retries it (engine-semantics §2.3). Only sub-tasks that had failed count: every leg
    must redo them, while different clocks may have repeated others.
    """
    is_unseen = []
    for attempts in attempts_of:
        before = [a for a in attempts if (moment := _moment(a)) is not None and moment < leg.start]
        if not before or before[-1].state != "FAILED":
            continue
        after = _first_from(attempts, leg.start)
        unseen = (after.number if after is not None else attempts[-1].number + 1) - before[-1].number - 1
        own = 2 if after is None else 0 if after.kind == "rollback" else 1
        is_unseen.append(unseen > own)
    return bool(is_unseen) and all(is_unseen)


def hides_second_leg(attempts_of: AttemptsOf, first: Leg, known: Leg) -> bool:
    """Return whether sub-tasks were handed out before a known leg more often than the first leg of the run can explain.

    The first leg hands each sub-task out once, and no sub-task after the stage at which it failed.
    """
    for attempts in attempts_of:
        after = _first_from(attempts, known.start)
        if after is None or first.stage is None or after.stage is None:
            continue
        own = 1 if after.kind == "run" and after.number > 1 else 0
        if after.number - 1 - own > (1 if after.stage <= first.stage else 0):
            return True
    return False


def hides_own_attempt(attempts_of: AttemptsOf, node_run: NodeRun) -> bool:
    """Return whether a sub-task of a stage may have run in one execution of it without an answer that shows it.

    A retry runs a sub-task again after its rollback run has succeeded (engine-semantics §2.3).
    """
    own = {id(attempt) for attempt in node_run.attempts}
    for attempts in attempts_of:
        if not attempts or attempts[0].stage != node_run.stage:
            continue
        shown = [index for index, attempt in enumerate(attempts) if id(attempt) in own]
        if shown and not _is_run_again(node_run, attempts[shown[-1]]):
            continue
        before = shown or [index for index, a in enumerate(attempts) if a.start is not None and a.start < node_run.begin]
        following = before[-1] + 1 if before else 0
        if following < len(attempts) and (attempts[following].start is None or unlisted_before(attempts, following)):
            return True
    return False


def _is_run_again(node_run: NodeRun, attempt: Attempt) -> bool:
    return node_run.operator == "RETRY" and attempt.kind == "rollback" and attempt.state == "SUCCEED"


def lacks_rollback_run(node_run: NodeRun, attempt: Attempt) -> bool:
    """Return whether an attempt is a re-run whose rollback run, in the same execution, is not known (engine-semantics §2.3)."""
    if attempt.kind != "run" or attempt.number == 1:
        return False
    return not any(other.number == attempt.number - 1 and other.kind == "rollback" for other in node_run.attempts)


def skips_stage(place: Position, node_run: NodeRun | None) -> bool:
    """Return whether the next execution skips stages, so that others may have been executed between."""
    if node_run is None or node_run.operator != "RUN" or place.stage is None:
        return False
    return abs(node_run.stage - place.stage) > 1


def hides_execution(place: Position, node_run: NodeRun, pause: int, tick: int, *, crossed: bool, sure_begin: bool) -> bool:
    """Return whether hidden executions must, or may well, lie in the pause before the start of this one.

    ``crossed``: a known leg began in the pause. ``sure_begin``: the beginning of the run is known.
    """
    stages = abs(node_run.stage - place.stage) if place.stage is not None else 1
    # Stages that were rolled back before are stepped over, one in each pass (engine-semantics §2.4).
    long = pause > (stages + 2) * tick
    if crossed:
        return long
    if place.stage is None:
        return not sure_begin
    if node_run.start is None or node_run.operator is None:
        long = long or (node_run.start is None and all(attempt.began_unseen for attempt in node_run.attempts))
        return long or min((attempt.number for attempt in node_run.attempts), default=1) > 1
    if node_run.operator == "RUN":
        # A stage follows the one before it even if the scheduler was busy. A jump over stages hides their executions.
        return long and stages != 1
    walks_down = node_run.operator == "ROLLBACK" and node_run.stage < place.stage
    if walks_down and place.operator == "ROLLBACK":
        return long
    return not (walks_down and place.direction == "rollback")


def _first_from(attempts: Sequence[Attempt], since: int) -> Attempt | None:
    """Return the first attempt that began at an instant or later."""
    return next((a for a in attempts if (moment := _moment(a)) is not None and moment >= since), None)


def _moment(attempt: Attempt) -> int | None:
    """Return the start of an attempt or, if no answer showed it, its end: no leg begins while an attempt of the leg before runs."""
    return attempt.start if attempt.start is not None else attempt.end
