"""Rows that logs give: operations of a run, requests that created no DAG, and what happened to agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.facts import decode_facts
from daganalysis.history.replay.told_requests import actor_of
from daganalysis.reading.issue_codes import issue
from daganalysis.tables.base_rows import AgentEventRow, OperationRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.engine.facts import Request
    from daganalysis.history.replay.contexts import AgentLog, ClusterContext
    from daganalysis.history.replay.told_requests import Operation
    from daganalysis.history.rows import Rows
    from daganalysis.history.views import RunView
    from daganalysis.reading.answers import Answer

_PRECISION_NS = 1_000_000
_CREATION_NS = 2_000_000_000
"""How far the clock of the agent that was asked may be off the database's, for a DAG to be the one a request created."""
UNIX_SOCKET = "unix socket"


def add_operations(rows: Rows, view: RunView, operations: Sequence[Operation], context: ClusterContext, *, is_child: bool) -> None:
    """Add the requests to a run, and the one that created it where only one can have."""
    run = view.evidence
    stages = {gid: stage for stage, gid in enumerate(run.stages, start=1)}
    for one in operations:
        stage = stages.get(one.node_gid) if one.node_gid is not None else _stage_at(view, one.at)
        actor = actor_of(one, context, is_child=is_child)
        client = None if one.client is None or one.passed_on else one.client or UNIX_SOCKET
        rows.add_operation(
            OperationRow(
                run_id=run.run_id,
                cluster=run.cluster,
                at=one.at,
                at_min=one.at,
                at_max=one.at + _PRECISION_NS,
                operation=one.operation,
                stage=stage,
                actor=actor,
                client=client,
                agent=None if one.passed_on else one.agent,
                result=one.result,
                error_code=one.error_code,
                evidence="log",
                source=one.source,
            )
        )
    created = _creation_of(view, context)
    if created is not None:
        request, source, at = created
        rows.add_operation(_create_row(run.run_id, run.cluster, request, source, at, context))


def _create_row(run_id: str | None, cluster: str | None, request: Request, source: str, at: int, context: ClusterContext) -> OperationRow:
    """Return the row of a request to create a DAG: of a run where it created one, of none where it was refused."""
    return OperationRow(
        run_id=run_id,
        cluster=cluster,
        at=at,
        at_min=at,
        at_max=at + _PRECISION_NS,
        operation="create",
        stage=None,
        actor="unknown" if request.client is None or context.is_agent(request.client) else "person",
        client=request.client if request.client is None else request.client or UNIX_SOCKET,
        agent=request.teller,
        result="refused" if run_id is None else "accepted",
        error_code=request.error_code if run_id is None else None,
        evidence="log",
        source=source,
    )


def _stage_at(view: RunView, at: int) -> int | None:
    """Return the stage at which the run stood at some moment, as far as anything shows it."""
    before = [snapshot for snapshot in view.evidence.snapshots if snapshot.at <= at and snapshot.dag.stage is not None]
    return before[-1].dag.stage if before else None


def _creation_of(view: RunView, context: ClusterContext) -> tuple[Request, str, int] | None:
    """Find the request that created a run: the only one that was being answered when its rows were made."""
    if view.created is None:
        return None
    found = []
    for request, source in context.creations:
        at, answered = context.utc(request, source, request.at), context.utc(request, source, request.answered_at)
        accepted = request.status is not None and request.status < 300
        if accepted and at is not None and answered is not None and at - _CREATION_NS <= view.created <= answered + _CREATION_NS:
            found.append((request, source, at))
    return found[0] if len(found) == 1 else None


def add_agent_events(rows: Rows, answers: Iterable[Answer], contexts: Mapping[str, ClusterContext]) -> None:
    """Add what happened to agents, and the requests that were refused and created no DAG."""
    source_of: dict[tuple[str, str], str] = {}
    for answer in answers:
        for fact in decode_facts(answer.body):
            source_of.setdefault((answer.cluster or "", fact.teller or answer.source), answer.source)
    for cluster, context in contexts.items() if source_of else ():
        label = cluster or None
        _add_refusals(rows, label, context)
        _add_maintainers(rows, label, context, source_of)
        for name, log in context.logs.items():
            source = source_of.get((cluster, name))
            _add_events(rows, label, name, log, source)
            if not log.zones and source is not None:
                message = f"nothing tells in which zone the times of the log of {name} are, so they are not used"
                rows.add_issue(issue("log-zone-unknown", source, None, message))


def _add_maintainers(rows: Rows, cluster: str | None, context: ClusterContext, source_of: Mapping[tuple[str, str], str]) -> None:
    before: dict[str, str] = {}
    for at, teller, maintainer in sorted(context.maintainers):
        if before.get(teller) != maintainer:
            before[teller] = maintainer
            source = source_of.get((cluster or "", teller))
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=at, agent=teller, event="maintainer", detail=maintainer, source=source))


def _add_refusals(rows: Rows, cluster: str | None, context: ClusterContext) -> None:
    for request, source in context.creations:
        at = context.utc(request, source, request.at)
        if at is None or request.status is None or request.status < 300:
            continue
        rows.add_operation(_create_row(None, cluster, request, source, at, context))


def _add_events(rows: Rows, cluster: str | None, agent: str, log: AgentLog, source: str | None) -> None:
    for restart in log.restarts:
        if restart.stopped_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.stopped_at, agent=agent, event="stopped", source=source))
        elif restart.last_sign_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.last_sign_at, agent=agent, event="lost", source=source))
        if restart.started_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.started_at, agent=agent, event="started", source=source))
