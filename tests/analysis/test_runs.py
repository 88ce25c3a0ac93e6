"""The list of runs, and the sentence on each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis.conclusion_facts import GatheredFacts
from daganalysis.analysis.conclusions import ConclusionFacts, FailurePlace, UsualDuration, comparison, conclusion
from tests.analysis.runs import archive_of_runs, run_rows, series
from tests.rows import archive_of, at

_PLACE = FailurePlace(5, "Import script", "failed", "10.0.0.7:2886", 1, "MySQL 4012")
_FAILED = "Import script failed on 10.0.0.7:2886 (MySQL 4012)"


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (
            ConclusionFacts(
                "succeeded_after_retry", elapsed_s=3240.0, retries_min=1, retries_max=1, wait_operator_share=0.96, place=_PLACE
            ),
            f"96 % of 54 min 00 s waiting for a person after {_FAILED}; retried once, then succeeded.",
        ),
        (
            ConclusionFacts(
                "succeeded_after_retry", elapsed_s=3240.0, retries_min=1, retries_max=1, wait_operator_share=0.6, lost_share=0.3
            ),
            "At least 60 % of 54 min 00 s waiting for a person; retried once, then succeeded.",
        ),
        (
            ConclusionFacts("succeeded_after_retry", undone=_PLACE, wait_operator_share=0.9, elapsed_s=90.0),
            "Succeeded, but Import script was rolled back on 10.0.0.7:2886 and not run again.",
        ),
        (
            ConclusionFacts("failed", stage=5, max_stage=9, retries_min=2, retries_max=2, place=_PLACE, standing_s=7200.0),
            f"{_FAILED} at stage 5 of 9; retried twice; nobody had acted for 2 h 00 min when last seen.",
        ),
        (
            ConclusionFacts("rolled_back", place=_PLACE, redone_by="c/12", elapsed_s=60.0, wait_operator_share=0.0),
            f"Rolled back after {_FAILED}; redone by c/12.",
        ),
        (
            ConclusionFacts("rolled_back", place=_PLACE._replace(is_rollback=True)),
            f"Rolled back after the rollback of {_FAILED}; not redone since.",
        ),
        (
            ConclusionFacts("rollback_failed", stage=5, max_stage=9, place=_PLACE._replace(is_rollback=True)),
            f"The rollback failed at stage 5 of 9: {_FAILED}.",
        ),
        (
            ConclusionFacts("rolled_back", elapsed_s=100.0, lost_share=0.8, wait_operator_share=0.0),
            "Rolled back; not redone since; 80 % of 1 min 40 s unknown (overwritten by the server).",
        ),
        (
            ConclusionFacts("succeeded", elapsed_s=84.0, usual=UsualDuration(20.0, 9, 5, "W", 0.88)),
            "Succeeded in 1 min 24 s, 4.2 times the median of 9 other runs like it (20.0 s); stage 5 (W) alone explains 88 % of the difference.",  # noqa: E501 - one sentence
        ),
        (
            ConclusionFacts("passed", is_child=True, work_ok=True, elapsed_s=9.0),
            "Did its work in 9.00 s and was passed by its main DAG, as planned.",
        ),
        (ConclusionFacts("succeeded", elapsed_s=40.2, retries_max=2), "Succeeded in 40.2 s, retried at most twice."),
        (
            ConclusionFacts("succeeded", elapsed_s=40.0, retries_max=1, lost_share=0.25),
            "25 % of 40.0 s unknown (overwritten by the server); succeeded, retried at most once; to know more next time, save the DAG every few seconds while it runs.",  # noqa: E501 - one sentence
        ),
        (
            ConclusionFacts("succeeded_with_node_pass", stage=5, stage_name="W", place=_PLACE._replace(outcome="timeout", cause=None)),
            "Succeeded, but a person passed stage 5 (W) after it timed out on 10.0.0.7:2886.",
        ),
        (ConclusionFacts("failed", stage=3), "Failed at stage 3."),
        (ConclusionFacts("running", stage=3, max_stage=9), "Running at stage 3 of 9 when last seen."),
        (
            ConclusionFacts("unknown", state="FAILED", operator="RUN", stage=2, max_stage=5),
            "Failed at stage 2 of 5, or waits for its main DAG; which of the two is not known.",
        ),
        (ConclusionFacts("unknown", state="NEW", operator="RUN"), "No rule covers its state (NEW, operator RUN)."),
        (ConclusionFacts("unknown", operator="RUN"), "No answer shows its state."),
        (ConclusionFacts("unknown", state="SUCCEED"), "It succeeded, was passed or was rolled back; which of these is not known."),
        (
            ConclusionFacts("unknown", state="SUCCEED", operator="RUN", retries_min=1, retries_max=None),
            "Succeeded; retried at least once; whether a person passed a node is not known.",
        ),
    ],
    ids=lambda value: value.outcome if isinstance(value, ConclusionFacts) else "",
)
def test_the_rule_that_comes_first_makes_the_sentence(run: ConclusionFacts, sentence: str) -> None:
    assert conclusion(run) == sentence


def test_beside_runs_that_took_no_time_no_ratio_is_told() -> None:
    usual = UsualDuration(0.0, 7)
    said = conclusion(ConclusionFacts("succeeded", elapsed_s=4.0, usual=usual))
    assert said == "Succeeded in 4.00 s; the median of 7 other runs like it is 0 s."
    assert comparison(4.0, usual) == "4.00 s; the median of 7 other runs like it is 0 s"


@pytest.mark.parametrize(("by", "expected"), [("start", ["a", "b", "c"]), ("length", ["b", "c", "a"]), ("trouble", ["c", "b", "a"])])
def test_runs_are_listed_by_start_length_or_trouble(by: str, expected: list[str]) -> None:
    runs = [
        run_rows("a", {"Work": 1.0}, started=0),
        run_rows("b", {"Work": 9.0}, started=100),
        run_rows("c", {"Work": 5.0}, started=200, outcome="failed"),
    ]
    assert da.runs(archive_of_runs(*runs), by=by)["run_id"].tolist() == expected


def test_the_last_runs_by_start_are_those_that_started_last() -> None:
    assert da.runs(series({"Work": [1.0, 2.0, 3.0]}), last=2)["run_id"].tolist() == ["r001", "r002"]


def test_a_run_is_measured_by_runs_that_are_not_listed() -> None:
    archive = series({"Prepare": [1.0] * 6, "Work": [2.0, 2.0, 2.0, 2.0, 2.0, 30.0]})
    [sentence] = da.runs(archive, run_ids=["r005"])["conclusion"]
    assert sentence.startswith("Succeeded in 32.0 s, 8.0 times the median of 5 other runs like it (4.02 s); stage 2 (Work) alone explains")


@pytest.mark.parametrize("options", [{"run_ids": []}, {"last": 0}, {"by": "length", "run_ids": ["none"]}])
def test_a_list_of_no_runs_has_the_columns_of_any_list(options: dict[str, object]) -> None:
    archive = series({"Work": [1.0, 2.0]})
    listed = da.runs(archive, **options)  # type: ignore[arg-type]
    assert listed.empty
    assert listed.dtypes.equals(da.runs(archive).dtypes)


@pytest.mark.parametrize("options", [{"by": "size"}, {"last": -1}])
def test_an_order_or_number_that_makes_no_sense_is_a_usage_error(options: dict[str, object]) -> None:
    with pytest.raises(da.UsageError):
        da.runs(series({"Work": [1.0]}), **options)  # type: ignore[arg-type]


def test_a_run_is_rolled_back_from_the_stage_that_failed_last_though_another_left_the_lines() -> None:
    dag = {"run_id": "1", "workflow": "Work", "outcome": "rolled_back", "stage": 1, "max_stage": 3}
    nodes = [
        {"run_id": "1", "stage": stage, "node_gid": str(stage), "name": name, "outcome": "rolled_back"}
        for stage, name in enumerate(("Copy", "Start"), start=1)
    ]
    attempt = {"run_id": "1", "stage": 1, "task_gid": "t", "attempt": 1, "kind": "run", "outcome": "failed", "agent": "10.0.0.1:2886"}
    task = {"run_id": "1", "stage": 1, "task_gid": "t", "outcome": "rolled_back", "task_logs": ["ERROR: [A.B]: no space"]}
    [sentence] = da.runs(archive_of(dags=[dag], attempts=[attempt], sub_tasks=[task], nodes=nodes))["conclusion"]
    assert sentence == "Rolled back after Start failed; not redone since."


def test_a_rollback_of_which_no_failed_attempt_is_known_names_the_stage_it_began_at() -> None:
    dag = {"run_id": "1", "workflow": "Work", "outcome": "rolled_back", "stage": 1, "max_stage": 3}
    nodes = [
        {"run_id": "1", "stage": stage, "node_gid": str(stage), "name": name, "outcome": outcome}
        for stage, name, outcome in ((1, "Copy", "rolled_back"), (2, "Start", "rolled_back"), (3, "Check", "never_run"))
    ]
    listed = da.runs(archive_of(dags=[dag], nodes=nodes))
    assert listed["conclusion"].tolist() == ["Rolled back from stage 2 of 3 (Start); not redone since."]
    assert listed["stage"].tolist() == [2]


@pytest.mark.parametrize(
    ("after_stage_2", "after_stage_3", "said"),
    [
        ((60, "wait_operator"), (39, "wait_operator"), "waiting for a person, mostly after Copy failed; "),
        ((60, "lost"), (39, "lost"), "unknown (overwritten by the server), mostly after Copy failed; "),
        ((98, "lost"), (1, "lost"), "unknown (overwritten by the server) after Copy failed; "),
        ((5, "wait_operator"), (90, "lost"), "unknown (overwritten by the server) after Check failed; "),
        ((30, "wait_operator"), (60, "lost"), "waiting for a person after Copy failed; "),
    ],
)
def test_time_that_came_after_several_failures_is_not_told_of_one(
    after_stage_2: tuple[int, str], after_stage_3: tuple[int, str], said: str
) -> None:
    spent = [(2, *after_stage_2), (3, *after_stage_3)]
    line = [
        {"run_id": "1", "seq": stage, "category": category, "duration_s": float(seconds), "from_stage": stage, "to_stage": stage}
        for stage, seconds, category in spent
    ]
    nodes = [{"run_id": "1", "stage": stage, "node_gid": f"n{stage}", "name": name} for stage, name in ((2, "Copy"), (3, "Check"))]
    failed = [{"run_id": "1", "stage": stage, "task_gid": f"t{stage}", "attempt": 1, "outcome": "failed"} for stage in (2, 3)]
    run = {"run_id": "1", "outcome": "succeeded_after_retry", "elapsed_s": 100.0, "retries_min": 2, "retries_max": 2}
    [sentence] = da.runs(archive_of(dags=[run], timeline=line, nodes=nodes, attempts=failed))["conclusion"]
    assert said in sentence


def test_a_main_dag_is_told_by_the_child_that_failed() -> None:
    main = {"run_id": "m", "workflow": "Start OB", "outcome": "failed", "stage": 5, "max_stage": 5}
    child = {"run_id": "k", "workflow": "Start observer", "outcome": "passed", "work_ok": False, "parent_run_id": "m", "stage": 2}
    attempt = {"run_id": "k", "stage": 2, "task_gid": "k-2", "attempt": 1, "kind": "run", "outcome": "failed", "agent": "10.0.0.1:2886"}
    task = {"run_id": "k", "stage": 2, "task_gid": "k-2", "outcome": "passed", "task_logs": ["ERROR: [OB.Down]: gone"]}
    node = {"run_id": "k", "stage": 2, "node_gid": "k-2", "name": "Start it", "outcome": "passed", "started_at": at(0)}
    archive = archive_of(dags=[main, child], attempts=[attempt], sub_tasks=[task], nodes=[node])
    [sentence] = da.runs(archive, run_ids=["m"])["conclusion"]
    assert sentence == "Failed at stage 5 of 5: its child DAG Start observer failed at Start it on 10.0.0.1:2886 (OB.Down)."


def test_a_run_that_was_rolled_back_is_told_by_what_failed_before_and_not_by_the_first_try_to_roll_it_back() -> None:
    dag = {"run_id": "1", "workflow": "Work", "outcome": "rolled_back", "stage": 1, "max_stage": 1}
    node = {"run_id": "1", "stage": 1, "node_gid": "1", "name": "Copy", "outcome": "rolled_back"}
    kinds = {1: ("run", "failed"), 2: ("rollback", "failed"), 3: ("rollback", "succeeded")}
    attempts = [
        {"run_id": "1", "stage": 1, "task_gid": "t", "attempt": n, "kind": kind, "outcome": outcome, "agent": "10.0.0.1:2886"}
        for n, (kind, outcome) in kinds.items()
    ]
    task = {"run_id": "1", "stage": 1, "task_gid": "t", "outcome": "rolled_back", "task_logs": ["ERROR: [A.B]: x", "ERROR: [C.D]: y"]}
    [sentence] = da.runs(archive_of(dags=[dag], nodes=[node], attempts=attempts, sub_tasks=[task]))["conclusion"]
    assert sentence == "Rolled back after Copy failed on 10.0.0.1:2886 (A.B); not redone since."


_LENGTHS = st.one_of(st.just(0.0), st.floats(0.001, 40.0), st.just(4000.0))
_OUTCOMES = st.sampled_from(["succeeded", "succeeded", "succeeded", "succeeded_after_retry", "failed", "unknown"])


@given(
    st.lists(st.tuples(_LENGTHS, _OUTCOMES, st.integers(1, 2), st.booleans(), st.sampled_from([0, 0, 1, None])), min_size=1, max_size=12)
)
def test_runs_of_which_only_the_length_is_said_read_as_when_each_is_looked_into(drawn: list[tuple[float, str, int, bool, int]]) -> None:
    runs = [
        run_rows(f"r{place}", {"Work": length}, outcome=outcome, n_agents=n_agents, known=known)
        for place, (length, outcome, n_agents, known, _) in enumerate(drawn)
    ]
    for rows, (*_, retries) in zip(runs, drawn, strict=True):
        rows["dags"][0] |= {"retries_min": 0, "retries_max": retries}
    archive = archive_of_runs(*runs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GatheredFacts, "is_plain", property(lambda facts: np.zeros(len(facts.lost_share), bool)))
        looked_into = da.runs(archive)
    pd.testing.assert_frame_equal(da.runs(archive), looked_into)
