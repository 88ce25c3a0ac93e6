"""Rows that logs give: operations of a run, requests that created no DAG, and what happened to agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import begins_as_sub_dag
from daganalysis.engine.facts import Coverage, LogZone, MaintainerChange, Restart, decode_facts
from daganalysis.engine.identifiers import key_of
from daganalysis.history.proven_requests import proven_creation
from daganalysis.history.replay.contexts import NO_CONTEXT
from daganalysis.history.replay.logged_creations import creation_of, creator
from daganalysis.history.replay.logged_requests import Operation, actor_of, unlogged_requests
from daganalysis.reading.issue_codes import issue
from daganalysis.tables.base_rows import AgentEventRow, OperationRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.history.replay.all_runs import Replayed
    from daganalysis.history.replay.contexts import AgentLog, ClusterContext
    from daganalysis.history.rows import Rows
    from daganalysis.history.views import RunView
    from daganalysis.reading.answers import Answer

_PRECISION_NS = 1_000_000
UNIX_SOCKET = "unix socket"


def add_operations(rows: Rows, view: RunView, operations: Sequence[Operation], context: ClusterContext, *, is_child: bool) -> None:
    """Add the requests to a run, and the one that created it where only one can have."""
    run = view.evidence
    stages = {gid: stage for stage, gid in enumerate(run.stages, start=1)} if operations else {}
    created = _creation(view, context)
    logged = [*operations, *([created] if created is not None else [])]
    proven = [*view.proven_requests, *([asked] if (asked := proven_creation(view, is_child=is_child)) is not None else [])]
    unlogged = unlogged_requests(proven, logged) if logged else proven
    for one in operations:
        one.actor = actor_of(one, context, is_child=is_child)
        stage = stages.get(one.node_gid) if one.node_gid is not None else _stage_at(view, one.at)
        rows.add_operation(_logged_row(run.run_id, run.cluster, one, stage))
    if created is not None:
        rows.add_operation(_logged_row(run.run_id, run.cluster, created, None))
    for request in unlogged:
        rows.add_operation(
            OperationRow(
                run_id=run.run_id,
                cluster=run.cluster,
                at=None,
                at_min=request.at_min,
                at_max=request.at_max,
                operation=request.operation,
                stage=request.stage,
                actor=request.actor,
                client=None,
                agent=None,
                result="accepted",
                error_code=None,
                evidence="answers",
                source=request.source,
            )
        )


def add_what_is_alone(rows: Rows, replayed: Replayed, contexts: Mapping[str, ClusterContext]) -> None:
    """Add the requests to DAGs that nothing else shows, and an issue about the work of agents for such DAGs."""
    for (cluster, gid), operations in replayed.requests_alone.items():
        context = contexts.get(cluster, NO_CONTEXT)
        for one in operations:
            one.actor = actor_of(one, context, is_child=False)
            rows.add_operation(_logged_row(key_of(cluster or None, gid), cluster or None, one, None))
    for (_, source), count in sorted(replayed.executions_alone.items()):
        message = f"executions of {count:,} sub-tasks are left out: nothing in the archive shows the DAGs that they belong to"
        rows.add_issue(issue("executions-without-dag", source, None, message))


def _logged_row(run_id: str | None, cluster: str | None, one: Operation, stage: int | None) -> OperationRow:
    return OperationRow(
        run_id=run_id,
        cluster=cluster,
        at=one.at,
        at_min=one.at,
        at_max=one.at + _PRECISION_NS,
        operation=one.operation,
        stage=stage,
        actor=one.actor,
        client=None if one.client is None or one.passed_on else one.client or UNIX_SOCKET,
        agent=None if one.passed_on else one.agent,
        result=one.result,
        error_code=one.error_code,
        evidence="log",
        source=one.source,
    )


def _creation(view: RunView, context: ClusterContext) -> Operation | None:
    """Return the request that created a run, as a log shows it."""
    run = view.evidence
    if run.logged_creation is not None:
        child, source = run.logged_creation
        return Operation("create", child.at, child.teller, child.client, "accepted", None, source, actor="dag")
    if not context.creations:
        return None  # as in archives without logs, which most are
    by_a_dag = begins_as_sub_dag(run.newest.name, [node.newest.name for node in view.nodes])
    found = creation_of(run.gid, view.created, run.begun, context, by_a_dag=by_a_dag)
    if found is None:
        return None
    request = found.request
    return Operation("create", found.at, request.teller, request.client, "accepted", None, found.source, actor=creator(request, context))


def _stage_at(view: RunView, at: int) -> int | None:
    """Return the stage at which the run stood at some moment, as far as anything shows it."""
    before = [snapshot for snapshot in view.evidence.snapshots if snapshot.at <= at and snapshot.dag.stage is not None]
    return before[-1].dag.stage if before else None


_TOLD_BY_LOGS = (Restart, MaintainerChange, LogZone, Coverage)
"""The facts that only an agent's log tells. The source of an agent's events is the first file with any of them, not its database."""


def add_agent_events(rows: Rows, answers: Iterable[Answer], contexts: Mapping[str, ClusterContext]) -> None:
    """Add what happened to agents, and the requests that were refused and created no DAG."""
    source_of: dict[tuple[str, str], str] = {}
    for answer in answers:
        for fact in decode_facts(answer.body):
            if isinstance(fact, _TOLD_BY_LOGS):
                key = answer.cluster or "", fact.teller or answer.source
                source_of[key] = min(source_of.get(key, answer.source), answer.source)
    for cluster, context in contexts.items() if source_of else ():
        label = cluster or None
        _add_refusals(rows, label, context)
        _add_maintainers(rows, label, context, source_of)
        for name, log in context.logs.items():
            source = source_of.get((cluster, name))
            _add_events(rows, label, name, log, source)
            if not log.zones and source is not None:
                message = f"the time zone of the log of {name} is unknown, so its times are not used"
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
        actor = creator(request, context)
        refused = Operation("create", at, request.teller, request.client, "refused", request.error_code, source, actor=actor)
        rows.add_operation(_logged_row(None, cluster, refused, None))


def _add_events(rows: Rows, cluster: str | None, agent: str, log: AgentLog, source: str | None) -> None:
    for restart in log.restarts:
        if restart.stopped_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.stopped_at, agent=agent, event="stopped", source=source))
        elif restart.last_sign_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.last_sign_at, agent=agent, event="lost", source=source))
        if restart.started_at is not None:
            rows.add_agent_event(AgentEventRow(cluster=cluster, at=restart.started_at, agent=agent, event="started", source=source))
