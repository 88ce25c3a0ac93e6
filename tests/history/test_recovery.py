"""Histories of the engine model, recovered from its answers."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.history.rebuild import rebuild
from daganalysis.history.related_ids import ids_in_body, ids_in_logs
from daganalysis.loading import load_into_store
from daganalysis.loading.related import Groups, entity_key, references_of
from daganalysis.reading import Answer, read_sources
from daganalysis.tables import BASE_TABLES
from enginemodel import Agent, DagRun, answer, initialise_cluster, random_run, scale_out, start_cluster
from tests.profiles import examples
from tests.zones import written_in

EPOCH = 1_735_700_000_000_000
SEEDS = st.integers(0, 100_000)


def polls(run: DagRun, every: float) -> list[bytes]:
    """What polling a run from its creation to its end gives."""
    assert run.ended is not None
    times = list(range(run.created + 100_000, run.ended, round(every * 1_000_000)))
    return [json.dumps(answer(run, t)).encode() for t in [*times, run.ended + 2_000_000]]


def answers_of(texts: list[bytes]) -> list[Answer]:
    return read_sources(*texts).answers


def ids_of(answer: Answer) -> frozenset[str]:
    return ids_in_body(answer.body).union(*map(ids_in_logs, answer.nodes or ()))


def families_of(answers: list[Answer]) -> list[list[Answer]]:
    """The answers by what a large archive is cut into."""
    groups = Groups()
    numbers = [groups.add(entity_key(answer), references_of(answer, ids_of(answer))) for answer in answers]
    families: dict[int, list[Answer]] = {}
    for number, one in zip(numbers, answers, strict=True):
        families.setdefault(groups.group(number), []).append(one)
    return list(families.values())


def archive_of(texts: list[bytes]) -> da.Archive:
    return da.Archive.from_tables(rebuild(answers_of(texts)))


def recovered(archive: da.Archive) -> dict[tuple[str, int], tuple[object, ...]]:
    rows = archive.attempts.to_dict("records")
    return {(r["task_gid"], r["attempt"]): (r["kind"], r["outcome"], _micros(r["started_at"]), _micros(r["ended_at"])) for r in rows}


def _micros(instant: object) -> int | None:
    return None if pd.isna(instant) else instant.value // 1000  # type: ignore[attr-defined, call-overload]


def true_attempts(run: DagRun) -> dict[tuple[str, int], tuple[object, ...]]:
    return {(gid, a.number): (a.kind, a.outcome, a.recorded_start, a.recorded_end) for gid, attempts in run.truth.items() for a in attempts}


@examples(5, long=200)
@given(SEEDS)
def test_a_run_polled_twice_a_second_is_recovered_whole(seed: int) -> None:
    # A rollback run stands ended for one pass of the scheduler, which a poll a second may just miss.
    run = random_run(seed)
    archive = archive_of(polls(run, 0.5))
    assert recovered(archive) == true_attempts(run)
    # A pass of the scheduler may fall between two polls: its hand-out still shows how the attempt before it ended.
    assert set(archive.attempts["evidence"]) <= {"observed", "inferred"}
    dag = archive.dags.iloc[0]
    assert dag["outcome"] == run.outcome
    assert dag["retries_min"] == dag["retries_max"] == run.retries
    assert dag["elapsed_s"] == pytest.approx(run.elapsed, abs=0.05)
    budget = da.time_budget(archive).iloc[0]
    assert budget["wait_operator_s"] + budget["lost_s"] == pytest.approx(run.waited, abs=0.6 * (len(run.waits) + 1))
    assert budget["execute_s"] == pytest.approx(run.executed, abs=0.1 + 0.02 * run.executed)


@examples(5, long=200)
@given(SEEDS, st.sampled_from([1.0, 5.0, 30.0]))
def test_what_is_claimed_of_a_run_polled_seldom_is_true(seed: int, every: float) -> None:
    run = random_run(seed)
    archive = archive_of(polls(run, every))
    truth = true_attempts(run)
    for key, (kind, outcome, start, end) in recovered(archive).items():
        true_kind, true_outcome, true_start, true_end = truth[key]
        assert kind in {true_kind, "unknown"}
        undone = true_outcome in {"failed", "timeout", "cancelled", "interrupted"}
        assert outcome in {true_outcome, "unknown", "failed", *(["not_succeeded"] if undone else [])}
        assert start in {None, true_start}
        assert end in {None, true_end}
    dag = archive.dags.iloc[0]
    assert dag["retries_min"] <= run.retries <= dag["retries_max"]
    assert not dag["elapsed_s"] > run.elapsed + 0.15 + 0.01 * run.elapsed


@examples(5, long=160)
@given(SEEDS)
def test_a_single_answer_observes_the_last_attempts_alone(seed: int) -> None:
    run = random_run(seed)
    archive = archive_of([polls(run, 1e6)[-1]])
    attempts = archive.attempts
    last = attempts.groupby("task_gid")["attempt"].transform("max")
    assert (attempts["attempt"] == last)[attempts["evidence"] == "observed"].all()
    assert attempts.groupby("task_gid").size().to_dict() == {gid: len(a) for gid, a in run.truth.items() if a}


@examples(5, long=160)
@given(SEEDS)
def test_every_timeline_is_whole(seed: int) -> None:
    archive = archive_of(polls(random_run(seed), random.Random(seed).choice([0.5, 3.0, 40.0])))
    line = archive.timeline
    assert (line["duration_s"] > 0).all()
    assert (line["ended_at"].iloc[:-1].to_numpy() == line["started_at"].iloc[1:].to_numpy()).all()
    budget = da.time_budget(archive).iloc[0]
    if budget["elapsed_s"] == budget["elapsed_s"]:
        parts = [c for c in budget.index if c.endswith("_s") and c != "elapsed_s"]
        assert sum(budget[parts]) == pytest.approx(budget["elapsed_s"], abs=1e-6)


@examples(5)
@given(SEEDS, st.randoms(use_true_random=False))
def test_order_repetition_and_families_are_irrelevant(seed: int, rng: random.Random) -> None:
    texts = polls(random_run(seed), 4.0) + polls(random_run(seed + 1), 9.0)
    answers = answers_of(texts)
    wanted = rebuild(answers)
    shuffled = [*answers, *rng.choices(answers, k=3)]
    rng.shuffle(shuffled)
    for name, table in rebuild(shuffled).items():
        assert table.equals(wanted[name]), name
    parts = [rebuild(family)["dags"].to_pylist() for family in families_of(answers)]
    assert sorted((row for part in parts for row in part), key=lambda r: r["run_id"]) == wanted["dags"].to_pylist()


@pytest.mark.parametrize("skew", [-40.0, 40.0])
def test_a_child_on_an_agent_with_a_wrong_clock_still_waits_for_its_main_dag(skew: float) -> None:
    main, children = start_cluster([Agent("192.0.2.10"), Agent("192.0.2.11", skew=skew)], EPOCH)
    archive = archive_of([text for run in [main, *children] for text in polls(run, 0.5)])
    assert (da.time_budget(archive)["wait_operator_s"] == 0).all()


@examples(4)
@given(SEEDS, st.sampled_from(["-05:30", "+00:00", "+14:00"]))
def test_the_zone_that_instants_are_written_in_changes_no_table(seed: int, zone: str) -> None:
    texts = polls(random_run(seed), 7.0)
    elsewhere = [written_in(text, zone) for text in texts]
    assert elsewhere != texts
    tables, others = rebuild(answers_of(texts)), rebuild(answers_of(elsewhere))
    for name, own in {"snapshots": ["source"], "operations": ["source"], "dags": ["utc_offset_s"]}.items():
        tables[name], others[name] = tables[name].drop_columns(own), others[name].drop_columns(own)
    for name, table in tables.items():
        assert table.equals(others[name]), name


@examples(2)
@given(SEEDS, st.randoms(use_true_random=False))
def test_an_archive_loaded_in_two_parts_is_the_archive_loaded_at_once(seed: int, rng: random.Random) -> None:
    texts = polls(random_run(seed), 5.0) + polls(random_run(seed, later=20_000), 5.0)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, text in enumerate(texts):
            paths.append(Path(folder, f"{number:04d}.json"))
            paths[-1].write_bytes(text)
        rng.shuffle(paths)
        half = rng.randrange(1, len(paths))
        for store, parts in {"once": [paths], "twice": [paths[:half], paths[half:], paths[:2]]}.items():
            for part in parts:
                load_into_store(*part, store=Path(folder, store), jobs=1)
        once, twice = (da.read_parquet(Path(folder, store)) for store in ("once", "twice"))
        for name in BASE_TABLES:
            pd.testing.assert_frame_equal(once.table(name), twice.table(name))


def agents(n: int) -> list[Agent]:
    return [Agent(f"192.0.2.{10 + i}", skew=0.004 * (i % 3 - 1)) for i in range(n)]


def test_a_healthy_start_of_observers_has_no_failure_in_it() -> None:
    main, children = start_cluster(agents(3), EPOCH)
    texts = [text for run in [main, *children] for text in polls(run, 0.5)]
    archive = archive_of(texts)
    assert archive.dags.set_index("run_id")["outcome"].to_dict() == {main.gid: "succeeded", **{c.gid: "passed" for c in children}}
    assert archive.dags["work_ok"].dropna().all()
    assert set(archive.attempts["outcome"]) <= {"succeeded", "waiting"}
    assert archive.dags["retries_max"].tolist() == [0] * 4
    assert set(archive.links["child_gid"]) == {c.gid for c in children}
    assert (da.time_budget(archive)["wait_operator_s"] == 0).all()


def test_a_passed_child_that_failed_is_told_from_one_that_did_its_work() -> None:
    main, children = start_cluster(agents(3), EPOCH, broken=1)
    archive = archive_of([text for run in [main, *children] for text in polls(run, 0.5)])
    work = archive.dags.set_index("run_id")["work_ok"]
    assert [bool(work[c.gid]) for c in children] == [True, False, True]
    assert archive.dags.set_index("run_id")["outcome"][main.gid] == "failed"


def test_a_scale_out_is_linked_to_its_local_dag_and_waits_by_protocol() -> None:
    main, local = scale_out(agents(2)[0], agents(2)[1], EPOCH)
    archive = archive_of(polls(main, 0.5) + polls(local, 0.5))
    assert archive.links[["parent_run_id", "child_run_id", "kind"]].to_numpy().tolist() == [[main.gid, local.gid, "scale_out"]]
    budget = da.time_budget(archive).set_index("run_id").loc[local.gid]
    assert budget["wait_protocol_s"] > 0
    assert budget["wait_operator_s"] == 0
    assert archive.dags.set_index("run_id")["outcome"].to_dict() == {main.gid: "succeeded", local.gid: "succeeded"}
    assert len(archive.run(main.gid, children=True)) == 2


def test_remote_dags_are_linked_by_log_lines_and_named_where_they_are_missing() -> None:
    main, children = initialise_cluster(agents(3), EPOCH)
    archive = archive_of(polls(main, 1.0))
    assert set(archive.links["child_gid"]) == {c.gid for c in children}
    assert archive.links["child_run_id"].isna().all()
    assert archive.issues["code"].tolist() == ["child-not-in-archive"] * 4


def test_base_tables_have_their_declared_schema() -> None:
    for name, table in rebuild(answers_of(polls(random_run(1), 5.0))).items():
        assert table.schema.equals(BASE_TABLES[name].schema()), name


@examples(6)
@given(SEEDS, st.sampled_from([2.0, 10.0, 1e6]))
def test_clocks_two_seconds_off_are_bounded_truly_and_cost_the_run_no_time(seed: int, every: float) -> None:
    run = random_run(seed, skew=2.0)
    archive = archive_of(polls(run, every))
    ahead = {task.agent.address: task.agent.skew for stage in run.stages for task in stage.tasks}
    for row in archive.clock_offsets.to_dict("records"):
        true = ahead[row["agent"]]
        assert not row["ahead_min_s"] > true + 1e-6
        assert not row["ahead_max_s"] < true - 1e-6
    assert da.time_budget(archive)["execute_s"].iloc[0] <= run.executed + 0.6 + 0.05 * run.elapsed
    dag, room = archive.dags.iloc[0], 0.15 + 0.01 * run.elapsed
    assert not dag["elapsed_s"] > run.elapsed + room
    assert not dag["elapsed_min_s"] > run.elapsed + room
    assert not dag["elapsed_max_s"] < run.elapsed - room
    stages = da.stage_latency(archive)
    assert not (stages["work_s"] > stages["latency_s"]).any()
