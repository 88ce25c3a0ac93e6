"""The facts of each run, put together: those of its DAG, its nodes and its sub-tasks, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import msgspec

from daganalysis.engine.facts import AnyFact, Child, Creation, Execution, HandOut, Line, Passes, Request, TaskState, decode_facts
from daganalysis.engine.identifiers import obproxy_twin
from daganalysis.history.replay.contexts import NO_CONTEXT, ClusterContext
from daganalysis.reading.answers import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from daganalysis.reading.answers import Answer

_INSTANTS = (
    "at",
    "last_at",
    "dag_at",
    "node_at",
    "finished_at",
    "handed_at",
    "started_at",
    "ended_at",
    "work_ended_at",
    "answered_at",
)
_INSTANTS_OF = {kind: tuple(name for name in kind.__struct_fields__ if name in _INSTANTS) for kind in get_args(AnyFact)}
"""The instants that each kind of fact has."""
_Key = tuple[str, str]
_Sourced = tuple["AnyFact", str]


@dataclass(slots=True)
class LoggedFacts:
    """What sources other than answers know about one run, in UTC and in order of time.

    ``executions`` and ``lines`` are by sub-task; ``sources`` are the files that the facts come from, by the agent's address.
    """

    passes: list[Passes] = field(default_factory=list)
    hand_outs: dict[str, list[HandOut]] = field(default_factory=dict)
    states: dict[str, list[TaskState]] = field(default_factory=dict)
    executions: dict[str, list[Execution]] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    requests: list[tuple[Request, str]] = field(default_factory=list)
    creations: list[Creation] = field(default_factory=list)
    children: list[tuple[Child, str]] = field(default_factory=list)
    """Requests of main DAGs that created it, each with the file that tells."""
    nodes_of: dict[str, str] = field(default_factory=dict)
    """The node of each sub-task in a scheduler's log."""
    source: str = ""
    """One file with facts of the run: the first in order of name."""
    context: ClusterContext = field(default_factory=ClusterContext)

    def __bool__(self) -> bool:
        return bool(self.passes or self.hand_outs or self.executions or self.requests or self.creations or self.lines)


class FactIndex:
    """All facts of some answers, by what they are about."""

    def __init__(self, answers: Iterable[Answer], contexts: Mapping[str, ClusterContext]) -> None:
        self._contexts = contexts
        self._of_dag: dict[_Key, list[_Sourced]] = {}
        self._of_node: dict[_Key, list[_Sourced]] = {}
        self._of_task: dict[_Key, list[_Sourced]] = {}
        self._places: dict[Kind, dict[_Key, list[_Sourced]]] = {
            Kind.DAG_FACTS: self._of_dag,
            Kind.NODE_FACTS: self._of_node,
            Kind.FACTS: self._of_task,
        }
        for answer in answers:
            place = self._places.get(answer.kind)
            if place is not None:
                context, source = contexts.get(answer.cluster or "", NO_CONTEXT), answer.source
                facts = [(fact, source) for fact in decode_facts(answer.body) if _put_in_utc(fact, source, context)]
                place.setdefault((answer.cluster or "", answer.gid), []).extend(facts)
        self._remote: dict[_Key, set[str]] = {}
        for (cluster, gid), facts in self._of_task.items():
            for fact, _ in facts:
                if isinstance(fact, Execution) and fact.task_gid is not None and fact.task_gid != gid:
                    self._remote.setdefault((cluster, fact.task_gid), set()).add(gid)
        self._mirrors = {(cluster, gid) for (cluster, _), gids in self._remote.items() for gid in gids}
        self._given: set[_Key] = set()

    def is_empty(self) -> bool:
        """Return whether there are no facts."""
        return not (self._of_dag or self._of_node or self._of_task)

    def dags(self) -> set[_Key]:
        """Return the DAGs that facts are about, by cluster and generic id."""
        return set(self._of_dag)

    def obproxy_dags(self) -> set[_Key]:
        """Return the obproxy DAGs that requests prove: the answer to a request to one was no refusal."""
        return {
            (cluster, gid)
            for (cluster, gid), facts in self._of_dag.items()
            if gid[:1] in {"4", "5"}
            and any(isinstance(fact, Request) and fact.answered_at is not None and fact.error_code is None for fact, _ in facts)
        }

    def facts_of(self, cluster: str, gid: str, nodes_of: Mapping[str, str]) -> LoggedFacts:
        """Gather the facts of one DAG; ``nodes_of`` are the nodes of its sub-tasks as answers show them."""
        context = self._contexts.get(cluster, NO_CONTEXT)
        found = LoggedFacts(nodes_of=dict(nodes_of), context=context)
        twin = gid[:1] in {"4", "5"}
        sources: set[str] = set()
        for key in _spellings(gid):
            for fact, source in _distinct(self._of_dag.get((cluster, key), ())):
                self._take(found, fact, source, twin=twin)
                sources.add(source)
        for node in sorted({*found.nodes_of.values()} | {passes.node_gid for passes in found.passes}):
            for fact, source in _distinct(self._of_node.get((cluster, node), ())):
                self._take(found, fact, source, twin=False)
                sources.add(source)
        for task in sorted(found.nodes_of):
            keys = [(cluster, key) for key in self._keys_of(cluster, task)]
            facts = [pair for key in keys for pair in self._of_task.get(key, ())]
            self._given.update(keys)
            for fact, source in _distinct(facts):
                self._take_of_task(found, task, fact)
                sources.add(source)
        _sort(found)
        found.source = min(sources, default="")
        return found

    def executions_left(self) -> dict[_Key, int]:
        """Return how many executed sub-tasks belong to no DAG passed to ``facts_of``, by cluster and source."""
        left: dict[_Key, int] = {}
        for key, facts in self._of_task.items():
            if key not in self._given:
                for source in {source for fact, source in facts if isinstance(fact, Execution)}:
                    left[key[0], source] = left.get((key[0], source), 0) + 1
        return left

    def _keys_of(self, cluster: str, task: str) -> list[str]:
        """Return the ids that facts of a sub-task may have: its own, and those of its copies on the agents that ran it."""
        own = [key for key in _spellings(task) if (cluster, key) not in self._mirrors]
        return own + sorted(self._remote.get((cluster, task), ()))

    def _take(self, found: LoggedFacts, fact: AnyFact, source: str, *, twin: bool) -> None:
        if twin:
            fact = _as_obproxy(fact)
        if isinstance(fact, Passes):
            found.passes.append(fact)
        elif isinstance(fact, HandOut):
            found.hand_outs.setdefault(fact.task_gid, []).append(fact)
            found.nodes_of.setdefault(fact.task_gid, fact.node_gid)
        elif isinstance(fact, TaskState):
            found.states.setdefault(fact.task_gid, []).append(fact)
            found.nodes_of.setdefault(fact.task_gid, fact.node_gid)
        elif isinstance(fact, Request):
            found.requests.append((fact, source))
        elif isinstance(fact, Child):
            found.children.append((fact, source))
        elif isinstance(fact, Creation):
            found.creations.append(fact)
        elif isinstance(fact, Execution | Line) and fact.task_gid is not None:
            self._take_of_task(found, fact.task_gid, fact)

    def _take_of_task(self, found: LoggedFacts, task: str, fact: AnyFact) -> None:
        if isinstance(fact, Execution):
            if fact.task_gid is None or fact.task_gid in {task, *_spellings(task)}:
                found.executions.setdefault(task, []).append(fact)
        elif isinstance(fact, Line) and fact.task_gid in {None, task}:
            found.lines.setdefault(task, []).append(fact)


def _spellings(gid: str) -> list[str]:
    """A row of an agent's database that belongs to obproxy has another generic id, which its log does not tell."""
    if gid[:1] in {"4", "5"}:
        return [gid, {"4": "2", "5": "3"}[gid[0]] + gid[1:]]
    return [gid]


def _as_obproxy(fact: AnyFact) -> AnyFact:
    changed = {
        name: twin
        for name in ("dag_gid", "node_gid", "task_gid")
        if (gid := getattr(fact, name, None)) is not None and (twin := obproxy_twin(gid)) is not None
    }
    return msgspec.structs.replace(fact, **changed) if changed else fact


def _distinct(facts: Iterable[_Sourced]) -> list[_Sourced]:
    """Drop facts that two files share, as of a log copied before and after its rotation. Sort by time, then by content."""
    found = list(facts)
    if len(found) < 2:
        return found
    kept: dict[bytes, _Sourced] = {}
    for fact, source in found:
        name = msgspec.msgpack.encode(msgspec.structs.replace(fact, place=0))
        if name not in kept or source < kept[name][1]:
            kept[name] = (fact, source)
    return [kept[name] for name in sorted(kept)]


def _put_in_utc(fact: AnyFact, source: str, context: ClusterContext) -> bool:
    """Convert the instants of a fact to UTC; return whether that was possible. It needs the zone of the log."""
    if fact.zoned:
        return True
    log = context.log_of(fact, source)
    for name in _INSTANTS_OF[type(fact)]:
        local = getattr(fact, name)
        if local is not None:
            instant = log.utc(local) if log is not None else None
            if instant is None:
                return False
            setattr(fact, name, instant)
    fact.zoned = True
    return True


def _sort(found: LoggedFacts) -> None:
    found.passes.sort(key=lambda passes: (passes.dag_at, passes.last_at, passes.node_gid))
    for hand_outs in found.hand_outs.values():
        hand_outs.sort(key=lambda one: (one.at, one.last_at))
    for states in found.states.values():
        states.sort(key=lambda one: (one.at, one.state))
    for executions in found.executions.values():
        executions.sort(key=_moment_of)
    for lines in found.lines.values():
        lines.sort(key=lambda one: (one.at, one.place))
    found.children.sort(key=lambda one: (one[0].at, one[0].parent_gid, one[1]))
    found.requests.sort(key=lambda one: (one[0].at, one[0].trace_id or "", one[1]))


def _moment_of(execution: Execution) -> tuple[int, int]:
    known = [at for at in (execution.started_at, execution.ended_at, execution.handed_at) if at is not None]
    return (known[0] if known else 0, execution.ended_at or 0)
