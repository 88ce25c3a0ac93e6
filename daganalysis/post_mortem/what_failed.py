"""What failed, was retried, passed or cancelled in a run, with the log line that explains it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daganalysis.analysis.run_facts import attempts_by_task, troubled_groups
from daganalysis.engine.failure_lines import find_failures
from daganalysis.engine.log_lines import failure_lines_of, is_error, newest_failure_line
from daganalysis.engine.vocabulary import outcome_in_words, words
from daganalysis.post_mortem.time_spent import name_stages
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.widths import shorten_end, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row

_MOST_SHOWN = 8
_MOST_AGENTS = 3
_MOST_ATTEMPTS = 6
_MOST_QUOTED_LINES = 4
_MOST_FAILURE_LINES = 3
"""Different error lines of one sub-task: its failures may have had more causes than one."""
_WIDTH = 78


def trouble_lines(facts: RunFacts) -> list[str]:
    """List the sub-tasks that had trouble, those alike on several agents together; hand-shakes between DAGs are only counted."""
    protocol = {row["task_gid"] for row in facts.retries if row["protocol"]}
    attempts = attempts_by_task(facts.attempts)
    groups = troubled_groups(facts)
    troubled = {row["task_gid"] for row in facts.trouble}
    cancelled = facts.run["operator"] == "CANCEL"
    lines = [line for tasks in groups[:_MOST_SHOWN] for line in _entry(tasks, attempts.get(tasks[0]["task_gid"], []), cancelled=cancelled)]
    if len(groups) > _MOST_SHOWN:
        lines.append(f"  and {plural(len(groups) - _MOST_SHOWN, 'more group')} of sub-tasks")
    skipped = sorted({task["stage"] for task in facts.sub_tasks if _passed_unrun(task)})
    if skipped:
        lines.append(f"  Passed without having run: {name_stages(skipped)}")
    if protocol:
        by_design = f"By design: {plural(len(protocol), 'sub-task')} handed out again in the hand-shake between DAGs. That is no failure."
        lines += wrap(by_design, _WIDTH, "  ", "  ")
    succeeded = [task for task in facts.sub_tasks if task["task_gid"] not in troubled and task["outcome"] == "succeeded"]
    for task in [task for task in succeeded if is_error(newest_failure_line(task["task_logs"]))][:_MOST_SHOWN]:
        lines.append(f"  Stage {_number(task)} on {for_terminal(task['agent'] or '?')} logged an error, but succeeded")
        lines += _quoted(newest_failure_line(task["task_logs"]))
    return ["What failed, was retried, passed or cancelled", *lines] if lines else []


def _passed_unrun(task: Row) -> bool:
    return task["outcome"] == "passed" and not task["execute_times"]


def _entry(tasks: list[Row], attempts: list[Row], *, cancelled: bool) -> list[str]:
    task = tasks[0]
    agents = [row["agent"] or "an unknown agent" for row in tasks]
    more = f" and {len(agents) - _MOST_AGENTS} more" if len(agents) > _MOST_AGENTS else ""
    where = ", ".join(agents[:_MOST_AGENTS]) + more
    outcome = words(task["outcome"] or "unknown")
    lines = [
        f"  Stage {_number(task)}, {shorten_end(for_terminal(task['name'] or 'unnamed'), 44)}: {outcome}",
        f"    on {for_terminal(where)}",
    ]
    failures = find_failures([(attempt["kind"], attempt["outcome"]) for attempt in attempts], task["task_logs"])
    dealt = {failure.place: failure.line for failure in failures if failure.line is not None and failure.certain}
    blocks = _attempts(attempts, dealt, perhaps_cancelled=cancelled or task["operator"] == "PASS")
    hidden = len(blocks) - _MOST_ATTEMPTS
    shown = blocks if hidden <= 1 else [blocks[0], [f"         … {hidden} more …"], *blocks[hidden + 1 :]]
    lines += [line for entry in shown for line in entry]
    left = [part for line in failure_lines_of(task["task_logs"])[-_MOST_FAILURE_LINES:] for part in _quoted(line)] if not dealt else []
    if left and len(blocks) > 1:
        lines.append("      logged by one of these attempts (which one is not known):")
    return lines + left


def _number(task: Row) -> str:
    return "?" if task["stage"] is None else str(task["stage"])


def _attempts(attempts: list[Row], dealt: Mapping[int, str], *, perhaps_cancelled: bool) -> list[list[str]]:
    """List each attempt, with its ending line (by place) below it. Lost attempts in a row share an entry.

    ``perhaps_cancelled`` says whether a cancel may have ended the last one; no answer excludes that of those before it.
    """
    entries = []
    for lost, group in itertools.groupby(enumerate(attempts), key=lambda numbered: numbered[1]["evidence"] == "lost"):
        members = list(group)
        if lost and len(members) > 1 and not any(place in dealt for place, _ in members):
            first, last = members[0][1]["attempt"], members[-1][1]["attempt"]
            entries.append([f"  {first:>3}-{last}. lost: no response shows them"])
        else:
            entries += [
                [
                    *_attempt(attempt, perhaps_cancelled=perhaps_cancelled or place < len(attempts) - 1),
                    *_quoted(dealt.get(place, "")),
                ]
                for place, attempt in members
            ]
    return entries


def _attempt(attempt: Row, *, perhaps_cancelled: bool) -> list[str]:
    kind = "hand-out" if attempt["kind"] == "unknown" else attempt["kind"]
    said = outcome_in_words(attempt["outcome"], perhaps_cancelled=perhaps_cancelled)
    took = f"after {human_duration(attempt['duration_s'])}" if attempt["duration_s"] is not None else ""
    sure = "" if attempt["evidence"] == "observed" else f"({attempt['evidence']})"
    result = " ".join(part for part in (said, took, sure) if part)
    return wrap(result, _WIDTH, f"    {attempt['attempt']:>3}. {kind:8} ", " " * 18)


def _quoted(line: str) -> list[str]:
    quoted = [f"       > {part}" for part in wrap(for_terminal(line), _WIDTH - 9)]
    return quoted if len(quoted) <= _MOST_QUOTED_LINES else [*quoted[:_MOST_QUOTED_LINES], "       > …"]
