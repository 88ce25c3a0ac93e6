"""Scenarios: DAGs that depend on each other, and random ones."""

from __future__ import annotations

import random
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from enginemodel.dag_parts import SECOND, Agent, Failure, Stage, Task
from enginemodel.engine import DagRun

if TYPE_CHECKING:
    from collections.abc import Callable

_WAIT = Failure("wait operator to advance")
_ERRORS = (
    "ERROR: [Common.Unexpected]: Unexpected error: exit status 1",
    "ERROR: [OB.Server.Process.NotExist]: Observer process not exist",
    "ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)",
    "sub task timeout",
)


def local_dag_id(agent: Agent, row_id: int) -> str:
    """The generic id of a local DAG of an agent (prefix 2: address, port, row id)."""
    return f"2{int(IPv4Address(agent.ip)):010d}{agent.port:05d}{row_id}"


def random_run(seed: int, *, actions: bool = True, later: int = 0, skew: float = 0.008) -> DagRun:
    """A finished run of a random shape with random failures, and operators who act on them at random.

    Its sub-tasks may run for 12 seconds. ``skew`` is by how many seconds the clocks of agents may be off. ``later`` seconds later the same
    DAG is created again, as after its cluster was re-created.
    """
    rng = random.Random(f"random:{seed}")
    agents = [Agent(f"192.0.2.{10 + n}", skew=rng.uniform(-skew, skew) if n else 0.0) for n in range(rng.randrange(1, 5))]
    stages = []
    for number in range(rng.randrange(1, 7)):
        who = agents if rng.random() < 0.4 else agents[:1]
        tasks = [Task(agent, rng.choice([0.02, 0.3, 2.4, 7.9]), lines=("working",) * rng.randrange(3), timeout=12.0) for agent in who]
        if actions and rng.random() < 0.35:
            victim = rng.choice(tasks)
            for attempt in range(1, rng.randrange(2, 5)):
                if rng.random() < 0.8:
                    victim.failures[attempt] = Failure(rng.choice(_ERRORS))
        stages.append(Stage(f"Stage {chr(65 + number)}", tasks))
    created = (1_735_700_000 + seed * 900 + later) * SECOND + rng.randrange(SECOND)
    cluster = rng.random() < 0.5
    gid = f"1{rng.randrange(1, 900)}" if cluster else local_dag_id(agents[0], rng.randrange(1, 9))
    run = DagRun("Random work", stages, gid, created, agents[0], seed=seed, first_row_id=rng.randrange(1, 500) if cluster else 7)
    if actions and rng.random() < 0.1:
        run.run(until=created + rng.randrange(2, 8) * SECOND)
        if run.dag.now["state"] == "RUNNING":
            run.act("cancel", run.pass_at - 400_000)
    for _ in range(12):
        run.run()
        if run.dag.now["state"] != "FAILED" or not actions or run.ended is None:
            break
        choices = ["retry", "retry", "retry", "rollback", "pass"] + (["node_pass"] if run.dag.now["operator"] == "RUN" else [])
        run.act(rng.choice(choices), run.ended + rng.randrange(3, 90) * SECOND + rng.randrange(SECOND))
    else:
        run.run()
    return run


class _Observers:
    """The sub-DAGs in which the agents start (or stop) their observers, and what the main DAG's sub-tasks do to them."""

    def __init__(self, agents: list[Agent], main_gid: str, *, broken: int | None, seed: int, stop: bool) -> None:
        self.agents, self.main_gid, self.broken, self.seed, self.stop = agents, main_gid, broken, seed, stop
        self.dags: list[DagRun] = []

    def _stages(self, index: int) -> list[Stage]:
        agent, broken = self.agents[index], index == self.broken
        start = [
            Stage("Check ob process and config", [Task(agent, 0.02, lines=("check if first start",))]),
            Stage("Start observer", [_work(agent, 6.0 + 1.5 * index, broken)]),
            Stage("Execute start observer sql", [Task(agent, 0.4, lines=("exec start server sql",))]),
        ]
        return [
            Stage("Start preparations", [Task(agent, 0.03, {1: _WAIT}, ("wait for notification to start task",))]),
            *([Stage("Stop observer", [_work(agent, 2.5, broken)])] if self.stop else start),
            Stage("Wait for task to end", [Task(agent, 0.002, {1: _WAIT})]),
        ]

    def create(self, index: int, t: int) -> float:
        """Create the sub-DAG of one agent and let it run until it waits; return how long the asking sub-task takes."""
        agent, seed = self.agents[index], self.seed
        gid = local_dag_id(agent, 20 + seed % 70 + (50 if agent is self.agents[0] else 0))
        name = "Stop observer" if self.stop else "Start observer"
        dag = DagRun(name, self._stages(index), gid, t + 8000, agent, seed=seed, first_row_id=30, data={"main_dag_id": self.main_gid})
        self.dags.append(dag)
        dag.run()
        return 0.03

    def advance(self, t: int) -> float:
        """Retry every sub-DAG, which was waiting for it."""
        for dag in self.dags:
            dag.act("retry", max(t + 5000, (dag.ended or 0) + 1000), by="protocol")
            dag.run()
        return 0.04

    def wait_for(self, index: int, t: int) -> float:
        """Return how long a sub-task watches one sub-DAG."""
        return max(0.02, ((self.dags[index].ended or t) - t) / SECOND + 0.6)

    def finish(self, t: int) -> float:
        """Pass every sub-DAG, which ends it."""
        for dag in self.dags:
            dag.act("pass", max(t + 5000, (dag.ended or 0) + 1000), by="protocol")
        return 0.05


def start_cluster(
    agents: list[Agent], created: int, *, broken: int | None = None, seed: int = 0, stop: bool = False
) -> tuple[DagRun, list[DagRun]]:
    """Start (or stop) a cluster: the main DAG and a sub-DAG per agent, which wait for it on purpose; the sub-DAG ``broken`` truly fails."""
    main_agent, addresses = agents[0], [agent.address for agent in agents]
    main_gid = local_dag_id(main_agent, 10 + seed % 80)
    observers = _Observers(agents, main_gid, broken=broken, seed=seed, stop=stop)

    def each(duration: Callable[[int, int], float], line: str) -> list[Task]:
        return [Task(agent, partial(duration, index), lines=(line.format(agent.address),)) for index, agent in enumerate(agents)]

    def one(duration: float | Callable[[int], float], line: str) -> list[Task]:
        return [Task(main_agent, duration, lines=tuple(line.format(address) for address in addresses))]

    closing = one(observers.finish, "{} end the task")
    if broken is not None:
        line = f"ERROR: [Task.SubDag.NotAllSucceed]: Sub DAG of agents: [{addresses[broken]}] failed, main DAG failed"
        closing[0].failures[1] = Failure(line)
    stages = [
        Stage(
            f"Inform all agents to {'prepare to stop' if stop else 'start'} observer",
            each(observers.create, "Inform {} to create the task"),
        ),
        Stage("Make sure all agents are ready", one(1.2, "{} is ready")),
        Stage("Advance agents to execute the task", one(observers.advance, "advance {} to execute the task")),
        Stage("Wait for all agents to execute tasks successfully", each(observers.wait_for, "Wait for task to succeed")),
        Stage("Inform all agents to end the task", closing),
    ]
    main = DagRun("Stop OB" if stop else "Start OB", stages, main_gid, created, main_agent, seed=seed, first_row_id=60, maintenance=1)
    main.run()
    main.data["sub_dags"] = {dag.maintainer.address: dag.gid for dag in observers.dags}
    return main, observers.dags


def _work(agent: Agent, seconds: float, broken: bool) -> Task:
    lines = ("start observer", "generate start cmd", "observer health check, retry [1/300]")
    failure = {1: Failure("ERROR: [OB.Server.Process.NotExist]: Observer process not exist")} if broken else {}
    return Task(agent, seconds, failure, lines)


def scale_out(maintainer: Agent, newcomer: Agent, created: int, *, gid: str = "131", seed: int = 0) -> tuple[DagRun, DagRun]:
    """Scale a cluster out: the main DAG and the local DAG of the new agent, which the main DAG advances twice."""
    local_gid = local_dag_id(newcomer, 1 + seed % 90)
    waiting = ("wait for notification to start task",)
    local_stages = [
        Stage("Be scaling agent", [Task(newcomer, 0.03)]),
        Stage("Start preparations", [Task(newcomer, 0.02, {1: _WAIT}, waiting)]),
        Stage("Create observer workdir", [Task(newcomer, 0.3, lines=("mkdir data_dir: /data/1",))]),
        Stage("Start preparations", [Task(newcomer, 0.02, {1: _WAIT}, waiting)]),
        Stage("Start observer", [Task(newcomer, 9.0, lines=("start observer", "observer health check, retry [1/300]"))]),
        Stage("Watch cluster scale_out dag", [Task(newcomer, lambda _: 6.5, lines=("Watch cluster scale out dag",))]),
        Stage("Sync from observer", [Task(newcomer, 0.4, lines=("sync agent data",))]),
    ]
    held: list[DagRun] = []

    def create(t: int) -> float:
        held.append(
            DagRun(
                "Local scale out",
                local_stages,
                local_gid,
                t + 9000,
                newcomer,
                seed=seed,
                data={"main_dag_id": gid, "scaleOutUUID": "00000000-0000-4000-8000-000000000001"},
            )
        )
        held[0].run()
        return 0.04

    def hand_over(t: int) -> float:
        local = held[0]
        local.act("retry", max(t + 5000, (local.ended or 0) + 1000), by="protocol")
        local.run()
        return max(0.02, ((local.ended or t) - t) / SECOND - (7.5 if local.dag.now["state"] == "SUCCEED" else 0) + 0.8)

    def one(name: str, duration: object, *lines: str) -> Stage:
        return Stage(name, [Task(maintainer, duration, lines=lines)])  # type: ignore[arg-type]

    stages = [
        one("Integrate server config", 0.02),
        one("Create local scale out dag", create, f"create local scale out dag success, genericID:{local_gid}"),
        one("Wait scale out ready", 0.02, "local scale out dag task Be scaling agent is succeed"),
        one("Wait remote deploy finish", hand_over, "retry stage: 2 successfully"),
        one("Wait remote start finish", hand_over, "retry stage: 4 successfully"),
        one("Prev check for scale_out", 0.02, "PrevCheckTask execute"),
        one("Add server for scale_out", 0.9, "AddServerTask execute"),
        one("Add agent for scale_out", 0.03),
        one("Check cluster scale_out whether finished", 1.1, "FinishTask execute"),
    ]
    main = DagRun("Cluster scale out", stages, gid, created, maintainer, seed=seed, first_row_id=int(gid[1:]))
    main.run()
    return main, held[0]


def initialise_cluster(agents: list[Agent], created: int, *, seed: int = 0) -> tuple[DagRun, list[DagRun]]:
    """Initialise a cluster: the master's DAG asks the other agents for DAGs of one node each, which only its log lines name."""
    children: list[DagRun] = []

    def remote(name: str, agent: Agent, row_id: int, seconds: float) -> Task:
        gid = local_dag_id(agent, row_id)

        def ask(t: int) -> float:
            child = DagRun(name, [Stage(name, [Task(agent, seconds)])], gid, t + 9000, agent, seed=seed, first_row_id=row_id)
            children.append(child)
            return (child.run() - t) / SECOND + 0.5

        line = f"remote task {gid} {name} running [1/1]"
        return Task(agent, ask, lines=("retry flag: false", line, f"task {name}: done"))

    def everywhere(name: str, row_id: int, seconds: float) -> Stage:
        own = Task(agents[0], seconds)
        return Stage(name, [own, *(remote(name, agent, row_id, seconds) for agent in agents[1:])])

    stages = [
        Stage("Integrate config", [Task(agents[0], 0.05)]),
        everywhere("Create observer workdir", 40, 0.2),
        everywhere("Start observer", 41, 5.0),
        Stage("Cluster boostrap", [Task(agents[0], 12.0, lines=("connect to oceanbase",))]),
        Stage("Migrate table", [Task(agents[0], 0.9)]),
        Stage("Migrate data", [Task(agents[0], 1.4)]),
    ]
    main = DagRun("Initialize cluster", stages, local_dag_id(agents[0], 9), created, agents[0], seed=seed, first_row_id=9)
    main.run()
    return main, children
