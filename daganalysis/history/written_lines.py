"""Place overwritten attempts in time by the log lines that they wrote.

The log endpoint gives the attempt and the time of each line (engine-semantics §6), also of attempts whose own times were overwritten. An
attempt ran at least from its first line to its last one, and the line that ends a failed execution is written as it ends. The result is an
estimate, to a second in a cluster DAG. Only the timeline uses it; no table shows it as a start or an end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import ending_lines
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.engine.facts import Line
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.clocks import AttemptsIn
    from daganalysis.history.evidence import RunEvidence

_PASS_NS = round(SCHEDULER_SLEEP_S * SECOND_NS)


class Written(NamedTuple):
    """When an attempt wrote its first and its last line. Each may have been written up to ``precision`` later."""

    first: int
    last: int
    precision: int

    def and_also(self, other: Written) -> Written:
        """Combine what two sources tell about one attempt: the more precise one counts."""
        if self.precision != other.precision:
            return min(self, other, key=lambda one: one.precision)
        return Written(min(self.first, other.first), max(self.last, other.last), self.precision)


LineTimes = dict[int, Written]
"""By number of the attempt."""


def precision_of(gid: str) -> int:
    """Return the precision, in nanoseconds, of a line's time in the database of a DAG: the cluster's cuts to whole seconds."""
    return SECOND_NS if identify(gid).scope == "cluster" else 1


def note_line(times: LineTimes, attempt: int, at: int, precision: int) -> None:
    """Note the time of one line."""
    written = Written(at, at, precision)
    times[attempt] = times[attempt].and_also(written) if attempt in times else written


def note_lines(run: RunEvidence, task_gid: str, lines: Iterable[Line]) -> None:
    """Note when the lines of a sub-task were written, if the clock is that of the run's own rows.

    Lines that an agent recorded about a sub-task of the cluster have the agent's clock and are left out.
    """
    of_cluster = identify(run.gid).scope == "cluster"
    for line in lines:
        if line.attempt is not None and line.zoned and (line.clock is None) == of_cluster:
            note_line(run.line_times.setdefault(task_gid, {}), line.attempt, line.at, line.precision_ns)


def placed_by_lines(
    attempts_in: AttemptsIn, line_times: Mapping[str, LineTimes], attempt_lines: Mapping[str, Mapping[int, list[str]]]
) -> AttemptsIn:
    """Return the attempts of a run. Those whose times only lines show are placed in time; the others are the same objects.

    ``attempt_lines`` has the lines of each attempt, by sub-task.
    """
    if not line_times:
        return attempts_in
    return {
        node_gid: {
            gid: _placed(attempts, line_times[gid], attempt_lines.get(gid, {})) if gid in line_times else attempts
            for gid, attempts in own.items()
        }
        for node_gid, own in attempts_in.items()
    }


def _placed(attempts: Sequence[Attempt], times: LineTimes, lines: Mapping[int, list[str]]) -> list[Attempt]:
    """Place the attempts of one sub-task, the last one first, because it bounds those before it."""
    result = list(attempts)
    for index in range(len(attempts) - 1, -1, -1):
        attempt, after, before = attempts[index], result[index + 1 :], attempts[:index]
        written, failed = times.get(attempt.number), bool(ending_lines(lines.get(attempt.number, [])[-1:]))
        if attempt.ending == "cancelled_before_start":
            continue
        if attempt.start is not None:
            if written is not None and attempt.end is None and failed:
                end = _within(written.last + written.precision - 1, attempt.start, _latest_end(attempt, after))
                result[index] = replace(attempt, end=end, is_end_estimated=True)
        elif written is not None:
            result[index] = _estimated(attempt, written, after, before, failed=failed)
        elif attempt.kind == "rollback" and after and after[0].kind == "run" and after[0].start is not None:
            # A re-run is handed out a pass after the rollback run before it, in the same execution (engine-semantics §2.3).
            at = after[0].start - _PASS_NS
            result[index] = replace(attempt, start=at, end=at, is_start_estimated=True, is_end_estimated=True)
    return result


def _estimated(attempt: Attempt, written: Written, after: Sequence[Attempt], before: Iterable[Attempt], *, failed: bool) -> Attempt:
    """Place one attempt between the known times before and after it."""
    late = _latest_end(attempt, after)
    early = max((one.ran_until for one in before if one.start is not None), default=None)
    last = _within(written.last + written.precision - 1, early, late)
    first = _within(min(written.first + written.precision - 1, last), early, late)
    end = attempt.end if attempt.end is not None else last if failed else None
    return replace(
        attempt,
        start=min(first, end) if end is not None else first,
        end=end,
        seen_running=max(last, attempt.seen_running or last),
        is_start_estimated=True,
        is_end_estimated=attempt.end is None,
    )


def _latest_end(attempt: Attempt, after: Sequence[Attempt]) -> int | None:
    """Return when an attempt must have ended: before the next one began, and a pass earlier if a retry was needed between."""
    if not after or after[0].start is None:
        return None
    return after[0].start - (_PASS_NS if after[0].kind == "rollback" and attempt.kind == "run" else 0)


def _within(at: int, low: int | None, high: int | None) -> int:
    if high is not None:
        at = min(at, high)
    return max(at, low) if low is not None else at
