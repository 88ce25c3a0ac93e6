"""What failed, was retried, passed or cancelled in a run, with the telling log line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.log_lines import is_error, verdict
from daganalysis.report.inert import for_terminal
from daganalysis.report.post_mortem.facts import FAILED_ATTEMPTS, GOOD_TASK_OUTCOMES
from daganalysis.report.quantities import human_duration, plural
from daganalysis.report.terminal import shorten_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.report.post_mortem.facts import Row, RunFacts

_MOST_SHOWN = 8
_MOST_AGENTS = 3
_MOST_ATTEMPTS = 6


def trouble_lines(facts: RunFacts) -> list[str]:
    """List the sub-tasks that met trouble, those alike on several agents together; hand-shakes between DAGs are only counted."""
    protocol = {row["task_gid"] for row in facts.retries if row["protocol"]}
    attempts: dict[str, list[Row]] = {}
    for attempt in facts.attempts:
        attempts.setdefault(attempt["task_gid"], []).append(attempt)
    alike: dict[tuple[object, ...], list[Row]] = {}
    for task in facts.sub_tasks:
        own = attempts.get(task["task_gid"], [])
        if _in_trouble(task, own, by_protocol=task["task_gid"] in protocol):
            what = tuple((attempt["kind"], attempt["outcome"]) for attempt in own)
            alike.setdefault((task["stage"], task["name"], task["outcome"], what, telling_line(task["task_logs"])), []).append(task)
    lines: list[str] = []
    for tasks in list(alike.values())[:_MOST_SHOWN]:
        lines += _entry(tasks, attempts.get(tasks[0]["task_gid"], []))
    if len(alike) > _MOST_SHOWN:
        lines.append(f"  and {len(alike) - _MOST_SHOWN} more of this kind")
    if protocol:
        lines.append(f"  By design: {plural(len(protocol), 'sub-task')} handed out again in the hand-shake between DAGs; that is no failure.")
    return ["What failed, was retried, passed or cancelled", *lines] if lines else []


def telling_line(logs: Sequence[str] | None) -> str:
    """Return the line that says best why a sub-task failed: its last ERROR line, else the scheduler's verdict; empty if there is none.

    >>> telling_line(["start", "ERROR: [A.B]: no space", "sub task cancelled"])
    'ERROR: [A.B]: no space'
    """
    if not logs:
        return ""
    errors = [line for line in logs if is_error(line)]
    if errors:
        return errors[-1]
    return next((line for line in reversed(logs) if verdict([line]) is not None), "")


def _in_trouble(task: Row, attempts: list[Row], *, by_protocol: bool) -> bool:
    if task["outcome"] not in GOOD_TASK_OUTCOMES:
        return True
    return not by_protocol and any(attempt["outcome"] in FAILED_ATTEMPTS for attempt in attempts)


def _entry(tasks: list[Row], attempts: list[Row]) -> list[str]:
    task = tasks[0]
    agents = [row["agent"] or "an unknown agent" for row in tasks]
    where = ", ".join(agents[:_MOST_AGENTS]) + (f" and {len(agents) - _MOST_AGENTS} more agents" if len(agents) > _MOST_AGENTS else "")
    outcome = (task["outcome"] or "unknown").replace("_", " ")
    lines = [
        f"  Stage {task['stage']}, {shorten_end(for_terminal(task['name'] or 'unnamed'), 44)}: {outcome}",
        f"    on {for_terminal(where)}",
    ]
    shown = attempts if len(attempts) <= _MOST_ATTEMPTS else attempts[:1] + attempts[1 - _MOST_ATTEMPTS :]
    for attempt in shown:
        took = f"after {human_duration(attempt['duration_s'])}" if attempt["duration_s"] is not None else ""
        sure = "" if attempt["evidence"] == "observed" else f"({attempt['evidence']})"
        said = attempt["outcome"].replace("_", " ")
        kind = "hand-out" if attempt["kind"] == "unknown" else attempt["kind"]
        lines.append(f"    {attempt['attempt']:>3}. {kind:8} {said} {took} {sure}".rstrip())
        if attempt is shown[0] and len(shown) < len(attempts):
            lines.append(f"         … {len(attempts) - len(shown)} more …")
    line = telling_line(task["task_logs"])
    if line:
        import textwrap

        quoted = textwrap.wrap(for_terminal(line), 72, break_on_hyphens=False)
        lines += [f"    > {part}" for part in quoted[:4]] + (["    > …"] if len(quoted) > 4 else [])
    return lines
