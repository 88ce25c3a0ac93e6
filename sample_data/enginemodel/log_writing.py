"""What agents write into their logs about one DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginemodel.dag_state import DagState
from enginemodel.row_history import OPERATORS, STATES

if TYPE_CHECKING:
    from enginemodel.dag_parts import Agent, Attempt


class LogWriter(DagState):
    """The lines of the scheduler, of executors and of requests."""

    def _log(self, t: int, message: str) -> None:
        """Write a line of the scheduler."""
        self.entries.append((t, self.maintainer, "CS00000000000000" if self.is_cluster else "LS00000000000000", message))

    def _log_pass(self, t: int, now: int, stage: int, handed: list[tuple[int, str]]) -> None:
        """Write a pass over a node, with what it handed out: the places of sub-tasks, and as what."""
        node, ids = self.nodes[stage - 1].at(now), self.ids[stage - 1]
        name = self._row_id(self.node_ids[stage - 1])
        self._log(t, f"advance dag {self._row_id(self.gid)}")
        self._log(now - 2000, f"advance node {name}")
        self._log(now, f"advanceTask: node {name} operator {OPERATORS.index(node['operator']) + 1}")
        rows = [row.at(now - 1) for row in self.tasks[stage - 1]]
        if node["operator"] == "RUN":
            for gid, row in zip(ids, rows, strict=True):
                self._log(now, f"sub task {self._row_id(gid)} state {STATES.index(row['state']) + 1}")
        over = self.nodes[stage - 1].at(now)["state"] in {"FAILED", "SUCCEED"}
        failed = any(row.at(now)["state"] == "FAILED" for row in self.tasks[stage - 1])  # also what this pass gave up
        flags = f"isFinished {str(over).lower()}, isSucceed {str(not failed).lower()}"
        self._log(now, f"ready Task num {len(handed)}, {flags}")
        for index, operator in handed:
            gid = self._row_id(ids[index])
            self._log(now + 1000, f"ready sub task {gid} operator {OPERATORS.index(operator) + 1}")
            agent = self.tasks[stage - 1][index].at(now + 4000)["agent"]
            if self.is_cluster and agent.address != self.maintainer.address:
                self._log(now + 1000, f"send run sub task {gid} to {agent.address}")

    def _log_execution(self, executor: Agent, name: str, attempt: Attempt, handed: int, lines: tuple[str, ...]) -> None:
        local = self.local_id(attempt.task_gid)
        start, end = attempt.start or handed, attempt.end or handed
        told = [
            (handed + 2000, f"add task {local} to ExecutorPool"),
            (start - 5000, f"remove task {local} from ExecutorPool"),
            (start - 5000, f"try to start task {local}"),
            (start, f"start to task {local} execute"),
            (start, f"execute task {local}, {'rollback' if attempt.kind == 'rollback' else 'execute'}"),
            *((end - 500, f"task {local} {name} execute log: {line}") for line in lines),
            (end, f"finishing local task {local}"),
        ]
        if self.is_cluster:
            remote = self._row_id(attempt.task_gid)
            told += [(end, f"finishing remote task {remote}"), (end, f"the remote task {remote} has been successfully finished")]
        told.append((end, f"finish task {local} end"))
        self.entries += [(t, executor, "F000000000000000", message) for t, message in told]

    def _take_back(self, attempt: Attempt, now: int) -> None:
        """The executor goes on with what the scheduler ended, but can no longer write its row."""
        remote = self._row_id(attempt.task_gid)
        written = f"the remote task {remote} has been successfully finished"
        self.entries = [
            (t, agent, trace, f"finish remote task {remote}. Wait Sync" if t > now and message == written else message)
            for t, agent, trace, message in self.entries
        ]

    def _log_request(self, t: int, operator: str, by: str) -> None:
        """Write a request of a person (on the agent's own host) or of another DAG, and its answer."""
        self.requests.append((t, operator, by))
        node = operator == "node_pass"
        target = f"node/{self.node_ids[self.dag.at(t)['stage'] - 1]}" if node else f"dag/{self.gid}"
        trace = f"{t % 16**16:016x}"
        client = "" if by == "dba" else self.maintainer.ip
        head = f"POST /api/v1/task/{target}, client={client}, traceId={trace}"
        word = "PASS" if node else operator.upper()
        self.entries.append((t - 3000, self.maintainer, trace, f'API request: [{head}, body={{"operator":"{word}"}}]'))
        self.entries.append((t + 3000, self.maintainer, trace, f"API response OK: [{head}, duration=6, status=200, data=<nil>]"))
