"""Attempts that ran into their timeout: their length is known, although no answer showed it.

The scheduler and the executor stop a sub-task after a known time (engine-semantics §2.7). If one end is known, the other follows, to a pass
of the scheduler. If neither is known, that much of the time in which the attempt must lie was work: the amount is proven, but not its
place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from msgspec.structs import replace

from daganalysis.engine.log_lines import is_timeout
from daganalysis.engine.times import SECOND_NS, TIMEOUT_NS
from daganalysis.history.stretches import FOR_GOOD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.clocks import AttemptsIn
    from daganalysis.history.stretches import Stretch
    from daganalysis.history.views import TaskView

_SLACK_NS = 2 * SECOND_NS
"""Clocks of two servers may differ; the scheduler notices a timeout in its next pass."""
_MAY_HOLD = frozenset({"lost", "execute", "unattributed"})
"""Categories of time that may hide an attempt of the same stage."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """A sub-task that ran into its timeout at least ``count`` times, between ``since`` and ``until``; no answer showed when."""

    task_gid: str
    stage: int
    since: int
    until: int
    count: int = 1


def placed_by_timeouts(attempts_in: AttemptsIn, created: int | None) -> AttemptsIn:
    """Return the attempts of a run. Those that timed out get both ends if one is known; the others are the same objects.

    ``created`` is when the rows of the run were created. Nothing began before.
    """
    timed_out = [a for own in attempts_in.values() for attempts in own.values() for a in attempts if a.ending == "timeout"]
    if not timed_out or any(map(_is_shorter, timed_out)):
        return attempts_in
    return {node_gid: {gid: _placed(attempts, created) for gid, attempts in own.items()} for node_gid, own in attempts_in.items()}


def _is_shorter(attempt: Attempt) -> bool:
    """Return whether an attempt timed out sooner than the engine's own tasks do, so that the timeout of the others is unknown too."""
    if attempt.start is None or attempt.end is None or attempt.is_estimated or attempt.is_doubtful:
        return False
    return attempt.end - attempt.start < TIMEOUT_NS - _SLACK_NS


def _placed(attempts: list[Attempt], created: int | None) -> list[Attempt]:
    if all(attempt.ending != "timeout" for attempt in attempts):
        return attempts
    result = list(attempts)
    for index, attempt in enumerate(attempts):
        if attempt.ending != "timeout" or attempt.is_doubtful:
            continue
        passed = FOR_GOOD if attempt.passed_at is None else attempt.passed_at
        latest = next((a.start for a in attempts[index + 1 :] if a.start is not None), passed)
        earliest = max((a.ran_until for a in attempts[:index] if a.start is not None), default=created)
        start, end = attempt.start, attempt.end
        if start is not None and not attempt.is_start_estimated:
            end_known = end is not None and not attempt.is_end_estimated
            if not end_known and max(earliest or 0, start) + TIMEOUT_NS <= latest:
                result[index] = replace(attempt, end=start + TIMEOUT_NS, is_end_estimated=True)
        elif end is not None and earliest is not None and earliest <= end - TIMEOUT_NS:
            result[index] = replace(attempt, start=end - TIMEOUT_NS, is_start_estimated=True)
    return result


def hidden_timeouts(tasks: Iterable[TaskView], attempts_of: Iterable[Sequence[Attempt]]) -> list[Timeout]:
    """Find the sub-tasks that ran into a timeout at a time that no answer showed.

    ``attempts_of`` has the attempts of each sub-task, on the clock of the DAG's own rows.
    """
    pairs = list(zip(tasks, attempts_of, strict=True))
    open_ended = {view.gid: (view, attempts) for view, attempts in pairs for a in attempts if a.start is None or a.end is None}
    if not open_ended or any(_is_shorter(a) for _, attempts in pairs for a in attempts if a.ending == "timeout"):
        return []
    found = []
    for view, attempts in open_ended.values():
        timed_out = [a for a in attempts if a.ending == "timeout"]
        hidden = [a for a in timed_out if a.start is None or a.end is None]
        if not timed_out and view.logs is not None and any(map(is_timeout, view.logs)):
            hidden = [a for a in attempts if a.state != "SUCCEED" and (a.start is None or a.end is None)]
        if not hidden or attempts[0].stage is None or any(a.is_doubtful for a in attempts):
            continue
        since, until = _window(attempts, hidden)
        found.append(Timeout(view.gid, attempts[0].stage, since, until, max(1, len(timed_out and hidden))))
    return found


def _window(attempts: Sequence[Attempt], hidden: Sequence[Attempt]) -> tuple[int, int]:
    """Return the instants between which some attempts of a sub-task lie, from the attempts around them."""
    first, last = attempts.index(hidden[0]), attempts.index(hidden[-1])
    before = max((a.ran_until for a in attempts[:first] if a.start is not None), default=0)
    after = next((a.start for a in attempts[last + 1 :] if a.start is not None), FOR_GOOD)
    start = hidden[0].start if hidden[0].start is not None else before
    end = hidden[-1].end if hidden[-1].end is not None else hidden[-1].passed_at
    return start, min(after, end if end is not None else FOR_GOOD)


def book_timeouts(stretches: list[Stretch], timeouts: Sequence[Timeout]) -> tuple[list[Stretch], list[Timeout]]:
    """Turn lost time into work as far as timeouts prove it; also return the timeouts that were booked, with the bounds of their place.

    A timeout is booked if exactly one pause can hold it. The work is booked at the beginning of the lost time.
    """
    booked: list[Timeout] = []
    for _, same_stage in groupby(sorted(timeouts, key=lambda one: one.stage), key=lambda one: one.stage):
        # Sub-tasks of one stage may have run at the same time: the one that ran longest is proven.
        for timeout in sorted(same_stage, key=lambda one: (-one.count, one.task_gid)):
            pauses = _pauses(stretches, timeout)
            if len(pauses) != 1:
                continue
            first, last = pauses[0]
            held = dataclasses.replace(
                timeout, since=max(timeout.since, stretches[first].start), until=min(timeout.until, stretches[last].end)
            )
            stretches = _converted(stretches, first, last, held)
            booked.append(held)
    return stretches, booked


def _pauses(stretches: Sequence[Stretch], timeout: Timeout) -> list[tuple[int, int]]:
    """Return the first and the last stretch of each pause that is long enough for a timeout."""
    found: list[tuple[int, int]] = []
    begun: int | None = None
    for place in range(len(stretches) + 1):
        if place < len(stretches) and _may_hold(stretches[place], timeout):
            begun = place if begun is None else begun
        elif begun is not None:
            low, high = max(stretches[begun].start, timeout.since), min(stretches[place - 1].end, timeout.until)
            if high - low >= timeout.count * TIMEOUT_NS:
                found.append((begun, place - 1))
            begun = None
    return found


def _may_hold(stretch: Stretch, timeout: Timeout) -> bool:
    if stretch.category not in _MAY_HOLD or stretch.end <= timeout.since or stretch.start >= timeout.until:
        return False
    return stretch.category != "execute" or timeout.stage in {stretch.to_stage, stretch.from_stage}


def _converted(stretches: Sequence[Stretch], first: int, last: int, timeout: Timeout) -> list[Stretch]:
    """Turn lost time of a pause into work, less what is already booked as work of the stage."""
    pause = stretches[first : last + 1]
    left = timeout.count * TIMEOUT_NS - sum(_overlap(one, timeout) for one in pause if one.category != "lost")
    result = list(stretches[:first])
    for stretch in pause:
        low, high = max(stretch.start, timeout.since), min(stretch.end, timeout.until)
        cut = min(high, low + max(0, left))
        if stretch.category != "lost" or cut <= low:
            result.append(stretch)
            continue
        left -= cut - low
        if low > stretch.start:
            result.append(replace(stretch, end=low))
        own = timeout.stage
        work = replace(stretch, start=low, end=cut, category="execute", from_stage=own, to_stage=own, evidence="inferred")
        if result and result[-1].continues_in(work):
            work.start = result.pop().start
        result.append(work)
        if cut < stretch.end:
            result.append(replace(stretch, start=cut))
    return [*result, *stretches[last + 1 :]]


def _overlap(stretch: Stretch, timeout: Timeout) -> int:
    return max(0, min(stretch.end, timeout.until) - max(stretch.start, timeout.since))
