"""What a user should know of the clocks and time zones behind the times of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.times import TRUE, dag_times
from daganalysis.reading.answers import Issue
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from daganalysis.history.views import RunView

_MOST_TOLD = 5
_NOTABLE_SKEW_NS = 100_000_000
"""Clocks that differ by less disturb nothing; from a hand-off's latency on (engine-semantics §2.3) the engine may repeat a rollback run."""


def clock_issues(view: RunView) -> list[Issue]:
    """Return what is to be said of the clocks of a run: at most one issue of each kind."""
    return [*_wrong_clocks(view), *_ended_before_start(view)]


def _wrong_clocks(view: RunView) -> list[Issue]:
    """One issue for all the agents of a run whose clocks are notably off."""
    off = {agent: ahead for agent, ahead in sorted(view.clocks_ahead.items()) if abs(ahead) >= _NOTABLE_SKEW_NS}
    if not off:
        return []
    told = ", ".join(f"{agent} {'ahead' if ahead > 0 else 'behind'} by {abs(ahead) / 1e9:.3f} s or more" for agent, ahead in off.items())
    return [
        Issue(
            "warning",
            "clocks-differ",
            run_id=view.evidence.run_id,
            message=f"clocks are not the scheduler's: {told}; the timeline puts their times right, the other tables hold what was served",
            hint="set the clocks of the agents by one source; `daganalysis clock-skew` bounds how far they are off",
        )
    ]


def _ended_before_start(view: RunView) -> list[Issue]:
    """One issue for all the objects of a run whose end lies before their start."""
    run = view.evidence
    dag = run.newest
    times = dag_times(dag.state, dag.operator)
    told = []
    if times.start is TRUE and times.end is TRUE and dag.start is not None and dag.end is not None and dag.end < dag.start:
        told.append(f"the DAG by {_seconds(dag.start - dag.end)}")
    told += [
        f"stage {node.stage} by {_seconds(node.start - node.end)}"
        for node in view.nodes
        if node.start is not None and node.end is not None and node.end < node.start
    ]
    told += [
        f"attempt {attempt.number} of sub-task {task.gid} by {_seconds(attempt.start - attempt.end)}"
        for task in view.tasks
        for attempt in task.attempts
        if attempt.start is not None and attempt.end is not None and attempt.end < attempt.start
    ]
    if not told:
        return []
    rest = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
    what = f"the end lies before the start: {', '.join(told[:_MOST_TOLD])}{rest}; the time in question is unattributed"
    return [issue("ended-before-start", None, None, what, run_id=run.run_id)]


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:.3f} s"
