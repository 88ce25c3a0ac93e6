"""Requests that create a DAG, in agents' logs: which of them created a run. Their answers do not name it, only the moment tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.catalogue import NAMES_BY_ROUTE
from daganalysis.engine.identifiers import identify

if TYPE_CHECKING:
    from daganalysis.engine.facts import Request
    from daganalysis.history.replay.contexts import ClusterContext

_CLOCKS_NS = 2_000_000_000
"""How far the clock of the agent that got a request may be off the database's if the request is to have created a DAG."""
_ONE_CLOCK_NS = 100_000_000
"""The same if that agent keeps the DAG itself."""
_TAKEN_UP_NS = 1_500_000_000
"""A scheduler begins a new DAG within this: it passes once a second."""
_BY_A_DAG = "/rpc/"


class CreatingRequest(NamedTuple):
    """A request that created a run, when it came, and the file that shows it."""

    request: Request
    at: int
    source: str


def creation_of(gid: str, created: int | None, begun: int | None, context: ClusterContext, *, by_a_dag: bool) -> CreatingRequest | None:
    """Find the request that created a DAG: the only one that was being answered when its rows were created.

    If that moment (``created``) is unknown, the first pass of the scheduler (``begun``) is used, which follows within a second. An agent
    gets the requests for the DAGs that it keeps itself; ``by_a_dag`` says that only another DAG can have asked for it.
    """
    made = created if created is not None else begun
    if made is None:
        return None
    owner = identify(gid).owner_agent
    slack = _CLOCKS_NS if owner is None else _ONE_CLOCK_NS
    later = slack if created is not None else slack + _TAKEN_UP_NS
    found = []
    for request, source in context.creations:
        if request.status is None or request.status >= 300 or (owner is not None and request.teller != owner):
            continue
        if by_a_dag and creator(request, context) != "dag":
            continue
        at, answered = context.utc(request, source, request.at), context.utc(request, source, request.answered_at)
        if at is not None and answered is not None and at - slack <= made <= answered + later:
            found.append(CreatingRequest(request, at, source))
    return found[0] if len(found) == 1 else None


def name_of_creation(creation: CreatingRequest | None) -> str | None:
    """Return the name of the DAG that a request created, where every DAG it can create has the same name."""
    method, _, path = (creation.request.route or "").partition(" ") if creation is not None else ("", "", "")
    return NAMES_BY_ROUTE.get(path) if method == "POST" else None


def creator(request: Request, context: ClusterContext) -> str:
    """Return who made a creating request: a `person`, a `dag` (an agent for its main DAG), or `unknown`."""
    if (request.route or "").partition(" ")[2].startswith(_BY_A_DAG):
        return "dag"
    return "unknown" if request.client is None or context.is_agent(request.client) else "person"
