"""Attempts: one for each hand-out of a sub-task, rebuilt from every answer that shows its row."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.identifiers import agent_address
from daganalysis.engine.log_lines import CANCELLED, LINES_BY_ENDING, TIMED_OUT, ending_of, ending_of_line
from daganalysis.engine.outcomes import attempt_rule
from daganalysis.engine.records import SubTask
from daganalysis.engine.states import BEGUN, ENDED
from daganalysis.engine.times import PREVIOUS, TRUE, sub_task_times
from daganalysis.history.causal_order import task_snapshot_order
from daganalysis.history.evidence import TaskSnapshot
from daganalysis.history.inferences import NOT_SUCCEEDED, infer, succeeded_alone
from daganalysis.history.legs import CREATION_NS
from daganalysis.history.log_merge import lines_since

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from daganalysis.engine.records import Node

_KINDS: dict[str | None, str] = {"RUN": "run", "ROLLBACK": "rollback"}
_SOONEST_START_NS = 60_000_000
"""A start sooner after the creation than this proves nothing: only its lines show that the executor began. At least 28 ms pass between the
start of a DAG and that of a sub-task (engine-semantics §5)."""


MOST_LISTED = 100
"""The most hand-outs of one sub-task that are all listed. Of more, only some are: the first, the last, those that a source shows, and their
neighbours."""
_LISTED_OF_A_RUN = 20_000
"""The hand-outs of a run with more are listed down to its share for each sub-task, and at least this many:"""
_FEWEST_LISTED = 20
_MOST_ALIKE = 9
"""Sub-tasks that succeeded after at most this many hand-outs have attempts like those of many others."""
_AROUND = 3
"""A shown hand-out proves something of up to three before it (engine-semantics §2.3, §3)."""


class Attempt(msgspec.Struct, gc=False):
    """One hand-out.

    ``number`` is 0 if no answer counts it. ``seen``: an answer showed it running or ended. ``seen_running``: the last time at which an
    answer showed it running.
    """

    number: int
    kind: str = "unknown"
    start: int | None = None
    end: int | None = None
    state: str | None = None
    ending: str | None = None
    agent: str | None = None
    seen: bool = False
    seen_running: int | None = None
    passed_at: int | None = None
    outcome: str = "unknown"
    evidence: str = "lost"
    stage: int | None = None
    is_unplaced: bool = False
    """Its times come from a clock that cannot be corrected, so nothing shows when it ran within the execution of its node."""
    is_start_estimated: bool = False
    """Its start is an estimate from log lines (:mod:`daganalysis.history.written_lines`)."""
    is_end_estimated: bool = False
    """Its end is an estimate from log lines, or not known."""

    @property
    def is_doubtful(self) -> bool:
        """Whether its times cannot be used: its clock cannot be corrected, or its end lies before its start."""
        return self.is_unplaced or (self.start is not None and self.end is not None and self.end < self.start)

    @property
    def began_unseen(self) -> bool:
        """Whether only its end is known, from its only line: it may have begun long before."""
        return self.is_start_estimated and self.kind == "run" and self.start == self.end

    @property
    def is_estimated(self) -> bool:
        """Whether its start or its end is an estimate."""
        return self.is_start_estimated or self.is_end_estimated

    @property
    def ran_until(self) -> int:
        """Its end, or when it was last seen running; None if its start is not known.

        An interrupted attempt ends when its agent is back, which may be long after the crash (engine-semantics §12).
        """
        start = self.start or 0
        if self.end is not None and self.ending != "interrupted":
            return max(start, self.end)
        seen = max(start, self.seen_running if self.seen_running is not None else start)
        return seen if self.end is None else min(seen, max(start, self.end))


def rebuild_attempts(
    task_snapshots: Sequence[TaskSnapshot],
    *,
    created: int | None = None,
    begun: int | None = None,
    written: Mapping[int, list[str]] | None = None,
    most: int = MOST_LISTED,
) -> list[Attempt]:
    """Return execute_times attempts of one sub-task, in order of their number.

    If there are more than ``most``, hand-outs that nothing shows are left out, because a counter alone may be in the millions.

    ``task_snapshots`` are in order of time, ``created`` is when the DAG's rows were created, ``begun`` when it had been started, and
    ``written`` the lines of each attempt where the log endpoint was asked. What a row shows of the attempt before it is used and marked as
    inferred (engine-semantics §3: Prev).
    """
    if not written:
        success = _usual_success_in(task_snapshots)
        if success is not None:
            return success
    return _by_rules(task_snapshots, created, begun, written or {}, most)


def _usual_success_in(task_snapshots: Sequence[TaskSnapshot]) -> list[Attempt] | None:
    """Return the attempts of a sub-task that one answer shows succeeded, or several on the way to success at its first hand-out.

    None for any other sub-task.
    """
    if len(task_snapshots) == 1:
        task = task_snapshots[0].task
        is_usual = task.state == "SUCCEED" and task.operator == "RUN" and 0 < (task.execute_times or 0) <= _MOST_ALIKE
        return _of_a_success(task, task.execute_times or 0) if is_usual else None
    newest: TaskSnapshot | None = None
    seen_running: int | None = None
    for snapshot in task_snapshots:
        task, at = snapshot.task, snapshot.at
        if task.operator != "RUN" or task.execute_times is None or task.execute_times > 1:
            return None
        if task.state == "SUCCEED" and task.execute_times:
            newest = snapshot if newest is None or at >= newest.at else newest
        elif task.state == "RUNNING" and task.execute_times:
            seen_running = at if seen_running is None else max(at, seen_running)
        elif task.state not in {"PENDING", "READY"}:
            return None
    if newest is None or None in (newest.task.start, newest.task.end, newest.task.agent_ip, newest.task.agent_port):
        return None
    (attempt,) = _of_a_success(newest.task, 1)
    attempt.seen_running = seen_running
    return [attempt]


def _of_a_success(task: SubTask, count: int) -> list[Attempt]:
    """Return the attempts of a sub-task of which one answer shows that it succeeded.

    The rules find the same in all with as many hand-outs and lines of the same meaning; only the times and the agent of the last attempt
    differ.
    """
    endings = tuple(filter(None, map(ending_of_line, task.logs or ()))) if count > 1 else ()
    attempts = list(map(msgspec.structs.replace, _usual_success(count, endings)))
    last = attempts[-1]
    last.start, last.end, last.agent = task.start, task.end, agent_address(task.agent_ip, task.agent_port)
    return attempts


@lru_cache(maxsize=1024)
def _usual_success(count: int, endings: tuple[str, ...]) -> list[Attempt]:
    lines = [LINES_BY_ENDING[ending] for ending in endings]
    task = SubTask("11", state="SUCCEED", operator="RUN", start=1, end=2, execute_times=count, logs=lines)
    return _by_rules([TaskSnapshot(0, 0, task, None)], None, None, {}, MOST_LISTED)


def _by_rules(
    task_snapshots: Sequence[TaskSnapshot], created: int | None, begun: int | None, written: Mapping[int, list[str]], most: int
) -> list[Attempt]:
    ordered = sorted(task_snapshots, key=task_snapshot_order) if len(task_snapshots) > 1 else task_snapshots
    count = max((hand_outs(snapshot) or 0 for snapshot in ordered), default=0)
    if not count:
        return _uncounted(ordered)
    shown = {number for snapshot in ordered if (number := hand_outs(snapshot))}
    attempts = [Attempt(number) for number in _listed(count, shown.union(written), most)]
    place = {attempt.number: index for index, attempt in enumerate(attempts)}
    may_have_failed = False
    for snapshot in ordered:
        task = snapshot.task
        if number := hand_outs(snapshot):
            _take(attempts, place[number], snapshot)
            may_have_failed = may_have_failed or task.state == "FAILED" or task.operator == "PASS"
    if may_have_failed:
        _judge_endings(attempts, ordered, written)
        _recognise_unstarted(attempts, created, begun, _longest_lines(ordered) or ())
    infer(attempts, written, _longest_lines(ordered))
    after = None
    for attempt in reversed(attempts):
        _conclude(attempt, after)
        after = attempt
    return attempts


def _listed(count: int, shown: Iterable[int], most: int) -> Iterable[int]:
    """Return the numbers of the hand-outs that are listed, in their order.

    >>> list(_listed(4, {4}, 100)), _listed(1000, {500}, 2)
    ([1, 2, 3, 4], [1, 497, 498, 499, 500, 999, 1000])
    """
    if count <= most:
        return range(1, count + 1)
    near = {number for at in shown for number in range(at - _AROUND, at + 1)}
    return sorted(number for number in {1, *near, *range(count - most + 1, count + 1)} if 0 < number <= count)


def most_listed(snapshots_of: Collection[Sequence[TaskSnapshot]]) -> int:
    """Return how many hand-outs of each sub-task of a run are listed, from the snapshots of each.

    >>> often, seldom = ([TaskSnapshot(0, 0, SubTask("11", execute_times=n))] for n in (99_999, 3))
    >>> most_listed([seldom] * 30_000), most_listed([often]), most_listed([often] * 500)
    (20, 100, 40)
    """
    if len(snapshots_of) * MOST_LISTED <= _LISTED_OF_A_RUN:
        return MOST_LISTED
    counts = [max((hand_outs(snapshot) or 0 for snapshot in task_snapshots), default=0) for task_snapshots in snapshots_of]
    if sum(min(count, MOST_LISTED) for count in counts) <= _LISTED_OF_A_RUN:
        return MOST_LISTED
    return max(_FEWEST_LISTED, _LISTED_OF_A_RUN // len(counts))


def unlisted_before(attempts: Sequence[Attempt], index: int) -> int:
    """Return how many hand-outs that are not listed lie before an attempt."""
    before = attempts[index - 1].number if index else 0
    return max(0, attempts[index].number - before - 1)


def hand_outs(snapshot: TaskSnapshot) -> int | None:
    """Return how often a sub-task had been handed out; None if the answer has no counter and nothing else tells.

    A sub-task that is PENDING under RUN was never handed out. A node under RUN was executed once and handed each sub-task out once
    (engine-semantics §2.2).
    """
    task, node = snapshot.task, snapshot.node
    if task.execute_times is not None or task.operator != "RUN":
        return task.execute_times
    if task.state == "PENDING":
        return 0
    return 1 if node is not None and node.operator == "RUN" and task.state in {"READY", *BEGUN} else None


def _uncounted(task_snapshots: Sequence[TaskSnapshot]) -> list[Attempt]:
    """Return, under the number 0, the attempt that the newest answer shows of a sub-task without a counter."""
    shown = [
        s for s in task_snapshots if s.task.execute_times is None and s.task.state in {"RUNNING", *ENDED} and s.task.operator in _KINDS
    ]
    if not shown:
        return []
    newest = shown[-1]
    attempts = [Attempt(0)]
    for snapshot in shown:
        if snapshot.task.start == newest.task.start and snapshot.task.operator == newest.task.operator:
            _take(attempts, 0, snapshot)
    _judge_endings(attempts, [newest], {})
    infer(attempts, {}, None)
    _conclude(attempts[0], None)
    return attempts


def _take(attempts: list[Attempt], index: int, snapshot: TaskSnapshot) -> None:
    """Record what one answer shows of its attempt and of the attempt before."""
    task, attempt = snapshot.task, attempts[index]
    times = sub_task_times(task.state, task.operator, attempt.number or 1)
    kind = _KINDS.get(task.operator)
    if kind is None:
        _take_end(attempt, task, is_start_true=times.start is TRUE)
        return
    attempt.kind = kind
    attempt.agent = agent_address(task.agent_ip, task.agent_port) or attempt.agent
    if times.start is TRUE:
        attempt.start = task.start if task.start is not None else attempt.start
        attempt.seen = True
    if task.state == "RUNNING":
        attempt.seen_running = snapshot.at
    if times.end is TRUE:
        attempt.end = task.end if task.end is not None else attempt.end
    if task.state in {"READY", *BEGUN}:
        attempt.state = task.state
    if index:
        before = attempts[index - 1]
        if times.start is PREVIOUS and before.start is None:
            before.start = task.start
        if times.end is PREVIOUS and before.end is None and task.end is not None and (before.start is None or task.end >= before.start):
            before.end = None if _may_be_passed(before, snapshot) else task.end


def _take_end(attempt: Attempt, task: SubTask, *, is_start_true: bool) -> None:
    """Record how an attempt ended, from an answer whose operator is PASS or unknown. Such an answer does not tell a run from a rollback."""
    if task.operator == "PASS" and task.state == "SUCCEED":
        attempt.passed_at = task.end
        attempt.agent = attempt.agent or agent_address(task.agent_ip, task.agent_port)
        if attempt.start is None and is_start_true:
            attempt.start = task.start
    elif task.operator != "PASS" and task.state in ENDED and attempt.state not in ENDED:
        attempt.state = None  # it has ended, in which way is not known


def _may_be_passed(before: Attempt, snapshot: TaskSnapshot) -> bool:
    """Return whether the end of the attempt before may be the time of a pass, which the rollback that an answer shows has overwritten.

    A rollback also hands out what failed and was passed with its node (engine-semantics §2.4, §2.6).
    """
    if before.state in ENDED or snapshot.task.operator != "ROLLBACK":
        return False
    return snapshot.node is None or snapshot.node.operator == "ROLLBACK"


def _recognise_unstarted(attempts: list[Attempt], created: int | None, begun: int | None, lines: Sequence[str]) -> None:
    """A sub-task cancelled while READY keeps the creation time, or the previous attempt's start, as its start (engine-semantics §3)."""
    for index, attempt in enumerate(attempts):
        if attempt.ending != "cancelled" or attempt.start is None:
            continue
        if index:
            unstarted: bool | None = attempt.start == attempts[index - 1].start
        else:
            worked = len(attempts) == 1 and any(line != CANCELLED for line in lines)
            unstarted = _is_creation_time(attempt.start, created, begun, worked=worked)
        if unstarted is None:
            attempt.ending = NOT_SUCCEEDED
        elif unstarted:
            attempt.ending = "cancelled_before_start"
        if unstarted is not False:
            attempt.start = None


def _is_creation_time(start: int, created: int | None, begun: int | None, *, worked: bool) -> bool | None:
    """Return whether a start is the creation time of the row; None if it may be.

    An attempt that ``worked`` (it wrote lines) has its own start.
    No row is older than the DAG's, so an earlier start comes from the clock of the executing agent. No row is created after the DAG has
    ``begun``.
    """
    if worked or created is None or not -CREATION_NS <= start - created <= _SOONEST_START_NS:
        return False
    if start - created <= CREATION_NS:
        return True
    return False if begun is not None and created < begun < start else None


def _judge_endings(attempts: list[Attempt], ordered: Sequence[TaskSnapshot], written: Mapping[int, list[str]]) -> None:
    """Find how each failed attempt failed, from the lines that are its own."""
    lines: dict[int, Sequence[str]] = {}
    whole: dict[int, bool] = {}
    cancels: dict[int, bool | None] = {}
    for snapshot in ordered:
        number = snapshot.task.execute_times or 0
        if snapshot.task.logs is not None:
            lines[number], whole[number] = snapshot.task.logs, snapshot.task.state in ENDED
        if snapshot.node is not None and snapshot.node.operator == "CANCEL" and snapshot.task.state == "FAILED":
            cancels[number] = _may_be_ended_by_cancel(snapshot.task, snapshot.node)
    before: Sequence[str] | None = []
    for attempt, after in itertools.zip_longest(attempts, attempts[1:]):
        seen = lines.get(attempt.number)
        shown = lines_since(before or [], seen) if seen is not None else []
        own = written.get(attempt.number)
        # An answer of the log endpoint from the middle of the run is older than the end (engine-semantics §13).
        late = own is not None and before is not None and ending_of(own) is None
        alone = own is not None or before is not None
        if own is None or late:
            own = shown
        if seen is not None and attempt.state in ENDED and whole[attempt.number]:
            before = seen
        elif attempt.number == 1 or after is None or after.kind != "run":
            # Only a rollback run that succeeded is followed by a run, and no failure is among the lines of a success.
            before = None
        failed = attempt.state == "FAILED" or attempt.passed_at is not None
        if failed and attempt.ending is None:
            attempt.ending = _ending(own, alone=alone, cancelled=cancels.get(attempt.number, False))


def _may_be_ended_by_cancel(task: SubTask, node: Node) -> bool | None:
    """Return whether the cancel of its node may have ended a sub-task: only if it had not ended before. None if a time is not known."""
    if node.state == "PENDING":
        return False  # the cancel was requested; the scheduler has not executed it yet
    return None if task.end is None or node.start is None else task.end >= node.start - CREATION_NS


def _ending(lines: Sequence[str], *, alone: bool, cancelled: bool | None) -> str | None:
    """Return how an attempt failed, by its lines. ``alone`` is false if lines of earlier attempts are among them.

    ``cancelled``: the cancel of its node may have ended it, None if that is not known. The scheduler may end an attempt while its work goes
    on, so late lines may follow (engine-semantics §2.5, §2.7).
    """
    if (alone or cancelled) and CANCELLED in lines:
        return "cancelled"
    if cancelled is None and CANCELLED in lines and ending_of(lines) != "cancelled":
        return NOT_SUCCEEDED
    return "timeout" if alone and TIMED_OUT in lines else ending_of(lines)


def _conclude(attempt: Attempt, after: Attempt | None) -> None:
    """Set the evidence and the outcome of an attempt."""
    last = after is None
    if attempt.seen or (last and attempt.state == "READY"):
        attempt.evidence = "observed"
    elif attempt.kind != "unknown" or attempt.start is not None or attempt.end is not None or attempt.state in ENDED:
        attempt.evidence = "inferred"
    state = attempt.state if attempt.state in ENDED or last else None
    attempt.outcome = attempt_rule(state, attempt.ending, followed=succeeded_alone(attempt, after)).outcome


def _longest_lines(task_snapshots: Sequence[TaskSnapshot]) -> Sequence[str] | None:
    shown = [s.task.logs for s in task_snapshots if s.task.logs is not None]
    return max(shown, key=len) if shown else None
