"""Families of DAGs for properties: main DAGs with their child DAGs, as the engine model runs them, and as rows that no engine bounds."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from enginemodel import answer, initialise_cluster, scale_out, start_cluster
from enginemodel.dag_parts import SECOND, Agent
from tests.rows import archive_of, at

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from enginemodel import DagRun

_BEGIN = 1_735_700_000 * SECOND
_PACES = (1, 3, 10, 10_000)
"""Every how many seconds a DAG is asked; the last of them: once, after its end."""
_WAITING_STAGES = {
    "sub_dag": "Wait for all agents to execute tasks successfully",
    "scale_out": "Wait remote start finish",
    "remote": "Create observer workdir",
}
"""A stage that waits for a child DAG of each kind of link."""
_PAUSES = ("handoff", "detect", "dispatch", "wait_operator", "wait_protocol", "lost", "unattributed")


@dataclass(frozen=True, slots=True)
class Night:
    """What a cluster did in a night: its DAGs, one family after the other, and the answers that were saved of them."""

    kinds: tuple[str, ...]
    paces: tuple[int, ...]
    runs: list[DagRun] = field(repr=False)
    texts: list[bytes] = field(repr=False)


@st.composite
def nights(draw: st.DrawFn) -> Night:
    """One to three families of a cluster; each DAG is asked at a pace of its own, and once after its end."""
    skews = draw(st.lists(st.floats(-0.008, 0.008), min_size=2, max_size=4))
    agents = [Agent(f"192.0.2.{11 + n}", skew=skew if n else 0.0) for n, skew in enumerate(skews)]
    first = ["initialise"] if draw(st.booleans()) else []
    kinds = [*first, *draw(st.lists(st.sampled_from(["start", "stop", "scale_out"]), min_size=1, max_size=2))]
    runs: list[DagRun] = []
    clock = _BEGIN
    for number, kind in enumerate(kinds, start=1):
        broken = draw(st.none() | st.integers(0, len(agents) - 1))
        family = _family(kind, agents, clock, number, broken)
        runs += family
        clock = max(run.ended or run.pass_at for run in family) + draw(st.integers(2, 600)) * SECOND
    paces = [draw(st.sampled_from(_PACES)) for _ in runs]
    texts = []
    for run, pace in zip(runs, paces, strict=True):
        end = (run.ended or run.pass_at) + 2 * SECOND
        moments = [*range(run.created + draw(st.integers(0, 3)) * SECOND, end, pace * SECOND), end]
        texts += [msgspec.json.encode(answer(run, moment)) for moment in moments]
    return Night(tuple(kinds), tuple(paces), runs, texts)


def _family(kind: str, agents: list[Agent], created: int, number: int, broken: int | None) -> list[DagRun]:
    if kind == "scale_out":
        main, local = scale_out(agents[0], Agent(f"192.0.2.{40 + number}"), created, gid=f"13{number}", seed=number)
        return [main, local]
    if kind == "initialise":
        main, children = initialise_cluster(agents, created, seed=number)
    else:
        main, children = start_cluster(agents, created, broken=broken, seed=number, stop=kind == "stop")
    return [main, *children]


def family_of_rows(seed: int) -> Archive:
    """Make main DAGs and child DAGs in up to four generations; their times, their attempts and their links are any that rows can hold.

    A child may begin before its main DAG and end after it, be shared by two of them, or be its own ancestor.
    """
    rng = random.Random(f"family:{seed}")
    n_runs = rng.randrange(2, 7)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("dags", "nodes", "timeline", "attempts", "links")}
    for number in range(n_runs):
        _add_run(tables, f"r{number}", rng)
    for number in range(1, n_runs):
        parent = rng.randrange(n_runs) if rng.random() < 0.1 else rng.randrange(number)
        kind = rng.choice(list(_WAITING_STAGES))
        link = {"parent_run_id": f"r{parent}", "child_run_id": f"r{number}", "child_gid": f"r{number}", "kind": kind}
        tables["links"].append(link | {"agent": rng.choice(["a:1", "b:1"])})
    return archive_of(**tables)


def _add_run(tables: dict[str, list[dict[str, Any]]], run_id: str, rng: random.Random) -> None:
    begin = clock = round(rng.uniform(0, 30), 3)
    for stage in range(1, rng.randrange(2, 6)):
        name = rng.choice([*_WAITING_STAGES.values(), "Start observer"])
        tables["nodes"].append({"run_id": run_id, "stage": stage, "name": name})
        for category in ("execute", rng.choice(_PAUSES)):
            end = round(clock + rng.choice([0.001, 0.7, 5.0, 20.0]) * rng.uniform(1, 2), 3)
            row = {"run_id": run_id, "seq": len(tables["timeline"]) + 1, "category": category, "from_stage": stage, "to_stage": stage}
            row |= {"started_at": at(clock), "ended_at": at(end), "duration_s": (at(end) - at(clock)) / 1e9, "evidence": "observed"}
            tables["timeline"].append(row | {"leg": 1, "direction": "forward"})
            if category == "execute":
                tables["attempts"] += [_attempt(run_id, stage, number, clock, end, rng) for number in range(rng.randrange(4))]
            clock = end
    dag = {"run_id": run_id, "name": "Start observer", "workflow": "Start observer", "scope": rng.choice(["local", "cluster"])}
    tables["dags"].append(dag | {"started_at": at(begin), "ended_at": at(clock), "elapsed_s": (at(clock) - at(begin)) / 1e9})


def _attempt(run_id: str, stage: int, number: int, begin: float, end: float, rng: random.Random) -> dict[str, Any]:
    """Make an attempt somewhere around a stretch of work; one in eight is not known to have ended."""
    first, last = sorted(round(rng.uniform(begin - 1, end + 1), 3) for _ in range(2))
    row = {"run_id": run_id, "stage": stage, "task_gid": f"{run_id}-{stage}-{number}", "attempt": 1, "agent": rng.choice(["a:1", "b:1"])}
    return row | {"kind": "run", "started_at": at(first), "ended_at": None if rng.random() < 0.125 else at(last)}
