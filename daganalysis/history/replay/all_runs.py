"""Every run in the facts, replayed: the runs of answers, and those that only logs show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.identifiers import obproxy_twin
from daganalysis.history.replay.logged_facts import FactIndex, LoggedFacts
from daganalysis.history.replay.logged_requests import operations_of
from daganalysis.history.replay.logged_runs import logged_run
from daganalysis.history.replay.one_run import replay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.replay.contexts import ClusterContext
    from daganalysis.history.replay.logged_requests import Operation
    from daganalysis.reading.answers import Answer


class Replayed(NamedTuple):
    """What facts show besides the runs themselves.

    ``operations`` are the requests to each run by its key, ``requests_alone`` the requests to DAGs that nothing else shows, by cluster and
    generic id. ``executions_alone`` counts, by cluster and source, the sub-tasks that an agent executed for DAGs that nothing shows.
    """

    operations: dict[str, list[Operation]]
    requests_alone: dict[tuple[str, str], list[Operation]]
    executions_alone: dict[tuple[str, str], int]


def replay_runs(runs: list[RunEvidence], answers: Sequence[Answer], contexts: Mapping[str, ClusterContext]) -> Replayed:
    """Add the facts to the runs, and the runs that only logs show to the list; return the other findings."""
    index = FactIndex(answers, contexts)
    operations: dict[str, list[Operation]] = {}
    alone: dict[tuple[str, str], list[Operation]] = {}
    if index.is_empty():
        return Replayed(operations, alone, {})  # as in most archives, which hold answers alone
    by_key: dict[tuple[str, str], list[RunEvidence]] = {}
    for run in runs:
        by_key.setdefault((run.cluster or "", run.gid), []).append(run)
    known = {*by_key, *index.obproxy_dags()}
    for key in sorted({*by_key, *index.dags()}):
        cluster, gid = key
        generations = by_key.get(key)
        if generations is None and (cluster, obproxy_twin(gid)) in known:
            continue  # the scheduler's lines do not tell that the DAG is obproxy's, whose run has these facts
        if generations is None:
            facts = index.facts_of(cluster, gid, {})
            logged = logged_run(cluster or None, gid, facts)
            if logged is not None:
                operations[logged.run_id] = replay(logged, facts)
                runs.append(logged)
            elif facts.requests:
                alone[key] = operations_of(facts.requests)
            continue
        facts = index.facts_of(cluster, gid, {task: node for run in generations for task, node in run.node_of.items()})
        if not facts:
            continue
        for run, own in zip(generations, _by_generation(generations, facts), strict=True):
            operations[run.run_id] = replay(run, own)
    runs.sort(key=lambda run: (run.cluster or "", run.gid, run.generation))
    return Replayed(operations, alone, index.executions_left())


def _by_generation(generations: Sequence[RunEvidence], facts: LoggedFacts) -> list[LoggedFacts]:
    """Share facts among the runs behind one id (a cluster re-created): each has those up to where the next was first seen to exist."""
    if len(generations) == 1:
        return [facts]
    begins = [min([run.first_at, *(at for s in run.snapshots for at in (s.dag.start,) if at is not None)]) for run in generations]
    limits = [-(1 << 62), *begins[1:], 1 << 62]
    return [_between(facts, low, high) for low, high in zip(limits, limits[1:], strict=False)]


def _between(facts: LoggedFacts, low: int, high: int) -> LoggedFacts:
    def inside(at: int | None) -> bool:
        return at is not None and low <= at < high

    return replace(
        facts,
        passes=[one for one in facts.passes if inside(one.dag_at)],
        hand_outs={task: [one for one in facts_of if inside(one.at)] for task, facts_of in facts.hand_outs.items()},
        states={task: [one for one in facts_of if inside(one.at)] for task, facts_of in facts.states.items()},
        executions={
            task: [one for one in facts_of if inside(one.started_at if one.started_at is not None else one.ended_at)]
            for task, facts_of in facts.executions.items()
        },
        lines={task: [one for one in facts_of if inside(one.at)] for task, facts_of in facts.lines.items()},
        requests=[one for one in facts.requests if inside(one[0].at)],
        children=[one for one in facts.children if inside(one[0].at)],
        creations=[one for one in facts.creations if inside(one.at)],
    )
