"""Claims about simulated archives, measured as by the cases whose truth is known: faults, cancels, mixed endpoints, clocks that are off.

A family is one random run, or a main DAG with its children. It is polled at a pace of its own, or known from one last answer. A share of
its polls goes to another endpoint: without details, a list, a node, a sub-task, its log, or no answer at all.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

import daganalysis as da
from benchmarks.archives import answer
from benchmarks.goals import Row
from daganalysis.history.rebuild import rebuild
from daganalysis.reading import read_sources
from enginemodel import Agent, Conditions, listing, log_answer, node_answer, rough_run, scale_out, start_cluster, sub_task_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis import Archive
    from enginemodel import DagRun

SECOND = 1_000_000
_MOST_POLLS = 120
_LOST = ["lost_s", "unattributed_s"]
_ENGINE = ["dispatch_s", "detect_s", "handoff_s"]
_FAILING = {"failed", "timeout", "cancelled", "cancelled_before_start", "interrupted", "waiting", "not_succeeded"}
GOALS = {
    "outcome": 0.97,
    "retries_bounds": 1,
    "rollbacks_bounds": 1,
    "task_bounds": 1,
    "elapsed_bounds": 1,
    "elapsed_bound": 1,
    "attempts_times": 0.99,
    "attempts_outcome": 0.99,
    "attempts_true": 1,
    "inferred_true": 0.998,
    "complete_true": 1,
    "wait_proven": 0.99,
    "budget": 0.95,
    "adds_up": 1,
}
"""The least share of each measure."""


@dataclass(frozen=True)
class Setting:
    """Under which conditions a family is simulated and asked; ``every`` seconds it is polled, infinity for one last answer."""

    fails: float
    cancels: float
    mixed: float
    skew: float
    every: float


Polls = list[tuple["DagRun", int, dict[str, Any]]]
"""Which run an answer is about, when it was given, and what it says."""


def claims(trials: int) -> Iterator[Row]:
    """Measure so many families of each pace."""
    for pace, paces in {"polled": [1.0, 3.0, 10.0, 60.0], "one last answer": [float("inf")]}.items():
        totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        wrong: dict[str, list[int]] = defaultdict(list)
        for trial in range(max(8, 2 * trials)):
            for name, (good, all_) in measured(*simulated(trial, paces)).items():
                totals[name][0] += good
                totals[name][1] += all_
                if good < all_:
                    wrong[name].append(trial)
        for name, goal in GOALS.items():
            good, all_ = totals[name]
            detail = {"of": round(all_, 1), "first wrong": wrong[name][:8]}
            yield Row(f"claims, {pace}", name, goal, at_least=True, value=good / all_ if all_ else 1.0, detail=detail)


def simulated(trial: int, paces: Sequence[float]) -> tuple[list[DagRun], Polls]:
    """Simulate one family and ask for it."""
    rng = random.Random(f"claims:{trial}:{len(paces)}")
    setting = Setting(rng.uniform(0, 0.4), rng.uniform(0, 0.4), rng.uniform(0, 0.6), rng.uniform(0, 2), rng.choice(paces))
    runs = _family(trial, rng, setting)
    return runs, [poll for run in runs for poll in _polls(run, rng, setting)]


def _family(trial: int, rng: random.Random, setting: Setting) -> list[DagRun]:
    kind = rng.randrange(10)
    if kind > 1:
        scope = rng.choice(["cluster", "cluster", "cluster", "local"])
        version = rng.choice([(4, 5, 0), (4, 5, 0), (4, 2, 5)])
        conditions = Conditions(fails=setting.fails, cancels=setting.cancels, skew=setting.skew, scope=scope, version=version)
        return [rough_run(trial, conditions)]
    created = (1_735_700_000 + trial * 40_000) * SECOND
    agents = [Agent(f"192.0.2.{10 + n}", skew=rng.uniform(-setting.skew, setting.skew)) for n in range(rng.randrange(2, 5))]
    if kind == 0:
        main, children = start_cluster(agents, created, broken=1 if rng.random() < setting.fails else None, seed=trial % 60)
        return [main, *children]
    return [*scale_out(agents[0], agents[1], created, seed=trial % 60)]


def _polls(run: DagRun, rng: random.Random, setting: Setting) -> Polls:
    end = run.ended if run.ended is not None else run.pass_at
    polls: Polls = []
    if setting.every < float("inf"):
        step = round(max(setting.every, (end - run.created) / SECOND / _MOST_POLLS) * SECOND)
        for t in range(run.created + rng.randrange(SECOND), end, step):
            said = _other(run, rng, t) if rng.random() < setting.mixed else answer(run, t, torn=rng.choice([0, 0, 10_000]))
            if said is not None:
                polls.append((run, t, said))
    at = end + rng.randrange(1, 60) * SECOND
    polls.append((run, at, answer(run, at)))
    if rng.random() < setting.mixed:
        polls += [(run, at, said) for said in [_other(run, rng, at)] if said is not None]
    return polls


def _other(run: DagRun, rng: random.Random, t: int) -> dict[str, Any] | None:
    """Ask another endpoint than that of the DAG with details."""
    stage = rng.randrange(1, len(run.stages) + 1)
    index = rng.randrange(len(run.tasks[stage - 1]))
    kind = rng.randrange(7)
    if kind == 0:
        return None
    if kind == 1:
        return node_answer(run, stage, t)
    if kind == 2:
        return sub_task_answer(run, stage, index, t)
    if kind == 3:
        return log_answer(run, stage, index, t)
    return answer(run, t, details=False) if kind == 4 else listing([run], t, details=kind == 5)


def measured(runs: Sequence[DagRun], polls: Polls) -> dict[str, tuple[float, float]]:
    """Hold what an archive claims of a family to the truth: for each measure how much is good, of how much."""
    texts = [json.dumps(said).encode() for _, _, said in polls]
    archive = da.Archive.from_tables(rebuild(read_sources(*texts, cluster="c01").answers))
    tallies: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def tally(name: str, good: float, of: float = 1.0) -> None:
        tallies[name][0] += good
        tallies[name][1] += of

    budgets = {row["run_id"]: row for row in da.time_budget(archive).to_dict("records")}
    dags = {row["dag_gid"]: row for row in archive.dags.to_dict("records")}
    for run in runs:
        dag = dags[run.gid]
        own = [(t, said["data"]) for one, t, said in polls if one is run and _is_whole(said)]
        _tally_run(tally, run, dag)
        _tally_attempts(tally, run, archive.attempts[archive.attempts["run_id"] == dag["run_id"]], own)
        _tally_budget(tally, run, budgets.get(dag["run_id"]))
        _tally_waits(tally, run, own, archive)
    _tally_tasks(tally, runs, archive)
    return {name: (good, of) for name, (good, of) in tallies.items()}


def _is_whole(said: dict[str, Any]) -> bool:
    data = said["data"]
    return isinstance(data, dict) and bool(data.get("nodes"))


def _within(low: float, true: float, high: float) -> bool:
    return bool(low <= true) and (pd.isna(high) or bool(true <= high))


def _tally_run(tally: Any, run: DagRun, dag: dict[str, Any]) -> None:
    if not run.protocol_retries and run.outcome != "passed":
        tally("outcome", dag["outcome"] == run.outcome)
    tally("retries_bounds", _within(dag["retries_min"], run.retries, dag["retries_max"]))
    tally("rollbacks_bounds", _within(dag["rollbacks_min"], run.rollbacks, dag["rollbacks_max"]))
    if run.ended is None:
        return
    room = 0.15 + 0.01 * run.elapsed
    low, high = dag["elapsed_min_s"], dag["elapsed_max_s"]
    tally("elapsed_bounds", pd.isna(low) or _within(low - room, run.elapsed, high + room))
    tally("elapsed_bound", not dag["elapsed_s"] > run.elapsed + room)
    if dag["history"] == "complete":
        exact = (dag["retries_min"], dag["rollbacks_min"]) == (run.retries, run.rollbacks)
        tally("complete_true", exact and not abs(dag["elapsed_s"] - run.elapsed) > 1 + 0.02 * run.elapsed)


def _tally_attempts(tally: Any, run: DagRun, attempts: pd.DataFrame, answers: Sequence[tuple[int, dict[str, Any]]]) -> None:
    ended = {
        (task["id"], task["execute_times"])
        for _, dag in answers
        for node in dag["nodes"]
        for task in node["sub_tasks"]
        if task["operator"] != "PASS" and task["state"] in {"FAILED", "SUCCEED"}
    }
    truth = {(gid, one.number): one for gid, known in run.truth.items() for one in known}
    for row in attempts.to_dict("records"):
        true = truth.get((row["task_gid"], row["attempt"]))
        if true is None:
            tally("attempts_true", 0)
            continue
        times = (_micros(row["started_at"]), _micros(row["ended_at"]))
        known = (true.recorded_start, true.recorded_end)
        if row["evidence"] == "observed":
            tally("attempts_true", row["kind"] == true.kind)
        if (row["task_gid"], row["attempt"]) in ended:
            tally("attempts_times", times == known)
            tally("attempts_outcome", row["outcome"] == true.outcome)
        if row["evidence"] == "inferred":
            fits = row["outcome"] in {true.outcome, "unknown"} or (row["outcome"] == "not_succeeded" and true.outcome in _FAILING)
            stamped = all(ours is None or ours == recorded for ours, recorded in zip(times, known, strict=True))
            tally("inferred_true", fits and stamped and row["kind"] in {true.kind, "unknown"})


def _micros(instant: object) -> int | None:
    return None if pd.isna(instant) else instant.value // 1000  # type: ignore[attr-defined, call-overload]


def _tally_budget(tally: Any, run: DagRun, spent: dict[str, Any] | None) -> None:
    """Parts may be too small where seconds are declared unknown, but never too large."""
    if spent is None or not spent["elapsed_s"] > 0 or run.ended is None:
        return
    parts = [name for name in spent if name.endswith("_s") and name != "elapsed_s"]
    tally("adds_up", abs(sum(spent[name] for name in parts) - spent["elapsed_s"]) < 1e-6)
    untold, room = sum(spent[part] for part in _LOST), 0.6 + 0.05 * run.elapsed
    waits = {by: sum(end - start for start, end, who in run.waits if (who == "dba") == (by == "dba")) / SECOND for by in ("dba", "dag")}
    truth = {
        "execute": (spent["execute_s"], run.executed),
        "wait_operator": (spent["wait_operator_s"], waits["dba"]),
        "wait_protocol": (spent["wait_protocol_s"], waits["dag"]),
        "engine": (sum(spent[part] for part in _ENGINE), run.elapsed - run.executed - sum(waits.values())),
    }
    for told, true in truth.values():
        tally("budget", true - room - untold <= told <= true + room)


def _tally_waits(tally: Any, run: DagRun, answers: Sequence[tuple[int, dict[str, Any]]], archive: Archive) -> None:
    """Seconds between two whole answers that show a DAG of a person FAILED with one end, and how many of them are booked as waits."""
    if run.protocol_retries or "main_dag_id" in run.data:
        return
    line = archive.timeline[archive.timeline["run_id"] == f"c01/{run.gid}"]
    if line.empty:
        return
    until = line["ended_at"].max().value / 1e9
    waits = [
        (row.started_at.value / 1e9, row.ended_at.value / 1e9)
        for row in line.itertuples()
        if row.category in {"wait_operator", "wait_protocol"}
    ]
    for (t1, one), (t2, other) in zip(answers, answers[1:], strict=False):
        if one["state"] == other["state"] == "FAILED" and one["end_time"] == other["end_time"]:
            a, b = run.server.clock(t1) / SECOND, min(run.server.clock(t2) / SECOND, until)
            if b > a:
                tally("wait_proven", sum(max(0.0, min(b, high) - max(a, low)) for low, high in waits), b - a)


def _tally_tasks(tally: Any, runs: Sequence[DagRun], archive: Archive) -> None:
    runs_of = {(f"c01/{run.gid}", gid): sum(a.kind == "run" for a in known) - 1 for run in runs for gid, known in run.truth.items()}
    for row in da.retries(archive).to_dict("records"):
        if not row["protocol"]:
            high = row["retries_max"]
            tally("task_bounds", pd.isna(high) or runs_of[row["run_id"], row["task_gid"]] <= high)
