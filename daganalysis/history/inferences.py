"""What the order of hand-outs and the log lines prove about attempts that were overwritten."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daganalysis.engine.log_lines import CANCELLED, TIMED_OUT, WAITING, ending_lines, ending_of, ending_of_line, is_error
from daganalysis.engine.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.views import TaskView

_ENDED_OTHERWISE = {CANCELLED, TIMED_OUT, WAITING}
NOT_SUCCEEDED = "not_succeeded"
"""The ending on an attempt that cannot have succeeded, where nothing tells how it ended."""


def infer(attempts: Sequence[Attempt], written: Mapping[int, list[str]], lines: Sequence[str] | None) -> None:
    """Add what follows from their order and their lines to the attempts of one sub-task.

    ``written`` are the lines of each attempt where the log endpoint was asked, ``lines`` all the lines of the sub-task, None if no answer
    showed them.
    """
    _infer_kinds(attempts)
    _infer_failures(attempts, written)
    _infer_unsuccessful(attempts)
    if lines is not None:
        _deal_lines(attempts, lines)
    for attempt in attempts:
        if attempt.state == "FAILED" and attempt.ending is None:
            attempt.ending = NOT_SUCCEEDED


def succeeded_alone(attempt: Attempt, after: Attempt | None) -> bool:
    """Return whether an attempt is a rollback run before a run, which means that it succeeded (engine-semantics §2.3)."""
    return after is not None and attempt.kind == "rollback" and after.kind == "run"


def infer_from_later_stages(run: RunEvidence, tasks_of: Mapping[str, Sequence[TaskView]]) -> None:
    """Mark as succeeded what ran once and was then rolled back with the DAG, if a later stage was executed (engine-semantics §2.2).

    After a passed node, later stages are executed too, and the rollback overwrites the mark of the pass. They also are after a retry that
    rolled a sub-task back and, by a clock that is behind, did not run it again (§2.3). But a failed attempt ended with an ERROR line, which
    at most one line of the rollback run follows, or with the scheduler's line, and the rollback run of a retry began before later stages.
    """
    later, last_start = False, -1
    for gid in reversed(run.stages):
        if later and run.nodes[gid][-1][1].operator == "ROLLBACK":
            for view in tasks_of[gid]:
                if [attempt.kind for attempt in view.attempts] != ["run", "rollback"] or view.attempts[0].state in ENDED:
                    continue
                if _ended_well(view.logs) and (view.attempts[1].start or last_start) >= last_start:
                    view.attempts[0].state, view.attempts[0].outcome = "SUCCEED", "succeeded"
        every = [attempt for view in tasks_of[gid] for attempt in view.attempts]
        later = later or bool(every)
        last_start = max([last_start, *(attempt.start for attempt in every if attempt.kind == "run" and attempt.start is not None)])


def _ended_well(logs: Sequence[str] | None) -> bool:
    """Return whether no line of a sub-task that ran once, and was rolled back once, says that the run failed."""
    return logs is not None and not any(is_error(line) for line in logs[-2:]) and _ENDED_OTHERWISE.isdisjoint(logs)


def _infer_kinds(attempts: Sequence[Attempt]) -> None:
    """Set the kinds of attempts: the first hand-out is a run, and a later run follows a rollback run (engine-semantics §2.3)."""
    if attempts[0].kind == "unknown" and attempts[0].number == 1:
        attempts[0].kind = "run"
    for before, after in itertools.pairwise(attempts):
        if before.kind == "unknown" and after.kind == "run":
            before.kind = "rollback"


def _infer_failures(attempts: Sequence[Attempt], written: Mapping[int, list[str]]) -> None:
    """Mark an overwritten attempt as failed if the last of its own lines ends a failed execution (engine-semantics §8)."""
    for attempt in attempts[:-1]:
        own = written.get(attempt.number)
        if own and attempt.state not in ENDED and ending_lines(own[-1:]):
            attempt.state, attempt.ending = "FAILED", ending_of(own)


def _infer_unsuccessful(attempts: Sequence[Attempt]) -> None:
    """Mark attempts that did not succeed: a retry rolls back only those, and a pass passes only those (engine-semantics §2.3, §2.6)."""
    for place, attempt in enumerate(attempts):
        if attempt.state in ENDED:
            continue
        following = [later.kind for later in attempts[place + 1 : place + 3]]
        passed = attempt is attempts[-1] and attempt.passed_at is not None
        if following == ["rollback", "run"] or passed:
            attempt.state = "FAILED"


def _deal_lines(attempts: Sequence[Attempt], lines: Sequence[str]) -> None:
    """Assign the ending lines to the attempts that did not succeed, if there are as many lines as attempts.

    A failed execution ends with one line (engine-semantics §8). If it is not known of every attempt whether it succeeded, or if some wrote
    several such lines, no line can be assigned.
    """
    known = sum(1 for one, after in itertools.zip_longest(attempts, attempts[1:]) if one.state in ENDED or succeeded_alone(one, after))
    if known < len(attempts) or attempts[-1].number > len(attempts):
        return
    unsuccessful = [attempt for attempt in attempts if attempt.state == "FAILED"]
    endings = [ending for ending in map(ending_of_line, lines) if ending is not None]
    if len(endings) != len(unsuccessful):
        return
    for attempt, ending in zip(unsuccessful, endings, strict=True):
        if attempt.ending is None:
            attempt.ending = ending
