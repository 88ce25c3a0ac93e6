"""Runs that no answer shows: their stages, their sub-tasks and their names, from the facts of logs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.history.evidence import RunEvidence

if TYPE_CHECKING:
    from daganalysis.history.replay.logged_facts import LoggedFacts


def logged_run(cluster: str | None, gid: str, facts: LoggedFacts) -> RunEvidence | None:
    """Return a run that no answer shows; None where its facts do not show what its scheduler did."""
    if not facts.passes:
        return None
    run = RunEvidence(cluster, gid)
    nodes = {passes.node_gid for passes in facts.passes}
    run.stages = sorted(nodes, key=row_of)
    run.task_names = names = _names(facts)
    for node in run.stages:
        run.nodes[node] = []
    for task, node in sorted(facts.nodes_of.items()):
        if node in nodes:
            run.node_of[task] = node
            run.sub_tasks[task] = []
    run.node_names = {node: name for task, node in sorted(facts.nodes_of.items()) if (name := names.get(task)) is not None}
    return run


def _names(facts: LoggedFacts) -> dict[str, str]:
    found: dict[str, str] = {}
    for task, executions in facts.executions.items():
        names = Counter(execution.name for execution in executions if execution.name is not None)
        if names:
            found[task] = min(names, key=lambda name: (-names[name], name))
    return found


def row_of(gid: str) -> tuple[int, str]:
    """Return the row id that a generic id holds (0 if it holds none), and the generic id: in this order rows were created."""
    row = identify(gid).row_id
    return (int(row) if row is not None else 0, gid)
