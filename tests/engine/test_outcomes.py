"""The rules of outcomes."""

from __future__ import annotations

import pytest

from daganalysis.engine.outcomes import RULES, Facts, judge
from daganalysis.engine.vocabulary import RUN_OUTCOMES, TASK_OUTCOMES


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (Facts("SUCCEED", "RUN"), "succeeded"),
        (Facts("SUCCEED", "RUN", retried=True), "succeeded_after_retry"),
        (Facts("SUCCEED", "RUN", retried=True, node_passed=True), "succeeded_with_node_pass"),
        (Facts("SUCCEED", "PASS", node_passed=True), "passed"),
        (Facts("SUCCEED", "ROLLBACK", retried=True), "rolled_back"),
        (Facts("SUCCEED", "CANCEL"), "cancelled"),
        (Facts("FAILED", "CANCEL"), "cancelled"),
        (Facts("FAILED", "ROLLBACK"), "rollback_failed"),
        (Facts("FAILED", "RUN"), "failed"),
        (Facts("FAILED", "RUN", deliberate=True), "waiting"),
        (Facts("READY", "RUN", begun=False), "not_started"),
        (Facts("READY", "ROLLBACK"), "running"),
        (Facts("RUNNING", "RUN"), "running"),
        (Facts("PAUSED", "RUN"), "unknown"),
        (Facts("SUCCEED", None), "unknown"),
    ],
)
def test_a_dag_comes_to_what_its_state_and_operator_say(facts: Facts, outcome: str) -> None:
    assert judge("dag", facts).outcome == outcome


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (Facts("SUCCEED", "RUN"), "succeeded"),
        (Facts("SUCCEED", "ROLLBACK"), "rolled_back"),
        (Facts("SUCCEED", "PASS", executed=False), "passed"),
        (Facts("PENDING", "RUN", executed=False), "never_run"),
        (Facts("FAILED", "RUN", "timeout"), "timeout"),
        (Facts("FAILED", "RUN", "cancelled"), "cancelled"),
        (Facts("FAILED", "RUN", "cancelled_before_start"), "cancelled_before_start"),
        (Facts("FAILED", "RUN", "interrupted"), "interrupted"),
        (Facts("FAILED", "RUN", "waiting"), "waiting"),
        (Facts("FAILED", "ROLLBACK", "failed"), "rollback_failed"),
        (Facts("FAILED", "RUN"), "failed"),
        (Facts("READY", "RUN"), "ready"),
    ],
)
def test_a_sub_task_comes_to_what_its_row_and_its_lines_say(facts: Facts, outcome: str) -> None:
    assert judge("sub_task", facts).outcome == outcome


def test_every_rule_gives_an_outcome_of_the_contract_and_names_its_source() -> None:
    for level, rules in RULES.items():
        for rule in rules:
            assert rule.outcome in (RUN_OUTCOMES if level == "dag" else TASK_OUTCOMES), rule.name
            assert rule.source.startswith("engine-semantics §"), rule.name


def test_rule_names_are_unique_within_a_level() -> None:
    for level, rules in RULES.items():
        names = [rule.name for rule in rules]
        assert len(names) == len(set(names)), level
