"""Log lines bear the attempt that wrote them and when: overwritten attempts, and the waits after them, are placed by them."""

import pandas as pd
import pytest

import daganalysis as da
from enginemodel import Agent, DagRun, Failure, Stage, Task, as_sql, cluster_tables, log_answer
from enginemodel import answer as answer_of
from enginemodel.dag_parts import SECOND
from tests.databases.saved_copies import MORNING

AGENT = Agent("192.0.2.11")


def retried(wait_s=600):
    """A DAG of the cluster whose second stage fails after two seconds, and is retried after a while."""
    failing = Task(AGENT, 2.0, {1: Failure()}, ("work begins",))
    stages = [Stage("First", [Task(AGENT, 1.0)]), Stage("Second", [failing]), Stage("Third", [Task(AGENT, 1.0)])]
    run = DagRun("Some work", stages, "15", MORNING, AGENT, first_row_id=5, maintenance=1)
    run.run()
    run.act("retry", run.ended + wait_s * SECOND)
    run.run()
    return run


def load_dump(folder, run):
    (folder / "ocs.sql").write_bytes(as_sql(cluster_tables([run], run.ended + SECOND, agents=[AGENT])))
    return da.load(folder)


def test_a_wait_between_two_attempts_is_known_though_the_first_was_overwritten(tmp_path):
    budget = da.time_budget(load_dump(tmp_path, retried(600))).iloc[0]
    assert budget["wait_operator_s"] == pytest.approx(600, abs=3)
    assert budget["lost_s"] < 5  # its work, and how soon it was handed out: its only line was written at its end


def test_nobody_was_waited_for_before_the_agent_of_an_interrupted_attempt_was_back(tmp_path):
    line = "ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue"
    stages = [Stage("First", [Task(AGENT, 35.0, {1: Failure(line)}, ("working",))]), Stage("Second", [Task(AGENT, 1.0)])]
    run = DagRun("Create tenant t1", stages, "111", MORNING, AGENT, first_row_id=16)
    run.run()
    run.act("node_pass", run.ended + 25 * SECOND)
    run.run()
    assert da.time_budget(load_dump(tmp_path, run))["wait_operator_s"].iloc[0] == pytest.approx(25, abs=2)


def test_the_log_endpoint_tells_as_much(tmp_path):
    run = retried(600)
    alone = da.time_budget(da.load(answer_of(run, run.ended + SECOND))).iloc[0]
    with_lines = da.time_budget(da.load(answer_of(run, run.ended + SECOND), log_answer(run, 2, 0, run.ended + SECOND))).iloc[0]
    assert alone["wait_operator_s"] == 0
    assert with_lines["wait_operator_s"] == pytest.approx(600, abs=3)


def test_an_attempt_placed_by_its_lines_shows_no_start_and_no_end(tmp_path):
    attempts = load_dump(tmp_path, retried()).attempts
    first = attempts[(attempts["task_gid"] == "16") & (attempts["attempt"] == 1)].iloc[0]
    assert (first["outcome"], first["evidence"]) == ("failed", "inferred")
    assert pd.isna(first["started_at"])
    assert pd.isna(first["ended_at"])


def test_the_creation_is_known_where_every_row_has_run(tmp_path):
    run = retried()
    created = load_dump(tmp_path, run).dags["created_at"].iloc[0]
    assert created == pd.Timestamp(run.created // SECOND, unit="s", tz="UTC")


def test_elapsed_time_and_its_parts_add_up_with_estimates(tmp_path):
    budget = da.time_budget(load_dump(tmp_path, retried(60))).iloc[0]
    parts = ["execute_s", "dispatch_s", "detect_s", "handoff_s", "wait_operator_s", "wait_protocol_s", "lost_s", "unattributed_s"]
    assert budget[parts].sum() == pytest.approx(budget["elapsed_s"], abs=1e-6)
