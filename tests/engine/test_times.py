"""Which served times are true."""

from __future__ import annotations

import pytest

from daganalysis.engine.times import Meaning, dag_times, node_times, sub_task_times

TRUE = Meaning.TRUE


@pytest.mark.parametrize("operator", ["RUN", "ROLLBACK", "CANCEL"])
@pytest.mark.parametrize("state", ["FAILED", "SUCCEED"])
def test_a_finished_dag_tells_both_ends_of_its_last_leg(state: str, operator: str) -> None:
    assert dag_times(state, operator) == (TRUE, TRUE)


def test_a_running_dag_has_no_end_yet() -> None:
    assert dag_times("RUNNING", "RUN") == (TRUE, Meaning.UNSET)


def test_a_dag_waiting_for_its_first_pass_shows_its_creation() -> None:
    assert dag_times("READY", "RUN").start is Meaning.CREATED


def test_the_end_of_a_pass_is_the_operators_request() -> None:
    assert dag_times("SUCCEED", "PASS").end is Meaning.REQUEST
    assert node_times("SUCCEED", "PASS", executed=True) == (TRUE, Meaning.REQUEST)
    assert sub_task_times("SUCCEED", "PASS", 2) == (TRUE, Meaning.REQUEST)


def test_a_passed_node_that_never_ran_shows_its_creation() -> None:
    assert node_times("SUCCEED", "PASS", executed=False).start is Meaning.CREATED
    assert sub_task_times("SUCCEED", "PASS", 0).start is Meaning.CREATED


def test_the_end_of_a_running_node_is_a_copy_of_its_start() -> None:
    assert node_times("RUNNING", "RETRY", executed=True) == (TRUE, Meaning.COPY)


def test_a_sub_task_handed_out_again_still_shows_the_attempt_before() -> None:
    assert sub_task_times("READY", "ROLLBACK", 2) == (Meaning.PREVIOUS, Meaning.PREVIOUS)
    assert sub_task_times("RUNNING", "ROLLBACK", 2) == (TRUE, Meaning.PREVIOUS)


@pytest.mark.parametrize("state", [None, "", "NEW"])
def test_nothing_is_true_of_a_state_the_engine_does_not_have(state: str | None) -> None:
    assert TRUE not in {*dag_times(state, "RUN"), *node_times(state, "RUN", executed=True), *sub_task_times(state, "RUN", 1)}
