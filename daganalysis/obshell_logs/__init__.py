"""An agent's own log, obshell.log, read into facts.

``entries`` finds the messages that matter, ``scheduling``, ``executing``, ``requests`` and ``agents`` read those of one kind each. What is
not on their lists of fields is never kept: bodies of requests, answers and SQL hold passwords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.facts import Child, Coverage, Execution, HandOut, Line, LogZone, Passes, Request, TaskState
from daganalysis.engine.identifiers import local_gid
from daganalysis.obshell_logs.agents import AgentReader, address_in_path
from daganalysis.obshell_logs.entries import is_obshell_log, listen
from daganalysis.obshell_logs.executing import ExecutorReader
from daganalysis.obshell_logs.requests import RequestReader
from daganalysis.obshell_logs.scheduling import SchedulerReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from daganalysis.engine.facts import AnyFact
    from daganalysis.obshell_logs.entries import Readable

__all__ = ["Told", "is_obshell_log", "read_log"]

_LOCAL = b"LS"
_ACCEPTED = tuple(b"API response OK: [" + method + b" " for method in (b"POST", b"DELETE", b"PUT", b"PATCH"))
_OWN = "own "
"""Begins an id of the agent's own database until the agent is known."""
_GIDS = ("dag_gid", "node_gid", "task_gid")


class ObjectFacts(NamedTuple):
    """Facts about one thing: a sub-task (``task``), a DAG (``dag``), a node (``node``) or the agent (``agent``, without an id)."""

    about: str
    gid: str
    facts: list[AnyFact]


def read_log(stream: Readable, path: str) -> Iterator[ObjectFacts]:
    """Yield what a log tells; ``path`` may name the agent where the log does not.

    Instants are the agent's local time, as if it were UTC. What belongs to the agent's own database is left out where nothing names the
    agent: without its address such a DAG has no id.
    """
    reader = _LogReader()
    named = address_in_path(path)
    for _ in listen(stream, reader):
        agent = reader.agents.own or named
        if agent is not None:
            yield from reader.take(agent)
    reader.flush()
    agent = reader.agents.own or named
    yield from reader.take(agent)
    yield ObjectFacts("agent", "", reader.of_agent(agent))


class _LogReader:
    """Sorts the entries of one log to those who read them, and gathers the facts they find."""

    def __init__(self) -> None:
        self._of_dags: dict[str, list[AnyFact]] = {}
        self._of_tasks: list[tuple[int, list[Execution | Line]]] = []
        self._requests: list[Request] = []
        self._of_agent: list[AnyFact] = []
        self._first: int | None = None
        self._last: int | None = None
        self.agents = AgentReader(self._of_agent.append)
        self._executor = ExecutorReader(lambda local, facts: self._of_tasks.append((local, facts)))
        self._asked = RequestReader(self._requests.append, lambda child: self._keep_of_dag(child.dag_gid, child))
        self._cluster = SchedulerReader(lambda row: f"1{row.decode()}", self._keep_of_dag)
        self._own = SchedulerReader(lambda row: f"{_OWN}{row.decode()}", self._keep_of_dag)
        self.place, self.trace = 0, b""
        self.last_at: int | None = None
        self.others = self._all(self._cluster)
        self.own = self._all(self._own)

    def _all(self, scheduler: SchedulerReader) -> dict[bytes, Callable[[int, bytes], None]]:
        """Return what takes in each kind of message, those of one scheduler among them; times come first, then the rest of the message."""
        return {
            b"advance dag ": scheduler.advance_dag,
            b"advance node ": scheduler.advance_node,
            b"node ": scheduler.node,
            b"advanceTask: node ": scheduler.advance_task,
            b"sub task ": scheduler.task_state,
            b"ready Task num ": scheduler.passed,
            b"ready sub task ": scheduler.ready,
            b"send run sub task ": scheduler.sent,
            b"handle cancel sub task ": scheduler.cancelling,
            b"subtask ": self.agents.executer,
            b"add task ": self._added,
            b"start to task ": self._executor.started,
            b"execute task ": self._executor.executing,
            b"task ": lambda at, text: self._executor.task(at, text, self.place),
            b"finishing local task ": self._executor.finishing,
            b"finishing remote task ": self._executor.finishing_remote,
            b"finish remote task ": self._executor.waits_for_sync,
            b"the remote task ": self._executor.finished_remote,
            b"finish task ": self._executor.finished,
            b"API request: [POST ": lambda at, text: self._asked.request(at, b"POST", text, self.place),
            b"API request: [DELETE ": lambda at, text: self._asked.request(at, b"DELETE", text, self.place),
            b"API request: [PUT ": lambda at, text: self._asked.request(at, b"PUT", text, self.place),
            b"API request: [PATCH ": lambda at, text: self._asked.request(at, b"PATCH", text, self.place),
            b"API request: [GET /api/v1/task/": self._asked.read,
            b"Forward request: [": lambda _, text: self._asked.forward(text, self.trace),
            b"API response OK: [GET /rpc/v1/maintainer": self.agents.zone_shown,
            **dict.fromkeys(_ACCEPTED, lambda at, text: self._asked.answer(at, text, accepted=True)),
            b"API response error: [": lambda at, text: self._asked.answer(at, text, accepted=False),
            b"coordinator identity change from ": self.agents.identity,
            b"set maintainer: ": self.agents.maintainer,
            b"try get maintainer rpc request from ": self.agents.asking,
            b"initialize logger": self._booted,
            b"obshell server received ": self.agents.stopping,
        }

    # -- entries ----------------------------------------------------------------------------------------------------------------------

    def idle_pass(self, at: int, trace: bytes, dag: bytes, node: bytes, operator: bytes) -> None:
        """Take in a pass of a scheduler that found nothing to do."""
        (self._own if trace[:2] == _LOCAL else self._cluster).idle_pass(at, dag, node, operator)

    def covered(self, at: int) -> None:
        """Widen the time that the log covers; clocks may step back."""
        if self._first is None:
            self._cluster.since = self._own.since = at
        self._first = at if self._first is None else min(self._first, at)
        self._last = at if self._last is None else max(self._last, at)

    def _added(self, at: int, text: bytes) -> None:
        handed, self._cluster.handed_last = self._cluster.handed_last, None
        near = handed is not None and 0 <= at - handed[1] <= 100_000_000
        self._executor.added(at, text, handed if near else None)

    def _booted(self, at: int, _: bytes) -> None:
        self.agents.booted(at, self.last_at)
        self._executor.restarted()

    # -- facts ------------------------------------------------------------------------------------------------------------------------

    def _keep_of_dag(self, dag_gid: str, fact: Passes | HandOut | TaskState | Child) -> None:
        self._of_dags.setdefault(dag_gid, []).append(fact)

    def flush(self) -> None:
        """Close what is open at the end of the log."""
        for reader in (self._cluster, self._own, self._executor, self._asked):
            reader.flush()
        self.agents.flush(self.last_at)

    def take(self, agent: str | None) -> Iterator[ObjectFacts]:
        """Hand over the facts about DAGs and sub-tasks that were found since."""
        of_dags, of_tasks, requests = dict(self._of_dags), list(self._of_tasks), list(self._requests)
        self._of_dags.clear()
        self._of_tasks.clear()
        self._requests.clear()
        for gid, facts in of_dags.items():
            named = _named(gid, agent)
            if named is not None and all(_name(fact, agent) for fact in facts):
                yield ObjectFacts("dag", named, facts)
        for local, own in of_tasks:
            task_gid = next((fact.task_gid for fact in own if fact.task_gid is not None), None)
            named = local_gid(agent, local) if agent is not None else task_gid
            if named is not None:
                yield ObjectFacts("task", named, [fact for fact in own if _name(fact, agent)])
        for request in requests:
            request.teller = agent
            if request.operation == "create":
                yield ObjectFacts("agent", "", [request])
            else:
                yield ObjectFacts("node" if request.node_gid is not None else "dag", request.node_gid or request.dag_gid or "", [request])

    def of_agent(self, agent: str | None) -> list[AnyFact]:
        """Return what the log says about the agent itself."""
        zoned = any(isinstance(fact, LogZone) for fact in self._of_agent)
        if self._first is not None and self._last is not None:
            traces = {} if zoned else self._asked.traces
            self._of_agent.append(Coverage(first_at=self._first, last_at=self._last, peers=sorted(self.agents.peers), traces=traces))
        for fact in self._of_agent:
            fact.teller = agent
        return self._of_agent


def _name(fact: AnyFact, agent: str | None) -> bool:
    """Give a fact its agent, and its ids of the agent's own database their generic form; say whether that could be done."""
    fact.teller = agent
    for field in _GIDS:
        gid = getattr(fact, field, None)
        if gid is not None and gid.startswith(_OWN):
            named = _named(gid, agent)
            if named is None:
                return False
            setattr(fact, field, named)
    return True


def _named(gid: str, agent: str | None) -> str | None:
    if not gid.startswith(_OWN):
        return gid
    row = gid[len(_OWN) :]
    return local_gid(agent, int(row)) if agent is not None and row.isdigit() and len(row) < 19 else None
