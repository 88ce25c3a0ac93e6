"""Holdings of locks against what truly happened: the archives of known truth, and runs of the engine model."""

from __future__ import annotations

import csv
import functools
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import daganalysis as da
from enginemodel import Agent, DagRun, Failure, Stage, Task, answer
from enginemodel.dag_parts import SECOND

CASE = Path(__file__).parent.parent.parent.parent / "shared" / "cases" / "sources"
TICK_S = 1.05


def rows(name: str) -> list[dict[str, str]]:
    with (CASE / "truth" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@functools.cache
def locks_held(*sources: str) -> pd.DataFrame:
    """Give the locks of an archive of known truth, loaded from some of its sources."""
    return da.locks(da.load(*(CASE / name for name in sources), cluster_by="dir"))


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def in_order(holdings: list[dict[str, Any]], key: str) -> dict[tuple[str, int], dict[str, Any]]:
    """Give each holding of a run its number, from 0."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in holdings:
        run_id = row["run_id"] if key == "ours" else f"{row['cluster']}/{row['dag_id']}"
        found[run_id, sum(other == run_id for other, _ in found)] = row
    return found


@pytest.mark.skipif(not CASE.exists(), reason="the cases are not here")
@pytest.mark.parametrize("sources", [("responses",), ("responses", "log"), ("log",)], ids=["answers", "answers and logs", "logs"])
def test_locks_were_held_and_freed_within_a_tick_of_the_truth(sources: tuple[str, ...]) -> None:
    found = in_order(locks_held(*sources).to_dict("records"), "ours")
    truth = in_order(rows("locks.csv"), "truth")
    if sources == ("log",):  # logs tell the names of few DAGs, and so few locks
        truth = {key: row for key, row in truth.items() if key in found}
    assert truth.keys() == found.keys()
    late = [key for key, row in truth.items() if abs(found[key]["taken_at"].timestamp() - seconds(row["taken_at"])) > TICK_S]
    freed = {key: row for key, row in found.items() if row["released_at"] == row["released_at"]}
    wrong = [key for key, row in freed.items() if abs(row["released_at"].timestamp() - seconds(truth[key]["released_at"])) > TICK_S]
    # What answers do not show is left open, and so is what was freed by hand.
    open_ends = {key for key, row in truth.items() if row["why_released"] == "out_of_band"}
    hidden = {key for key in found.keys() - freed.keys() if found[key]["evidence"] == "inferred"}
    assert (late, wrong) == ([], [])
    assert found.keys() - freed.keys() <= (open_ends if "log" in sources else open_ends | hidden)


@pytest.mark.skipif(not CASE.exists(), reason="the cases are not here")
@pytest.mark.parametrize("sources", [("responses",), ("responses", "log"), ("log",)], ids=["answers", "answers and logs", "logs"])
def test_the_neglected_time_is_that_of_the_truth_within_a_tick_as_far_as_it_was_not_overwritten(sources: tuple[str, ...]) -> None:
    locks = locks_held(*sources)
    truth = {f"{row['cluster']}/{row['dag_id']}": float(row["wait_human_s"]) for row in rows("dag_truth.csv")}
    taken = Counter(f"{row['cluster']}/{row['dag_id']}" for row in rows("locks.csv"))
    once = locks["run_id"].map(taken).eq(1)  # a failure that frees the lock is no neglect of it
    kept = locks[locks["released_at"].notna() & once]
    short = kept["run_id"].map(truth) - kept["neglected_s"]
    unknown = kept["held_s"] - kept["working_s"] - kept["neglected_s"]
    assert (short.abs() <= TICK_S).sum() >= len(kept) - (sources == ("responses",))
    assert short.between(-TICK_S, unknown + TICK_S).all()


@pytest.mark.parametrize(("name", "key", "kind", "frees"), [("Cluster scale out", "", 2, False), ("Create tenant t1", "t1", 3, True)])
@pytest.mark.parametrize("seed", range(4))
def test_a_run_of_the_engine_model_holds_its_lock_as_long_as_it_truly_did(name: str, key: str, kind: int, frees: bool, seed: int) -> None:
    agent = Agent("192.0.2.11")
    stages = [Stage("First", [Task(agent, 2.0)]), Stage("Second", [Task(agent, 3.0, {1: Failure()})]), Stage("Third", [Task(agent, 1.0)])]
    run = DagRun(name, stages, "15", 1_735_700_000 * SECOND, agent, seed=seed, first_row_id=5, maintenance=kind, maintenance_key=key)
    run.run()
    failed, retried = run.ended, run.ended + 90 * SECOND
    run.act("retry", retried)
    run.run()
    moments = range(run.created, run.ended + 3 * SECOND, SECOND)
    locks = da.locks(da.load(*(answer(run, moment) for moment in moments)))
    spans = [(run.created, failed), (retried, run.ended)] if frees else [(run.created, run.ended)]
    assert locks["held_s"].tolist() == pytest.approx([(end - begin) / SECOND for begin, end in spans], abs=TICK_S)
    assert locks["neglected_s"].tolist() == pytest.approx([0.0, 0.0] if frees else [90.0], abs=TICK_S)
