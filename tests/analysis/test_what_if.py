"""How long runs would have taken under scenarios."""

from __future__ import annotations

import itertools
import random
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import predictions
from daganalysis.analysis.scenarios import DEFAULTS
from daganalysis.loading import load_into_store
from daganalysis.store.folder_manifest import write_manifest
from enginemodel import answer, random_run
from enginemodel.dag_parts import SECOND
from tests.profiles import examples
from tests.rows import archive_of, at
from tests.zones import written_in

if TYPE_CHECKING:
    from pathlib import Path

SCALE_OUT = "sample_data/documented/scale-out.json"


def run_of(*stretches: tuple[str, float, int | None], tasks: list[dict[str, Any]] | None = None, **more: Any) -> da.Archive:
    """A run of stretches that follow each other: (category, seconds, stage); a wait begins a new leg."""
    clock, leg, line = 0.0, 1, []
    for seq, (category, seconds, stage) in enumerate(stretches, start=1):
        row = {"run_id": "1", "seq": seq, "category": category, "from_stage": stage, "to_stage": stage, "leg": leg, "direction": "forward"}
        line.append(row | {"started_at": at(clock), "ended_at": at(clock + seconds), "duration_s": seconds, "evidence": "observed"})
        clock += seconds
        leg += category.startswith("wait")
    dag = {"run_id": "1", "elapsed_s": round(clock, 6), "ended_at": at(clock)}
    return archive_of(dags=[dag], timeline=line, attempts=tasks or [], **more)


def attempt(gid: str, start: float, end: float, *, number: int = 1, kind: str = "run", stage: int = 1) -> dict[str, Any]:
    row = {"run_id": "1", "stage": stage, "task_gid": gid, "attempt": number, "kind": kind, "agent": gid}
    return row | {"started_at": at(start), "ended_at": at(end)}


def predicted(archive: da.Archive, scenario: str) -> tuple[float, float]:
    (row,) = da.what_if(archive, scenarios=[scenario]).to_dict("records")
    return round(row["predicted_min_s"], 6), round(row["predicted_max_s"], 6)


RETRIED = [
    ("execute", 3.0, 1),
    ("detect", 0.5, 1),
    ("wait_operator", 60.0, 1),
    ("execute", 0.1, 1),
    ("detect", 1.0, 1),
    ("execute", 4.0, 1),
]
REDONE = [attempt("a", 0, 3), attempt("a", 63.5, 63.6, number=2, kind="rollback"), attempt("a", 64.6, 68.6, number=3)]


def test_the_documented_sample_without_its_engine_is_its_work() -> None:
    assert predicted(da.load(SCALE_OUT), "no_engine") == (14.267025, 14.267025)


def test_without_waiting_for_people_the_rest_stays() -> None:
    assert predicted(run_of(*RETRIED), "no_wait_operator") == (8.6, 8.6)


def test_without_retries_the_last_run_of_each_stage_is_left() -> None:
    assert predicted(run_of(*RETRIED, tasks=REDONE), "no_retries") == (4.0, 4.0)


def test_a_sub_task_that_was_not_run_again_may_be_the_longest_of_its_stage() -> None:
    assert predicted(run_of(*RETRIED, tasks=[*REDONE, attempt("b", 0, 2.9), attempt("c", 0, 3)]), "no_retries") == (4.0, 4.0)
    brief = [("execute", 3.0, 1), ("wait_operator", 9.0, 1), ("execute", 1.0, 1)]
    assert predicted(run_of(*brief, tasks=[attempt("a", 0, 3), attempt("b", 0, 1), attempt("b", 12, 13, number=3)]), "no_retries") == (
        1.0,
        3.0,
    )


def test_what_failed_before_unknown_time_may_have_been_run_again_there() -> None:
    unknown = [("execute", 3.0, 1), ("detect", 0.5, 1), ("wait_operator", 60.0, 1), ("lost", 5.0, 1), ("execute", 2.0, 2)]
    assert predicted(run_of(*unknown), "no_retries") == (2.0, 70.5)
    later = [*unknown[:3], ("lost", 5.0, 2), ("execute", 2.0, 3)]
    assert predicted(run_of(*later), "no_retries") == (65.5, 70.5)


def test_an_execution_whose_end_is_lost_may_have_been_run_again() -> None:
    assert predicted(run_of(("execute", 3.0, 1), ("lost", 5.0, 1), ("execute", 2.0, 2)), "no_retries") == (2.0, 10.0)


def test_what_waits_for_another_dag_is_no_retry() -> None:
    waits = [("execute", 3.0, 1), ("wait_protocol", 60.0, 1), ("execute", 4.0, 1)]
    assert predicted(run_of(*waits), "no_retries") == (67.0, 67.0)


def test_a_straggler_takes_the_median_of_the_others() -> None:
    tasks = [attempt("a", 0, 2), attempt("b", 0, 4), attempt("c", 0, 9)]
    assert predicted(run_of(("execute", 9.0, 1), tasks=tasks), "no_stragglers") == (4.0, 4.0)  # c takes 3 s, so that b is last


def test_what_was_run_again_alone_takes_the_median_of_the_others_before_it() -> None:
    tasks = [attempt("a", 0, 9), attempt("b", 0, 2), attempt("c", 0, 3), attempt("a", 20, 29, number=2)]
    archive = run_of(("execute", 9.0, 1), ("wait_operator", 11.0, 1), ("execute", 9.0, 1), tasks=tasks)
    assert predicted(archive, "no_stragglers") == (16.5, 16.5)  # 3 s, then 11 s, then the median of 2 s and 3 s


def test_what_was_overwritten_is_dropped_in_the_lower_bound_and_kept_in_the_upper() -> None:
    archive = run_of(("execute", 3.0, 1), ("lost", 50.0, 1), ("handoff", 1.0, 1))
    assert predicted(archive, "no_engine") == (3.0, 53.0)
    [reason] = da.what_if(archive, scenarios=["no_engine"])["reason"]
    assert "50.000 s" in reason


def test_another_tick_lets_ends_be_noticed_at_its_passes() -> None:
    archive = run_of(("dispatch", 0.1, 1), ("execute", 2.0, 1), ("detect", 0.975, 1))
    assert predicted(archive, "tick=2") == (4.05, 4.05)  # two passes of 2.025 s
    assert predicted(archive, "tick=0.5") == (2.1, 2.1)  # four of 0.525 s


def test_a_hand_over_at_the_start_of_a_run_is_no_end_of_a_wait_of_the_run_before_it() -> None:
    line = [
        ("1", 1, "execute", 0, 3, 1),
        ("1", 2, "wait_operator", 3, 9, 2),
        ("2", 1, "handoff", 20, 20.3, 1),
        ("2", 2, "execute", 20.3, 22.3, 1),
    ]
    names = ("run_id", "seq", "category", "started_at", "ended_at", "from_stage")
    rows = [dict(zip(names, (run, seq, kind, at(start), at(end), stage), strict=True)) for run, seq, kind, start, end, stage in line]
    dags = [{"run_id": "1", "elapsed_s": 9.0, "ended_at": at(9)}, {"run_id": "2", "elapsed_s": 2.3, "ended_at": at(22.3)}]
    both = archive_of(dags=dags, timeline=[row | {"to_stage": row["from_stage"], "leg": 1, "direction": "forward"} for row in rows])
    (beside,) = da.what_if(both, scenarios=["tick=2"]).query("run_id == '2'").to_dict("records")
    assert (beside["predicted_min_s"], beside["predicted_max_s"]) == predicted(both.only(["2"]), "tick=2")


def test_a_faster_stage_is_shorter_by_its_work() -> None:
    nodes = [{"run_id": "1", "stage": 1, "name": "Copy+check"}]
    assert predicted(run_of(("execute", 8.0, 1), ("detect", 1.0, 1), nodes=nodes), "stage=Copy+check*0.25") == (3.0, 3.0)


@pytest.mark.parametrize("scenario", ["tick=1", "tick=1.0+tick=1"])
def test_nothing_changed_is_the_elapsed_time_to_the_nanosecond(scenario: str) -> None:
    archive = da.load(SCALE_OUT)
    assert da.what_if(archive, scenarios=[scenario])["predicted_min_s"].tolist() == archive.dags["elapsed_s"].tolist()


def test_a_run_that_has_not_ended_has_a_reason_and_no_prediction() -> None:
    (row,) = da.what_if(archive_of(dags=[{"run_id": "1"}]), scenarios=["no_engine"]).to_dict("records")
    assert pd.isna(row["predicted_max_s"])
    assert row["reason"] == "it has not ended"


@pytest.mark.parametrize("scenario", ["no_sleep", "tick", "tick=fast", "tick=0", "stage=Copy", "stage=Copy*-1", "stage=Nowhere*2", ""])
def test_a_scenario_that_makes_no_sense_is_a_usage_error(scenario: str) -> None:
    with pytest.raises(da.UsageError):
        da.what_if(da.load(SCALE_OUT), scenarios=[scenario])


@examples(5)
@given(st.integers(0, 300))
@example(1)  # what was run again alone is a straggler too
def test_removing_more_never_makes_a_run_longer(seed: int) -> None:
    run = random_run(seed)
    end = (run.ended or run.pass_at) + 2 * SECOND
    archive = da.load([answer(run, moment) for moment in (*range(run.created, end, 3 * SECOND), end)])
    sets = [subset for n in range(1, 5) for subset in itertools.combinations(DEFAULTS, n)]
    rows = da.what_if(archive, scenarios=["+".join(subset) for subset in sets]).set_index("scenario")
    elapsed = archive.dags["elapsed_s"].iloc[0]
    for column in ("predicted_min_s", "predicted_max_s"):
        lengths = rows[column].to_dict()
        for subset in sets:
            less = [elapsed, *(lengths["+".join(part)] for part in itertools.combinations(subset, len(subset) - 1) if part)]
            assert not any(lengths["+".join(subset)] > length for length in less)


@examples(6)
@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_order_repetition_and_zone_of_answers_change_no_prediction_and_no_path(seed: int, rng: random.Random) -> None:
    run = random_run(seed)
    end = (run.ended or run.pass_at) + 2 * SECOND
    texts = [msgspec.json.encode(answer(run, moment)) for moment in (*range(run.created, end, 5 * SECOND), end)]
    elsewhere = [written_in(text, "+05:30") for text in [*texts, *texts[:3]]]
    rng.shuffle(elsewhere)
    plain, other = da.load(*texts), da.load(*elsewhere)
    scenarios = [*DEFAULTS, "tick=2", "no_engine+no_retries"]
    pd.testing.assert_frame_equal(da.what_if(other, scenarios=scenarios), da.what_if(plain, scenarios=scenarios))
    pd.testing.assert_frame_equal(da.critical_path(other), da.critical_path(plain))


@pytest.fixture(scope="module")
def stored_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[da.Archive, Path]:
    """Runs with failures and retries, in memory and in a store of several parts."""
    folder = tmp_path_factory.mktemp("several-parts")
    for number in range(3):
        for seed in range(8 * number, 8 * number + 8):
            run = random_run(seed)
            end = (run.ended or run.pass_at) + 2 * SECOND
            texts = [msgspec.json.encode(answer(run, moment)) for moment in (*range(run.created, end, 4 * SECOND), end)]
            (folder / f"c{seed}.ndjson").write_bytes(b"\n".join(texts))
        load_into_store([*folder.glob("*.ndjson")], store=folder / "store", cluster_by="file")
    return da.load(*folder.glob("*.ndjson"), cluster_by="file"), folder / "store"


def test_a_store_worked_out_in_pieces_has_the_predictions_of_the_archive_in_memory(
    stored_runs: tuple[da.Archive, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory, store = stored_runs
    monkeypatch.setattr(predictions, "_pieces", lambda archive: archive.by_part())
    archive = da.read_parquet(store)
    assert len(archive.by_part()) > 2
    scenarios = [*DEFAULTS, "no_retries+no_stragglers", "tick=2"]
    pd.testing.assert_frame_equal(da.what_if(archive, scenarios=scenarios), da.what_if(in_memory, scenarios=scenarios))


def test_parts_put_together_hold_each_run_once(stored_runs: tuple[da.Archive, Path]) -> None:
    archive = da.read_parquet(stored_runs[1])
    pieces = archive.by_part(2)
    assert len(pieces) == 2
    assert sorted(run_id for piece in pieces for run_id in piece.dags["run_id"]) == archive.dags["run_id"].tolist()


def test_a_run_in_two_pieces_of_a_store_is_named(
    stored_runs: tuple[da.Archive, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = shutil.copytree(stored_runs[1], tmp_path / "store")
    first, second, *_ = sorted((store / "dags").glob("*.parquet"))
    pq.write_table(pa.concat_tables([pq.read_table(second), pq.read_table(first).slice(0, 1)]), second)
    write_manifest(store)
    monkeypatch.setattr(predictions, "_pieces", lambda archive: archive.by_part())
    with pytest.raises(da.StoreError, match="twice"):
        da.what_if(da.read_parquet(store))
