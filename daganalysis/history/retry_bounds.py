"""How often a person retried a run: bounds that hold even if anything was overwritten (engine-semantics §2.3)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from daganalysis.history.attempts import unlisted_before

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import NodeRun


_REPEATS = frozenset({"RETRY", "ROLLBACK"})
"""Operators under which a node is executed again."""


class Bounds(NamedTuple):
    """The least and the most; the most is None if nothing bounds it."""

    low: int
    high: int | None


def executed_again(node_runs: Sequence[NodeRun], attempts_of: Collection[Sequence[Attempt]]) -> bool:
    """Return whether anything shows that a node was executed more than once."""
    return max(map(len, attempts_of), default=0) > 1 or any(run.operator in _REPEATS for run in node_runs)


def retry_bounds(
    node_runs: Sequence[NodeRun],
    attempts_of: Sequence[Sequence[Attempt]],
    *,
    pending_retry: bool,
    rollback_possible: bool,
    exact_counters: bool,
    walked_down: bool = False,
) -> Bounds:
    """Bound the retries of one node.

    Each retry of a node makes one new execution, and hands out every failed sub-task at least once. Executions that were seen under the
    operator RETRY count. Retries that were not seen are hidden in hand-outs that lie in no known execution. Each such hand-out is at most
    one retry. At least half of them are retries, because a retry uses two hand-outs unless its rollback run failed. This lower bound does
    not hold if a rollback of the DAG (``rollback_possible``) or different clocks (not ``exact_counters``) may explain them. A rollback that
    went on to a lower stage (``walked_down``) handed out every sub-task of this stage that was ever executed.
    """
    seen = sum(1 for run in node_runs if run.operator == "RETRY" and run.start is not None) + (1 if pending_retry else 0)
    if not executed_again(node_runs, attempts_of):
        return Bounds(seen, seen)
    known = [run for run in node_runs if run.start is not None and run.operator is not None]
    placed = {id(attempt) for run in known for attempt in run.attempts}
    hidden = [_hidden(attempts, known, placed) for attempts in attempts_of]
    rolled_back = sum(1 for run in node_runs if run.operator == "ROLLBACK" and run.start is not None)
    low = 0
    if exact_counters and not rollback_possible:
        low = max(((h.at_least - 2 * (h.retried + h.rolled_back) + 1) // 2 for h in hidden), default=0)
    if rollback_possible:
        alone = len(hidden) == 1
        unseen = 1 if walked_down and not rolled_back else 0
        counts = [h.hand_outs - h.rolled_back - unseen - (h.retried if alone else 0) for h in hidden]
        high = _most_between_rollbacks(sorted(counts, reverse=True), rolled_back)
    else:
        # A sub-task that succeeded is not retried again, so one sub-task failed in every execution: the one with most hand-outs.
        high = max((h.hand_outs - h.retried - h.rolled_back for h in hidden), default=0)
    return Bounds(seen + max(low, 0), seen + max(low, high, 0))


class _Hidden(msgspec.Struct, frozen=True, gc=False):
    """Hand-outs of one sub-task in no known execution, and the known executions (retries, rollbacks) that show none of its attempts.

    ``at_least`` leaves out the hand-outs that may belong to the execution of the hand-out after them.
    """

    hand_outs: int
    at_least: int
    retried: int
    rolled_back: int


def _hidden(attempts: Sequence[Attempt], known: Sequence[NodeRun], placed: set[int]) -> _Hidden:
    own = {id(attempt) for attempt in attempts}
    hand_outs = at_least = 0
    for index, attempt in enumerate(attempts[1:], start=1):
        # The re-run of a retry is handed out in the execution of its rollback run.
        after = attempts[index + 1].kind if index + 1 < len(attempts) and id(attempts[index + 1]) in placed else None
        unlisted = unlisted_before(attempts, index)
        hand_outs += (0 if id(attempt) in placed or after == "run" else 1) + unlisted
        at_least += (0 if id(attempt) in placed or after in {"run", "unknown"} else 1) + unlisted
    empty = [run.operator for run in known if run.operator in _REPEATS and own.isdisjoint(map(id, run.attempts))]
    return _Hidden(hand_outs, at_least, empty.count("RETRY"), empty.count("ROLLBACK") if attempts else 0)


def _most_between_rollbacks(counts: Sequence[int], known: int) -> int:
    """Bound the retries among the hidden hand-outs of a node's sub-tasks (most first), with rollbacks of the DAG among them.

    Between two rollbacks, one sub-task failed in every retry. After each rollback it may be another one. An unknown rollback uses one
    hand-out of each sub-task.

    >>> _most_between_rollbacks([2, 2], 0), _most_between_rollbacks([2, 2], 1), _most_between_rollbacks([5, 5], 0)
    (2, 4, 8)
    """
    sums = [0, *itertools.accumulate(max(count, 0) for count in counts)]
    # Beyond as many rollbacks as there are sub-tasks to bring to fail, each only takes hand-outs.
    unknown = range(min(max(min(counts, default=0), 0), len(counts)) + 1)
    taken = [min(known + r + 1, len(counts)) for r in unknown]
    return max(sums[n] - r * n for r, n in zip(unknown, taken, strict=True))
