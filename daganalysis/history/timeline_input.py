"""What a timeline is made of: the legs, node executions and attempts of a run, and the bounds of its known span."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.legs import Leg, NodeRun

EDGE_NS = 50_000_000
"""Two stamps of the same scheduler pass differ by less than this (engine-semantics §5: 13 to 30 ms)."""
_LONGEST_TICK_S = 3.0
"""A longer pause between two nodes is no estimate of the tick."""


class TimelineInput(msgspec.Struct):
    """What a timeline is made of.

    ``begin`` is when the known span begins. ``sure_begin``: an answer showed it; otherwise it is a bound. ``end`` is None for a run that
    has not ended. ``ends_in_last_leg``: the newest answer shows the last known leg. ``nodes_shown``: some answer has nodes.
    ``nodes_missing``, ``sub_tasks_missing``: no answer has all of them. ``nodes_outdated``: a leg began after the last answer with nodes.
    ``passed``: a pass ended the run. ``ended_waiting``: what was passed had failed on purpose. ``wait_category`` returns the category of a
    wait by the instant at which it ended. ``doubtful_agents`` have unreliable clocks (:mod:`daganalysis.history.clock_doubts`).
    """

    legs: Sequence[Leg]
    node_runs: Sequence[NodeRun]
    attempts: Sequence[Sequence[Attempt]]
    begin: int
    sure_begin: bool
    end: int | None
    wait_category: Callable[[int], str]
    doubtful_agents: Collection[str | None] = ()
    ends_in_last_leg: bool = True
    nodes_shown: bool = True
    nodes_missing: bool = False
    nodes_outdated: bool = False
    sub_tasks_missing: bool = False
    passed: bool = False
    ended_waiting: bool = False

    @property
    def is_incomplete(self) -> bool:
        """Whether nodes or sub-tasks are missing, so that work may hide in any pause."""
        return self.nodes_missing or self.sub_tasks_missing


def estimate_tick(node_runs: Sequence[NodeRun]) -> tuple[int, bool]:
    """Estimate the scheduler's tick from the pauses between nodes; (nanoseconds, whether the run itself shows it).

    A node starts one pass after the one before it was seen to have ended (engine-semantics §5). Without such a pair the sleep of the
    scheduler, a lower bound, is returned.
    """
    pauses = [
        after.start - before.end
        for before, after in zip(node_runs, node_runs[1:], strict=False)
        if before.end is not None and after.start is not None and after.operator == "RUN" and after.stage == before.stage + 1
        # A node that ended in the pass that started it may have had to wait for one more (engine-semantics §2.9).
        if before.start is None or before.end - before.start > EDGE_NS
    ]
    usable = sorted(pause for pause in pauses if SECOND_NS * 0.9 <= pause <= _LONGEST_TICK_S * SECOND_NS)
    if not usable:
        return int(SCHEDULER_SLEEP_S * SECOND_NS), False
    # Some pauses take a pass more (engine-semantics §2.9), none takes less than one.
    return usable[(len(usable) - 1) // 4], True
