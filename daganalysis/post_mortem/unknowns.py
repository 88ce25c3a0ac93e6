"""What cannot be known of a run from the responses at hand, said aloud."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.widths import wrap

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.text.zones import Zone

_MOST_ISSUES = 5
_WORTH_SAYING_S = 0.0005


def unknown_lines(facts: RunFacts, zone: Zone) -> list[str]:
    """List what was lost, what is only bounded, and the issues that concern the run."""
    run, budget = facts.run, facts.budget
    sentences = []
    evidence = Counter(attempt["evidence"] for attempt in facts.attempts)
    if evidence["lost"]:
        of_all = f"{plural(evidence['lost'], 'attempt')} of {len(facts.attempts)}"
        sentences.append(f"{of_all} known only from execute_times, without times.")
    if evidence["inferred"]:
        sentences.append(
            f"{plural(evidence['inferred'], 'attempt')} of {len(facts.attempts)} inferred from neighbouring attempts, not observed."
        )
    if run["retries_min"] != run["retries_max"]:
        least, most = run["retries_min"] or 0, run["retries_max"]
        known = [f"at least {least}"] * bool(least) + ([f"at most {most}"] if most is not None else [])
        bounds = f": {', '.join(known)}" if known else ""
        sentences.append(f"Number of retries unknown{bounds}.")
    if (budget.get("lost_s") or 0) >= _WORTH_SAYING_S:
        sentences.append(
            f"{human_duration(budget['lost_s'])} passed in executions that the server has overwritten, and in waits between them."
        )
    sentences += [f"Known only from a timeout: {zone.within(row['message'])}." for row in facts.issues if row["code"] == "ran-into-timeout"]
    if (budget.get("unattributed_s") or 0) >= _WORTH_SAYING_S:
        sentences.append(f"{human_duration(budget['unattributed_s'])} have no known cause.")
    if run["elapsed_s"] is None and run["outcome"] not in {"running", "not_started"}:
        sentences.append("How long it took is not known: no response shows a true start and a true end.")
    wrapped = [line for text in sentences for line in wrap(text, 78, "  ", "  ")]
    notes = [row for row in facts.issues if row["severity"] != "info"]
    for row in notes[:_MOST_ISSUES]:
        wrapped += wrap(for_terminal(f"{row['code']}: {zone.within(row['message'])}"), 78, "  ", "    ")
    if len(notes) > _MOST_ISSUES:
        wrapped.append(f"  and {plural(len(notes) - _MOST_ISSUES, 'more issue')}")
    return ["What is not known", *wrapped] if wrapped else []
