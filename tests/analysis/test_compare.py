from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import compare
from daganalysis.errors import UsageError
from daganalysis.tables.results import COMPARE
from tests.analysis.runs import archive_of_runs, run_rows, series
from tests.profiles import examples

SIDES = st.lists(st.floats(2, 60), min_size=1, max_size=9)
TEN = [10.0 + i / 10 for i in range(10)]
SLOWER = [13.0 + i / 10 for i in range(10)]


def verdicts(compared):
    return dict(zip(compared["name"].fillna("whole"), compared["verdict"], strict=True))


def test_one_row_is_a_stage_and_one_the_whole_run():
    compared = compare(series({"A": TEN, "B": TEN}), series({"A": TEN, "B": SLOWER}))
    assert verdicts(compared) == {"whole": "slower", "A": "same", "B": "slower"}
    row = compared.set_index("name").loc["B"]
    assert (row["base_s"], row["candidate_s"], row["diff_s"]) == pytest.approx((10.45, 13.45, 3.0))
    assert row["ratio"] == pytest.approx(1.288, abs=0.002)
    assert row["ci_low"] < row["ratio"] < row["ci_high"]


def test_three_against_three_is_insufficient_and_says_how_many_would_do():
    compared = compare(series({"A": TEN[:3]}), series({"A": SLOWER[:3]}))
    assert verdicts(compared) == {"whole": "insufficient", "A": "insufficient"}
    assert compared["n_needed"].tolist() == [5, 5]  # two rows: 2/252 for 5 against 5 is the first below 0.05 / 2
    assert compared["p_value"].isna().all()


def test_a_side_with_many_runs_needs_fewer_of_the_other():
    compared = compare(series({"A": TEN * 3}), series({"A": [40.0]}))
    assert compared["n_needed"].tolist() == [2, 2]


def test_a_difference_of_less_than_a_tick_is_none_however_sure():
    compared = compare(series({"A": [2.0 + i / 1000 for i in range(30)]}), series({"A": [2.9 + i / 1000 for i in range(30)]}))
    assert compared["p_value"].max() < 0.001
    assert set(compared["verdict"]) == {"same"}


def test_a_difference_of_less_than_ten_percent_is_none_however_sure():
    compared = compare(series({"A": [100.0 + i / 100 for i in range(30)]}), series({"A": [108.0 + i / 100 for i in range(30)]}))
    assert set(compared["verdict"]) == {"same"}


def test_a_difference_that_is_seen_but_not_shown_is_insufficient_and_says_how_many_would_show_it():
    spread = [8.0, 16.0, 9.0, 17.0, 12.0, 13.0, 14.0, 12.5]
    row = compare(series({"A": spread}), series({"A": [v * 1.2 for v in spread]})).iloc[0]
    assert (row["verdict"], round(row["ratio"], 2)) == ("insufficient", 1.2)
    assert row["p_value"] > 0.05
    # The candidate takes longer in 45 of 64 pairs; of two rows: ((2.241 + 0.842) / (45 / 64 - 1 / 2)) ** 2 / 6 is 38.5.
    assert row["n_needed"] == 39


def test_like_is_compared_with_like():
    three = [run_rows(f"a{i}", {"A": 10.0 + i / 10}, n_agents=3) for i in range(10)]
    four = [run_rows(f"b{i}", {"A": 20.0 + i / 10}, n_agents=4) for i in range(10)]
    compared = compare(archive_of_runs(*three, *four), archive_of_runs(*four))
    assert compared[["n_agents", "verdict"]].drop_duplicates().to_numpy().tolist() == [[3, "only_base"], [4, "same"]]


def test_other_outcomes_are_left_out_and_counted_apart():
    good = [run_rows(f"a{i}", {"A": 10.0}) for i in range(2)]
    bad = [
        run_rows("f1", {"A": 3.0}, outcome="failed"),
        run_rows("f2", {"A": 3.0}, outcome="failed"),
        run_rows("c", {}, outcome="cancelled"),
    ]
    row = compare(archive_of_runs(*good), archive_of_runs(*good, *bad, run_rows("u", {"A": 1.0}, known=False))).iloc[0]
    assert (row["n_base"], row["n_candidate"]) == (2, 2)
    assert row["left_out_candidate"] == "1 cancelled, 2 failed, 1 of unknown length"
    assert row[["left_out_base"]].isna().all()


def test_outcomes_that_are_asked_for_are_compared_each_with_its_like():
    runs = [run_rows("a", {"A": 10.0}), run_rows("f", {"A": 3.0}, outcome="failed")]
    compared = compare(archive_of_runs(*runs), archive_of_runs(*runs), outcomes=("succeeded", "failed"))
    whole = compared[compared["name"].isna()]
    assert whole[["outcome", "base_s", "candidate_s"]].to_numpy().tolist() == [["failed", 3.0, 3.0], ["succeeded", 10.0, 10.0]]


def test_a_workflow_of_which_nothing_was_compared_still_has_its_row():
    failed = archive_of_runs(run_rows("f", {"A": 3.0}, outcome="failed"))
    (row,) = compare(failed, failed).to_dict("records")
    assert (row["workflow"], row["verdict"], row["left_out_base"], row["n_base"]) == ("Work", "insufficient", "1 failed", 0)


def test_a_workflow_on_one_side_alone_and_one_without_a_name_stand_out():
    compared = compare(
        archive_of_runs(run_rows("a", {"A": 1.0}, workflow="Old")), archive_of_runs(run_rows("b", {"A": 1.0}, workflow=None))
    )
    assert compared["workflow"].fillna("none").tolist() == ["Old", "Old", "none", "none"]
    assert compared["verdict"].tolist() == ["only_base", "only_base", "only_candidate", "only_candidate"]


def test_inserted_removed_and_renamed_stages_stand_out():
    base = series({"Check": TEN, "Minor freeze": TEN, "Add agent  for scale_out": TEN})
    candidate = series({"Check": TEN, "Restore parameters": TEN, "Add agent for scale_out": SLOWER})
    compared = compare(base, candidate)
    assert verdicts(compared) == {
        "whole": "same",
        "Check": "same",
        "Minor freeze": "only_base",
        "Restore parameters": "only_candidate",
        "Add agent for scale_out": "slower",
    }
    assert compared["base_name"].dropna().tolist() == ["Add agent  for scale_out"]


def test_stages_of_one_name_are_told_apart_by_their_order():
    twice = archive_of_runs(*(run_rows(f"r{i}", [("Stop", 5.0 + i), ("Work", 9.0), ("Stop", 20.0 + i)]) for i in range(3)))
    compared = compare(twice, twice).set_index("name")
    assert compared.loc[["Stop", "Stop #2"], "base_s"].tolist() == [6.0, 21.0]
    assert compared.loc[["Stop", "Stop #2"], "stage"].tolist() == [1, 3]


def test_two_empty_archives_have_nothing_to_compare():
    compared = compare(archive_of_runs(), archive_of_runs())
    assert compared.empty
    assert compared.columns.tolist() == COMPARE.names


@examples(2)
@given(SIDES)
def test_an_archive_compared_with_itself_is_all_the_same(durations):
    archive = series({"A": durations, "B": durations[::-1]})
    assert set(compare(archive, archive)["verdict"]) == {"same"}


@examples(2)
@given(SIDES, SIDES)
def test_swapping_the_sides_flips_signs_and_nothing_else(one, other):
    base, candidate = series({"A": one}), series({"A": other})
    there, back = (compare(*sides).set_index("name") for sides in ((base, candidate), (candidate, base)))
    flip = {"slower": "faster", "faster": "slower"}
    assert [flip.get(v, v) for v in there["verdict"]] == back["verdict"].tolist()
    assert (-there["diff_s"]).tolist() == pytest.approx(back["diff_s"].tolist())
    assert (1 / there["ratio"]).tolist() == pytest.approx(back["ratio"].tolist())
    assert there["p_value"].equals(back["p_value"])
    assert there[["n_base", "n_candidate"]].to_numpy().tolist() == back[["n_candidate", "n_base"]].to_numpy().tolist()
    assert there["n_needed"].equals(back["n_needed"])


@examples(2)
@given(st.permutations(range(8)))
def test_the_order_of_the_input_is_irrelevant(order):
    runs = [run_rows(f"r{i}", {"A": 10.0 + i, "B": 3.0}) for i in range(8)]
    base = series({"A": TEN, "B": TEN})
    assert compare(base, archive_of_runs(*runs)).equals(compare(base, archive_of_runs(*(runs[i] for i in order))))


def contributions(base, candidate):
    return compare(base, candidate, level="contributions")


@examples(2)
@given(st.lists(st.floats(0.001, 500), min_size=1, max_size=6), st.lists(st.floats(0.001, 500), min_size=1, max_size=6))
def test_contributions_add_up_to_the_difference_of_two_runs(one, other):
    base, candidate = (archive_of_runs(run_rows("r", [(f"S{i % 3}", s) for i, s in enumerate(side)])) for side in (one, other))
    found = contributions(base, candidate)
    difference = candidate.dags["elapsed_s"].item() - base.dags["elapsed_s"].item()
    assert found["diff_s"].sum() == pytest.approx(difference, abs=1e-6)
    assert found["base_s"].sum() == pytest.approx(base.dags["elapsed_s"].item(), abs=1e-6)


def test_contributions_name_the_stage_and_the_category():
    base, candidate = archive_of_runs(run_rows("r", {"A": 5.0, "B": 2.0})), archive_of_runs(run_rows("r", {"A": 5.0, "New": 3.0, "B": 4.0}))
    found = contributions(base, candidate).round(3)
    assert found[["stage", "name", "category", "diff_s", "on"]].to_numpy().tolist() == [
        [1, "A", "execute", 0.0, "both"],
        [2, "New", "execute", 3.0, "candidate"],
        [2, "New", "handoff", 1.02, "candidate"],
        [3, "B", "execute", 2.0, "both"],
        [3, "B", "handoff", 0.0, "both"],
    ]


def test_contributions_of_recorded_runs_add_up_too():
    tenants, other = da.load("sample_data/tenant"), da.load("sample_data/upgrade")
    timed = tenants.dags[tenants.dags["elapsed_s"].notna()].set_index("run_id")["elapsed_s"]
    assert len(timed) >= 5
    for run_id in timed.index[1:]:
        found = contributions(tenants.run(timed.index[0]), tenants.run(run_id))
        assert found["diff_s"].sum() == pytest.approx(timed[run_id] - timed.iloc[0], abs=1e-6)
    with pytest.raises(UsageError, match="different workflows"):
        contributions(tenants.run(timed.index[0]), other)


def test_contributions_refuse_several_runs_and_a_run_without_an_end():
    one = archive_of_runs(run_rows("a", {"A": 1.0}))
    with pytest.raises(UsageError, match="one run a side, not of 10"):
        contributions(one, series({"A": TEN}))
    with pytest.raises(UsageError, match="elapsed time of a run is not known"):
        contributions(one, archive_of_runs(run_rows("b", {"A": 1.0}, known=False, outcome="running")))


def test_another_level_is_a_mistake():
    with pytest.raises(UsageError, match="no such level"):
        compare(series({"A": TEN}), series({"A": TEN}), level="node")


MIX = {"fast": 10.0, "slow": 40.0}


def mixture(counts, *, factor=1.0, prefix="r"):
    """Runs of clusters of different speed, so many of each, each cluster's runs spread by a tenth."""
    return archive_of_runs(
        *(
            run_rows(
                f"{prefix}{cluster}{i}", {"A": MIX[cluster] * factor * (1 + (7 * i % n) / n / 10)}, cluster=cluster, started=i * 3600.0
            )
            for cluster, n in counts.items()
            for i in range(n)
        )
    )


def test_another_mix_of_clusters_of_different_speed_is_no_difference():
    compared = compare(mixture({"fast": 20, "slow": 5}), mixture({"fast": 5, "slow": 20}))
    assert set(compared["verdict"]) == {"same"}
    assert set(compared["clusters"]) == {"fast, slow"}


def test_clusters_that_are_all_slower_are_slower_whatever_the_mix():
    compared = compare(mixture({"fast": 20, "slow": 5}), mixture({"fast": 5, "slow": 20}, factor=1.2))
    assert set(compared["verdict"]) == {"slower"}
    assert compared["ratio"].iloc[1] == pytest.approx(1.2, abs=0.02)


def test_without_a_cluster_on_both_sides_nothing_is_compared_and_the_row_says_so():
    row = compare(mixture({"fast": 20}), mixture({"slow": 20})).iloc[0]
    assert (row["verdict"], row["reason"], row["n_base"]) == ("insufficient", "no cluster on both sides", 20)
    assert row["unmatched_clusters"] == "fast (base, 20 runs), slow (candidate, 20 runs)"


def test_a_cluster_of_one_side_alone_is_named_and_left_out():
    row = compare(mixture({"fast": 20}), mixture({"fast": 20, "slow": 9})).iloc[0]
    assert (row["verdict"], row["n_candidate"], row["unmatched_clusters"]) == ("same", 20, "slow (candidate, 9 runs)")


def test_more_runs_that_needed_help_are_a_verdict_of_their_own():
    good = [run_rows(f"g{i}", {"A": 10.0 + i % 3}) for i in range(40)]
    helped = [run_rows(f"h{i}", {"A": 1800.0}, outcome="succeeded_after_retry") for i in range(20)]
    row = compare(archive_of_runs(*good), archive_of_runs(*good[:30], *helped)).iloc[0]
    assert (row["verdict"], row["help_share_base"], row["help_share_candidate"]) == ("more_help", 0.0, 0.4)


def test_more_runs_in_a_slow_mode_are_told_where_the_middle_is_the_same():
    base, candidate = ([50.0 if 7 * i % 10 < slow else 5.0 + i % 3 / 10 for i in range(100)] for slow in (1, 3))
    row = compare(series({"A": base}), series({"A": candidate})).iloc[0]
    assert (row["verdict"], row["slow_share_base"], row["slow_share_candidate"]) == ("more_slow_runs", 0.1, 0.3)


def test_runs_that_resemble_their_neighbours_count_for_fewer():
    walk = [20.0 + 8 * ((i // 10) % 2) + i % 3 / 10 for i in range(60)]
    row = compare(series({"A": walk}), series({"A": [v * 1.15 for v in walk]})).iloc[0]
    assert row["n_effective_base"] < 20 < row["n_base"]
    assert row["verdict"] == "insufficient"
