"""Requests to a run, with who asked and what came of it. A request in several logs is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.history.proven_requests import CLOCKS_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.engine.facts import Request
    from daganalysis.history.proven_requests import ProvenRequest
    from daganalysis.history.replay.contexts import ClusterContext

_PASSED_ON_NS = 5_000_000_000
"""A request that is passed on reaches the other agent within this time, by either clock."""


@dataclass(slots=True)
class Operation:
    """One request: when it came to the agent that was asked first, and what the agent that executed it answered."""

    operation: str
    at: int
    agent: str | None
    client: str | None
    result: str
    error_code: str | None
    source: str
    node_gid: str | None = None
    passed_on: bool = False
    actor: str = "unknown"
    effect_from: int | None = None
    """When the agent that executed it took it up, on that agent's clock."""
    effect_to: int | None = None
    """When that agent answered it."""


def operations_of(requests: Sequence[tuple[Request, str]]) -> list[Operation]:
    """Return the requests to one run, in order of time.

    A request that one agent passed on to another is in the logs of both. With only the second log, the caller is unknown.
    """
    first = [pair for pair in requests if not pair[0].forwarded]
    second = [pair for pair in requests if pair[0].forwarded]
    found: list[Operation] = []
    for request, source in first:
        own = _operation(request, source)
        twin = _twin(request, second) if request.forwarded_to is not None else None
        if twin is not None:
            second.remove(twin)
            other = twin[0]
            own.error_code = other.error_code or own.error_code
            own.result = _result(other) if own.result == "unknown" else own.result
            own.effect_from, own.effect_to = other.at, other.answered_at
        found.append(own)
    found += [_operation(request, source, passed_on=True) for request, source in second]
    return sorted(found, key=lambda one: (one.at, one.operation, one.agent or "", one.source))


def _operation(request: Request, source: str, *, passed_on: bool = False) -> Operation:
    return Operation(
        request.operation,
        request.at,
        request.teller,
        request.client,
        _result(request),
        request.error_code,
        source,
        request.node_gid,
        passed_on=passed_on,
        effect_from=request.at,
        effect_to=request.answered_at,
    )


def unlogged_requests(proven: Sequence[ProvenRequest], logged: Sequence[Operation]) -> list[ProvenRequest]:
    """Return the requests that only the states of a run prove. A request that a log has, too, is listed once, as the log has it.

    A request in a log whose answer is not in it may be the one, and was accepted then; a refused one is not.
    """
    open_: list[Operation] = [one for one in logged if one.result != "refused"]
    kept = []
    for one in sorted(proven, key=lambda one: (_width(one), one.at_max or 0)):
        same = [request for request in open_ if request.operation == one.operation and _may_be(request, one)]
        if not same:
            kept.append(one)
            continue
        twin = max(same, key=lambda request: (request.result == "accepted", request.at))
        twin.result = "accepted"
        open_.remove(twin)
    return [one for one in proven if one in kept]


def _width(request: ProvenRequest) -> float:
    """Return how closely the time of a request is bounded: the closest bounds are to find their request first."""
    return float("inf") if request.at_min is None or request.at_max is None else request.at_max - request.at_min


def _may_be(logged: Operation, proven: ProvenRequest) -> bool:
    early = proven.at_min is not None and logged.at < proven.at_min - CLOCKS_NS
    late = proven.at_max is not None and logged.at > proven.at_max + CLOCKS_NS
    return not early and not late


def _twin(request: Request, others: Sequence[tuple[Request, str]]) -> tuple[Request, str] | None:
    """Find the other agent's record of a request that was passed on to it."""
    same = [
        pair
        for pair in others
        if pair[0].operation == request.operation
        and pair[0].node_gid == request.node_gid
        and (pair[0].teller is None or pair[0].teller == request.forwarded_to)
        and pair[0].client == _ip(request.teller)
        and abs(pair[0].at - request.at) <= _PASSED_ON_NS
    ]
    return min(same, key=lambda pair: abs(pair[0].at - request.at), default=None)


def _ip(agent: str | None) -> str | None:
    return agent.rpartition(":")[0].strip("[]") if agent is not None else None


def _result(request: Request) -> str:
    if request.status is None:
        return "unknown"
    return "accepted" if request.status < 300 else "refused"


def actor_of(operation: Operation, context: ClusterContext, *, is_child: bool) -> str:
    """Return who made a request: a `person`, a `dag` (a task of another DAG), or `unknown`.

    The address decides: tasks ask from their agent's own address, people by the unix socket or from elsewhere. Only children are advanced
    by other DAGs (engine-semantics §7). A person may also ask from an agent's host, or through an agent whose log is missing.
    """
    if operation.client is None:
        return "unknown"
    if not context.is_agent(operation.client):
        return "person"
    return "dag" if is_child and not operation.passed_on else "unknown"
