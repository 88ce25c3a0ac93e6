"""Which requests to send, and when: a list of unfinished DAGs each round, details of those that changed or run, logs of failures."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from daganalysis.captures.servers import UnreachableError
from daganalysis.engine.states import ENDED
from daganalysis.errors import DagAnalysisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from daganalysis.captures.recording import Recorder
    from daganalysis.captures.servers import Reply, Server

UNFINISHED = "/api/v1/task/dag/unfinish?show_details=false"
DETAIL = "/api/v1/task/dag/{}?show_details=true"
LOGS = "/api/v1/task/sub_task/{}/logs"
HISTORY = ("/api/v1/task/dags/ob?show_details=true", "/api/v1/task/dags/agent?show_details=true")
VERSIONS = ("/api/v1/ob/info", "/api/v1/info")

_LONGEST_PAUSE_S = 30.0
_MOST_REFUSALS = 3
"""Refusals of the password in a row after which it is taken to be wrong; one may follow a restart, which changes the agent's key."""
_LONGEST_RECHECK = 60
"""Rounds after which a failed DAG that left the list is requested again, because a pass ends it without listing it again."""
_MOST_MISSES = 600
"""Rounds for which a DAG that has left the list may not be found before it is given up: a database that is down answers 404."""


class _Task(msgspec.Struct):
    id: str = ""
    state: str = ""
    execute_times: int = 0


class _Node(msgspec.Struct):
    sub_tasks: list[_Task] | None = None


class _Dag(msgspec.Struct):
    id: str = ""
    name: str = ""
    state: str = ""
    operator: str = ""
    stage: int = 0
    max_stage: int = 0
    start_time: str = ""
    additional_data: dict[str, object] | None = None
    nodes: list[_Node] | None = None


class _One(msgspec.Struct):
    data: _Dag


class _Contents(msgspec.Struct):
    contents: list[_Dag] | None = None


class _List(msgspec.Struct):
    data: _Contents


_Known = tuple[str, str, int, str]


@dataclass(slots=True)
class _Followed:
    """One DAG: its last known state, whether it is over, and how often it was not found since it left the list.

    ``wait`` counts the rounds until it is requested again, ``pause`` those between two such requests.
    """

    known: _Known | None = None
    is_over: bool = False
    misses: int = 0
    wait: int = 0
    pause: int = 1
    logs_saved: set[tuple[str, int]] = field(default_factory=set)


class Follower:
    """Follows the DAGs of a cluster through one agent and saves every answer that tells something.

    ``tell`` gets one line whenever a DAG's state, operator or stage has changed.
    """

    def __init__(self, server: Server, recorder: Recorder, *, every_s: float, tell: Callable[[str], None]) -> None:
        self._server, self._recorder, self._tell = server, recorder, tell
        self._every_s = every_s
        self._pause_s = every_s
        self._dags: dict[str, _Followed] = {}
        self._was_down = False
        self._refusals = 0
        self.n_running = 0
        """DAGs that were READY or RUNNING in the last round."""
        for name, bodies in recorder.saved_before().items():
            newest = next((dag for dag in map(_detail, bodies) if dag is not None and dag.id == name), None)
            if newest is not None:
                self._dags[name] = _Followed(_known(newest), is_over=newest.state == "SUCCEED")

    @property
    def n_dags(self) -> int:
        """How many DAGs were seen."""
        return len(self._dags)

    @property
    def pause_s(self) -> float:
        """How long to wait before the next round: longer after every round in which the server was slow, refused, or did not answer."""
        return self._pause_s

    def save_versions(self) -> None:
        """Save the answers about the cluster's agents and their versions."""
        for path in VERSIONS:
            self._save_as("cluster", path)

    def save_history(self) -> None:
        """Save the lists of all DAGs that the cluster and this agent still have."""
        for path in HISTORY:
            self._save_as("history", path)

    def round(self) -> None:
        """Request the unfinished DAGs once, and then the details that are needed."""
        try:
            self._round()
        except UnreachableError as error:
            self._slow_down(str(error))

    def _round(self) -> None:
        reply = self._get(UNFINISHED)
        if reply.status != 200:
            self._slow_down(f"the agent answers {reply.status}")
            return
        listed = {dag.id: dag for dag in _contents(reply.body) if dag.id}
        self.n_running = sum(dag.state in {"READY", "RUNNING"} for dag in listed.values())
        if self._was_down:
            self._tell("the agent answers again")
        self._was_down, self._pause_s = False, self._every_s
        for gid, dag in listed.items():
            followed = self._dags.setdefault(gid, _Followed())
            followed.is_over = False
            if _known(dag) != followed.known or dag.state in {"READY", "RUNNING"}:
                self._ask_detail(gid, followed)
        self._ask_for_others(set(listed))

    def conclude(self) -> None:
        """Ask once more for every DAG that failed, before following ends."""
        for followed in self._dags.values():
            followed.wait = 0
        with contextlib.suppress(UnreachableError):
            self._ask_for_others(set())

    def _ask_for_others(self, listed: set[str]) -> None:
        """Ask for the DAGs that have left the list: at once, and, where they failed, less and less often."""
        for gid, followed in list(self._dags.items()):
            if gid in listed:
                followed.wait, followed.pause = 0, 1
            elif not followed.is_over and followed.wait <= 0:
                self._ask_detail(gid, followed, has_left=True)
                followed.wait, followed.pause = followed.pause, min(_LONGEST_RECHECK, followed.pause * 2)
            else:
                followed.wait -= 1

    def _ask_detail(self, gid: str, followed: _Followed, *, has_left: bool = False) -> None:
        reply = self._get(DETAIL.format(gid))
        dag = _detail(reply.body) if reply.status == 200 else None
        if dag is None:
            followed.misses += 1
            followed.is_over = has_left and followed.misses > _MOST_MISSES
            return
        followed.misses = 0
        if has_left and dag.state == "FAILED" and _known(dag) == followed.known:
            return  # it stands as it stood
        self._recorder.save(gid, reply.body)
        if _known(dag) != followed.known:
            self._tell(f"{gid}  {dag.name}  {dag.state} {dag.operator}  stage {dag.stage} of {dag.max_stage}")
        followed.known = _known(dag)
        followed.is_over = has_left and dag.state == "SUCCEED"
        for child in _children(dag):
            self._dags.setdefault(child, _Followed())
        if dag.state in ENDED:
            self._ask_logs(gid, followed, dag)

    def _ask_logs(self, gid: str, followed: _Followed, dag: _Dag) -> None:
        """Ask for the lines of what failed or was handed out again: there alone each line has its attempt and a time."""
        for task in (task for node in dag.nodes or () for task in node.sub_tasks or ()):
            key = (task.id, task.execute_times)
            if (task.execute_times > 1 or task.state == "FAILED") and key not in followed.logs_saved:
                reply = self._get(LOGS.format(task.id))
                if reply.status == 200:
                    self._recorder.save(gid, reply.body)
                    followed.logs_saved.add(key)

    def _save_as(self, name: str, path: str) -> None:
        try:
            reply = self._get(path)
        except UnreachableError as error:
            self._slow_down(str(error))
            return
        if reply.status == 200:
            self._recorder.save(name, reply.body)

    def _get(self, path: str) -> Reply:
        reply = self._server.get(path)
        self._refusals = self._refusals + 1 if reply.status in {401, 403} else 0
        if self._refusals >= _MOST_REFUSALS:
            raise DagAnalysisError(
                "the agent refuses the password",
                where=f"HTTP {reply.status}",
                hint="use the password of root@sys, or the agent's unix socket",
            )
        return reply

    def _slow_down(self, why: str) -> None:
        if not self._was_down:
            self._tell(f"{why}; retrying less often")
        self._was_down = True
        self._pause_s = min(_LONGEST_PAUSE_S, max(self._pause_s, 0.1) * 2)


def _known(dag: _Dag) -> _Known:
    return dag.state, dag.operator, dag.stage, dag.start_time


def _contents(body: bytes) -> list[_Dag]:
    try:
        return msgspec.json.decode(body, type=_List).data.contents or []
    except msgspec.DecodeError:
        return []


def _detail(body: bytes) -> _Dag | None:
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(body, type=_One).data
    return None


def _children(dag: _Dag) -> list[str]:
    """Return the child DAGs, and the main DAG, that a DAG's additional data names."""
    data = dag.additional_data or {}
    named = data.get("sub_dags")
    found = list(named.values()) if isinstance(named, dict) else []
    found.append(data.get("main_dag_id"))
    return [gid for gid in found if isinstance(gid, str) and gid.isdecimal()]
