"""Attempts on the clock of their DAG: stamps of agents whose clocks differ, moved as far as cause and effect demand."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence

    AttemptsIn = dict[str, dict[str, list[Attempt]]]

_SCHEDULERS = {"cancelled", "timeout"}
"""The end of these attempts is stamped by the scheduler, whose clock is the DAG's own (engine-semantics §5)."""


def ahead_of_dag(run: RunEvidence, attempts_in: AttemptsIn) -> dict[str, int]:
    """Say by how many nanoseconds the clock of each agent must at least be ahead of that of the DAG's own rows; negative if it is behind.

    In a cluster DAG nodes bear the times of the maintainer and sub-tasks those of the agents that executed them; in a local DAG there is
    one clock. Agents whose stamps agree with those of the DAG are left out. ``attempts_in`` are the attempts by node and sub-task.
    """
    return _ahead(run, attempts_in) if identify(run.gid).scope == "cluster" else {}


def on_dag_clock(attempts_in: AttemptsIn, ahead: Mapping[str, int]) -> AttemptsIn:
    """Return the attempts of a run with the stamps of agents ahead or behind moved onto the clock of the DAG's own rows.

    Attempts of agents that need no correction are the very objects given.
    """
    if not ahead:
        return attempts_in
    return {
        node_gid: {gid: [_moved(attempt, ahead.get(attempt.agent or "")) for attempt in attempts] for gid, attempts in own.items()}
        for node_gid, own in attempts_in.items()
    }


def _moved(attempt: Attempt, ahead: int | None) -> Attempt:
    if ahead is None:
        return attempt
    start = attempt.start - ahead if attempt.start is not None else None
    end = attempt.end - ahead if attempt.end is not None and attempt.verdict not in _SCHEDULERS else attempt.end
    return dataclasses.replace(attempt, start=start, end=end)


def _ahead(run: RunEvidence, attempts_in: AttemptsIn) -> dict[str, int]:
    """Say how far each agent's clock is off at least, if no first attempt lies outside of the first execution of its node.

    Only first executions are sure to hold the first attempts of their sub-tasks: a retry leaves alone what had succeeded before it
    (engine-semantics §2.3).
    """
    behind: dict[str, int] = {}
    ahead: dict[str, int] = {}
    for gid, own in attempts_in.items():
        window = _first_execution(run, gid)
        if window is None:
            continue
        begin, end = window
        for attempts in own.values():
            first = attempts[0] if attempts else None
            if first is None or first.kind != "run" or first.agent is None or first.start is None:
                continue
            if first.start < begin:
                behind[first.agent] = min(behind.get(first.agent, 0), first.start - begin)
            if end is not None and first.end is not None and first.end > end and first.verdict not in _SCHEDULERS:
                ahead[first.agent] = max(ahead.get(first.agent, 0), first.end - end)
    off = {agent: ahead.get(agent, 0) + behind.get(agent, 0) for agent in ahead.keys() | behind.keys()}
    return {agent: off[agent] for agent in sorted(off) if off[agent]}


def _first_execution(run: RunEvidence, node_gid: str) -> tuple[int, int | None] | None:
    """Start and, where an answer showed it, end of the execution of a node that no operator had asked for."""
    found: tuple[int, int | None] | None = None
    for _, node in run.nodes.get(node_gid, ()):
        if node.operator == "RUN" and node.state in {"RUNNING", "FAILED", "SUCCEED"} and node.start is not None:
            ended = node.state != "RUNNING" and node.end is not None and node.end >= node.start
            found = (node.start, node.end if ended else found[1] if found else None)
    return found
