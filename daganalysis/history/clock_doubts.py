"""Agents with unreliable clocks, in runs in which clocks are seen to differ.

A time of an agent of a cluster DAG can be the beginning of the run, or bound its length, only if the agent's clock agrees with the DAG's
own rows (engine-semantics §5). Offsets that can be measured were corrected before (:mod:`daganalysis.history.clocks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.history.legs import CREATION_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.clocks import AttemptsIn, Offsets
    from daganalysis.history.legs import NodeRun

_EARLY_NS, LATE_NS = -5_000_000, 100_000_000
"""An executor whose clock agrees starts 15 to 30 ms after its node, somewhat later under load (engine-semantics §5)."""


def doubtful_agents(
    gid: str, attempts_in: AttemptsIn, node_runs: Sequence[NodeRun], offsets: Offsets, created: int | None
) -> frozenset[str | None]:
    """Return the agents of a run whose clocks may differ from that of the DAG's own rows; none if no clocks are seen to differ."""
    if identify(gid).scope != "cluster":
        return frozenset()
    tasks = [attempts for own in attempts_in.values() for attempts in own.values()]
    agents = {attempt.agent for attempts in tasks for attempt in attempts if attempt.start is not None}
    measured = {
        agent for agent, known in offsets.of_agents().items() if all(one.used is not None and one.high is not None for one in known)
    }
    unsure = agents - _agreeing(node_runs) - measured
    if not unsure or (len(agents) == 1 and not _before(created, tasks)):
        return frozenset()
    differ = bool(offsets) or _before(created, tasks) or any(_spread(own.values()) > LATE_NS for own in attempts_in.values())
    return frozenset(unsure) if differ else frozenset()


def _agreeing(node_runs: Sequence[NodeRun]) -> set[str | None]:
    """Return the agents of attempts that began just after their node."""
    return {
        attempt.agent
        for node_run in node_runs
        if node_run.start is not None
        for attempt in node_run.attempts
        if attempt.start is not None and _EARLY_NS <= attempt.start - node_run.start <= LATE_NS and not attempt.is_start_estimated
    }


def _spread(tasks: Iterable[Sequence[Attempt]]) -> int:
    """Return how far apart the sub-tasks of a stage were first begun: all are handed out in one pass (engine-semantics §2.2)."""
    starts = [own[0].start for own in tasks if own and own[0].number == 1 and own[0].start is not None and not own[0].is_start_estimated]
    return max(starts, default=0) - min(starts, default=0)


def _before(created: int | None, tasks: Iterable[Sequence[Attempt]]) -> bool:
    """Return whether an attempt seems to have begun before its row was created."""
    if created is None:
        return False
    return any(a.start is not None and a.start < created - CREATION_NS for attempts in tasks for a in attempts)
