"""What is asked, how often, and what is saved of it, at a virtual clock."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.captures import Follower, Recorder
from daganalysis.errors import DagAnalysisError
from enginemodel import Agent, DagRun, random_run, start_cluster
from tests.captures.stand_in import StandIn
from tests.profiles import LONG

CREATED = 1_735_700_000_000_000


def follower_of(stand_in: StandIn, folder: Path, told: list[str] | None = None) -> Follower:
    recorder = Recorder(folder, "c1", lambda: "2025-01-01")
    return Follower(stand_in, recorder, every_s=1.0, tell=(told if told is not None else []).append)


def captured(runs: list[DagRun], folder: Path, *, step_s: float = 1.0) -> StandIn:
    """Follow runs from their creation to some rounds after their end."""
    stand_in = StandIn(runs, step_s=step_s)
    follower = follower_of(stand_in, folder)
    while not stand_in.is_over():
        follower.round()
    for _ in range(3):
        follower.round()
    follower.conclude()
    return stand_in


def loaded(folder: Path) -> da.Archive:
    return da.load(folder, cluster_by="dir")


def test_a_capture_every_second_recovers_the_attempts_with_their_times(tmp_path: Path) -> None:
    truth, found = 0, 0
    for seed in range(40 if LONG else 4):
        run = random_run(seed)
        captured([run], tmp_path / str(seed))
        rows = {(row["task_gid"], row["attempt"]): row for row in loaded(tmp_path / str(seed)).attempts.to_dict("records")}
        for attempt in (one for attempts in run.truth.values() for one in attempts):
            row = rows.get((attempt.task_gid, attempt.number), {})
            truth += 1
            found += row.get("kind") == attempt.kind and row.get("evidence") == "observed" and not pd.isna(row["started_at"])
    assert found / truth >= 0.99


def test_it_asks_gets_only(tmp_path: Path) -> None:
    stand_in = captured([random_run(1)], tmp_path)
    assert {method for method, _ in stand_in.asked} == {"GET"}


def test_child_dags_are_followed(tmp_path: Path) -> None:
    agents = [Agent(f"10.0.0.{number}") for number in (1, 2, 3)]
    main, children = start_cluster(agents, CREATED)
    captured([main, *children], tmp_path)
    assert set(loaded(tmp_path).dags["dag_gid"]) == {main.gid, *(child.gid for child in children)}


def test_a_dag_that_stands_failed_is_not_asked_for_again_and_again(tmp_path: Path) -> None:
    run = next(run for run in map(random_run, range(50)) if run.retries)
    stand_in = StandIn([run], step_s=0.1)
    follower = follower_of(stand_in, tmp_path)
    while run.dag.at(stand_in.now)["state"] != "FAILED":
        follower.round()
    before = len(stand_in.asked)
    for _ in range(20):
        follower.round()
    assert run.dag.at(stand_in.now)["state"] == "FAILED"
    assert sum("/dag/1" in path or "/dag/2" in path for _, path in stand_in.asked[before:]) <= 6


def test_the_logs_of_what_failed_are_saved_once(tmp_path: Path) -> None:
    run = next(run for run in map(random_run, range(50)) if any(len(attempts) > 1 for attempts in run.truth.values()))
    stand_in = captured([run], tmp_path)
    asked = [path for _, path in stand_in.asked if path.endswith("/logs")]
    assert asked
    assert len(asked) <= sum(map(len, run.truth.values()))


@pytest.mark.parametrize("trouble", ["down", "slow", "404"])
def test_trouble_of_the_server_makes_it_ask_less_often_and_then_go_on(tmp_path: Path, trouble: str) -> None:
    told: list[str] = []
    stand_in = StandIn([random_run(3)])
    follower = follower_of(stand_in, tmp_path, told)
    follower.round()
    stand_in.is_down, stand_in.status = trouble == "down", {"slow": 503, "404": 404}.get(trouble, 200)
    pauses = []
    for _ in range(8):
        follower.round()
        pauses.append(follower.pause_s)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0
    stand_in.is_down, stand_in.status = False, 200
    follower.round()
    assert follower.pause_s == 1.0
    assert "the agent answers again" in told
    assert sum("less often" in line for line in told) == 1


def test_a_line_that_a_kill_left_torn_is_cut_off_and_nothing_else_changes(tmp_path: Path) -> None:
    captured([random_run(5)], tmp_path)
    (path,) = (tmp_path / "c1").glob("*.ndjson")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"successful":true,"data":{"id"')
    Recorder(tmp_path, "c1", lambda: "2025-01-01")
    assert path.read_bytes() == whole


def test_an_interrupted_capture_that_is_resumed_gives_the_runs_of_an_undisturbed_one(tmp_path: Path) -> None:
    columns = ["run_id", "outcome", "retries_min", "rollbacks_min", "ended_at"]
    for seed in range(20 if LONG else 2):
        captured([random_run(seed)], tmp_path / "undisturbed")
        stand_in = StandIn([random_run(seed)])
        while not stand_in.is_over():
            follower_of(stand_in, tmp_path / "resumed").round()  # as if killed after every round
        for _ in range(3):
            follower_of(stand_in, tmp_path / "resumed").round()
    assert loaded(tmp_path / "resumed").dags[columns].equals(loaded(tmp_path / "undisturbed").dags[columns])


def test_a_clock_that_steps_back_a_day_changes_no_run(tmp_path: Path) -> None:
    captured([random_run(5)], tmp_path / "steady")
    stand_in = StandIn([random_run(5)], step_s=1.0)
    days = iter(["2025-01-02"] * 4)
    for _ in range(2):  # stopped and started again after the step
        recorder = Recorder(tmp_path / "stepping", "c1", lambda: next(days, "2025-01-01"))
        follower = Follower(stand_in, recorder, every_s=1.0, tell=lambda _: None)
        for _ in range(6):
            follower.round()
    while not stand_in.is_over():
        follower.round()
    for _ in range(3):
        follower.round()
    assert len(list((tmp_path / "stepping" / "c1").glob("*.ndjson"))) == 2
    columns = ["attempt", "kind", "outcome", "started_at", "ended_at"]
    steady, stepping = (loaded(tmp_path / name).attempts[columns].astype(str).to_numpy().tolist() for name in ("steady", "stepping"))
    assert stepping == steady


def test_a_dag_that_ended_while_nobody_asked_is_asked_for_once_more(tmp_path: Path) -> None:
    run = random_run(2)
    stand_in = StandIn([run])
    for _ in range(3):
        follower_of(stand_in, tmp_path).round()
    assert run.ended is not None
    stand_in.now = run.ended + 60_000_000
    follower_of(stand_in, tmp_path).round()
    assert loaded(tmp_path).dags["ended_at"].notna().all()


def test_a_full_disk_stops_it_with_a_message_and_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    recorder = Recorder(tmp_path, "c1", lambda: "2025-01-01")
    recorder.save("11", b'{"a":1}')
    real = os.write

    def full(file: int, data: bytes) -> int:
        real(file, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("daganalysis.captures.recording.os.write", full)
    with pytest.raises(DagAnalysisError, match=r"No space left on device.*continues where it stopped"):
        recorder.save("11", b'{"b":2}')
    monkeypatch.undo()
    assert (tmp_path / "c1" / "11-2025-01-01.ndjson").read_bytes() == b'{"a":1}\n'


def test_an_answer_over_several_lines_becomes_one(tmp_path: Path) -> None:
    Recorder(tmp_path, "a/b c", lambda: "2025-01-01").save("11", b'{\n  "a": [1,\r\n 2]\n}\n')
    assert (tmp_path / "a_b_c" / "11-2025-01-01.ndjson").read_bytes() == b'{"a":[1,2]}\n'
