"""Runs under rough conditions: wrong clocks, lost passes, hand-overs, cancels at bad moments, rollbacks that fail and are resumed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from enginemodel.dag_parts import SECOND, Agent, Failure, Stage, Task, Trouble
from enginemodel.engine import DagRun

_ERRORS = (
    "ERROR: [Common.Unexpected]: Unexpected error: exit status 1",
    "ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)",
    "ERROR: [Common.Unexpected]: Unexpected error: task 8 panic: runtime error\ngoroutine 7",
    "ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue",
)
_TIMEOUT = "ERROR: [Common.Unexpected]: Unexpected error: task 7 timeout"
_NOT_FATAL = "ERROR: [Common.Unexpected]: Unexpected error: failed to create the task due to 'busy' and will try again[1/3]."
_FORWARD, _ANY = ["retry"] * 3 + ["rollback", "pass"], ["rollback"]


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a run is made.

    ``agents`` are at most so many, with clocks off by up to ``skew`` seconds; ``fails`` is the share of stages with a failing sub-task,
    ``cancels`` the share of legs that are cancelled, ``timeouts`` the share of sub-tasks that take longer than the hour they may.
    ``scope`` is cluster, local or obproxy.
    """

    agents: int = 5
    skew: float = 0.02
    steps: bool = False
    fails: float = 0.3
    cancels: float = 0.05
    timeouts: float = 0.0
    scope: str = "cluster"
    ipv6: bool = False
    version: tuple[int, int, int] = (4, 5, 0)
    trouble: Trouble | None = None


ROUGH: dict[str, Conditions] = {
    "ordinary": Conditions(),
    "clocks off by seconds": Conditions(skew=5.0),
    "clocks corrected while it runs": Conditions(skew=0.03, steps=True),
    "twenty agents": Conditions(agents=20),
    "twenty agents of a local DAG, eight workers": Conditions(agents=20, scope="local", cancels=0.2),
    "lost passes, hand-overs, restarts": Conditions(trouble=Trouble(lost_passes=0.04, moves=0.01, restarts=0.05)),
    "cancels": Conditions(cancels=0.5, fails=0.4, trouble=Trouble(unreachable=0.3)),
    "timeouts": Conditions(timeouts=0.05),
    "many failures": Conditions(fails=0.6),
    "an old version": Conditions(version=(4, 2, 5), fails=0.4),
    "obproxy, IPv6": Conditions(scope="obproxy", ipv6=True),
}
"""Conditions by name."""


def rough_run(seed: int, conditions: Conditions) -> DagRun:
    """A run of a random shape under some conditions; operators who act on its failures stop after a while, whatever it has come to."""
    rng = random.Random(f"rough:{seed}")
    created = (1_735_700_000 + seed * 40_000) * SECOND + rng.randrange(SECOND)
    agents = [_agent(rng, number, created, conditions) for number in range(max(1, rng.randint(conditions.agents // 2, conditions.agents)))]
    stages = [_stage(rng, number, agents, conditions) for number in range(rng.randrange(1, 8))]
    gid = _gid(agents[0], rng.randrange(1, 900), conditions)
    successors = agents[:3] if conditions.scope == "cluster" else []
    run = DagRun(
        "Random work",
        stages,
        gid,
        created,
        agents[0],
        seed=seed,
        first_row_id=rng.randrange(1, 500),
        version=conditions.version,
        trouble=conditions.trouble,
        successors=successors,
    )
    _cancel(run, rng, conditions.cancels)
    for _ in range(rng.choice([0, 1, 2, 4, 12])):
        run.run()
        if run.dag.now["state"] != "FAILED" or run.ended is None:
            break
        choices = _ANY if rng.random() < 0.25 else [*_FORWARD, "node_pass"] if run.version >= (4, 3, 1) else _FORWARD
        operator = rng.choice(choices)
        run.act(operator, run.ended + round(rng.choice([0.5, 3, 20, 90, 3000]) * rng.uniform(1, 2) * SECOND))
        if operator == "rollback":
            _cancel(run, rng, conditions.cancels)
    run.run()
    return run


def _agent(rng: random.Random, number: int, created: int, conditions: Conditions) -> Agent:
    skew = rng.uniform(-conditions.skew, conditions.skew)
    steps = ((created + rng.randrange(1, 4000) * SECOND, rng.uniform(-0.1, 0.1)),) if conditions.steps else ()
    ip = f"2001:db8::{16 + number:x}" if conditions.ipv6 else f"192.0.2.{16 + number}"
    return Agent(ip, 2886 + number % 2 * 100, skew=skew, slowness=4.0 if rng.random() < 0.05 else rng.uniform(0.8, 1.2), steps=steps)


def _stage(rng: random.Random, number: int, agents: list[Agent], conditions: Conditions) -> Stage:
    tasks = []
    for agent in agents if rng.random() < 0.4 else agents[:1]:
        lines = tuple(f"working {rng.randrange(99)}" for _ in range(rng.randrange(3))) + ((_NOT_FATAL,) if rng.random() < 0.1 else ())
        duration = rng.choice([0.003, 0.02, 0.3, 2.4, 7.9, 40.0])
        tasks.append(Task(agent, 4000.0 if rng.random() < conditions.timeouts else duration, lines=lines))
    if rng.random() < conditions.fails:
        for victim in rng.sample(tasks, min(len(tasks), rng.randrange(1, 3))):
            victim.failures = {attempt: Failure(_line(rng)) for attempt in range(1, 8) if rng.random() < 0.6}
    return Stage(f"Stage {chr(65 + number)}", tasks)


def _line(rng: random.Random) -> str:
    """The line that an attempt fails with; seldom that it ran into its timeout, which takes an hour."""
    return _TIMEOUT if rng.random() < 0.05 else rng.choice(_ERRORS)


def _cancel(run: DagRun, rng: random.Random, share: float) -> None:
    """Cancel the run at some moment, perhaps, if it is running then."""
    if rng.random() < share:
        run.run(until=run.pass_at + rng.randrange(12) * SECOND)
        if run.dag.now["state"] == "RUNNING":
            run.act("cancel", run.pass_at - 400_000)


def _gid(agent: Agent, row_id: int, conditions: Conditions) -> str:
    if conditions.scope == "cluster":
        return f"1{row_id}"
    prefix = {"local": 2, "obproxy": 4}[conditions.scope]
    if conditions.ipv6:
        return f"{prefix + 1}{int(IPv6Address(agent.ip)):039d}{agent.port:05d}{row_id}"
    return f"{prefix}{int(IPv4Address(agent.ip)):010d}{agent.port:05d}{row_id}"
