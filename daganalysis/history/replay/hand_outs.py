"""The attempts of one sub-task as logs tell them: hand-outs of the scheduler, executions of the executors, and the number of each.

A log does not say the value of execute_times. It follows from the first hand-out, which is the only one under operator RUN
(engine-semantics §2.2), from attempts that answers show with their numbers, and from logs without a gap between two hand-outs. An attempt
whose number does not follow is left out.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import agent_address
from daganalysis.engine.log_lines import CANCELLED, TIMED_OUT, ending_of_execution
from daganalysis.engine.states import ENDED
from daganalysis.engine.times import SECOND_NS, TRUE, sub_task_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.engine.facts import Execution, HandOut, Line, Passes, TaskState
    from daganalysis.engine.records import SubTask
    from daganalysis.history.replay.contexts import ClusterContext

_SAME_NS = 750_000_000
"""A stamp of a row and the log line of the same moment differ by less than this."""
_ONE_START_NS = 500_000_000
"""Two starts of one sub-task on one agent are at least one pass of the scheduler apart. Closer ones are one start."""
_EARLY_NS = 5 * SECOND_NS
"""An executor whose clock is behind may seem to begin so much before the hand-out."""
_SKIPPED_HAND_OUT = 10.0
_SKIPPED_EXECUTION = 20.0
_KINDS: dict[str | None, str] = {"RUN": "run", "ROLLBACK": "rollback"}


@dataclass(slots=True)
class LoggedAttempt:
    """One attempt as logs tell it; ``number`` is None until it is known. ``noticed_at`` is when the scheduler found it to have ended."""

    handed_at: int | None = None
    kind: str | None = None
    started_at: int | None = None
    ended_at: int | None = None
    noticed_at: int | None = None
    ending: str | None = None
    agent: str | None = None
    scheduler: str | None = None
    number: int | None = None
    written: bool = True
    """Whether the row is known to have the end that the executor logged."""
    sure: bool = False
    """Whether the number was stated or follows from the operator. The numbers of others follow from it."""
    lines: list[Line] = field(default_factory=list)

    @property
    def moment(self) -> int:
        """Something to order attempts by."""
        return next(at for at in (self.handed_at, self.started_at, self.ended_at, 0) if at is not None)

    def texts(self) -> list[str]:
        """Return its lines, with the scheduler's ending where it ended the attempt."""
        texts = [line.text for line in self.lines]
        ending = {"cancelled": CANCELLED, "timeout": TIMED_OUT}.get(self.ending or "")
        return texts if ending is None or ending in texts else [*texts, ending]


def number_attempts(
    hand_outs: Sequence[HandOut],
    states: Sequence[TaskState],
    executions: Sequence[Execution],
    lines: Sequence[Line],
    passes: Sequence[Passes],
    served: Sequence[SubTask],
    context: ClusterContext,
) -> list[LoggedAttempt]:
    """Return the attempts of one sub-task whose number is known, in order; ``passes`` are those over its node."""
    ran = _with_lines(_joined(executions), lines)
    _judge_by_lines(ran, context)
    attempts = _paired(hand_outs, ran)
    _number(attempts, passes, served, context)
    numbered = [attempt for attempt in attempts if attempt.number is not None]
    by_number: dict[int, LoggedAttempt] = {}
    for attempt in numbered:
        by_number.setdefault(attempt.number or 0, attempt)
    result = [by_number[number] for number in sorted(by_number) if number > 0]
    _end(result, states, passes)
    return result


# -- executions -----------------------------------------------------------------------------------------------------------------------


def _joined(executions: Sequence[Execution]) -> list[LoggedAttempt]:
    """Join the parts of executions that are in several files, or that continued after a restart of the agent."""
    joined: list[LoggedAttempt] = []
    open_on: dict[str | None, LoggedAttempt] = {}
    for part in executions:
        known = open_on.get(part.teller)
        begins = part.started_at is not None
        twin = next((one for one in joined if _begin_alike(one, part)), None)
        if twin is None and known is not None and known.ended_at is None and (not begins or part.resumed):
            twin = known
        if twin is None:
            twin = LoggedAttempt(agent=part.teller)
            joined.append(twin)
        if part.attempt is not None:
            twin.number, twin.sure = part.attempt, True
        twin.handed_at = None
        twin.started_at = part.started_at if twin.started_at is None else twin.started_at
        twin.kind = part.kind or twin.kind
        if part.ended_at is not None and (twin.ended_at is None or part.ending is not None):
            twin.ended_at = part.ended_at
            if part.ending is not None:
                twin.ending, twin.written = part.ending, part.written
        open_on[part.teller] = twin
    return [one for one in joined if one.started_at is not None or one.ended_at is not None]


def _begin_alike(one: LoggedAttempt, part: Execution) -> bool:
    """Return whether two are one start on one agent: a log writes its line some milliseconds before the row is written."""
    if one.started_at is None or part.started_at is None or one.agent != part.teller:
        return False
    other = one.number is not None and part.attempt is not None and one.number != part.attempt
    return not other and abs(one.started_at - part.started_at) < _ONE_START_NS


def _with_lines(ran: list[LoggedAttempt], lines: Sequence[Line]) -> list[LoggedAttempt]:
    """Assign each line to the execution that wrote it: the last on its agent that had begun by then."""
    for line in lines:
        own = [one for one in ran if one.agent == line.teller and (one.started_at is None or one.started_at <= line.at)]
        inside = [one for one in own if one.ended_at is None or line.at <= one.ended_at + SECOND_NS]
        home = inside[-1] if inside else own[-1] if own else None
        if line.attempt is not None:
            home = next((one for one in ran if one.number == line.attempt), home)
        if home is not None:
            home.lines.append(line)
    return ran


def _judge_by_lines(ran: Sequence[LoggedAttempt], context: ClusterContext) -> None:
    """Set the ending of executions whose beginning and end are in two files, if none of their lines is missing."""
    for one in ran:
        log = context.logs.get(one.agent or "")
        if one.ending is not None or one.started_at is None or one.ended_at is None or log is None:
            continue
        if log.covers(one.started_at, one.ended_at):
            one.ending = ending_of_execution([line.text for line in one.lines]) or "succeeded"


def _paired(hand_outs: Sequence[HandOut], ran: Sequence[LoggedAttempt]) -> list[LoggedAttempt]:
    """Pair hand-outs with executions, both in order of time, so that the pauses between them are least."""
    n, m = len(hand_outs), len(ran)
    cost = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n, -1, -1):
        for j in range(m, -1, -1):
            if i == n or j == m:
                cost[i][j] = (n - i) * _SKIPPED_HAND_OUT + (m - j) * _SKIPPED_EXECUTION
                continue
            best = min(cost[i + 1][j] + _SKIPPED_HAND_OUT, cost[i][j + 1] + _SKIPPED_EXECUTION)
            match = _pause(hand_outs[i], ran[j])
            cost[i][j] = best if match is None else min(best, match + cost[i + 1][j + 1])
    result: list[LoggedAttempt] = []
    i = j = 0
    while i < n or j < m:
        match = _pause(hand_outs[i], ran[j]) if i < n and j < m else None
        if match is not None and cost[i][j] == match + cost[i + 1][j + 1]:
            attempt = ran[j]
            i, j = i + 1, j + 1
        elif i < n and (j == m or cost[i][j] == cost[i + 1][j] + _SKIPPED_HAND_OUT):
            attempt = LoggedAttempt(agent=hand_outs[i].agent)
            i += 1
        else:
            result.append(ran[j])
            j += 1
            continue
        handed = hand_outs[i - 1]
        attempt.handed_at, attempt.kind = handed.at, attempt.kind or handed.kind
        attempt.scheduler = handed.teller
        result.append(attempt)
    return result


def _pause(handed: HandOut, ran: LoggedAttempt) -> float | None:
    """Return the cost of pairing two; None if they cannot be the same."""
    if ran.kind is not None and ran.kind != handed.kind:
        return None
    at = ran.started_at if ran.started_at is not None else ran.ended_at
    if at is None or at < handed.at - _EARLY_NS:
        return None
    pause = (at - handed.at) / SECOND_NS
    return -2 * pause if pause < 0 else max(0.0, at - handed.last_at) / SECOND_NS / 60


# -- numbers --------------------------------------------------------------------------------------------------------------------------


def _number(attempts: list[LoggedAttempt], passes: Sequence[Passes], served: Sequence[SubTask], context: ClusterContext) -> None:
    for index, attempt in enumerate(attempts):
        number = attempt.number or _number_by_operator(attempt, passes) or _number_served(attempt, served)
        # A number below the one before it would belong to another run.
        attempt.number, attempt.sure = (number, True) if number is not None and number > index else (None, False)
    for forwards in (True, False):
        step = 1 if forwards else -1
        order = attempts if forwards else attempts[::-1]
        for one, other in zip(order, order[1:], strict=False):
            if one.number is not None and other.number is None:
                early, late = (one, other) if forwards else (other, one)
                if _nothing_between(early, late, context):
                    other.number = one.number + step
    _count_between(attempts)


def _number_by_operator(attempt: LoggedAttempt, passes: Sequence[Passes]) -> int | None:
    """The first execution of a node hands every sub-task out for the first time, and once only (engine-semantics §2.2)."""
    if attempt.handed_at is None:
        return None
    inside = [one for one in passes if one.dag_at <= attempt.handed_at <= one.last_at]
    return 1 if inside and all(one.operator == "RUN" for one in inside) else None


def _number_served(attempt: LoggedAttempt, served: Sequence[SubTask]) -> int | None:
    """Find the attempt that an answer shows with the same start."""
    if attempt.started_at is None:
        return None
    for task in served:
        times = sub_task_times(task.state, task.operator, task.execute_times or 0)
        if times.start is not TRUE or task.start is None or abs(task.start - attempt.started_at) > _SAME_NS:
            continue
        if attempt.agent is not None and (agent := agent_address(task.agent_ip, task.agent_port)) is not None and agent != attempt.agent:
            continue
        return task.execute_times
    return None


def _nothing_between(early: LoggedAttempt, late: LoggedAttempt, context: ClusterContext) -> bool:
    """Return whether no attempt can hide between two: one log, which tells both, has no gap there."""
    if early.handed_at is not None and late.handed_at is not None and early.scheduler is not None and early.scheduler == late.scheduler:
        log = context.logs.get(early.scheduler)
        return log is not None and log.covers(early.handed_at, late.handed_at) and not _moved(early, late, context)
    begins = early.started_at if early.started_at is not None else early.ended_at
    ends = late.started_at
    if begins is None or ends is None or early.agent is None or early.agent != late.agent:
        return False
    log = context.logs.get(early.agent)
    return log is not None and log.covers(begins, ends) and not _moved(early, late, context)


def _moved(early: LoggedAttempt, late: LoggedAttempt, context: ClusterContext) -> bool:
    """Return whether another agent was the maintainer between two hand-outs of a DAG of the cluster."""
    before = [who for at, _, who in sorted(context.maintainers) if at <= early.moment][-1:]
    between = {who for at, _, who in context.maintainers if early.moment < at <= late.moment}
    return len({*before, *between}) > 1


def _count_between(attempts: list[LoggedAttempt]) -> None:
    """Between two known numbers as far apart as the attempts are, nothing is missing."""
    known = [(index, attempt.number) for index, attempt in enumerate(attempts) if attempt.number is not None]
    known.insert(0, (-1, 0))
    for (index, number), (next_index, next_number) in zip(known, known[1:], strict=False):
        if number is not None and next_number is not None and next_number - number == next_index - index:
            for between in range(index + 1, next_index):
                attempts[between].number = number + between - index


# -- ends -----------------------------------------------------------------------------------------------------------------------------


def _end(attempts: list[LoggedAttempt], states: Sequence[TaskState], passes: Sequence[Passes]) -> None:
    """Add what the scheduler logged about each attempt: that it had ended, or that the scheduler ended it."""
    for attempt, after in itertools.zip_longest(attempts, attempts[1:]):
        begin = attempt.moment
        until = after.moment if after is not None else None
        own = [state for state in states if begin <= state.at and (until is None or state.at < until)]
        cancelled = next((state.at for state in own if state.state == "cancelled"), None)
        found = next((state for state in own if state.state in ENDED), None)
        finished = next(
            (
                one
                for one in passes
                if one.finished_at is not None
                and not one.stepped_over
                and begin <= one.finished_at
                and (until is None or one.finished_at < until)
            ),
            None,
        )
        closed = finished.finished_at if finished is not None else None
        attempt.noticed_at = min((at for at in (found.at if found else None, closed, cancelled) if at is not None), default=None)
        if cancelled is not None and (attempt.ended_at is None or attempt.ended_at >= cancelled - SECOND_NS):
            # The scheduler decides. What the executor still does changes nothing (engine-semantics §2.5).
            attempt.ended_at, attempt.ending = cancelled, "cancelled" if attempt.started_at is not None else "cancelled_before_start"
        elif closed is not None and (attempt.ended_at is None or attempt.ended_at > closed + _EARLY_NS):
            attempt.ending = _ending_by_scheduler(attempt, found, finished)
            attempt.ended_at = closed if attempt.ending == "timeout" else None
        elif attempt.ending == "failed" and attempt.handed_at is not None and _has_succeeded(found, finished):
            attempt.ending = "succeeded"  # its last line was an error that it survived (engine-semantics §8)
        elif attempt.ending is None and found is not None:
            attempt.ending = "succeeded" if found.state == "SUCCEED" else "failed"
        elif not attempt.written and attempt.noticed_at is None:
            attempt.ended_at = attempt.ending = None


def _has_succeeded(found: TaskState | None, finished: Passes | None) -> bool:
    """Return whether the scheduler found that an attempt succeeded, or that its node did."""
    if found is not None:
        return found.state == "SUCCEED"
    return finished is not None and finished.succeeded is True


def _ending_by_scheduler(attempt: LoggedAttempt, found: TaskState | None, finished: Passes | None) -> str | None:
    """Set the ending of attempts that the executor's log does not show. If it shows a later end, the attempt had timed out (§2.7)."""
    if attempt.ended_at is not None:
        return "timeout"
    if _has_succeeded(found, finished):
        return "succeeded"
    return None if found is None else "failed"
