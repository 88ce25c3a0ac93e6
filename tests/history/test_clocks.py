"""Agents whose clocks are off, put on the clock of their DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.dag_clock import on_dag_clock
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from tests.history.responses import dag, node, ns, sub_task
from tests.history.test_runs import frame

HOUR = 3600.0


def at(seconds: float) -> pd.Timestamp:
    return pd.Timestamp(ns(seconds), tz="UTC")


def archive_of(*answers: Answer) -> da.Archive:
    return da.Archive.from_tables(rebuild(answers))


def with_agent(ahead: float, *, work: float = 9.9, **fields: Any) -> Answer:
    """A stage of 11 s in which one agent works 9.98 s, and another ``work`` seconds with its clock ``ahead`` seconds ahead."""
    there = sub_task(
        start=30000.03 + ahead, end=30000.03 + ahead + work, gid="12", ip="192.0.2.2", **{"logs": [], "state": "SUCCEED", **fields}
    )
    here = sub_task(start=30000.03, end=30010.01)
    state = there["state"]
    return dag(node(here, there, start=30000.01, end=30011.0, state=state), start=30000.0, end=30011.01, at=30020.0, state=state)


OFF = [-7 * HOUR, -60.0, -5.0, -0.9, 2.0, 60.0, 8 * HOUR, 5.75 * HOUR]


@pytest.mark.parametrize("ahead", OFF)
def test_a_clock_that_is_off_is_bounded_by_what_holds(ahead: float) -> None:
    (row,) = frame("clock_offsets", with_agent(ahead)).to_dict("records")
    assert (row["run_id"], row["stage"], row["agent"]) == ("11", 1, "192.0.2.2:2886")
    assert row["ahead_min_s"] <= ahead <= row["ahead_max_s"]
    assert row["ahead_s"] == pytest.approx(ahead, abs=1e-6)


@pytest.mark.parametrize("ahead", [0.0, 0.5, -0.015])
def test_clocks_that_may_agree_are_left_alone(ahead: float) -> None:
    assert frame("clock_offsets", with_agent(ahead)).empty


@pytest.mark.parametrize("ahead", OFF)
def test_the_times_of_an_agent_whose_clock_is_off_are_put_right(ahead: float) -> None:
    rows = on_dag_clock(archive_of(with_agent(ahead)), "attempts", ["agent", "started_at", "ended_at", "duration_s"])
    there = rows[rows["agent"] == "192.0.2.2:2886"].iloc[0]
    assert abs(there["started_at"] - at(30000.03)) <= pd.Timedelta("1us")
    assert abs(there["ended_at"] - at(30009.93)) <= pd.Timedelta("1us")
    assert there["duration_s"] == pytest.approx(9.9)
    assert 0 < there["clock_error_s"] <= 1.1


@pytest.mark.parametrize("ahead", OFF)
def test_no_analysis_sees_a_clock_that_is_off(ahead: float) -> None:
    archive = archive_of(with_agent(ahead))
    (stage,) = da.stage_latency(archive).to_dict("records")
    assert stage["work_s"] == pytest.approx(9.98, abs=1e-6)
    assert (stage["dispatch_s"], stage["detect_s"]) == (pytest.approx(0.02), pytest.approx(0.99))
    bars = da.gantt_bars(archive)
    assert bars["ended_at"].max() - bars["started_at"].min() == pd.Timedelta(11.01, "s")
    assert archive.dags["active_s"].tolist() == [pytest.approx(9.98, abs=1e-6)]


@pytest.mark.parametrize("ahead", [-5.0, 60.0, 8 * HOUR])
def test_the_base_tables_keep_what_was_served(ahead: float) -> None:
    answer = with_agent(ahead)
    assert frame("sub_tasks", answer)["started_at"].tolist() == [at(30000.03), at(30000.03 + ahead)]
    assert frame("attempts", answer)["ended_at"].tolist() == [at(30010.01), at(30009.93 + ahead)]


def test_work_never_exceeds_the_latency_of_its_stage() -> None:
    stages = pd.concat(da.stage_latency(archive_of(with_agent(ahead, work=work))) for ahead in OFF for work in (0.5, 9.9, 12.0, 40.0))
    assert (stages["work_s"].isna() | (stages["work_s"] <= stages["latency_s"])).all()


def test_an_attempt_longer_than_its_stage_has_no_place_in_it() -> None:
    archive = archive_of(with_agent(0.0, work=40.0))
    (offset,) = archive.clock_offsets.to_dict("records")
    assert pd.isna(offset["ahead_s"])
    rows = on_dag_clock(archive, "sub_tasks", ["agent", "started_at"])
    assert rows["started_at"].isna().tolist() == [False, True]
    assert rows["clock_error_s"].tolist() == [0.0, float("inf")]
    assert archive.timeline["category"].tolist() == ["handoff", "unattributed", "execute", "unattributed", "handoff"]
    assert da.stragglers(archive).empty


def test_a_cancelled_attempt_ends_by_the_schedulers_clock() -> None:
    answer = with_agent(60.0, state="FAILED", logs=["sub task cancelled"])
    served = answer.nodes[0].replace(b"08:21:09.930000Z", b"08:20:09.930000Z")  # type: ignore[index]
    answer.nodes = [served]
    rows = on_dag_clock(archive_of(answer), "attempts", ["agent", "started_at", "ended_at"])
    assert abs(rows["started_at"].iloc[1] - at(30000.03)) <= pd.Timedelta("1us")
    assert rows["ended_at"].iloc[1] == at(30009.93)


def test_an_innocent_agent_is_not_flagged_for_a_clock_that_is_behind() -> None:
    answers = []
    for run in range(20):
        begun = {"192.0.2.1": 10.04, "192.0.2.2": 5.04, "192.0.2.3": 10.04}
        tasks = [
            sub_task(start=start, end=start + 5 + 0.3 * ((run + place) % 3), gid=f"1{run:02d}{place}", ip=ip)
            for place, (ip, start) in enumerate(begun.items())
        ]
        answers.append(dag(node(*tasks, start=10.02, end=16.2, gid=f"1{run:02d}9"), start=10.0, end=16.21, gid=f"1{run:02d}"))
    found = da.stragglers(archive_of(*answers))
    assert found["n"].tolist() == [20, 20, 20]
    assert not found["flagged"].any()


def test_all_others_behind_name_the_one_that_is_ahead() -> None:
    tasks = [sub_task(start=t, end=t + 8, gid=f"1{n}", ip=f"192.0.2.{n}") for n, t in ((1, 61.03), (2, 1.03), (3, 1.04), (4, 1.02))]
    (issue,) = frame("issues", dag(node(*tasks, start=61.01, end=70.0), start=61.0, end=70.01)).to_dict("records")
    assert issue["code"] == "clocks-differ"
    assert issue["message"].startswith("the clock of 192.0.2.1:2886, which the scheduler uses, is ahead of those of all 3 other agents by ")


def test_another_time_zone_is_told_as_one() -> None:
    assert "192.0.2.2:2886 shows another time zone: +8 h from" in frame("issues", with_agent(8 * HOUR))["message"].iloc[0]


def cancelled_first_stage(*starts: float) -> Answer:
    """A stage whose first start a cancel at 20 s has overwritten, with a sub-task of each agent begun at one of these times."""
    tasks = [
        sub_task("SUCCEED", start, start + 5, gid=str(10 + place), ip=f"192.0.2.{place}") for place, start in enumerate(starts, start=1)
    ]
    never = node(sub_task("PENDING", 1.0, 1.0, gid="90", times=0), gid="90", state="PENDING", start=1.0, end=1.0)
    stopped = node(*tasks, state="FAILED", operator="CANCEL", start=20.0, end=20.003)
    return dag(stopped, never, state="FAILED", operator="CANCEL", start=19.99, end=21.0, at=30.0)


def test_where_clocks_are_seen_to_differ_one_alone_does_not_tell_when_the_run_began() -> None:
    (run,) = frame("dags", cancelled_first_stage(1.5, 3.1)).to_dict("records")
    assert pd.isna(run["started_at"])
    assert (run["elapsed_min_s"], run["elapsed_max_s"]) == (pytest.approx(1.01), 20.0)


def test_where_clocks_agree_the_first_attempt_tells_when_the_run_began() -> None:
    (run,) = frame("dags", cancelled_first_stage(1.5, 1.51)).to_dict("records")
    assert run["elapsed_s"] == 19.5


def test_an_attempt_that_began_before_its_row_was_created_bears_another_clock() -> None:
    (run,) = frame("dags", cancelled_first_stage(0.2)).to_dict("records")
    assert pd.isna(run["elapsed_s"])


def test_what_clocks_that_differ_hide_in_a_stage_is_no_time_of_the_engine() -> None:
    early = sub_task(start=1.03, end=1.05)
    late = sub_task("FAILED", start=3.3, end=5.2, gid="12", ip="192.0.2.2", logs=["sub task cancelled"])
    running = node(early, late | {"state": "RUNNING"}, state="RUNNING", start=1.01, end=1.01)
    gone = node(early, late, state="FAILED", operator="CANCEL", start=5.2, end=5.21)
    ahead = sub_task(start=3.3, end=3.4, gid="13", ip="192.0.2.3")
    answers = [
        dag(running | {"sub_tasks": [*running["sub_tasks"], ahead]}, state="RUNNING", start=1.0, end=0.5, at=4.0),
        dag(gone | {"sub_tasks": [*gone["sub_tasks"], ahead]}, state="FAILED", operator="CANCEL", start=5.19, end=6.2),
    ]
    budget = da.time_budget(archive_of(*answers)).iloc[0]
    assert budget["unattributed_s"] == pytest.approx(2.25)
    assert budget["detect_s"] < 0.1


def test_a_clock_that_is_off_in_one_stage_alone_differs_by_no_fixed_offset() -> None:
    off = node(sub_task(start=4.05, end=5.9, gid="11", ip="192.0.2.2"), gid="11", start=6.5, end=9.0)
    fits = node(sub_task(start=11.45, end=19.0, gid="12", ip="192.0.2.2"), gid="12", start=11.4, end=19.9)
    (issue,) = frame("issues", dag(off, fits, stage=2, start=6.4, end=20.0)).to_dict("records")
    assert issue["message"].startswith("the clock of 192.0.2.2:2886 differs from the scheduler by no fixed offset")


def test_an_agent_has_one_offset_in_nodes_whose_stages_no_source_tells(tmp_path: Path) -> None:
    logs = Path(__file__).parents[3] / "shared" / "cases" / "sources" / "log"
    if not logs.exists():
        pytest.skip("the cases are not here")
    for file in sorted(file for file in logs.rglob("*") if file.is_file()):  # logs that begin within a run do not tell its stages
        lines = file.read_bytes().splitlines(keepends=True)
        half = tmp_path / file.relative_to(logs)
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"".join(lines[len(lines) // 2 :]))
    archive = da.load(tmp_path, cluster_by="dir")
    assert archive.clock_offsets["stage"].isna().any()
    assert not archive.clock_offsets.duplicated(["run_id", "stage", "agent"]).any()
