from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis import check, check_gate, compare, compare_gate
from daganalysis.errors import UsageError
from tests.analysis.runs import archive_of_runs, run_rows, series
from tests.profiles import examples

TEN = [10.0 + i / 10 for i in range(10)]


def gate(base, candidate, fail_on="slower"):
    return compare_gate(compare(base, candidate), fail_on)


def test_what_is_slower_trips_the_gate_by_name_and_size():
    found = gate(series({"A": TEN}), series({"A": [v + 5 for v in TEN]}))
    assert found.tripped == ["Work / whole run: 10.450 s to 15.450 s (x 1.48)", "Work / A: 10.450 s to 15.450 s (x 1.48)"]


def test_what_is_faster_trips_the_other_gate_alone():
    base, candidate = series({"A": [v + 5 for v in TEN]}), series({"A": TEN})
    assert not gate(base, candidate).tripped
    assert len(gate(base, candidate, "faster").tripped) == 2


def test_too_few_runs_are_undecided_once_a_workflow_and_the_gate_says_how_many_more():
    few = gate(series({"A": TEN[:3]}), series({"A": [20.0, 21, 22]}))
    assert few.undecided == ["Work / whole run: 3 runs a side cannot show any difference; about 2 more a side would"]
    one = gate(series({"A": TEN}), series({"A": [20.0]}))
    assert one.undecided == ["Work / whole run: 10 against 1 run cannot show any difference; about 2 more of the candidate would"]


UP_AND_DOWN = [8.0, 16.0, 9.0, 17.0, 12.0, 13.0, 14.0, 12.5]


def test_a_difference_that_is_seen_but_not_shown_is_undecided_where_the_gate_is_about_it():
    base, candidate = series({"A": UP_AND_DOWN}), series({"A": [v * 1.2 for v in UP_AND_DOWN]})
    (words, _) = gate(base, candidate).undecided
    assert words.startswith("Work / whole run: looks 1.20× slower, but 8 runs a side cannot show it; about ")
    assert words.endswith(" more a side would")
    assert gate(base, candidate, "faster").undecided == []
    assert gate(candidate, base, "faster").undecided


def test_a_candidate_of_which_every_run_failed_keeps_no_gate_green():
    found = gate(series({"A": TEN}), series({"A": [1.0, 1.0]}, outcome="failed"))
    assert found.undecided == ["Work: both sides have runs, but none on as many agents and of the same outcome"]
    assert not found.held


def test_another_number_of_agents_is_undecided_not_green():
    assert gate(series({"A": TEN}, n_agents=3), series({"A": TEN}, n_agents=4)).undecided


def test_a_workflow_of_one_side_alone_is_said_and_decides_nothing():
    both = [run_rows(f"r{i}", {"A": 10.0 + i / 10}) for i in range(10)]
    found = gate(archive_of_runs(*both, run_rows("x", {"A": 1.0}, workflow="Old")), archive_of_runs(*both))
    assert (found.tripped, found.undecided) == ([], [])
    assert found.not_compared == ["Old"]


def test_a_gate_that_measured_nothing_is_undecided():
    assert gate(archive_of_runs(), archive_of_runs()).undecided == ["everything: no workflow has runs of this outcome on both sides"]
    assert gate(series({"A": TEN}, workflow="Old"), series({"A": TEN}, workflow="New")).undecided


def test_a_gate_of_another_verdict_is_a_mistake():
    with pytest.raises(UsageError, match="slower or faster"):
        gate(series({"A": TEN}), series({"A": TEN}), "same")


def failing(k: int, n: int):
    return archive_of_runs(*(run_rows(f"r{i:03d}", {"A": 10.0 + i}, outcome="failed" if i < k else "succeeded") for i in range(n)))


@pytest.mark.parametrize(
    ("archive", "condition", "decision"),
    [
        (failing(10, 20), "failed_share>0.1", "tripped"),
        (failing(2, 20), "failed_share>0.1", "undecided"),
        (failing(0, 28), "failed_share>0.1", "undecided"),
        (failing(0, 29), "failed_share>0.1", "held"),  # 0.9 ** 29 is the first below 0.05
        (failing(0, 3), "failed_share>1", "held"),
        (failing(1, 3), "n_failed>0", "tripped"),
        (failing(0, 3), "n_failed > 0", "held"),
        (failing(0, 40), "elapsed_p50_s>20", "tripped"),
        (failing(0, 40), "elapsed_p50_s>60", "held"),
        (failing(0, 40), "elapsed_p50_s>29", "undecided"),
        (failing(0, 58), "elapsed_p95_s>9999", "undecided"),
        (failing(0, 59), "elapsed_p95_s>9999", "held"),  # 0.95 ** 59 is the first below 0.05
        (failing(0, 1), "elapsed_p50_s>1", "undecided"),
        (failing(0, 5), "lost_share>0", "held"),
        (failing(0, 5), "engine_share>0.5", "held"),
        (failing(0, 1), "engine_share>0.5", "undecided"),
        (archive_of_runs(), "failed_share>0.1", "undecided"),
        (archive_of_runs(), "n_failed>0", "undecided"),
        (archive_of_runs(run_rows("r", {"A": 1.0}, outcome="running", known=False)), "elapsed_p50_s>1", "undecided"),
    ],
)
def test_a_condition_is_decided_where_the_runs_decide_it(archive, condition, decision):
    checked = check(archive, [condition])
    assert checked["decision"].tolist() == [decision]
    summed = check_gate(checked)
    assert [name for name in ("tripped", "held", "undecided") if getattr(summed, name)] == [decision]


@examples(2)
@given(st.integers(0, 30), st.integers(1, 30), st.floats(0, 1))
def test_a_share_is_never_shown_on_both_sides_of_a_limit(k, n, limit):
    row = check(failing(min(k, n), n), [f"failed_share>{limit:.3f}"]).iloc[0]
    assert row["low"] <= row["value"] <= row["high"]


def test_the_share_of_the_engine_is_bounded_by_how_runs_differ():
    alike = check(series({"A": [10.0] * 10, "B": [10.0] * 10}), ["engine_share>0.04"]).iloc[0]
    assert (alike["value"], alike["low"], alike["high"]) == pytest.approx((1.02 / 21.02,) * 3)
    assert alike["decision"] == "tripped"
    varied = check(series({"A": [1.0, 200.0] * 5, "B": [1.0] * 10}), ["engine_share>0.01"]).iloc[0]
    assert varied["low"] < 0.01 < varied["high"]


def test_a_child_dag_counts_with_its_main_dag():
    main, child = run_rows("m", {"A": 1.0}), run_rows("c", {"A": 1.0}, outcome="failed")
    child["dags"][0]["parent_run_id"] = "m"
    assert check(archive_of_runs(main, child), ["n_failed>0"]).loc[0, ["value", "n"]].tolist() == [0.0, 1]
    assert check(archive_of_runs(child), ["n_failed>0"]).loc[0, ["value", "n"]].tolist() == [1.0, 1]


def test_the_words_of_an_undecided_condition_hold_its_bounds():
    (words,) = check_gate(check(failing(2, 20), ["failed_share>0.1"])).undecided
    assert words == "failed_share>0.1: it is 0.1 in 20 runs, at least 0.01807, at most 0.2826"


@pytest.mark.parametrize("condition", ["failed_share", "failed_share>=0.1", "failed_share>x", "speed>1", "failed_share>0.1 or so"])
def test_what_is_no_condition_is_a_mistake(condition):
    with pytest.raises(UsageError, match="no such condition"):
        check(archive_of_runs(), [condition])


def test_more_help_trips_the_gate_about_slower_runs():
    good = [run_rows(f"g{i}", {"A": 10.0 + i % 3}) for i in range(40)]
    helped = [run_rows(f"h{i}", {"A": 1800.0}, outcome="succeeded_after_retry") for i in range(20)]
    found = gate(archive_of_runs(*good), archive_of_runs(*good[:30], *helped))
    assert found.tripped == ["Work / whole run: 0 % to 40 % of the runs needed help"]


def test_a_gate_over_archives_without_a_common_cluster_is_undecided():
    found = gate(series({"A": TEN}, cluster="a"), series({"A": TEN}, cluster="b"))
    assert found.undecided == ["Work / whole run: no cluster on both sides: a (base, 10 runs), b (candidate, 10 runs)"]


@pytest.mark.parametrize(("failed", "says_so"), [((), True), ((7, 8, 9), True), ((7, 150), False)])
def test_a_share_that_holds_says_so_where_no_bursts_can_be_seen(failed, says_so):
    rows = [run_rows(f"r{n:03d}", {"Work": 1.0}, started=1000.0 * n, outcome="failed" if n in failed else "succeeded") for n in range(200)]
    [row] = check(archive_of_runs(*rows), ["failed_share>0.2"]).to_dict("records")
    assert row["decision"] == "held"
    assert pd.notna(row["assumes"]) == says_so


def test_failures_in_one_burst_count_for_less_than_failures_apart():
    burst, apart = [i < 8 for i in range(80)], [i % 10 == 0 for i in range(80)]
    lows = [
        check(
            archive_of_runs(
                *(run_rows(f"r{i:02d}", {"A": 9.0}, outcome="failed" if f else "succeeded", started=i * 60.0) for i, f in enumerate(o))
            ),
            ["failed_share>0.01"],
        )["low"].item()
        for o in (burst, apart)
    ]
    assert lows[0] < lows[1]


def test_a_run_of_which_the_answers_do_not_tell_decides_nothing():
    untold = [run_rows(f"u{n}", {"A": 10.0}) for n in range(60)]
    for rows in untold:
        rows["dags"][0] |= {"outcome": "unknown", "state": "SUCCEED", "retries_min": 0, "retries_max": None}
    assert check(archive_of_runs(*untold), ["retry_share>0.1"])["decision"].tolist() == ["undecided"]
