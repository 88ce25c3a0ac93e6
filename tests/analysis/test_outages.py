from __future__ import annotations

from daganalysis.analysis import failures, retry_patterns
from daganalysis.analysis._outages import runs_in_outages
from tests.analysis.runs import archive_of_runs, run_rows, told_rows

NO_DISK, NO_HOST = "ERROR: [Disk.Full]: disk full", "ERROR: [Host.Down]: host down"


def history(outcomes, workflows=("Start", "Stop")):
    return archive_of_runs(
        *(
            run_rows(f"r{i:02d}", {"A": 9.0}, workflow=workflows[i % len(workflows)], outcome=outcome, started=i * 60.0)
            for i, outcome in enumerate(outcomes)
        )
    )


def test_a_stretch_in_which_runs_of_all_workflows_failed_is_an_outage():
    outcomes = ["succeeded"] * 20 + ["failed"] * 6 + ["succeeded"] * 20
    assert runs_in_outages(history(outcomes)) == {f"r{i}" for i in range(20, 26)}


def test_failures_of_one_workflow_alone_and_failures_now_and_then_are_no_outage():
    assert runs_in_outages(history(["succeeded"] * 20 + ["failed"] * 6, workflows=("Start",))) == set()
    assert runs_in_outages(history(["succeeded", "failed"] * 20)) == set()
    assert runs_in_outages(history(["failed"] * 12)) == set()


def test_what_failed_in_an_outage_is_counted_but_stands_behind_what_failed_by_itself():
    fine = [run_rows(f"f{i:02d}", {"A": 9.0}, workflow="Stop", started=i * 60.0) for i in range(40)]
    down = [
        told_rows(f"d{i}", {"a": (["run failed"], [NO_HOST])}, name=("Stop OB", "Create tenant t")[i % 2], started=9000.0 + i)
        for i in range(6)
    ]
    for run in down:
        run["dags"][0]["outcome"] = "failed"
    alone = told_rows("x", {"a": (["run failed"], [NO_DISK])}, started=1.0)
    found = failures(archive_of_runs(*fine, *down, alone))
    assert found[["error_code", "n", "n_outage"]].to_numpy().tolist()[0] == ["Disk.Full", 1, 0]
    assert found["n_outage"].sum() == 6


def test_the_share_of_retries_leaves_runs_in_outages_out():
    fine = [run_rows(f"f{i:02d}", {"Work": 9.0}, workflow="Create tenant", started=i * 60.0) for i in range(40)]
    story = ["run failed", "rollback succeeded", "run succeeded"]
    down = [told_rows(f"d{i}", {"a": (story, [NO_HOST])}, name=("Stop OB", "Create tenant t")[i % 2], started=9000.0 + i) for i in range(6)]
    for run in down:
        run["dags"][0]["outcome"] = "succeeded_after_retry"
    rows = retry_patterns(archive_of_runs(*fine, *down)).set_index("workflow")
    assert rows.loc["Create tenant", ["n_retried", "n_outage", "retry_share"]].tolist() == [3, 3, 0.0]
