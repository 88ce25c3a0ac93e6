"""Where the trouble of a run lies, and which run went worst."""

from __future__ import annotations

import pytest

from daganalysis.analysis.culprits import find_culprits
from daganalysis.analysis.ranking import rank_runs
from tests.pages.fleets import fleet, run


def ranked(*runs, **tables):
    return rank_runs(fleet(*runs, **tables))["run_id"].tolist()


def culprit(archive, run_id="c1/11"):
    return find_culprits(archive, [run_id])[run_id]


def test_what_took_longest_from_the_people_behind_it_went_worst():
    assert ranked(run(1, outcome="succeeded_after_retry", seconds=900), run(2, outcome="failed", seconds=5)) == ["c1/11", "c1/12"]


def test_trouble_goes_before_a_longer_run_without_any():
    assert ranked(run(1, seconds=900), run(2, outcome="failed", seconds=5)) == ["c1/12", "c1/11"]


@pytest.mark.parametrize(
    ("worse", "better"), [("rollback_failed", "failed"), ("failed", "cancelled"), ("rolled_back", "succeeded_after_retry")]
)
def test_of_two_runs_of_one_length_the_one_that_ended_worse_is_first(worse, better):
    assert ranked(run(1, outcome=better), run(2, outcome=worse)) == ["c1/12", "c1/11"]


def test_among_equals_the_longest_is_worst():
    assert ranked(run(1, outcome="failed", seconds=5), run(2, outcome="failed", seconds=50)) == ["c1/12", "c1/11"]


def test_a_child_whose_work_was_not_done_makes_its_main_dag_worse():
    child = run(3, outcome="passed", work_ok=False, parent_run_id="c1/11")
    assert ranked(run(1), run(2, seconds=99), child) == ["c1/11", "c1/12", "c1/13"]


def test_a_passed_child_that_did_its_work_is_no_trouble():
    child = run(2, outcome="passed", work_ok=True, parent_run_id="c1/11")
    assert not rank_runs(fleet(run(1), child))["trouble"].any()


def test_trouble_lies_at_the_stage_that_failed_with_its_last_error_line():
    found = culprit(fleet(run(1, outcome="failed", error="ERROR: [Disk.Full]: no space left", agent="10.0.0.3:2886")))
    assert (found.why, found.stage, found.name, found.agent) == ("failed", 2, "Copy files", "10.0.0.3:2886")
    assert (found.error_code, found.line) == ("Disk.Full", "ERROR: [Disk.Full]: no space left")


def test_trouble_lies_in_the_child_that_failed_and_not_in_the_main_dag_that_says_so():
    link = {"parent_run_id": "c1/11", "child_run_id": "c1/12", "child_gid": "12", "kind": "sub_dag", "evidence": "additional_data"}
    main = run(1, outcome="failed", error="ERROR: [Task.SubDag.NotAllSucceed]: one failed")
    child = run(2, outcome="passed", work_ok=False, parent_run_id="c1/11", error="ERROR: no process", agent="10.0.0.9:2886")
    found = culprit(fleet(main, child, links=[link]))
    assert (found.run_id, found.agent, found.line) == ("c1/12", "10.0.0.9:2886", "ERROR: no process")


def test_a_deliberate_wait_is_no_error():
    found = culprit(fleet(run(1, outcome="failed", error="wait operator to advance")))
    assert found.line is None


def test_a_cancelled_run_was_stopped_where_it_stood():
    assert culprit(fleet(run(1, outcome="cancelled"))).why == "stopped"


def test_of_a_run_without_trouble_the_slowest_stage_is_named():
    assert culprit(fleet(run(1))).why == "slowest"


def test_a_run_that_executed_nothing_has_no_culprit():
    bare = run(1, outcome="not_started")
    bare["nodes"], bare["sub_tasks"], bare["attempts"] = [], [], []
    assert find_culprits(fleet(bare), ["c1/11"]) == {}
