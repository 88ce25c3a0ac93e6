"""The scheduler: its passes over one DAG, which hand sub-tasks out, notice their ends and move on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from enginemodel.dag_parts import SECOND, Attempt
from enginemodel.log_writing import LogWriter

if TYPE_CHECKING:
    from enginemodel.dag_parts import Agent, Failure, Task
    from enginemodel.row_history import Row


class Scheduler(LogWriter):
    """What the scheduler does, and what executors do with what it hands out."""

    def run(self, until: int | None = None) -> int:
        """Let the scheduler pass over the DAG until it is finished (or until a time); return when that was."""
        while self.dag.now["state"] in {"READY", "RUNNING"}:
            if until is not None and self.pass_at > until:
                return until
            if self.luck.random() < self.trouble.moves and self.successors:
                # The lease has to run out before another agent may take over.
                self.pass_at += round(self.luck.uniform(5, 9) * SECOND)
                self.maintainer = self.luck.choice(self.successors)
            if not self.luck.random() < self.trouble.lost_passes:
                self._pass(self.pass_at)
            self.pass_at += self.sleep + self._random_time(0.008, 0.04)
        return self.ended if self.ended is not None else self.pass_at

    def _pass(self, t: int) -> None:
        clock = self.maintainer.clock
        dag = self.dag.now
        woken = dag["state"] == "READY"
        if woken:
            self.dag.set(t, state="RUNNING", start=clock(t))
            self.begun = t if self.begun is None else self.begun
        stage = dag["stage"]
        node = self.nodes[stage - 1]
        now = t + self._random_time(0.008, 0.016)
        if node.now["state"] in {"FAILED", "SUCCEED"}:
            # Passed, or rolled back before: stepped over, one in each pass, and not in the pass that woke the DAG.
            self._log(t, f"advance dag {self._row_id(self.gid)}")
            self._log(t, f"advance node {self._row_id(self.node_ids[stage - 1])}")
            self._log(t, f"node {self._row_id(self.node_ids[stage - 1])} is finished")
            if not woken:
                self._advance(t, stage, failed=node.now["state"] == "FAILED")
            return
        if node.now["state"] == "PENDING":
            node.set(now, state="RUNNING", start=clock(now), end=clock(now))
        if node.now["operator"] == "CANCEL":
            self._cancel_tasks(stage, now)
            return
        self._give_up(stage, now)
        handed = self._hand_out(stage, now)
        self._judge(now, stage, woken=woken)
        self._log_pass(t, now, stage, handed)

    def _judge(self, now: int, stage: int, *, woken: bool) -> None:
        """End the node if all its sub-tasks have ended, and go on."""
        node, clock = self.nodes[stage - 1], self.maintainer.clock
        rows = [row.at(now) for row in self.tasks[stage - 1]]
        rollback = node.now["operator"] == "ROLLBACK"
        if any(row["state"] in {"READY", "RUNNING"} or (row["state"] == "PENDING" and not rollback) for row in rows):
            return
        if any(self._due(row.at(now), node.now, rollback=rollback) for row in self.tasks[stage - 1]):
            return
        failed = any(row["state"] == "FAILED" for row in rows)
        node.set(now, state="FAILED" if failed else "SUCCEED", end=clock(now))
        if not woken:
            # Else the guard of the update still knows the start of before, and the next pass goes on.
            self._advance(now, stage, failed=failed)

    def _advance(self, t: int, stage: int, *, failed: bool) -> None:
        """The stage is over: go on, or finish the DAG."""
        rollback = self.dag.now["operator"] == "ROLLBACK"
        following = stage - 1 if rollback else stage + 1
        end = t + self._random_time(0.001, 0.004)
        if failed or not 1 <= following <= len(self.stages):
            self.dag.set(end, state="FAILED" if failed else "SUCCEED", end=self.maintainer.clock(end))
            self.ended = end
        else:
            self.dag.set(end, stage=following)

    def _due(self, row: dict[str, Any], node: dict[str, Any], *, rollback: bool) -> str | None:
        """What a sub-task is to be handed out for now: RUN, ROLLBACK or nothing."""
        if row["state"] == "PENDING":
            return None if rollback else "RUN"
        if node["operator"] == "RUN":
            return None
        fresh = row["start"] > node["start"]
        if rollback:
            done = row["operator"] == "ROLLBACK" and fresh
            return None if done or row["times"] == 0 or row["state"] in {"READY", "RUNNING"} else "ROLLBACK"
        if row["state"] == "FAILED" and not fresh:
            return "ROLLBACK"
        if row["state"] == "SUCCEED" and row["operator"] == "ROLLBACK" and fresh:
            return "RUN"
        return None

    def _hand_out(self, stage: int, now: int) -> list[tuple[int, str]]:
        node = self.nodes[stage - 1].now
        rollback = node["operator"] == "ROLLBACK"
        handed = []
        for index, row in enumerate(self.tasks[stage - 1]):
            operator = self._due(row.at(now), node, rollback=rollback)
            if operator is not None:
                handed.append((index, operator))
                self._execute(stage, index, now + self._random_time(0.001, 0.003), operator)
        return handed

    def _give_up(self, stage: int, now: int) -> None:
        """Fail the sub-tasks that have been running for too long."""
        for task, row, gid in zip(self.stages[stage - 1].tasks, self.tasks[stage - 1], self.ids[stage - 1], strict=True):
            started = self.truth[gid][-1].start if self.truth[gid] else None
            if row.at(now)["state"] == "RUNNING" and started is not None and now - started > task.timeout * SECOND:
                self._break_off(row, self.truth[gid][-1], now, "sub task timeout", "timeout")

    def _break_off(self, row: Row, attempt: Attempt, now: int, line: str, outcome: str) -> None:
        """End an attempt by the scheduler's decision; the work itself may go on for a while and write lines."""
        ready = row.at(now)["state"] == "READY"
        row.forget_after(now)
        row.set(now, logs=(*row.now["logs"], line), marks=(*row.now["marks"], (attempt.number, now)))
        shown = self.maintainer.clock(now)
        row.set(now, state="FAILED", end=shown)
        attempt.outcome, attempt.end, attempt.recorded_end = outcome, now, shown
        self._take_back(attempt, now)
        if ready:
            attempt.start = attempt.recorded_start = None
        elif self.luck.random() < self.trouble.late_lines:
            later = now + 700_000
            late = ("ERROR: [Common.Unexpected]: Unexpected error: context canceled",)
            row.set(later, logs=row.now["logs"] + late, marks=(*row.now["marks"], (attempt.number, later)))

    def _worker_free(self, agent: Agent, start: int) -> int:
        """When one of the agent's eight workers is free."""
        ends = sorted(end for end in self.busy.get(agent.address, ()) if end > start)
        return start if len(ends) < 8 else ends[-8] + 2000

    def _end_of_work(self, task: Task, start: int, failure: Failure | None, operator: str) -> int:
        length = task.duration(start) if callable(task.duration) else task.duration
        if operator == "ROLLBACK":
            length = 0.05
        timed_out = failure is not None and failure.outcome == "timeout"
        if timed_out:
            length = task.timeout
        noise = self.random.uniform(0.97, 1.03) if not callable(task.duration) else 1.0
        end = start + max(1000, round(length * (1.0 if timed_out else noise * task.agent.slowness) * SECOND))
        if self.luck.random() < self.trouble.restarts:
            end += round(self.luck.uniform(2, 8) * SECOND)
        return end

    def _execute(self, stage: int, index: int, now: int, operator: str) -> None:
        """Hand a sub-task out, and write at once what its executor will write later."""
        task, row = self.stages[stage - 1].tasks[index], self.tasks[stage - 1][index]
        number = row.now["times"] + 1
        moved = self.maintainer is not self.server and len(self.tasks[stage - 1]) == 1
        agent = self.maintainer if moved else task.agent
        executor = agent if self.is_cluster else self.maintainer
        start = self._worker_free(executor, now + self._random_time(0.012, 0.03))
        failure = task.failures.get(number)
        end = self._end_of_work(task, start, failure, operator)
        self.busy.setdefault(executor.address, []).append(end)
        attempt = Attempt(self.ids[stage - 1][index], number, "rollback" if operator == "ROLLBACK" else "run", start=start, end=end)
        attempt.recorded_start, attempt.recorded_end = executor.clock(start), executor.clock(end)
        attempt.outcome = failure.outcome if failure else "succeeded"
        self.truth[attempt.task_gid].append(attempt)
        # Late lines of an attempt before this one are dropped.
        row.forget_after(now)
        row.set(now, state="READY", operator=operator, times=number, agent=agent)
        row.set(start, state="RUNNING", start=attempt.recorded_start)
        lines = ("Rolling back...",) if operator == "ROLLBACK" else task.lines
        if failure is not None and failure.line:
            lines = (*lines, failure.line)
        if lines:
            row.set(end, logs=row.now["logs"] + lines, marks=row.now["marks"] + tuple((number, end) for _ in lines))
        row.set(end, state="FAILED" if failure else "SUCCEED", end=attempt.recorded_end)
        self._log_execution(executor, self.stages[stage - 1].name, attempt, now, lines)

    def _cancel_tasks(self, stage: int, now: int) -> None:
        clock = self.maintainer.clock
        at = now
        name = self._row_id(self.node_ids[stage - 1])
        self._log(now - 3000, f"advance dag {self._row_id(self.gid)}")
        self._log(now - 2000, f"advance node {name}")
        self._log(now, f"advanceTask: node {name} operator 4")
        for row, gid in zip(self.tasks[stage - 1], self.ids[stage - 1], strict=True):
            if row.at(at)["state"] in {"READY", "RUNNING"}:
                waited = row.at(at)["state"] == "READY"
                self._break_off(row, self.truth[gid][-1], at, "sub task cancelled", "cancelled_before_start" if waited else "cancelled")
                self._log(at, f"handle cancel sub task {self._row_id(gid)}, is local task: {str(not self.is_cluster).lower()}")
                if self.luck.random() < self.trouble.unreachable:
                    at += SECOND + 20_000
        node = self.nodes[stage - 1]
        node.set(at + 3000, state="FAILED", end=clock(at + 3000))
        self._log(at + 3000, "ready Task num 0, isFinished true, isSucceed false")
        # The guard of the update still knows the start of before: the DAG is closed one pass later.
        closed = at + self.sleep + self._random_time(0.01, 0.03) if at == now else at + 6000
        self.dag.set(closed, state="FAILED", end=clock(closed))
        self.ended = closed
        self.pass_at = closed
        self._log(closed - 3000, f"advance dag {self._row_id(self.gid)}")
        self._log(closed - 2000, f"advance node {name}")
        self._log(closed - 1000, f"node {name} is finished")
