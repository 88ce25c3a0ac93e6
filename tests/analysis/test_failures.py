from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import coverage, failures
from daganalysis.errors import UsageError
from tests.analysis.runs import archive_of_runs, told_rows
from tests.profiles import examples
from tests.rows import archive_of, at

NO_DISK = "ERROR: [Common.DirNotEmpty]: dir '/data/log1' is not empty"
NO_HOST = "ERROR: [Agent.RPC.RequestFailed]: request 192.0.2.1:2886 failed: retry 30 times"
TIMEOUT = "sub task timeout"


def told(story, logs, **facts):
    return archive_of_runs(told_rows("r", {"a": (story, logs)}, **facts))


def found(archive, **options):
    return failures(archive, **options)[["error_code", "signature", "n"]].fillna("").to_numpy().tolist()


def test_a_failed_attempt_is_told_by_its_line():
    row = failures(told(["run failed"], ["working", NO_DISK])).iloc[0]
    assert (row["error_code"], row["signature"], row["example_line"]) == ("Common.DirNotEmpty", "dir <name> is not empty", NO_DISK)
    assert (row["workflow"], row["name"], row["n"], row["n_runs"], row["n_agents"]) == ("Create tenant", "Work", 1, 1, 1)
    assert row["first_seen"].value == at(10)


def test_lines_are_dealt_out_from_the_last():
    story = ["run failed", "rollback succeeded", "run failed"]
    both = found(told(story, [NO_DISK, "Rolling back...", NO_HOST]))
    assert [row[0] for row in both] == ["Agent.RPC.RequestFailed", "Common.DirNotEmpty"]
    rows = failures(told(story, [NO_HOST])).set_index("signature")
    assert rows["first_seen"].map(lambda seen: seen.value).to_dict() == {
        "(no line logged)": at(10),
        "request <agent> failed: retry <n> times": at(30),
    }


def test_an_overwritten_attempt_that_was_redone_had_failed_even_without_a_line():
    row = failures(told(["run unknown", "rollback succeeded", "run succeeded"], None)).iloc[0]
    assert (row["signature"], row["n"]) == ("(no line logged)", 1)
    assert row["first_seen"].value == at(0)  # that of its run


def test_an_overwritten_attempt_counts_where_a_line_is_left_for_it():
    assert [row[2] for row in found(told(["run unknown", "rollback succeeded"], [NO_DISK]))] == [1]
    assert found(told(["run unknown", "rollback succeeded"], ["working"])) == []


def test_every_failed_attempt_can_be_listed_with_what_shows_it():
    story = ["run unknown", "rollback succeeded", "run unknown", "unknown unknown", "run failed"]
    rows = failures(told(story, [NO_DISK, NO_HOST, NO_DISK]), level="attempt")
    assert rows[["attempt", "error_code", "evidence"]].fillna(0).to_numpy().tolist() == [
        [1, "Common.DirNotEmpty", "redone"],
        [5, "Common.DirNotEmpty", "observed"],
        [0, "Agent.RPC.RequestFailed", "line"],
    ]
    with pytest.raises(UsageError, match="no such level"):
        failures(archive_of_runs(), level="line")


def test_what_was_cancelled_and_then_retried_had_not_failed():
    for outcome in ("unknown", "not_succeeded", "cancelled"):
        story = [f"run {outcome}", "rollback succeeded", "run succeeded"]
        assert found(told(story, ["drop", "sub task cancelled", "Rolling back", "drop", "ok"])) == []


def test_lines_alike_of_a_poll_loop_are_one_failure_at_most():
    lines = ["wait", *[NO_HOST] * 5, "wait", "Rolling back..."]
    assert [row[2] for row in found(told(["run not_succeeded", "rollback succeeded"], lines))] == [1]
    assert found(told(["run succeeded", "rollback succeeded"], lines)) == []


def test_an_overwritten_hand_shake_is_no_failure():
    story = ["run unknown", "rollback succeeded", "run failed"]
    assert [row[0] for row in found(told(story, ["wait operator to advance", NO_DISK], name="Start observer"))] == ["Common.DirNotEmpty"]


def test_a_line_that_announces_another_try_is_no_failure():
    again = "ERROR: Agent a failed to create the task due to 'busy' and will try again[1/3]."
    assert found(told(["run succeeded"], [again])) == []
    assert found(told(["run failed"], [again, NO_DISK])) == [["Common.DirNotEmpty", "dir <name> is not empty", 1]]


def test_a_timeout_told_by_scheduler_and_executor_is_one_failure():
    story = ["run failed", "rollback succeeded", "run timeout"]
    rows = found(told(story, [NO_DISK, TIMEOUT, "ERROR: task 7 timeout"]))
    assert rows == [["Common.DirNotEmpty", "dir <name> is not empty", 1], ["", "sub task timeout", 1]]


def test_waiting_cancelled_and_good_attempts_are_no_failures():
    story = ["run waiting", "rollback succeeded", "run cancelled"]
    assert found(told(story, ["wait operator to advance", "sub task cancelled"])) == []


def test_the_most_frequent_comes_first():
    runs = [told_rows(f"d{i}", {"a": (["run failed"], [NO_DISK])}) for i in range(2)]
    hosts = [told_rows(f"h{i}", {"a": (["run failed"], [NO_HOST])}) for i in range(3)]
    assert [row[2] for row in found(archive_of_runs(*runs, *hosts))] == [3, 2]


def test_a_run_s_own_name_is_no_part_of_what_went_wrong():
    runs = [
        told_rows(f"r{name}", {"a": (["run failed"], [f"ERROR: [X.Y]: tenant {name} is locked"])}, name=f"Create tenant {name}")
        for name in ("orders", "billing")
    ]
    assert found(archive_of_runs(*runs)) == [["X.Y", "tenant <name> is locked", 2]]


def test_an_earlier_archive_says_what_is_new_though_its_lines_differ_in_names():
    before = told(["run failed"], ["ERROR: [X.Y]: pool p1 on zone3 is full"])
    after = archive_of_runs(
        told_rows("a", {"a": (["run failed"], ["ERROR: [X.Y]: pool p7 on zone1 is full"])}),
        told_rows("b", {"a": (["run failed"], [NO_DISK])}),
    )
    news = failures(after, earlier=before).set_index("error_code")["is_new"]
    assert news.to_dict() == {"X.Y": False, "Common.DirNotEmpty": True}
    assert failures(after)["is_new"].isna().all()
    assert not failures(after, earlier=after)["is_new"].any()


def test_the_same_line_in_another_workflow_is_new_there():
    before = told(["run failed"], [NO_DISK], name="Start OB")
    assert failures(told(["run failed"], [NO_DISK]), earlier=before)["is_new"].tolist() == [True]


def test_coverage_counts_the_engine_s_own_lines_the_others_and_the_silent():
    archive = archive_of_runs(
        told_rows("a", {"a": (["run failed"], [NO_HOST]), "b": (["run timeout"], [TIMEOUT])}),
        told_rows("b", {"a": (["run failed"], ["ERROR: the disk is on fire"])}),
        told_rows("c", {"a": (["run failed"], [])}),
    )
    assert coverage(failures(archive)) == (2, 1, 1, 0)


def test_no_failure_is_an_empty_table():
    assert found(archive_of_runs()) == []
    assert found(told(["run succeeded"], ["fine"])) == []


@examples(2)
@given(st.permutations(range(8)))
def test_the_order_of_the_input_is_irrelevant(order):
    lines = [NO_DISK, NO_HOST, "ERROR: pool p1 is full", "ERROR: pool p2 is full"] * 2
    runs = [told_rows(f"r{i}", {"a": (["run failed"], [line])}, started=i) for i, line in enumerate(lines)]
    assert failures(archive_of_runs(*(runs[i] for i in order))).equals(failures(archive_of_runs(*runs)))


@pytest.mark.parametrize("folder", ["tenant", "fleet", "upgrade", "start"])
def test_of_the_sample_data_every_failure_of_a_final_answer_is_found(folder):
    archive = da.load(f"sample_data/{folder}", cluster_by="dir" if folder == "fleet" else None)
    logged = [line for lines in archive.sub_tasks["task_logs"] if lines is not None for line in lines if line.startswith("ERROR: ")]
    assert failures(archive)["n"].sum() == len(logged) > 0


def test_a_failed_sub_task_whose_dag_is_not_in_the_archive_is_no_obstacle() -> None:
    attempt = {"task_gid": "7", "attempt": 1, "kind": "run", "outcome": "failed"}
    found = failures(archive_of(attempts=[attempt], sub_tasks=[{"task_gid": "7", "task_logs": ["ERROR: x"]}]))
    assert found.empty


def test_coverage_says_how_many_lines_are_like_none_of_those_that_were_mined():
    table = pd.DataFrame({"signature": ["a", "(other lines)", "(no line logged)"], "known": [None, None, None], "n": [5, 3, 2]})
    assert coverage(table) == (0, 5, 2, 3)
