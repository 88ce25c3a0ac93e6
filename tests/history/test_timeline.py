"""The walk over legs and node executions: what the time between two known things is booked as, and what decides it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from daganalysis.engine.records import Node, SubTask
from daganalysis.engine.times import SECOND_NS
from daganalysis.history.attempts import Attempt
from daganalysis.history.legs import Leg, NodeRun, was_executed
from daganalysis.history.stage_work import directions_of
from daganalysis.history.stretches import Stretch
from daganalysis.history.timeline import build_timeline
from daganalysis.history.timeline_input import TimelineInput, estimate_tick


def ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)


def attempt(start: float, end: float, state: str = "SUCCEED", number: int = 1, kind: str = "run") -> Attempt:
    return Attempt(number, kind, ns(start), ns(end), state, seen=True)


def execution(stage: int, start: float | None, end: float | None, *attempts: Attempt, operator: str | None = "RUN", **more: Any) -> NodeRun:
    bounds = (None if instant is None else ns(instant) for instant in (start, end))
    return NodeRun(stage, next(bounds), operator, next(bounds), attempts=list(attempts), **more)


def leg(start: float, end: float | None = None, operator: str = "RUN", **more: float) -> Leg:
    return Leg(ns(start), operator, None if end is None else ns(end), **{name: ns(value) for name, value in more.items()})


def told(*legs: Leg, runs: list[NodeRun], end: float | None, begin: float = 0, **more: Any) -> list[tuple[str, float]]:
    """What the known span is booked as, in seconds."""
    attempts = [[one] for run in runs for one in run.attempts]
    given = {"sure_begin": True, "wait_category": lambda _: "wait_operator", "attempts": attempts, **more}
    stretches = build_timeline(TimelineInput(legs, runs, begin=ns(begin), end=None if end is None else ns(end), **given))
    return [(one.category, round((one.end - one.start) / SECOND_NS, 3)) for one in stretches]


FIRST = execution(1, 0, 4, attempt(0, 3.5))
FAILED = execution(1, 0, 4, attempt(0, 3.5, "FAILED"))
AGAIN = execution(1, 60, 64, attempt(60, 63.5, number=2), operator="RETRY")
OPEN = execution(1, 0, None, attempt(0, 3.5, "FAILED"))
BEFORE, AFTER = [("execute", 3.5), ("detect", 0.5)], [("execute", 3.5), ("detect", 0.5)]
"""What the first execution, whose sub-task runs from 0 to 3.5 s, and the one from 60 to 64 s are booked as."""
RETRIES = {
    "somebody asked half a tick before the leg began": (
        [leg(0, 4), leg(60, 64, "RETRY")],
        [FAILED, AGAIN],
        {},
        [("wait_operator", 55.5), ("handoff", 0.5)],
    ),
    "an answer shows that it was asked before 50 s": (
        [leg(0, 4), leg(60, 64, "RETRY", asked_to=50)],
        [FAILED, AGAIN],
        {},
        [("wait_operator", 46.0), ("unattributed", 10.0)],
    ),
    "an answer shows that it was not asked before 59.8 s": (
        [leg(0, 4), leg(60, 64, "RETRY", asked_from=59.8)],
        [FAILED, AGAIN],
        {},
        [("wait_operator", 55.8), ("handoff", 0.2)],
    ),
    "the end of the first leg was overwritten": (
        [leg(0), leg(60, 64, "RETRY")],
        [OPEN, AGAIN],
        {},
        [("detect", 0.5), ("wait_operator", 55.5), ("handoff", 0.5)],
    ),
    "an answer shows it running at 20 s": (
        [leg(0, seen_running=20), leg(60, 64, "RETRY")],
        [OPEN, AGAIN],
        {},
        [("detect", 0.5), ("unattributed", 55.5), ("handoff", 0.5)],
    ),
    "answers lack sub-tasks": (
        [leg(0), leg(60, 64, "RETRY")],
        [OPEN, AGAIN],
        {"sub_tasks_missing": True},
        [("lost", 56.5)],
    ),
    "the executions of a leg between were overwritten": (
        [leg(0, 4), leg(30, 32, "RETRY"), leg(60, 64, "RETRY")],
        [FAILED, AGAIN],
        {},
        [("wait_operator", 25.5), ("handoff", 0.5), ("lost", 2.0), ("wait_operator", 27.5), ("handoff", 0.5)],
    ),
    "the start of the second leg was overwritten": (
        [leg(0, 4)],
        [FAILED, AGAIN],
        {},
        [("wait_operator", 55.5), ("handoff", 0.5)],
    ),
}


@pytest.mark.parametrize("case", RETRIES)
def test_the_time_between_two_legs_is_booked_by_what_answers_show(case: str) -> None:
    legs, runs, more, between = RETRIES[case]
    first = BEFORE if runs[0] is FAILED else BEFORE[:1]
    assert told(*legs, runs=runs, end=64, **more) == first + between + AFTER


def test_a_pass_of_a_node_ends_the_wait_and_the_scheduler_takes_it_up() -> None:
    passed = execution(1, 0, None, attempt(0, 3.5, "FAILED"), passed_at=ns(59))
    after = execution(2, 60, 64, attempt(60, 63.5))
    assert told(leg(0), leg(60, 64, "PASS"), runs=[passed, after], end=64) == [*BEFORE, ("wait_operator", 55.0), ("handoff", 1.0), *AFTER]


def test_a_cancel_between_two_stages_is_taken_up_by_the_scheduler() -> None:
    cancelled = execution(2, 5.5, 8, operator="CANCEL")
    assert told(leg(0), leg(5.5, 8, "CANCEL"), runs=[FIRST, cancelled], end=8) == [*BEFORE, ("handoff", 1.5), ("detect", 2.5)]


def test_from_one_stage_to_the_next_is_a_hand_over() -> None:
    runs = [FIRST, execution(2, 5, 8, attempt(5, 7.5))]
    assert told(leg(0, 8), runs=runs, end=8) == [*BEFORE, ("handoff", 1.0), ("execute", 2.5), ("detect", 0.5)]


@pytest.mark.parametrize(("missing", "between"), [(False, "handoff"), (True, "lost")])
def test_a_stage_that_is_stepped_over_is_lost_if_answers_lack_nodes(missing: bool, between: str) -> None:
    runs = [FIRST, execution(3, 6, 9, attempt(6, 8.5))]
    assert told(leg(0, 9), runs=runs, end=9, nodes_missing=missing)[2] == (between, 2.0)


@pytest.mark.parametrize(("asked", "between"), [({}, [60.0]), ({"asked_from": 30}, [4.0, 26.0, 30.0])])
def test_without_nodes_a_wait_is_booked_for_as_long_as_nobody_had_asked(asked: dict[str, float], between: list[float]) -> None:
    spans = told(leg(0, 4), leg(60, 64, "RETRY", **asked), runs=[], end=64, nodes_shown=False)
    assert [seconds for _, seconds in spans] == [*between, 4.0]
    assert [category for category, _ in spans].count("wait_operator") == len(asked)


@pytest.mark.parametrize(
    ("last", "given", "rest"),
    [
        (FAILED, {"passed": True}, [("detect", 0.5), ("wait_operator", 46.0)]),
        (OPEN, {"passed": True}, [("detect", 0.5), ("wait_operator", 46.0)]),
        (OPEN, {"passed": True, "sub_tasks_missing": True}, [("lost", 46.5)]),
        (execution(1, 0, None, attempt(0, 3.5)), {}, [("unattributed", 46.5)]),
    ],
    ids=["passed after its end", "passed, the end overwritten", "passed, sub-tasks missing", "not passed"],
)
def test_the_time_after_the_last_known_execution(last: NodeRun, given: dict[str, bool], rest: list[tuple[str, float]]) -> None:
    known = leg(0, 4) if last is FAILED else leg(0)
    assert told(known, runs=[last], end=50, **given) == [("execute", 3.5), *rest]


def test_nodes_older_than_the_last_leg_hide_what_was_done_in_it() -> None:
    assert told(leg(0), leg(60), runs=[FAILED], end=None, nodes_outdated=True) == [*BEFORE, ("lost", 56.0)]


def test_work_before_an_unseen_rollback_went_forward() -> None:
    back = execution(2, 60, 64, attempt(60, 63.5, number=3, kind="rollback"), operator="ROLLBACK")
    attempts = [[*FAILED.attempts, *back.attempts]]
    stretches = build_timeline(
        TimelineInput([leg(0, 4)], [FAILED, back], attempts, 0, sure_begin=True, end=ns(64), wait_category=lambda _: "wait_operator")
    )
    assert [(one.leg, one.direction) for one in stretches if one.category == "execute"] == [(1, "forward"), (2, "rollback")]


def test_a_leg_has_the_direction_of_its_operator() -> None:
    back = execution(1, 60, 64, attempt(60, 63.5, number=2, kind="rollback"), operator="ROLLBACK")
    legs, runs = [leg(0, 4), leg(60, 64, "ROLLBACK")], [FAILED, back]
    attempts = [[*FAILED.attempts, *back.attempts]]
    stretches = build_timeline(TimelineInput(legs, runs, attempts, 0, sure_begin=True, end=ns(64), wait_category=lambda _: "wait_operator"))
    assert [(one.leg, one.direction) for one in stretches if one.category == "execute"] == [(1, "forward"), (2, "rollback")]


# -- the predicates that the walk asks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pauses", "tick", "shown"),
    [((1.0,), 1.0, True), ((1.2, 1.1, 2.2, 1.1, 1.1), 1.1, True), ((0.5,), 1.0, False), ((3.5,), 1.0, False), ((), 1.0, False)],
)
def test_the_tick_is_that_of_the_shorter_pauses_between_stages(pauses: tuple[float, ...], tick: float, shown: bool) -> None:
    runs, at = [execution(1, 0, 4)], 4.0
    for stage, pause in enumerate(pauses, start=2):
        runs.append(execution(stage, at + pause, at + pause + 4))
        at += pause + 4
    assert estimate_tick(runs) == (ns(tick), shown)


@pytest.mark.parametrize(("nodes", "sub_tasks", "incomplete"), [(False, False, False), (True, False, True), (False, True, True)])
def test_a_story_is_incomplete_if_nodes_or_sub_tasks_are_missing(nodes: bool, sub_tasks: bool, incomplete: bool) -> None:
    inputs = TimelineInput([], [], [], 0, sure_begin=True, end=None, wait_category=str, nodes_missing=nodes, sub_tasks_missing=sub_tasks)
    assert inputs.is_incomplete is incomplete


@pytest.mark.parametrize(
    ("operator", "kinds", "direction"),
    [
        ("RUN", (), "forward"),
        ("RETRY", ("rollback",), "forward"),
        ("ROLLBACK", ("run",), "rollback"),
        (None, ("rollback", "run"), "forward"),
        (None, ("rollback",), "rollback"),
        (None, ("unknown",), None),
    ],
)
def test_the_direction_of_an_execution(operator: str | None, kinds: tuple[str, ...], direction: str | None) -> None:
    attempts = (attempt(0, 1, number=number, kind=kind) for number, kind in enumerate(kinds, start=1))
    assert directions_of([execution(1, 0, 4, *attempts, operator=operator)]) == [direction]


@pytest.mark.parametrize(
    ("after", "direction"),
    [((1, "ROLLBACK"), "rollback"), ((2, "ROLLBACK"), "rollback"), ((2, "RETRY"), None), ((3, "RUN"), None), ((3, "ROLLBACK"), None)],
)
def test_rollback_runs_alone_belong_to_a_rollback_if_what_follows_them_does(after: tuple[int, str], direction: str | None) -> None:
    alone = execution(2, 10, None, attempt(10, 11, number=2, kind="rollback"), operator=None)
    assert directions_of([alone, execution(after[0], 20, 24, operator=after[1])])[0] == direction


def node(state: str, operator: str | None, *, times: int | None = 0, started: float = 60) -> Node:
    """A node whose rows were created at second 0."""
    task = SubTask("11", start=0, execute_times=times)
    return Node("1", state=state, operator=operator, start=ns(started), sub_tasks=[task])


@pytest.mark.parametrize(
    ("asked", "executed"),
    [
        (node("FAILED", "RETRY"), True),
        (node("SUCCEED", "PASS", times=2), True),
        (node("SUCCEED", "PASS", started=0.01), False),
        (node("SUCCEED", "PASS", started=60), True),
        (node("SUCCEED", "PASS", times=None), None),
        (node("SUCCEED", None, started=0.01), False),
    ],
)
def test_the_start_of_a_passed_node_is_that_of_an_execution_or_of_its_row(asked: Node, executed: bool | None) -> None:
    assert was_executed(asked) is executed


@pytest.mark.parametrize("changed", ["category", "evidence", "from_stage", "to_stage", "leg", "direction"])
def test_a_stretch_continues_in_one_that_differs_in_its_bounds_alone(changed: str) -> None:
    values = {"category": "execute", "leg": 1, "from_stage": 1, "to_stage": 1, "direction": "forward", "evidence": "observed"}
    one, next_one = Stretch(0, 5, **values), Stretch(5, 9, **values)
    assert one.continues_in(next_one)
    assert not one.continues_in(Stretch(5, 9, **values | {changed: None}))


def test_a_rollback_of_a_higher_stage_than_the_failed_one_hides_the_leg_that_reached_it() -> None:
    undone = execution(2, 60, 62, attempt(60, 61, kind="rollback", number=2), operator="ROLLBACK")
    spans = told(replace(leg(0, 4), stage=1), leg(60, 62, "ROLLBACK"), runs=[FAILED, undone], end=62)
    assert spans[2:3] == [("lost", 56.0)]


def test_a_retry_that_has_yet_to_run_what_it_rolled_back_has_an_unknown_end() -> None:
    failed, undone = attempt(60, 60.1, "FAILED", number=2, kind="rollback"), attempt(60, 60.1, number=2, kind="rollback")
    retried = execution(1, 60, None, failed, undone, operator="RETRY")
    again = execution(1, 90, 92, attempt(90, 91, number=3, kind="rollback"), operator="ROLLBACK")
    tasks = [[failed], [undone, Attempt(3, "run", stage=1), attempt(90, 91, number=4, kind="rollback")]]
    for one in tasks[1]:
        one.stage = 1
    spans = told(leg(60), leg(90, 92, "ROLLBACK"), runs=[retried, again], begin=60, end=92, attempts=tasks)
    assert spans[:2] == [("execute", 0.1), ("lost", 29.9)]


def test_a_wait_after_a_known_end_of_a_leg_begins_at_that_end() -> None:
    spans = told(leg(0, 4, "CANCEL"), runs=[FIRST, execution(1, None, None, attempt(60, 61, number=2, kind="rollback"))], end=61)
    assert spans[2:] == [("wait_operator", 55.5), ("handoff", 0.5), ("execute", 1.0)]


def test_a_slow_step_within_a_leg_of_known_end_is_no_wait() -> None:
    second = execution(2, 64, 66, attempt(64, 65.5))
    spans = told(leg(0, 4), leg(60, 66), runs=[FAILED, second], end=66)
    assert spans[2:6] == [("wait_operator", 55.5), ("handoff", 0.5), ("handoff", 4.0), ("execute", 1.5)]
