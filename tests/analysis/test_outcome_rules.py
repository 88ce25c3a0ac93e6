from __future__ import annotations

import pytest

import daganalysis as da
from daganalysis.engine.outcomes import RULES, rule_behind
from daganalysis.errors import UsageError
from daganalysis.history.rebuild import rebuild
from tests.history.responses import dag, node, sub_task

RETRIED = da.Archive.from_tables(
    rebuild(
        [dag(node(sub_task("SUCCEED", 61.1, 62.0, times=3, logs=["done"]), operator="RETRY", start=60.01, end=62.5), start=60.0, end=62.51)]
    )
)


@pytest.mark.parametrize(
    ("level", "rules"),
    [
        ("run", ["dag-succeeded-after-retry"]),
        ("stage", ["node-succeeded"]),
        ("sub_task", ["sub-task-succeeded"]),
        ("attempt", ["not-succeeded", "attempt-followed", "attempt-succeeded"]),
    ],
)
def test_every_outcome_of_every_level_has_its_rule(level, rules):
    table = da.outcome_rules(RETRIED, level=level)
    assert table["rule"].tolist() == rules
    assert table["source"].str.startswith("engine-semantics §").all()


def test_the_rule_behind_an_outcome_gives_that_outcome():
    for level, rules in RULES.items():
        for rule in rules:
            assert rule_behind(level, rule.outcome, "SUCCEED", "RUN").outcome in {rule.outcome, "unknown"}


def test_an_archive_without_runs_has_no_rules():
    empty = da.Archive.from_tables(rebuild([]))
    assert da.outcome_rules(empty, level="attempt").empty


def test_another_level_is_a_usage_error():
    with pytest.raises(UsageError):
        da.outcome_rules(RETRIED, level="dag")
