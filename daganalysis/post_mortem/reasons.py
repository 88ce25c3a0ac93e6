"""The rule behind every outcome of a run, for a reader who asks why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import rule_behind
from daganalysis.post_mortem.time_spent import name_stages
from daganalysis.text.widths import wrap

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row


_EVIDENCE = {
    "observed": "an answer showed it running or ended",
    "inferred": "it follows from the attempts beside it",
    "lost": "it is known only from execute_times",
}


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
    return lines + _attempt_lines(facts)


def _attempt_lines(facts: RunFacts) -> list[str]:
    """Name the rule of each kind of attempt and its evidence; for a sub-task that ran once, its own rule is enough."""
    handed_out = Counter(row["task_gid"] for row in facts.attempts)
    alike: dict[tuple[str, str, str], list[Row]] = {}
    for row in facts.attempts:
        if handed_out[row["task_gid"]] > 1:
            alike.setdefault((row["kind"], row["outcome"], row["evidence"]), []).append(row)
    lines = []
    for (kind, outcome, evidence), rows in alike.items():
        rule = rule_behind("attempt", outcome, observed=evidence == "observed")
        stages = name_stages(sorted({row["stage"] for row in rows if row["stage"] is not None}))
        kinds = {"unknown": "attempts of unknown kind"}.get(kind, f"{kind} attempts")
        numbers = ", ".join(str(number) for number in sorted({row["attempt"] for row in rows}))
        lines.append(f"  {kinds} of {stages} (number {numbers}): {outcome}")
        reason = f"{rule.why}; {evidence}: {_EVIDENCE[evidence]}"
        lines += wrap(reason, 79, "    ", "    ")
        lines.append(f"    rule {rule.name}, {rule.source}")
    return lines


def _rule(what: str, row: Row, level: str) -> list[str]:
    rule = rule_behind(level, row["outcome"], row["state"], row["operator"])
    found = f"state {row['state']}, operator {row['operator']}"
    reason = wrap(f"{rule.why} ({found})", 79, "    ", "    ")
    return [f"  {what}: {row['outcome']}", *reason, f"    rule {rule.name}, {rule.source}"]
