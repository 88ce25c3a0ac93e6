"""What counts as trouble, and that everything that lists trouble lists the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis.run_facts import gather_all_facts
from daganalysis.engine.log_lines import WAITING
from daganalysis.engine.vocabulary import RUN_OUTCOMES
from daganalysis.errors import UsageError
from daganalysis.pages.report_page.run_sections import run_section
from daganalysis.post_mortem.what_failed import trouble_lines
from tests.pages.fleets import fleet, run
from tests.profiles import examples, some
from tests.rows import archive_of

FOLDERS = ["broken", "documented", "endpoints", "fleet", "remote", "scale-out", "start", "tenant", "upgrade"]


def task_in(outcome="succeeded", attempts=(), *, logs=(), execute_times=1, agent="10.0.0.1:2886", gid="111"):
    """Give an archive of one sub-task; an attempt is (kind, outcome) or (kind, outcome, evidence)."""
    key = {"run_id": "11", "stage": 1, "task_gid": gid}
    rows = [
        key | dict(zip(("kind", "outcome", "evidence"), (*attempt, "observed")[:3], strict=True)) | {"attempt": number}
        for number, attempt in enumerate(attempts, start=1)
    ]
    task = key | {"name": "Copy", "outcome": outcome, "execute_times": execute_times, "task_logs": list(logs), "agent": agent}
    return archive_of(dags=[{"run_id": "11", "outcome": "failed"}], sub_tasks=[task], attempts=rows)


def grounds(*given, **options):
    return da.trouble(task_in(*given, **options))["grounds"].tolist()


def test_what_ended_badly_had_trouble():
    assert grounds("failed", [("run", "failed")]) == ["outcome"]


def test_what_failed_on_the_way_had_trouble_though_it_succeeded():
    assert grounds("succeeded", [("run", "failed"), ("run", "succeeded")], execute_times=2) == ["attempt"]


def test_an_attempt_that_did_not_succeed_in_an_unknown_way_is_trouble():
    assert grounds("succeeded", [("run", "not_succeeded"), ("run", "succeeded")], execute_times=2) == ["attempt"]


def test_an_error_line_is_trouble_only_where_attempts_are_not_known():
    line = ["ERROR: [OB.X]: no space"]
    assert grounds("succeeded", [("unknown", "unknown", "lost"), ("run", "succeeded")], logs=line, execute_times=2) == ["line"]
    assert grounds("succeeded", [("run", "succeeded")], logs=line) == []


def test_what_was_passed_without_having_run_is_no_trouble():
    assert grounds("passed", execute_times=0) == []


def test_what_waited_and_was_passed_by_its_main_dag_is_no_trouble():
    assert grounds("passed", [("run", "waiting")]) == []


def test_the_hand_shake_of_one_cluster_hides_no_failure_behind_the_same_id_of_another():
    shake = {"task_gid": "111", "stage": 1, "name": "Start", "execute_times": 2, "task_logs": [WAITING], "outcome": "passed"}
    fails = shake | {"outcome": "failed", "task_logs": ["ERROR: [OB.X]: no space"]}
    attempts = [{"task_gid": "111", "attempt": n, "kind": "run", "outcome": "failed", "evidence": "observed"} for n in (1, 2)]
    tasks = [{"run_id": "a/11"} | shake, {"run_id": "b/11"} | fails]
    rows = [{"run_id": run_id} | attempt for run_id in ("a/11", "b/11") for attempt in attempts]
    dags = [{"run_id": "a/11", "outcome": "passed", "scope": "local"}, {"run_id": "b/11", "outcome": "failed"}]
    told = da.trouble(archive_of(dags=dags, sub_tasks=tasks, attempts=rows))
    assert "b/11" in told["run_id"].tolist()


def test_sub_tasks_that_differ_only_in_the_agent_share_a_place():
    task = {"run_id": "11", "stage": 1, "name": "Copy", "outcome": "failed"}
    both = archive_of(dags=[{"run_id": "11"}], sub_tasks=[task | {"task_gid": f"11{n}", "agent": f"10.0.0.{n}:2886"} for n in (1, 2)])
    assert da.trouble(both)["place"].tolist() == [1, 1]


def test_runs_come_from_worst_to_best():
    archive = fleet(run(1), run(2, outcome="failed", error="ERROR: x"), run(3, outcome="cancelled"))
    ranked = da.trouble(archive, level="run")
    assert ranked[["run_id", "troubled"]].to_numpy().tolist() == [["c1/12", True], ["c1/13", True], ["c1/11", False]]


def assert_trouble_comes_first(archive):
    """Every run whose outcome is trouble is in trouble, and no run without trouble precedes one with it."""
    ranked = da.trouble(archive, level="run").merge(archive.dags[["run_id", "work_ok"]], on="run_id")
    is_trouble = ranked["outcome"].map(lambda outcome: RUN_OUTCOMES[outcome].is_trouble)
    judged_by_outcome = ranked["work_ok"].isna() & ~ranked["run_id"].isin(archive.dags["parent_run_id"])
    assert ranked["troubled"][judged_by_outcome].tolist() == is_trouble[judged_by_outcome].tolist()
    for _, alike in ranked.groupby("is_child"):
        assert alike["troubled"].is_monotonic_decreasing


@pytest.mark.parametrize("folder", some([*FOLDERS, "logs", "versions"], gate=["scale-out", "tenant"]))
def test_trouble_ranks_before_the_rest_in_sample_data(folder):
    assert_trouble_comes_first(da.load(f"sample_data/{folder}", cluster_by="dir"))


OUTCOMES, LENGTHS, PARENTS = st.sampled_from(sorted(RUN_OUTCOMES)), st.none() | st.floats(0, 9), st.integers(0, 4)


@examples(8, long=400)
@given(st.lists(st.tuples(OUTCOMES, st.sampled_from([None, True, False]), LENGTHS, PARENTS), min_size=1, max_size=8))
def test_trouble_ranks_before_the_rest(runs):
    rows = [
        {
            "run_id": f"1{n}",
            "outcome": outcome,
            "work_ok": work_ok,
            "elapsed_s": length,
            "parent_run_id": f"1{parent}" if parent < n else None,
        }
        for n, (outcome, work_ok, length, parent) in enumerate(runs)
    ]
    assert_trouble_comes_first(archive_of(dags=rows))


def test_there_is_no_third_level():
    with pytest.raises(UsageError, match="no such level"):
        da.trouble(fleet(), level="node")


CASES = Path(__file__).parents[3] / "shared" / "cases"
"""Archives whose truth is known, where they lie beside the repository."""


def assert_same_trouble(archive):
    all_facts = gather_all_facts(archive, archive.dags["run_id"].tolist())
    assert all_facts
    for run_id, facts in all_facts.items():
        shown = re.findall(r"^  Stage (\d+), .*: ([a-z ]+)$", "\n".join(trouble_lines(facts)), re.MULTILINE)
        troubles = run_section(facts, None)["troubles"]
        assert [(str(entry["stage"]), entry["outcome"].replace("_", " ")) for entry in troubles] == shown, run_id


@pytest.mark.parametrize("folder", some(FOLDERS, gate=["scale-out", "tenant", "upgrade"]))
def test_show_and_the_report_list_the_same_trouble(folder):
    assert_same_trouble(da.load(f"sample_data/{folder}"))


@pytest.mark.long
@pytest.mark.parametrize("case", ["clusters", "final", "healthy", "polled", "sources"])
def test_show_and_the_report_list_the_same_trouble_of_known_cases(case):
    folders = [folder for folder in sorted((CASES / case).glob("*")) if folder.name != "truth"]
    if not folders:
        pytest.skip(f"no case {case} beside the repository")
    assert_same_trouble(da.load([str(folder) for folder in folders], cluster_by="dir"))
