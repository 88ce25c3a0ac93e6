"""The engine: one DAG from its creation on, what the scheduler does with it, and what operators do to it.

Times are whole microseconds after 1970 on the true clock; what rows hold is shifted by the clock of whoever wrote them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from enginemodel.scheduler import Scheduler

if TYPE_CHECKING:
    from enginemodel.row_history import Row


class DagRun(Scheduler):
    """One DAG from its creation on. ``run()`` lets the scheduler work until it has succeeded or failed, ``act()`` is a request."""

    def act(self, operator: str, t: int, *, by: str = "dba") -> None:
        """Do what an operator's request does at a true time: retry, rollback, cancel, pass (the DAG) or node_pass.

        ``by`` is "protocol" where another DAG asks.
        """
        self._log_request(t, operator, by)
        if self.ended is not None and operator != "cancel":
            self.waits.append((self.ended, t, by))
        if operator == "retry" and by == "protocol":
            self.retries -= 1
            self.protocol_retries += 1
        {"retry": self._retry, "rollback": self._roll_back, "cancel": self._cancel, "pass": self._pass_dag, "node_pass": self._pass_node}[
            operator
        ](t)

    def _wake(self, t: int, operator: str) -> None:
        self.dag.set(t, state="READY", operator=operator, start=None, end=None)
        self.ended = None
        while self.pass_at <= t:
            self.pass_at += self.sleep + self._random_time(0.008, 0.04)

    def _retry(self, t: int) -> None:
        self.retries += 1
        self.nodes[self.dag.now["stage"] - 1].set(t, state="PENDING", operator="RETRY", start=None, end=None)
        self._wake(t, "RUN")

    def _roll_back(self, t: int) -> None:
        self.rollbacks += 1
        for node in self.nodes[: self.dag.now["stage"]]:
            if node.now["state"] in {"FAILED", "SUCCEED"}:
                node.set(t, state="PENDING", operator="ROLLBACK", start=None, end=None)
        self._wake(t, "ROLLBACK")

    def _cancel(self, t: int) -> None:
        self.cancels += 1
        current = next((node for node in self.nodes if node.now["state"] not in {"FAILED", "SUCCEED"}), self.nodes[-1])
        current.set(t, state="PENDING", operator="CANCEL", start=None, end=None)
        self._wake(t, "CANCEL")

    def _pass_dag(self, t: int) -> None:
        self.passes += 1
        clock = self.maintainer.clock
        stage = self.dag.now["stage"]
        for node, tasks in zip(self.nodes[stage - 1 :], self.tasks[stage - 1 :], strict=True):
            if node.now["state"] == "SUCCEED":
                continue
            self._pass_tasks(tasks, t)
            node.set(t, state="SUCCEED", operator="PASS", end=clock(t))
        self.dag.set(t, state="SUCCEED", operator="PASS", end=clock(t))
        if self.version < (4, 3, 1):
            self.dag.set(t, start=None)
        self.ended = t

    def _pass_node(self, t: int) -> None:
        self.node_passes += 1
        stage = self.dag.now["stage"]
        self._pass_tasks(self.tasks[stage - 1], t)
        self.nodes[stage - 1].set(t, state="SUCCEED", operator="PASS", end=self.maintainer.clock(t))
        self._wake(t, "RUN")

    def _pass_tasks(self, tasks: list[Row], t: int) -> None:
        for row in tasks:
            row.forget_after(t)
            if row.now["state"] != "SUCCEED":
                row.set(t, state="SUCCEED", operator="PASS", end=self.maintainer.clock(t))
