"""Agents' logs as sources: every attempt, every request, no secret, and nothing false where logs are missing."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.commands import main
from daganalysis.engine.facts import LogZone
from daganalysis.engine.identifiers import local_gid
from daganalysis.history.replay.contexts import AgentLog
from daganalysis.loading import load_into_store
from daganalysis.post_mortem import post_mortem_text
from daganalysis.tables import BASE_TABLES
from daganalysis.text.zones import offset_name
from enginemodel import LOG_SECRETS, Agent, DagRun, Failure, Stage, Task, answer, random_run
from enginemodel.dag_parts import SECOND
from tests.obshell_logs.builders import final_answer, in_berlin, save_logs, true_attempts
from tests.profiles import examples

CREATED = 1_739_900_000 * SECOND
NEAR = pd.Timedelta("5ms")


def failing_twice(*, skew: float = 0.0, created: int = CREATED) -> DagRun:
    """A DAG of the cluster over two agents; its second stage fails twice, is retried, then passed."""
    first, second = Agent("192.0.2.1"), Agent("192.0.2.2", skew=skew)
    failing = {n: Failure() for n in (1, 3)}
    stages = [Stage("Prepare", [Task(first, 2.4)]), Stage("Work", [Task(first, 1.2), Task(second, 3.1, failing, ("working",))])]
    run = DagRun("Create tenant t1", stages, "111", created, first, first_row_id=31)
    run.run()
    run.act("retry", (run.ended or 0) + 40 * SECOND)
    run.run()
    run.act("pass", (run.ended or 0) + 25 * SECOND)
    return run


def seen(archive: da.Archive) -> dict[tuple[str, int], tuple[str, str]]:
    return {(row.task_gid, row.attempt): (row.kind, row.outcome) for row in archive.attempts.itertuples()}


def false_claims(run: DagRun, archive: da.Archive) -> list[tuple[object, ...]]:
    """What an archive says of a run that is not so."""
    truth, found = true_attempts(run), []
    for row in archive.attempts.itertuples():
        true = truth.get((row.task_gid, row.attempt))
        if true is None:
            found.append((row.task_gid, row.attempt, "never happened"))
            continue
        kind, outcome, start, end = true
        if row.kind not in {kind, "unknown"} or row.outcome not in {outcome, "unknown", "not_succeeded"}:
            found.append((row.task_gid, row.attempt, row.kind, kind, row.outcome, outcome))
        for said, was in ((row.started_at, start), (row.ended_at, end)):
            if not pd.isna(said) and (was is None or abs(said - pd.Timestamp(was, unit="us", tz="UTC")) > NEAR):
                found.append((row.task_gid, row.attempt, said, was))
    return found


def test_logs_tell_of_every_attempt_that_answers_have_forgotten(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run), final_answer(run))
    assert seen(archive) == {key: (kind, outcome) for key, (kind, outcome, _, _) in true_attempts(run).items()}
    assert false_claims(run, archive) == []
    assert archive.timeline["category"].isin(["lost"]).sum() == 0
    assert archive.dags["history"].tolist() == ["complete"]


def test_a_log_alone_makes_runs_without_a_name(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run))
    assert archive.dags[["run_id", "outcome", "n_snapshots"]].to_dict("records") == [
        {"run_id": "111", "outcome": "passed", "n_snapshots": 0}
    ]
    assert archive.dags["name"].isna().all()
    assert false_claims(run, archive) == []


@pytest.mark.parametrize(("ip", "prefix"), [("192.0.2.1", "4"), ("2001:db8::1", "5")])
def test_logs_and_answers_of_an_obproxy_dag_tell_of_one_run(ip, prefix, tmp_path):
    agent = Agent(ip)
    gid = prefix + (local_gid(agent.address, 31) or "")[1:]
    run = DagRun("Add obproxy", [Stage("Check obproxy status", [Task(agent, 1.2)])], gid, CREATED, agent, first_row_id=31)
    run.run()
    archive = da.load(save_logs(tmp_path, run), final_answer(run))
    assert archive.dags[["run_id", "scope"]].to_dict("records") == [{"run_id": gid, "scope": "obproxy"}]
    assert seen(archive) == {key: (kind, outcome) for key, (kind, outcome, _, _) in true_attempts(run).items()}


def test_logs_alone_tell_of_one_run_of_an_obproxy_dag_whose_id_a_request_has(tmp_path):
    agent = Agent("192.0.2.1")
    gid = "4" + (local_gid(agent.address, 31) or "")[1:]
    run = DagRun("Add obproxy", [Stage("Check obproxy status", [Task(agent, 1.2, {1: Failure()})])], gid, CREATED, agent, first_row_id=31)
    run.run()
    run.act("retry", (run.ended or 0) + 10 * SECOND)
    run.run()
    assert da.load(save_logs(tmp_path, run)).dags[["run_id", "outcome"]].to_dict("records") == [
        {"run_id": gid, "outcome": "succeeded_after_retry"}
    ]


def test_logs_alone_tell_that_a_dag_went_on_after_its_node_was_cancelled_and_passed(tmp_path):
    agent = Agent("192.0.2.1")
    stages = [Stage("First", [Task(agent, 5.3)]), Stage("Second", [Task(agent, 1.2)])]
    run = DagRun("Create tenant t1", stages, "111", CREATED, agent, first_row_id=31)
    run.run(until=run.pass_at + 2 * SECOND)
    run.act("cancel", run.pass_at - 400_000)
    run.run()
    run.act("node_pass", (run.ended or 0) + 90 * SECOND)
    run.run()
    archive = da.load(save_logs(tmp_path, run))
    assert archive.dags["outcome"].tolist() == [run.outcome] == ["succeeded_with_node_pass"]


def test_work_that_went_on_after_its_cancel_is_no_part_of_the_rollback_that_came_meanwhile(tmp_path):
    task = Task(Agent("192.0.2.2"), 30.0, {1: Failure(), 2: Failure("ERROR: no way back")}, ("working",))
    run = DagRun("Create tenant t1", [Stage("Work", [task])], "111", CREATED, Agent("192.0.2.1"), first_row_id=31)
    run.run(until=run.pass_at + 7 * SECOND)
    seen_running = json.dumps(answer(run, run.pass_at - 5 * SECOND)).encode()
    run.act("cancel", run.pass_at - 400_000)
    run.run()
    run.act("rollback", (run.ended or 0) + 2 * SECOND)
    run.run()
    logs = save_logs(tmp_path, run)
    alone, together = da.load(logs), da.load(logs, seen_running, final_answer(run))
    assert false_claims(run, alone) == [] == false_claims(run, together)
    assert list(seen(alone).values()) == [("run", "cancelled"), ("rollback", "not_succeeded")]
    assert list(seen(together).values()) == [("run", "cancelled"), ("rollback", "failed")]


TRIES_AGAIN = "ERROR: [Common.Unexpected]: Unexpected error: failed to create the task due to 'busy' and will try again[1/3]."


@pytest.mark.parametrize("line", [TRIES_AGAIN, "ERROR: get remote dag failed"], ids=["says that it tries again", "of a poll loop"])
def test_an_attempt_that_survived_the_error_of_its_last_line_has_succeeded_as_its_scheduler_found(line, tmp_path):
    stages = [Stage("Work", [Task(Agent("192.0.2.2"), 3.1, lines=("working", line))])]
    run = DagRun("Create tenant t1", stages, "111", CREATED, Agent("192.0.2.1"), first_row_id=31)
    run.run()
    archive = da.load(save_logs(tmp_path, run))
    assert archive.attempts["outcome"].tolist() == ["succeeded"]


def test_operations_say_who_asked_for_what_and_when(tmp_path):
    run = failing_twice()
    operations = da.load(save_logs(tmp_path, run), final_answer(run)).operations.query("evidence == 'log'")
    assert operations[["operation", "actor", "client", "agent", "result"]].to_dict("records") == [
        {"operation": word, "actor": "person", "client": "unix socket", "agent": "192.0.2.1:2886", "result": "accepted"}
        for word in ("retry", "pass")
    ]
    asked = [pd.Timestamp(t, unit="us", tz="UTC") for t, _, _ in run.requests]
    assert all(abs(said - true) <= pd.Timedelta("10ms") for said, true in zip(operations["at"], asked, strict=True))


def test_show_says_who_asked_for_what(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run), final_answer(run))
    text = post_mortem_text(archive, "111", named="logs")
    assert "Who asked for what (times in +08:00)" in text
    assert "retry, a person on the host of 192.0.2.1:2886" in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_bodies_of_requests_hold_is_in_no_table_and_in_no_file_of_a_store(tmp_path):
    run = failing_twice()
    archive = load_into_store(save_logs(tmp_path / "logs", run), store=tmp_path / "store")
    held = [str(archive.arrow(name).to_pylist()) for name in BASE_TABLES]
    files = [path.read_bytes() for path in (tmp_path / "store").rglob("*.parquet")]
    for secret in LOG_SECRETS:
        assert not any(secret in text for text in held)
        assert not any(secret.encode() in content for content in files)


def test_a_clock_two_seconds_off_makes_nothing_false(tmp_path):
    for skew in (2.0, -2.0):
        run = failing_twice(skew=skew)
        archive = da.load(save_logs(tmp_path / str(skew), run), final_answer(run))
        assert false_claims(run, archive) == []
        assert archive.dags[["retries_min", "retries_max"]].to_numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize("change", ["2025-10-26T01:00Z", "2025-03-30T01:00Z"], ids=["an hour comes twice", "an hour is left out"])
@pytest.mark.parametrize("seconds", [3, 50, 3599, -1800])
def test_a_change_of_the_clock_of_the_host_makes_nothing_false(change, seconds, tmp_path):
    run = failing_twice(created=(round(datetime.fromisoformat(change).timestamp()) - seconds) * SECOND)
    archive = da.load(save_logs(tmp_path, run, in_berlin), final_answer(run))
    assert false_claims(run, archive) == []
    assert archive.attempts["started_at"].notna().sum() >= len(true_attempts(run)) - 1


def test_without_the_log_of_an_agent_its_attempts_are_known_by_the_scheduler_alone(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run, without="192.0.2.2:2886"), final_answer(run))
    assert false_claims(run, archive) == []
    assert [kind for (task, _), (kind, _) in seen(archive).items() if task == "133"] == ["run", "rollback", "run"]


def test_what_an_agent_executed_for_dags_that_nothing_shows_is_counted_in_an_issue(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run, without=run.maintainer.address))
    assert len(archive) == 0
    (issue,) = archive.issues.query("code == 'executions-without-dag'").to_dict("records")
    assert issue["message"].startswith("executions of 1 sub-tasks are left out")


def test_requests_to_a_dag_that_nothing_shows_are_told_with_its_id(tmp_path):
    def requests_alone(text):
        return "".join(line for line in text.splitlines(keepends=True) if "API re" in line or "maintainer" in line)

    told = da.load(save_logs(tmp_path, failing_twice(), requests_alone)).operations
    assert told[["run_id", "operation", "actor", "result"]].to_numpy().tolist() == [
        ["111", "retry", "person", "accepted"],
        ["111", "pass", "person", "accepted"],
    ]


def test_times_in_a_zone_that_nothing_tells_are_not_used_and_an_issue_says_so(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run, zone_told=False), final_answer(run))
    assert set(archive.issues.query("code == 'log-zone-unknown'")["source"]) == {
        f"192.0.2.{n}_2886/log_obshell/obshell.log" for n in (1, 2)
    }
    assert archive.operations["at"].isna().all()
    assert false_claims(run, archive) == []


def test_a_zone_that_the_user_gives_is_taken_where_nothing_else_tells_it(tmp_path):
    run = failing_twice()
    archive = da.load(save_logs(tmp_path, run, zone_told=False), final_answer(run), tz="Asia/Shanghai")
    assert false_claims(run, archive) == []
    assert archive.operations["evidence"].tolist().count("log") == 2


def test_the_zone_of_a_log_is_its_own(tmp_path):
    run = failing_twice()
    archives = [da.load(save_logs(tmp_path / str(zone), run, zone_s=zone)) for zone in (0, -12_600, 45_900)]
    starts = [archive.attempts["started_at"].tolist() for archive in archives]
    assert starts[0] == starts[1] == starts[2]


@pytest.mark.parametrize("seconds", [0, -12_600, 28_800])
def test_a_run_that_logs_alone_show_is_shown_in_the_zone_of_its_schedulers_log(seconds, tmp_path):
    archive = da.load(save_logs(tmp_path, failing_twice(), zone_s=seconds))
    assert archive.dags["utc_offset_s"].tolist() == [seconds]
    assert f" {offset_name(seconds)}\n" in post_mortem_text(archive, "111", named="store")


def test_the_offset_that_answers_show_stands_against_that_of_a_log(tmp_path):
    run = failing_twice()
    assert da.load(save_logs(tmp_path, run, zone_s=0), final_answer(run)).dags["utc_offset_s"].tolist() == [28_800]


@pytest.mark.parametrize(("seconds_after", "offset_s"), [(-60, 3_600), (60, 7_200)])
def test_a_log_over_a_clock_change_has_two_offsets(seconds_after, offset_s):
    change, day, second = 1_743_296_400 * 10**9, 86_400 * 10**9, 10**9
    winter = LogZone(offset_s=3_600, local_from=change - day, local_to=change + 3_600 * second)
    summer = LogZone(offset_s=7_200, local_from=change + 7_200 * second, local_to=change + day)
    assert AgentLog([winter, summer]).offset_at(change + seconds_after * second) == offset_s


def test_a_rotated_and_packed_log_tells_the_same_as_a_whole_one(tmp_path):
    run = failing_twice()
    whole = da.load(save_logs(tmp_path / "whole", run), final_answer(run))
    cut = save_logs(tmp_path / "cut", run, cut_at=0.55)
    for path in cut.rglob("obshell-*.log"):
        path.with_suffix(".log.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    rotated = da.load(cut, final_answer(run))
    for name in ("dags", "attempts", "timeline"):
        pd.testing.assert_frame_equal(whole.table(name), rotated.table(name))


def test_a_log_that_was_copied_before_and_after_its_rotation_counts_once(tmp_path):
    run = failing_twice()
    once = da.load(save_logs(tmp_path / "a", run))
    twice = da.load(tmp_path / "a", save_logs(tmp_path / "b", run, cut_at=0.4))
    for name in ("dags", "attempts", "timeline"):
        pd.testing.assert_frame_equal(once.table(name), twice.table(name))
    assert len(twice.operations) == len(once.operations)


def fingerprint(store: Path) -> dict[str, str]:
    return {
        str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(store.rglob("*.parquet"))
        if not path.relative_to(store).parts[0].startswith("_")
    }


def tables(store: Path) -> dict[str, list[dict[str, object]]]:
    archive = da.read_parquet(store)
    return {name: archive.arrow(name).to_pylist() for name in BASE_TABLES}


def test_logs_added_to_a_store_later_give_what_loading_all_at_once_gives(tmp_path):
    run = failing_twice()
    (tmp_path / "answer.json").write_bytes(final_answer(run))
    logs = save_logs(tmp_path / "logs", run)
    first, second = sorted(logs.iterdir())
    for step in (tmp_path / "answer.json", second, first):
        load_into_store(step, store=tmp_path / "bit by bit", cluster="c")
    load_into_store(first, tmp_path / "answer.json", second, store=tmp_path / "at once", cluster="c", jobs=2)
    told, expected = tables(tmp_path / "bit by bit"), tables(tmp_path / "at once")
    assert {name: len(rows) for name, rows in told.items()} == {name: len(rows) for name, rows in expected.items()}
    for row in (*told["operations"], *expected["operations"]):
        del row["source"]  # a file's name depends on the folder that was given
    for name in ("dags", "attempts", "timeline", "operations"):
        assert told[name] == expected[name]


def test_the_number_of_processes_changes_no_byte(tmp_path):
    for seed in range(3):
        save_logs(tmp_path / "logs" / f"c{seed}", random_run(seed))
    for jobs in (1, 2):
        load_into_store(tmp_path / "logs", store=tmp_path / f"store{jobs}", cluster_by="dir", jobs=jobs)
    assert fingerprint(tmp_path / "store1") == fingerprint(tmp_path / "store2")


@given(seed=st.integers(0, 5000), share=st.floats(0.1, 0.9), missing=st.booleans(), skew=st.sampled_from([0.008, 2.0]))
@examples(4)
def test_logs_that_are_cut_or_missing_or_of_clocks_two_seconds_off_make_nothing_false(seed, share, missing, skew, tmp_path_factory):
    run = random_run(seed, skew=skew)
    folder = tmp_path_factory.mktemp("logs")

    def keep_the_end(text: str) -> str:
        return text[text.find("\n", round(len(text) * share)) + 1 :]

    save_logs(folder, run, keep_the_end, without=run.maintainer.address if missing else None)
    archive = da.load(folder, final_answer(run))
    assert false_claims(run, archive) == []
    row = archive.dags.iloc[0]
    assert row["retries_min"] <= run.retries
    assert pd.isna(row["retries_max"]) or run.retries <= row["retries_max"]
    longest = (run.ended - run.created) / SECOND + 0.1
    assert pd.isna(row["elapsed_min_s"]) or row["elapsed_min_s"] <= longest
    assert pd.isna(row["elapsed_s"]) or row["elapsed_s"] <= longest


@given(seed=st.integers(0, 5000), share=st.sampled_from([0.0, 0.2, 0.5, 0.8]))
@examples(5)
def test_logs_alone_number_and_name_no_stage_wrongly_and_every_one_if_they_tell_the_beginning(seed, share, tmp_path_factory):
    run = random_run(seed)
    folder = tmp_path_factory.mktemp("logs")
    archive = da.load(save_logs(folder, run, lambda text: text[text.find("\n", round(len(text) * share)) + 1 :] if share else text))
    numbers = {gid: number for number, gid in enumerate(run.node_ids, start=1)}
    names = {gid: stage.name for gids, stage in zip(run.ids, run.stages, strict=True) for gid in gids}
    assert all(pd.isna(row.stage) or row.stage == numbers[row.node_gid] for row in archive.nodes.itertuples())
    assert all(pd.isna(row.name) or row.name == names[row.task_gid] for row in archive.sub_tasks.itertuples())
    if share == 0.0:
        assert archive.nodes["stage"].notna().all()
        assert archive.dags["stage"].tolist() == [run.dag.now["stage"]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no log at all\n",
        "2025-02-19T01:05:41.027 INFO  [1] [F0] [a.go:1] advance dag \n",
        "2025-13-99T99:99:99.999 INFO  [1] [F0] [a.go:1] advance dag 1\n",
    ],
)
def test_broken_lines_break_nothing(text):
    head = "2025-02-19T01:05:41.027 INFO  [46123] [F000000000000000] [server/init.go:83] initialize logger\n"
    assert len(da.load((head + text).encode())) == 0


def test_a_command_that_reads_logs_as_they_are_takes_their_zone_from_tz(tmp_path, capsys):
    folder = str(save_logs(tmp_path / "logs", failing_twice(), zone_told=False))
    assert main(["validate", folder]) == 3
    assert "log-zone-unknown" in capsys.readouterr().out
    assert main(["validate", folder, "--tz", "+08:00"]) == 0
    assert "log-zone-unknown" not in capsys.readouterr().out
    assert main(["table", folder, "attempts", "--tz", "+08:00", "--format", "csv"]) == 0
    assert "2025-02-18T" in capsys.readouterr().out


def test_a_pass_does_not_tell_how_what_no_log_shows_had_ended(tmp_path):
    first, second = Agent("192.0.2.1"), Agent("192.0.2.2")
    failing = {1: Failure(), 2: Failure()}
    stages = [Stage("Work", [Task(first, 1.2, failing), Task(second, 1.2)])]
    run = DagRun("Create tenant t1", stages, "111", CREATED, first, first_row_id=31)
    run.run()
    run.act("rollback", (run.ended or 0) + 10 * SECOND)
    run.run()
    run.act("pass", (run.ended or 0) + 10 * SECOND)
    created = json.dumps(answer(run, run.created + 1000)).encode()
    attempts = da.load(save_logs(tmp_path, run, without=second.address), created).attempts.query("attempt == 2")
    assert dict(zip(attempts["task_gid"], attempts["outcome"], strict=True)) == {run.ids[0][0]: "failed", run.ids[0][1]: "unknown"}
