"""Predictions: whether a run would truly have taken as long as is predicted, had one thing been otherwise."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

import daganalysis as da
from benchmarks.studies.archives import share_row
from benchmarks.studies.histories import polled
from enginemodel import Agent, DagRun, Failure, Stage, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.goals import Row

_SECOND = 1_000_000
_BEGIN = 1_767_225_600 * _SECOND
_TICK_S = 1.025
_WORK = (0.02, 0.4, 2.6, 9.0)


@dataclass(frozen=True)
class Way:
    """One way in which a run of the engine model may go: how fast the scheduler, the people and the slowest agent are, and what fails."""

    sleep: float = 1.0
    patience: float | None = None
    slowness: float | None = None
    fails: bool = True
    factor: float = 1.0


_AS_IT_WAS = Way()
_OTHERWISE = {
    "no_engine": Way(sleep=0.0),
    "tick=0.5": Way(sleep=0.5),
    "tick=2": Way(sleep=2.0),
    "no_wait_operator": Way(patience=0.0),
    "no_stragglers": Way(slowness=1.0),
    "no_retries": Way(fails=False),
    "stage=Stage B*3": Way(factor=3.0),
    "no_retries+no_stragglers": Way(fails=False, slowness=1.0),
}
"""Each scenario, and the run that it imagines."""


def made_run(seed: int, way: Way) -> DagRun:
    """Run a random DAG to its end; the same seed gives the same DAG, whichever way it goes."""
    rng = random.Random(f"what-if:{seed}")
    slow = rng.choice([1.0, 1.0, 1.6, 3.0])
    agents = [Agent(f"192.0.2.{10 + n}", skew=rng.uniform(-0.008, 0.008) if n else 0.0) for n in range(rng.randrange(3, 7))]
    slowest = rng.randrange(len(agents))
    agents[slowest] = replace(agents[slowest], slowness=slow if way.slowness is None else way.slowness)
    stages = []
    for number in range(rng.randrange(2, 7)):
        work = rng.choice(_WORK)
        name = f"Stage {chr(65 + number)}"
        at_work = agents if rng.random() < 0.6 else agents[:1]
        # An agent that works alone is no straggler: nobody waits for it, and nobody shows how long it should have taken.
        alone = slow if way.slowness is not None and len(at_work) == 1 and slowest == 0 else 1.0
        tasks = [Task(agent, work * alone * (way.factor if name == "Stage B" else 1.0)) for agent in at_work]
        if rng.random() < 0.3:
            failure = {1: Failure()}
            victim = rng.choice(tasks)
            victim.failures = failure if way.fails else {}
        stages.append(Stage(name, tasks))
    patience = rng.uniform(2, 90)
    run = DagRun("Work", stages, f"1{seed + 1}", _BEGIN + seed * 900 * _SECOND, agents[0], seed=seed, sleep=way.sleep)
    while True:
        run.run()
        if run.dag.now["state"] != "FAILED" or run.ended is None:
            return run
        run.act("retry", run.ended + round((patience if way.patience is None else way.patience) * _SECOND) + 1000)


def what_if(trials: int) -> Iterator[Row]:
    """The same runs again with one thing truly otherwise, against what is predicted of each from its polls."""
    runs = [made_run(seed, _AS_IT_WAS) for seed in range(trials)]
    archives = [polled(run, 1.0) for run in runs]
    for scenario, way in _OTHERWISE.items():
        errors, within = [], []
        for seed, (run, archive) in enumerate(zip(runs, archives, strict=True)):
            if scenario.startswith("stage") and len(run.stages) < 2:
                continue
            (row,) = da.what_if(archive, scenarios=[scenario]).to_dict("records")
            true = made_run(seed, way).elapsed
            error = max(row["predicted_min_s"] - true, true - row["predicted_max_s"], 0.0)
            tick = _TICK_S - 1 + max(way.sleep, 1.0)
            errors.append(error)
            within.append(error <= (len(run.stages) + 1) * tick)
        row = share_row(scenario, "share of runs predicted within (stages + 1) ticks", 0.95, within, at_least=True)
        for name, q in (("p50_s", 0.5), ("p95_s", 0.95), ("max_s", 1.0)):
            row.detail[name] = round(float(np.quantile(errors, q)), 3)
        yield row
