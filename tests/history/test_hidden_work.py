"""The signs that something lies hidden in a pause, each by itself. Times are seconds."""

from __future__ import annotations

import pytest

from daganalysis.engine.times import SECOND_NS
from daganalysis.history.attempts import Attempt
from daganalysis.history.hidden_work import (
    Position,
    hides_attempt,
    hides_execution,
    hides_leg,
    hides_own_attempt,
    hides_second_leg,
    lacks_rollback_run,
    skips_stage,
)
from daganalysis.history.legs import Leg, NodeRun


def attempt(number: int, start: float | None, *, kind: str = "run", stage: int = 1, state: str = "FAILED", ending: str | None = None):
    at = None if start is None else round(start * SECOND_NS)
    return Attempt(number, kind, start=at, state=state, stage=stage, ending=ending)


def ended(number: int, at: float) -> Attempt:
    """An attempt of which one line alone tells, at its end."""
    end = round(at * SECOND_NS)
    return Attempt(number, "run", start=end, end=end, state="FAILED", stage=1, is_start_estimated=True, is_end_estimated=True)


def execution(stage: int, start: float | None, operator: str | None = "RUN", *attempts: Attempt) -> NodeRun:
    return NodeRun(stage, None if start is None else round(start * SECOND_NS), operator, attempts=list(attempts))


def leg(start: float, stage: int | None = None) -> Leg:
    return Leg(round(start * SECOND_NS), "RUN", stage=stage)


# -- attempts ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "hidden"),
    [
        ([attempt(1, 5), attempt(2, 50)], False),
        ([attempt(1, 5), attempt(2, None), attempt(3, 50)], True),
        ([attempt(1, None), attempt(2, 5)], False),
        ([attempt(1, 5), attempt(2, None, ending="cancelled_before_start")], False),
        ([attempt(1, 5), attempt(2, None)], True),
        ([attempt(1, 25), attempt(2, None)], False),
        ([attempt(0, 50)], True),
        ([attempt(1, 5), ended(2, 15)], True),
    ],
    ids=["all known", "between", "before", "never begun", "after", "only after the pause", "not counted", "known by its end alone"],
)
def test_an_attempt_without_a_start_hides_between_those_around_it(known, hidden):
    assert hides_attempt([known], 10 * SECOND_NS, 20 * SECOND_NS) is hidden


def test_of_one_stage_attempts_of_others_say_nothing():
    other = [attempt(1, 5, stage=2), attempt(2, None, stage=2)]
    assert not hides_attempt([other], 10 * SECOND_NS, 20 * SECOND_NS, stage=1)
    assert hides_attempt([other], 10 * SECOND_NS, 20 * SECOND_NS, stage=2)


def test_a_sub_task_that_none_of_its_own_execution_shows_may_have_run_in_it():
    shown, hidden = [attempt(1, 11)], [attempt(1, 1), attempt(2, None)]
    run = execution(1, 10, "RETRY", *shown)
    assert hides_own_attempt([shown, hidden], run)
    assert not hides_own_attempt([shown, [attempt(1, 1)]], run)


def test_a_re_run_without_the_rollback_run_before_it_hides_that():
    rerun, rollback = attempt(3, 20), attempt(2, 19, kind="rollback")
    assert lacks_rollback_run(execution(1, 18, "RETRY", rerun), rerun)
    assert not lacks_rollback_run(execution(1, 18, "RETRY", rollback, rerun), rerun)
    assert not lacks_rollback_run(execution(1, 18, "RUN", attempt(1, 18)), attempt(1, 18))


# -- legs -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "hidden"),
    [
        (attempt(3, 100), False),
        (attempt(5, 100), True),
        (attempt(2, 100, kind="rollback"), False),
        (attempt(3, 100, kind="rollback"), True),
    ],
    ids=["re-run", "two re-runs", "rollback run", "rollback run after another"],
)
def test_more_hand_outs_than_a_leg_makes_hide_another_leg(after, hidden):
    assert hides_leg([[attempt(1, 5), after]], leg(99)) is hidden


def test_a_sub_task_that_had_not_failed_tells_nothing_of_legs():
    assert not hides_leg([[attempt(1, 5, state="SUCCEED"), attempt(5, 100)]], leg(99))


def test_the_first_leg_hands_out_nothing_beyond_the_stage_it_failed_at():
    later = [attempt(2, 100, kind="rollback", stage=2)]
    assert hides_second_leg([later], leg(0, stage=1), leg(99))
    assert not hides_second_leg([later], leg(0, stage=2), leg(99))
    assert not hides_second_leg([later], leg(0, stage=None), leg(99))


# -- executions -------------------------------------------------------------------------------------------------------------------------

FORWARD = Position(2, "RUN", "forward")
BACK = Position(2, "ROLLBACK", "rollback")


@pytest.mark.parametrize(
    ("place", "run", "pause", "hidden"),
    [
        (FORWARD, execution(3, 10), 500, False),
        (FORWARD, execution(4, 10), 500, True),
        (FORWARD, execution(4, 10), 3, False),
        (FORWARD, execution(2, 10, "RETRY"), 1, True),
        (FORWARD, execution(2, 10, "ROLLBACK"), 1, True),
        (BACK, execution(1, 10, "ROLLBACK"), 1, False),
        (BACK, execution(1, 10, "ROLLBACK"), 500, True),
        (Position(2, "RUN", "rollback"), execution(1, 10, "ROLLBACK"), 500, False),
        (FORWARD, execution(2, None, None, attempt(1, 10)), 1, False),
        (FORWARD, execution(2, None, None, attempt(2, 10)), 1, True),
    ],
    ids=[
        "the next stage, late",
        "a jump, late",
        "a jump, at once",
        "a retry",
        "a rollback",
        "a rollback walking down",
        "a rollback walking down, late",
        "the first of a rollback that a leg told of",
        "first attempts",
        "later attempts",
    ],
)
def test_what_follows_tells_whether_executions_hide_before_it(place, run, pause, hidden):
    assert hides_execution(place, run, pause * SECOND_NS, SECOND_NS, crossed=False, sure_begin=True) is hidden


def test_before_the_first_execution_some_hide_if_the_beginning_is_not_known():
    nowhere = Position(None, None, "forward")
    assert hides_execution(nowhere, execution(1, 10), SECOND_NS, SECOND_NS, crossed=False, sure_begin=False)
    assert not hides_execution(nowhere, execution(1, 10), SECOND_NS, SECOND_NS, crossed=False, sure_begin=True)


def test_after_the_start_of_a_known_leg_only_a_long_pause_hides_something():
    assert not hides_execution(FORWARD, execution(2, 10, "RETRY"), SECOND_NS, SECOND_NS, crossed=True, sure_begin=True)
    assert hides_execution(FORWARD, execution(2, 10, "RETRY"), 500 * SECOND_NS, SECOND_NS, crossed=True, sure_begin=True)


def test_a_stage_is_skipped_where_two_executed_ones_are_no_neighbours():
    assert skips_stage(FORWARD, execution(4, 10))
    assert not skips_stage(FORWARD, execution(3, 10))
    assert not skips_stage(FORWARD, None)
