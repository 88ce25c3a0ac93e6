"""What belongs to no single run of a cluster: the zones of its agents' logs, the times they cover, restarts and maintainers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.facts import AgentState, Coverage, LogZone, MaintainerChange, Request, Restart, decode_facts
from daganalysis.engine.times import SECOND_NS
from daganalysis.reading.answers import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.engine.facts import AnyFact
    from daganalysis.reading.answers import Answer

_QUARTER_NS = 900_000_000_000
_NEAR_NS = 60_000_000_000
_TOUCHING_NS = 30_000_000_000
"""Files of one log follow each other at once; a quiet agent may write nothing for some seconds."""


@dataclass(slots=True)
class AgentLog:
    """The log of one agent.

    ``zones`` are its offsets with the local times between which each was seen, ``only_offset_s`` is the offset if they all have the same;
    ``covered`` are the stretches of UTC that its files cover.
    """

    zones: list[LogZone] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    only_offset_s: int | None = None

    def utc(self, local: int) -> int | None:
        """Return an instant in UTC of a local time; None where the zone is not known for sure."""
        offset = self._offset_at(local) if self.only_offset_s is None else self.only_offset_s
        return None if offset is None else local - offset * SECOND_NS

    def offset_at(self, instant: int) -> int | None:
        """Return the offset from UTC in seconds at an instant in UTC; None where the zone is not known for sure."""
        if self.only_offset_s is not None:
            return self.only_offset_s
        offsets = {zone.offset_s for zone in self.zones if self._offset_at(instant + zone.offset_s * SECOND_NS) == zone.offset_s}
        return offsets.pop() if len(offsets) == 1 else None

    def settle(self) -> None:
        """Set ``only_offset_s`` once all zones are known, because every instant of a log needs it."""
        offsets = {zone.offset_s for zone in self.zones}
        self.only_offset_s = offsets.pop() if len(offsets) == 1 else None

    def _offset_at(self, local: int) -> int | None:
        if not self.zones:
            return None
        inside = {zone.offset_s for zone in self.zones if zone.local_from <= local <= zone.local_to}
        if len(inside) == 1:
            return next(iter(inside))
        if inside:
            return None  # an hour that came twice
        before = max((zone for zone in self.zones if zone.local_to < local), key=lambda zone: zone.local_to, default=None)
        after = min((zone for zone in self.zones if zone.local_from > local), key=lambda zone: zone.local_from, default=None)
        if before is None or after is None:
            only = before or after
            return only.offset_s if only is not None else None
        return before.offset_s if before.offset_s == after.offset_s else None

    def covers(self, begin: int, end: int) -> bool:
        """Return whether its files cover all the time between two instants."""
        return any(first <= begin and end <= last for first, last in self.covered)


@dataclass(slots=True)
class ClusterContext:
    """The logs of a cluster by agent (by source where the agent is not known), the addresses of its agents, and its creating requests."""

    logs: dict[str, AgentLog] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)
    maintainers: list[tuple[int, str, str]] = field(default_factory=list)
    creations: list[tuple[Request, str]] = field(default_factory=list)

    def log_of(self, fact: AnyFact, source: str) -> AgentLog | None:
        """Return the log that a fact comes from, if anything is known about it."""
        return self.logs.get(fact.teller or source)

    def utc(self, fact: AnyFact, source: str, instant: int | None) -> int | None:
        """Return an instant of a fact in UTC; None where it has none, or the zone is not known."""
        if instant is None or fact.zoned:
            return instant
        log = self.log_of(fact, source)
        return None if log is None else log.utc(instant)

    def is_agent(self, client: str) -> bool:
        """Return whether an address is one of the cluster's agents'."""
        return client in {agent.rpartition(":")[0].strip("[]") for agent in self.agents}


NO_CONTEXT = ClusterContext()


def contexts_of(answers: Iterable[Answer], observed: Mapping[tuple[str, str], int] | None = None) -> dict[str, ClusterContext]:
    """Return the context of each cluster, by its label (empty where none was given), from the facts about agents among some answers.

    ``observed`` are the moments of saved answers by cluster and trace id: where a log does not tell its zone, they do. The order of the
    answers is irrelevant.
    """
    facts_of: dict[str, list[tuple[AnyFact, str]]] = {}
    for answer in answers:
        if answer.kind is Kind.AGENT_FACTS:
            facts_of.setdefault(answer.cluster or "", []).extend((fact, answer.source) for fact in decode_facts(answer.body))
    return {cluster: _context(sorted(facts, key=_order), observed or {}, cluster) for cluster, facts in sorted(facts_of.items())}


def _order(sourced: tuple[AnyFact, str]) -> tuple[str, str, int, str]:
    fact, source = sourced
    return (fact.teller or "", source, fact.place, repr(fact))


def wanted_traces(answers: Iterable[Answer]) -> set[tuple[str, str]]:
    """Return the trace ids, by cluster, of requests in logs that do not state their zone."""
    return {
        (answer.cluster or "", trace)
        for answer in answers
        if answer.kind is Kind.AGENT_FACTS
        for fact in decode_facts(answer.body)
        if isinstance(fact, Coverage)
        for trace in fact.traces
    }


def _context(facts: Sequence[tuple[AnyFact, str]], observed: Mapping[tuple[str, str], int], cluster: str) -> ClusterContext:
    context = ClusterContext(agents=_agents(facts))
    given: dict[str, list[LogZone]] = {}
    of_logs = [(fact, source) for fact, source in facts if isinstance(fact, LogZone | Coverage | Restart | MaintainerChange | Request)]
    for fact, source in of_logs:
        log = context.logs.setdefault(fact.teller or source, AgentLog())
        if isinstance(fact, LogZone):
            (given.setdefault(fact.teller or source, []) if fact.given else log.zones).append(fact)
    for fact, source in of_logs:
        log = context.logs[fact.teller or source]
        if isinstance(fact, Coverage) and not log.zones and (zone := _zone_by_traces(fact, observed, cluster)) is not None:
            log.zones.append(zone)
    for name, zones in given.items():
        if not context.logs[name].zones:
            context.logs[name].zones = zones
    for log in context.logs.values():
        log.settle()
    for fact, source in of_logs:
        _place(context, fact, source)
    for log in context.logs.values():
        log.covered = _joined(log.covered)
    return context


def _agents(facts: Iterable[tuple[AnyFact, str]]) -> set[str]:
    """Return the addresses of agents that any source names."""
    found: set[str] = set()
    for fact, _ in facts:
        if fact.teller:
            found.add(fact.teller)
        if isinstance(fact, AgentState):
            found.add(fact.agent)
        elif isinstance(fact, Coverage):
            found.update(fact.peers)
    return found


def _place(context: ClusterContext, fact: AnyFact, source: str) -> None:
    """Put a fact that has instants into a context whose zones are known."""
    log = context.logs[fact.teller or source]
    if isinstance(fact, Coverage):
        first, last = (context.utc(fact, source, at) for at in (fact.first_at, fact.last_at))
        if first is not None and last is not None:
            log.covered.append((first, last))
    elif isinstance(fact, Restart):
        started, stopped, sign = (context.utc(fact, source, at) for at in (fact.started_at, fact.stopped_at, fact.last_sign_at))
        log.restarts.append(Restart(teller=fact.teller, zoned=True, started_at=started, stopped_at=stopped, last_sign_at=sign))
    elif isinstance(fact, MaintainerChange):
        at = context.utc(fact, source, fact.at)
        if at is not None:
            context.maintainers.append((at, fact.teller or source, fact.maintainer or fact.teller or source))
    elif isinstance(fact, Request):
        context.creations.append((fact, source))


def _zone_by_traces(fact: Coverage, observed: Mapping[tuple[str, str], int], cluster: str) -> LogZone | None:
    """Find the offset by answers that were saved: an answer's moment, and the local time of the request it answers."""
    offsets = set()
    for trace, local in fact.traces.items():
        moment = observed.get((cluster, trace))
        if moment is not None:
            offset = round((local - moment) / _QUARTER_NS)
            offsets.add(offset * 900 if abs(local - moment - offset * _QUARTER_NS) <= _NEAR_NS else None)
    if len(offsets) != 1 or None in offsets:
        return None
    (offset_s,) = offsets
    return LogZone(offset_s=offset_s or 0, local_from=fact.first_at, local_to=fact.last_at)


def _joined(stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if joined and first <= joined[-1][1] + _TOUCHING_NS:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
