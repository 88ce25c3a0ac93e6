"""The rule behind every outcome of a run, for a reader who asks why."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import RULES, Facts
from daganalysis.report.post_mortem.time_spent import name_stages

if TYPE_CHECKING:
    from daganalysis.engine.outcomes import Rule
    from daganalysis.report.post_mortem.facts import Row, RunFacts


def reason_lines(facts: RunFacts) -> list[str]:
    """Name the rule that gave each outcome, what it says, and its source; stages and sub-tasks of one rule stand together."""
    lines = ["Why (the sections are those of docs/engine-semantics.md)", *_rule("the run", facts.run, "dag")]
    for level, rows, noun in (("node", facts.nodes, ""), ("sub_task", facts.sub_tasks, "sub-tasks of ")):
        by_rule: dict[tuple[str, str, str], list[Row]] = {}
        for row in rows:
            by_rule.setdefault((row["outcome"], row["state"] or "", row["operator"] or ""), []).append(row)
        for alike in by_rule.values():
            stages = sorted({row["stage"] for row in alike if row["stage"] is not None})
            lines += _rule(f"{noun}{name_stages(stages)}", alike[0], level)
    return lines


def rule_of(level: str, row: Row) -> Rule | None:
    """Find the rule that gave a row of a table its outcome; None where the outcome is none that the rules give.

    Most outcomes have one rule; where there are several, the state and the operator tell them apart.
    """
    candidates = [rule for rule in RULES[level] if rule.outcome == row["outcome"]]
    served = Facts(row["state"], row["operator"])
    return next((rule for rule in candidates if len(candidates) == 1 or rule.holds(served)), None)


def _rule(what: str, row: Row, level: str) -> list[str]:
    rule = rule_of(level, row)
    found = f"state {row['state']}, operator {row['operator']}"
    if rule is None:
        return [f"  {what}: {row['outcome']}", f"    {found}; no rule covers this"]
    said = textwrap.wrap(f"{rule.why} ({found})", 79, initial_indent="    ", subsequent_indent="    ")
    return [f"  {what}: {rule.outcome}", *said, f"    rule {rule.name}, {rule.source}"]
