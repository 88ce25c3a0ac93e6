"""A poorer set of answers never claims what a richer one refutes: nodes, sub-tasks, fields, lines and polls taken away at random."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from benchmarks.archives import answer
from daganalysis.history.rebuild import rebuild
from daganalysis.reading import read_sources
from enginemodel import ROUGH, DagRun, rough_run
from tests.profiles import examples

SEEDS = st.integers(0, 100_000)
_FIELDS = ("execute_times", "task_logs", "start_time", "end_time", "operator", "execute_agent", "node_id", "task_id")
CONDITIONS = sorted(name for name, one in ROUGH.items() if one.skew < 1 and not one.steps)
"""Where clocks are seconds off, the room that the truth leaves for times would have to be as wide."""
_FAILING = {"failed", "timeout", "cancelled", "cancelled_before_start", "interrupted", "waiting"}


def polls(run: DagRun, every: float) -> list[dict[str, Any]]:
    end = run.ended if run.ended is not None else run.pass_at
    step = max(round(every * 1_000_000), (end - run.created) // 60)
    return [answer(run, t) for t in [*range(run.created + 100_000, end, step), end + 2_000_000]]


def poorer(texts: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """Take something away from a set of answers; the last poll stays, so that both sets tell of the same end."""
    kept = [copy.deepcopy(text) for text in texts[:-1] if rng.random() < 0.7] + [copy.deepcopy(texts[-1])]
    field, share = rng.choice(_FIELDS), rng.choice([0.0, 0.3, 1.0])
    brief = rng.choice([0.0, 0.0, 0.5, 1.0])
    node_share, task_share = rng.choice([0.0, 0.3]), rng.choice([0.0, 0.3])
    gone: dict[tuple[str, str], bool] = {}

    def taken(what: str, gid: str, of_all: float) -> bool:
        return gone.setdefault((what, gid), rng.random() < of_all)

    for text in kept:
        dag = text["data"]
        if rng.random() < brief:
            dag["nodes"] = None
            continue
        dag["nodes"] = [node for node in dag["nodes"] if not taken("node", node["id"], node_share)]
        for node in dag["nodes"]:
            node["sub_tasks"] = [task for task in node["sub_tasks"] if not taken("task", task["id"], task_share)]
            for one in (*node["sub_tasks"], node):
                if field in one and taken(field, one["id"], share):
                    one[field] = None
    return kept


def tables_of(texts: list[dict[str, Any]]) -> da.Archive:
    return da.Archive.from_tables(rebuild(read_sources(*(json.dumps(text).encode() for text in texts)).answers))


def refuted(run: DagRun, archive: da.Archive) -> list[str]:
    """Name the claims of an archive that the truth refutes."""
    (dag,) = archive.dags.to_dict("records")
    found = [
        what
        for what, true in (("retries", run.retries), ("rollbacks", run.rollbacks))
        if true < dag[f"{what}_min"] or (pd.notna(dag[f"{what}_max"]) and true > dag[f"{what}_max"])
    ]
    if dag["outcome"] not in {run.outcome, "unknown"}:
        found.append(f"outcome {dag['outcome']}")
    if dag["history"] == "complete" and (dag["retries_min"], dag["rollbacks_min"]) != (run.retries, run.rollbacks):
        found.append("complete")
    found += _refuted_times(run, dag, da.time_budget(archive).to_dict("records"))
    stages = dict(zip(run.node_ids, range(1, len(run.node_ids) + 1), strict=True))
    shown = archive.nodes.dropna(subset="stage")
    found += [f"stage {row.stage}" for row in shown.itertuples() if stages[row.node_gid] != row.stage]
    truth = {(gid, attempt.number): attempt for gid, attempts in run.truth.items() for attempt in attempts}
    for row in archive.attempts.dropna(subset="attempt").to_dict("records"):
        true = truth[row["task_gid"], row["attempt"]]
        untold = {"unknown", "running", "ready"} | ({"not_succeeded"} if true.outcome in _FAILING else set())
        if row["kind"] not in {true.kind, "unknown"} or row["outcome"] not in {true.outcome, *untold}:
            found.append(f"attempt {row['kind']} {row['outcome']}, truly {true.kind} {true.outcome}")
    return found


def _refuted_times(run: DagRun, dag: dict[str, Any], budgets: list[dict[str, Any]]) -> list[str]:
    """Name the times that are claimed to be longer, or shorter, than they truly were."""
    if run.ended is None:
        return []
    room = 0.15 + 0.01 * run.elapsed
    found = ["elapsed"] * bool(dag["elapsed_s"] > run.elapsed + room or dag["elapsed_min_s"] > run.elapsed + room)
    found += ["elapsed_max"] * bool(dag["elapsed_max_s"] < run.elapsed - room)
    for spent in budgets:
        for part, true in (("execute", run.executed), ("wait_operator", run.waited)):
            found += [part] * bool(spent[f"{part}_s"] > true + 0.6 + 0.05 * run.elapsed)
    return found


@examples(3, long=600)
@given(SEEDS, st.sampled_from(CONDITIONS), st.sampled_from([1.0, 30.0, 1e6]))
def test_nothing_that_a_poorer_set_claims_is_refuted(seed: int, conditions: str, every: float) -> None:
    run = rough_run(seed, ROUGH[conditions])
    assert refuted(run, tables_of(poorer(polls(run, every), random.Random(seed)))) == []
