"""Bounds of how often an operator retried a node."""

from __future__ import annotations

from daganalysis.history.attempts import Attempt
from daganalysis.history.legs import NodeRun
from daganalysis.history.retry_bounds import Bounds, retry_bounds


def bounds(node_runs: list[NodeRun], *attempts_of: list[Attempt], rollback_possible: bool = False) -> Bounds:
    return retry_bounds(node_runs, attempts_of, pending_retry=False, rollback_possible=rollback_possible, exact_counters=True)


def attempts(*kinds: str) -> list[Attempt]:
    return [Attempt(number, kind) for number, kind in enumerate(kinds, start=1)]


def test_the_last_retry_of_a_single_answer_is_known_and_hidden_hand_outs_are_bounded() -> None:
    task = attempts("run", "unknown", "unknown", "rollback", "run")
    assert bounds([NodeRun(2, 100, "RETRY", attempts=[task[-1]])], task) == (2, 3)


def test_two_sub_tasks_that_failed_together_were_retried_together() -> None:
    one, other = attempts("run", "unknown", "unknown"), attempts("run", "unknown", "unknown")
    assert bounds([], one, other) == (1, 2)


def test_sub_tasks_that_failed_on_two_sides_of_a_rollback_were_retried_apart() -> None:
    one, other = attempts("run", "unknown", "unknown", "rollback"), attempts("run", "rollback", "unknown", "unknown")
    rollback = NodeRun(2, 100, "ROLLBACK", attempts=[one[3], other[1]])
    assert bounds([rollback], one, other, rollback_possible=True) == (0, 4)


def test_a_rollback_that_left_no_trace_may_account_for_a_hand_out() -> None:
    assert bounds([], attempts("run", "unknown"), rollback_possible=True) == (0, 1)


def test_a_rollback_that_went_on_to_a_lower_stage_accounts_for_a_hand_out() -> None:
    task = attempts("run", "rollback")
    found = retry_bounds([], [task], pending_retry=False, rollback_possible=True, exact_counters=True, walked_down=True)
    assert found == (0, 0)


def test_a_hidden_hand_out_before_one_of_unknown_kind_may_belong_to_the_same_retry() -> None:
    task = attempts("run", "rollback", "unknown", "unknown")
    runs = [NodeRun(2, 100, "RETRY", attempts=[task[1]]), NodeRun(2, 200, "RETRY", attempts=[task[3]])]
    assert bounds(runs, task) == (2, 3)
