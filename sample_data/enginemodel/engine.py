"""The engine: passes of the scheduler over one DAG, its nodes and sub-tasks, and what operators do to it.

Times are whole microseconds after 1970 on the true clock; what rows hold is shifted by the clock of whoever wrote them.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECOND = 1_000_000
_STATES = ("PENDING", "READY", "RUNNING", "FAILED", "SUCCEED")
_OPERATORS = ("RUN", "RETRY", "ROLLBACK", "CANCEL", "PASS")


@dataclass(frozen=True)
class Agent:
    """One obshell agent: its address, how far its clock is ahead (seconds), how much slower than others it works.

    ``steps`` are corrections of its clock: from a true time on, that many seconds more.
    """

    ip: str
    port: int = 2886
    skew: float = 0.0
    slowness: float = 1.0
    steps: tuple[tuple[int, float], ...] = ()

    @property
    def address(self) -> str:
        """`ip:port`, as obshell writes it."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    def clock(self, t: int) -> int:
        """What its clock shows at a true time."""
        return t + round((self.skew + sum(seconds for since, seconds in self.steps if t >= since)) * SECOND)


@dataclass(frozen=True)
class Trouble:
    """What befalls an engine that is nobody's failure: shares of passes, of cancels, of attempts.

    ``lost_passes`` end in a database error, in ``moves`` another agent takes the scheduler over, ``unreachable`` executors cost a cancel
    a pass each, ``restarts`` delay an attempt by an agent's restart, ``late_lines`` are written after the end that the scheduler decided.
    """

    lost_passes: float = 0.0
    moves: float = 0.0
    unreachable: float = 0.0
    restarts: float = 0.0
    late_lines: float = 0.0


@dataclass(frozen=True)
class Failure:
    """How an attempt fails: with a line of its own, or on purpose, to wait for a main DAG."""

    line: str = "ERROR: [Common.Unexpected]: Unexpected error: exit status 1"

    @property
    def outcome(self) -> str:
        """What the attempt comes to."""
        if self.line == "wait operator to advance":
            return "waiting"
        if "unexpectedly interrupted" in self.line:
            return "interrupted"
        return "timeout" if self.line.endswith("timeout") else "failed"


@dataclass
class Task:
    """One sub-task: who executes it and for how long (seconds, or a function of the true time at which it starts).

    ``failures`` says which attempts fail, by their number; ``lines`` are logged by each run. An attempt longer than ``timeout`` seconds is
    given up by the scheduler.
    """

    agent: Agent
    duration: float | Callable[[int], float] = 0.05
    failures: dict[int, Failure] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    timeout: float = 3600.0


@dataclass
class Stage:
    """One node: its name and its sub-tasks."""

    name: str
    tasks: list[Task]


@dataclass
class Attempt:
    """The truth of one hand-out; times as its row held them, and in true time."""

    task_gid: str
    number: int
    kind: str
    outcome: str = "running"
    recorded_start: int | None = None
    recorded_end: int | None = None
    start: int | None = None
    end: int | None = None


class Row:
    """One row of the engine's tables with every state it ever had."""

    def __init__(self, t: int, **values: Any) -> None:
        self._times = [t]
        self._states: list[dict[str, Any]] = [values]

    def set(self, t: int, **changes: Any) -> None:
        """Overwrite some columns at a time not before the last change."""
        assert t >= self._times[-1], (t, self._times[-1])
        self._times.append(t)
        self._states.append({**self._states[-1], **changes})

    def forget_after(self, t: int) -> None:
        """Take back what was to be written after a time (a cancel forestalls it)."""
        keep = bisect_right(self._times, t)
        del self._times[keep:], self._states[keep:]

    def at(self, t: int) -> dict[str, Any]:
        """The row as it was at a time."""
        return self._states[max(bisect_right(self._times, t) - 1, 0)]

    @property
    def created(self) -> int:
        """When it was inserted."""
        return self._times[0]

    def changed_at(self, t: int) -> int:
        """When it was last written, up to a time."""
        return self._times[max(bisect_right(self._times, t) - 1, 0)]

    @property
    def now(self) -> dict[str, Any]:
        """The row as it was left."""
        return self._states[-1]


class DagRun:
    """One DAG from its creation on.

    ``run()`` lets the scheduler work until the DAG has succeeded or failed, ``act()`` does what an operator does. ``gid`` decides
    whether it is a cluster DAG (its rows then hold microseconds of several clocks) or a local one (nanoseconds of one). The scheduler
    sleeps ``sleep`` seconds between two passes.
    """

    def __init__(
        self,
        name: str,
        stages: list[Stage],
        gid: str,
        created: int,
        maintainer: Agent,
        *,
        seed: int = 0,
        first_row_id: int = 1,
        data: dict[str, Any] | None = None,
        maintenance: int = 2,
        maintenance_key: str = "",
        version: tuple[int, int, int] = (4, 5, 0),
        trouble: Trouble | None = None,
        successors: Sequence[Agent] = (),
        sleep: float = 1.0,
    ) -> None:
        self.sleep = round(sleep * SECOND)
        self.name, self.stages, self.gid, self.created, self.maintainer = name, stages, gid, created, maintainer
        self.random = random.Random(f"{seed}:{gid}:{created}")
        self.luck = random.Random(f"luck:{seed}:{gid}:{created}")
        self.version, self.trouble, self.successors = version, trouble or Trouble(), list(successors)
        self.server = maintainer
        self.data = {} if data is None else data
        self.maintenance, self.maintenance_key = maintenance, maintenance_key
        self.is_cluster = gid.startswith("1")
        shown = maintainer.clock(created)
        self.dag = Row(created, state="READY", operator="RUN", stage=1, start=shown, end=shown)
        self.nodes: list[Row] = []
        self.tasks: list[list[Row]] = []
        self.ids: list[list[str]] = []
        self.node_ids: list[str] = []
        self.first_row_id = first_row_id
        self.truth: dict[str, list[Attempt]] = {}
        self.waits: list[tuple[int, int, str]] = []
        self.busy: dict[str, list[int]] = {}
        self.entries: list[tuple[int, Agent, str, str]] = []
        """What obshell.log would hold of it: the true time, the agent that writes, the trace, the message."""
        self.requests: list[tuple[int, str, str]] = []
        """Every request: its true time, what was asked for, and by whom."""
        self.protocol_retries = 0
        self.retries = self.rollbacks = self.cancels = self.passes = self.node_passes = 0
        self.begun: int | None = None
        self.ended: int | None = None
        row_id = first_row_id
        for stage in stages:
            self.nodes.append(Row(created, state="PENDING", operator="RUN", start=shown, end=shown))
            self.node_ids.append(self._id(first_row_id + len(self.nodes) - 1))
            rows, ids = [], []
            for task in stage.tasks:
                rows.append(
                    Row(created, state="PENDING", operator="RUN", start=shown, end=shown, times=0, agent=task.agent, logs=(), marks=())
                )
                ids.append(self._id(row_id))
                self.truth[ids[-1]] = []
                row_id += 1
            self.tasks.append(rows)
            self.ids.append(ids)
        self.pass_at = created + self._between(0.02, 1.0)

    def _id(self, row_id: int) -> str:
        width = {"1": 1, "2": 16, "3": 45, "4": 16, "5": 45}[self.gid[0]]
        return f"{self.gid[:width]}{row_id}"

    def _between(self, low: float, high: float) -> int:
        return round(self.random.uniform(low, high) * SECOND)

    # -- what it writes into the logs of agents -----------------------------------------------------------------------------------------

    def _row(self, gid: str) -> str:
        return gid[{"1": 1, "2": 16, "3": 45, "4": 16, "5": 45}[gid[0]] :]

    def _say(self, t: int, message: str) -> None:
        """Write a line of the scheduler."""
        self.entries.append((t, self.maintainer, "CS00000000000000" if self.is_cluster else "LS00000000000000", message))

    def local_id(self, gid: str) -> int:
        """The row id that a sub-task has in the database of an agent that executes it."""
        return 500_000 + int(self._row(gid)) if self.is_cluster else int(self._row(gid))

    def _say_pass(self, t: int, now: int, stage: int, handed: list[tuple[int, str]]) -> None:
        """Write a pass over a node, with what it handed out: the places of sub-tasks, and as what."""
        node, ids = self.nodes[stage - 1].at(now), self.ids[stage - 1]
        name = self._row(self.node_ids[stage - 1])
        self._say(t, f"advance dag {self._row(self.gid)}")
        self._say(now - 2000, f"advance node {name}")
        self._say(now, f"advanceTask: node {name} operator {_OPERATORS.index(node['operator']) + 1}")
        rows = [row.at(now - 1) for row in self.tasks[stage - 1]]
        if node["operator"] == "RUN":
            for gid, row in zip(ids, rows, strict=True):
                self._say(now, f"sub task {self._row(gid)} state {_STATES.index(row['state']) + 1}")
        over = self.nodes[stage - 1].at(now)["state"] in {"FAILED", "SUCCEED"}
        failed = any(row["state"] == "FAILED" for row in rows)
        flags = f"isFinished {str(over).lower()}, isSucceed {str(not failed).lower()}"
        self._say(now, f"ready Task num {len(handed)}, {flags}")
        for index, operator in handed:
            gid = self._row(ids[index])
            self._say(now + 1000, f"ready sub task {gid} operator {_OPERATORS.index(operator) + 1}")
            agent = self.tasks[stage - 1][index].at(now + 4000)["agent"]
            if self.is_cluster and agent.address != self.maintainer.address:
                self._say(now + 1000, f"send run sub task {gid} to {agent.address}")

    def _say_execution(self, executor: Agent, name: str, attempt: Attempt, handed: int, lines: tuple[str, ...]) -> None:
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
            remote = self._row(attempt.task_gid)
            told += [(end, f"finishing remote task {remote}"), (end, f"the remote task {remote} has been successfully finished")]
        told.append((end, f"finish task {local} end"))
        self.entries += [(t, executor, "F000000000000000", message) for t, message in told]

    def _take_back(self, attempt: Attempt, now: int) -> None:
        """The executor goes on with what the scheduler ended, but can no longer write its row."""
        remote = self._row(attempt.task_gid)
        written = f"the remote task {remote} has been successfully finished"
        self.entries = [
            (t, agent, trace, f"finish remote task {remote}. Wait Sync" if t > now and message == written else message)
            for t, agent, trace, message in self.entries
        ]

    def _say_request(self, t: int, operator: str, by: str) -> None:
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

    # -- the scheduler ----------------------------------------------------------------------------------------------------------------

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
            self.pass_at += self.sleep + self._between(0.008, 0.04)
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
        now = t + self._between(0.008, 0.016)
        if node.now["state"] in {"FAILED", "SUCCEED"}:
            # Passed, or rolled back before: stepped over, one in each pass, and not in the pass that woke the DAG.
            self._say(t, f"advance dag {self._row(self.gid)}")
            self._say(t, f"advance node {self._row(self.node_ids[stage - 1])}")
            self._say(t, f"node {self._row(self.node_ids[stage - 1])} is finished")
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
        self._say_pass(t, now, stage, handed)

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
        end = t + self._between(0.001, 0.004)
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
                self._execute(stage, index, now + self._between(0.001, 0.003), operator)
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

    def _execute(self, stage: int, index: int, now: int, operator: str) -> None:
        """Hand a sub-task out; its executor's writes lie in the future of the pass."""
        task, row = self.stages[stage - 1].tasks[index], self.tasks[stage - 1][index]
        number = row.now["times"] + 1
        moved = self.maintainer is not self.server and len(self.tasks[stage - 1]) == 1
        agent = self.maintainer if moved else task.agent
        executor = agent if self.is_cluster else self.maintainer
        clock = executor.clock
        start = self._worker_free(executor, now + self._between(0.012, 0.03))
        length = task.duration(start) if callable(task.duration) else task.duration
        if operator == "ROLLBACK":
            length = 0.05
        failure = task.failures.get(number)
        timed_out = failure is not None and failure.outcome == "timeout"
        if timed_out:
            length = task.timeout
        noise = self.random.uniform(0.97, 1.03) if not callable(task.duration) else 1.0
        end = start + max(1000, round(length * (1.0 if timed_out else noise * task.agent.slowness) * SECOND))
        if self.luck.random() < self.trouble.restarts:
            end += round(self.luck.uniform(2, 8) * SECOND)
        self.busy.setdefault(executor.address, []).append(end)
        attempt = Attempt(self.ids[stage - 1][index], number, "rollback" if operator == "ROLLBACK" else "run", start=start, end=end)
        attempt.recorded_start, attempt.recorded_end = clock(start), clock(end)
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
        self._say_execution(executor, self.stages[stage - 1].name, attempt, now, lines)

    # -- operators --------------------------------------------------------------------------------------------------------------------

    def act(self, operator: str, t: int, *, by: str = "dba") -> None:
        """Do what an operator's request does at a true time: retry, rollback, cancel, pass (the DAG) or node_pass.

        ``by`` is "protocol" where another DAG asks.
        """
        self._say_request(t, operator, by)
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
            self.pass_at += self.sleep + self._between(0.008, 0.04)

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

    def _cancel_tasks(self, stage: int, now: int) -> None:
        clock = self.maintainer.clock
        at = now
        name = self._row(self.node_ids[stage - 1])
        self._say(now - 3000, f"advance dag {self._row(self.gid)}")
        self._say(now - 2000, f"advance node {name}")
        self._say(now, f"advanceTask: node {name} operator 4")
        for row, gid in zip(self.tasks[stage - 1], self.ids[stage - 1], strict=True):
            if row.at(at)["state"] in {"READY", "RUNNING"}:
                waited = row.at(at)["state"] == "READY"
                self._break_off(row, self.truth[gid][-1], at, "sub task cancelled", "cancelled_before_start" if waited else "cancelled")
                self._say(at, f"handle cancel sub task {self._row(gid)}, is local task: {str(not self.is_cluster).lower()}")
                if self.luck.random() < self.trouble.unreachable:
                    at += SECOND + 20_000
        node = self.nodes[stage - 1]
        node.set(at + 3000, state="FAILED", end=clock(at + 3000))
        self._say(at + 3000, "ready Task num 0, isFinished true, isSucceed false")
        # The guard of the update still knows the start of before: the DAG is closed one pass later.
        closed = at + self.sleep + self._between(0.01, 0.03) if at == now else at + 6000
        self.dag.set(closed, state="FAILED", end=clock(closed))
        self.ended = closed
        self.pass_at = closed
        self._say(closed - 3000, f"advance dag {self._row(self.gid)}")
        self._say(closed - 2000, f"advance node {name}")
        self._say(closed - 1000, f"node {name} is finished")

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

    # -- the truth --------------------------------------------------------------------------------------------------------------------

    @property
    def outcome(self) -> str:
        """What the run came to."""
        dag = self.dag.now
        if dag["state"] == "SUCCEED":
            named = {"PASS": "passed", "ROLLBACK": "rolled_back", "CANCEL": "cancelled"}
            if dag["operator"] in named:
                return named[dag["operator"]]
            return "succeeded_with_node_pass" if self.node_passes else "succeeded_after_retry" if self.retries else "succeeded"
        if dag["state"] == "FAILED":
            return {"ROLLBACK": "rollback_failed", "CANCEL": "cancelled"}.get(dag["operator"], "failed")
        return "running"

    @property
    def elapsed(self) -> float:
        """First start to last end, seconds."""
        assert self.begun is not None
        assert self.ended is not None
        return (self.ended - self.begun) / SECOND

    @property
    def executed(self) -> float:
        """Time in which at least one attempt was running, seconds."""
        total = reached = 0
        for start, end in sorted((a.start, a.end or a.start) for attempts in self.truth.values() for a in attempts if a.start is not None):
            total += max(0, end - max(start, reached))
            reached = max(reached, end)
        return total / SECOND

    @property
    def waited(self) -> float:
        """Time in which the DAG stood still until somebody acted, seconds."""
        return sum(end - start for start, end, _ in self.waits) / SECOND
