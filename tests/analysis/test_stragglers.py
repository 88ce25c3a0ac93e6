from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis import stragglers
from daganalysis.errors import UsageError
from tests.analysis.runs import archive_of_runs, parallel_rows
from tests.profiles import examples

DAY = 86_400.0


def fleet(works, n_runs, *, seed=1, stages=("Unpack",), zones=None, **facts):
    """Runs in which each agent works so many seconds, give or take a tenth."""
    rng = random.Random(seed)
    agents = [{"agent": agent, "zone": zone, "observed_at": 0} for agent, zone in (zones or {}).items()]
    return archive_of_runs(
        {"agents": agents},
        *(
            parallel_rows(
                f"r{i:02d}",
                {stage: {agent: (0.0, seconds * rng.gauss(1, 0.1)) for agent, seconds in works.items()} for stage in stages},
                started=i * DAY,
                **facts,
            )
            for i in range(n_runs)
        ),
    )


def one(works, **facts):
    return archive_of_runs(parallel_rows("r", {"Unpack": works}, **facts))


def test_an_execution_says_who_was_slowest_what_the_others_waited_and_why():
    (row,) = stragglers(one({"a": (0.0, 4.0), "b": (0.0, 5.0), "c": (3.0, 6.0)}), level="run").to_dict("records")
    assert (row["slowest_agent"], row["n_sub_tasks"]) == ("c", 3)
    assert row["barrier_wait_s"] == pytest.approx((9 - 4) + (9 - 5))
    assert (row["dispatch_s"], row["work_s"], row["skew"]) == pytest.approx((3.0, 6.0, 6 / 4.5))


@pytest.mark.parametrize(
    "works",
    [
        {"a": (0.0, 4.0)},
        {"a": (0.0, 4.0), "b": (0.0, 4.0)},
    ],
    ids=["one sub-task", "a tie"],
)
def test_nobody_lags_alone_or_in_a_tie(works):
    archive = one(works)
    assert stragglers(archive, level="run").empty
    assert not stragglers(archive)["n_slowest"].any()


def test_a_slow_agent_is_flagged_and_first():
    found = stragglers(fleet({"a": 5.0, "b": 5.0, "slow": 8.0, "c": 5.0}, 10))
    assert found["agent"].iloc[0] == "slow"
    assert found["flagged"].tolist() == [True, False, False, False]
    row = found.iloc[0]
    assert (row["n"], row["n_slowest"]) == (10, 10)
    assert row["slowest_low"] == pytest.approx(0.025 ** (1 / 10))  # Clopper-Pearson of ten in ten
    assert row["late_p50_s"] == pytest.approx(3.0, abs=0.6)


def test_one_run_flags_nobody_however_slow():
    assert not stragglers(fleet({"a": 5.0, "b": 5.0, "slow": 50.0}, 1))["flagged"].any()


def test_the_last_of_equals_is_not_flagged_for_being_handed_out_last():
    runs = [parallel_rows(f"r{i:02d}", {"Quick": {f"a{n}": (0.002 * n, 0.02) for n in range(9)}}, started=i * DAY) for i in range(30)]
    found = stragglers(archive_of_runs(*runs))
    assert (found["agent"].iloc[0], found["n_slowest"].iloc[0]) == ("a8", 30)
    assert not found["flagged"].any()


def test_a_late_start_and_slow_work_are_told_apart():
    runs = [parallel_rows(f"r{i:02d}", {"Stop": {"a": (0.0, 5.0), "b": (0.0, 5.0 + i / 99), "late": (4.0, 5.0)}}) for i in range(10)]
    row = stragglers(archive_of_runs(*runs)).iloc[0]
    assert (row["agent"], row["flagged"]) == ("late", True)
    assert (row["dispatch_p50_s"], row["work_p50_s"], row["skew_p50"]) == pytest.approx((4.0, 5.0, 1.0), abs=0.01)


def test_agents_of_different_clusters_with_one_address_are_different_agents():
    a = [parallel_rows(f"a/{i}", {"S": {"x": (0.0, 9.0), "y": (0.0, 5.0)}}, cluster="a") for i in range(8)]
    b = [parallel_rows(f"b/{i}", {"S": {"x": (0.0, 5.0), "y": (0.0, 9.0)}}, cluster="b") for i in range(8)]
    found = stragglers(archive_of_runs(*a, *b))
    assert found.loc[found["flagged"], ["cluster", "agent"]].to_numpy().tolist() == [["a", "x"], ["b", "y"]]


def test_over_all_stages_the_run_is_the_unit():
    found = stragglers(fleet({"a": 5.0, "b": 5.0, "slow": 8.0}, 2, stages=("S1", "S2", "S3", "S4", "S5")), level="agent")
    row = found.iloc[0]
    assert (row["agent"], row["n"], row["n_executions"], row["n_slowest"]) == ("slow", 2, 10, 2)
    assert not found["flagged"].any()  # five stages of two runs are two runs
    assert stragglers(fleet({"a": 5.0, "b": 5.0, "slow": 8.0}, 8), level="agent")["flagged"].tolist() == [True, False, False]


def test_an_agent_that_only_one_long_stage_waits_for_is_not_slow_over_all_stages():
    long_stage = {agent: (0.0, 10.0 + 5 * (agent == "a")) for agent in "abcdef"}
    short_stage = {agent: (0.0, 1.0 + (agent == "b")) for agent in "abcdef"}
    runs = [parallel_rows(f"r{i}", {"Long": long_stage} | {f"S{n}": short_stage for n in range(3)}, started=i * DAY) for i in range(8)]
    found = stragglers(archive_of_runs(*runs), level="agent")
    assert found[["agent", "n", "n_slowest"]].to_numpy().tolist()[0] == ["a", 8, 8]
    assert not found["flagged"].any()


def test_the_stage_that_an_agent_costs_most_in_is_named():
    works = {"Short": {"a": (0.0, 1.0), "b": (0.0, 2.0)}, "Long": {"a": (0.0, 10.0), "b": (0.0, 20.0)}}
    found = stragglers(archive_of_runs(parallel_rows("r", works)), level="agent").set_index("agent")
    assert found.loc["b", ["worst_stage", "barrier_wait_s"]].tolist() == ["Long", pytest.approx(11.0)]
    assert found["worst_stage"].isna().to_dict() == {"a": True, "b": False}


def test_an_agent_that_left_the_work_to_another_on_its_host_is_not_at_work():
    run = parallel_rows("r", {"Unpack": {"10.0.0.1:1": (0.0, 5.0), "10.0.0.1:2": (0.0, 0.01), "10.0.0.2:1": (0.0, 6.0)}})
    run["sub_tasks"][1]["task_logs"] = ["Due to multiple obshell being on this machine, skipped"]
    found = stragglers(archive_of_runs(run))
    assert set(found["agent"]) == {"10.0.0.1:1", "10.0.0.2:1"}


def test_what_an_earlier_execution_had_finished_does_not_count():
    run = parallel_rows("r", {"Unpack": {"a": (0.0, 1.0), "b": (0.0, 2.0), "again": (100.0, 2.0)}})
    run["nodes"][0]["started_at"] += 90_000_000_000
    assert stragglers(archive_of_runs(run)).empty


@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=9))
def test_the_median_of_the_others_is_that_of_a_list_without_one(seconds):
    works = {f"a{n}": (0.0, s) for n, s in enumerate(seconds)}
    found = stragglers(one(works)).set_index("agent")
    for n in range(len(seconds)):
        others = [round(s, 9) for place, s in enumerate(seconds) if place != n]
        assert found.loc[f"a{n}", "others_p50_s"] == pytest.approx(statistics.median(others), abs=1e-8)


@examples(2)
@given(st.permutations(range(6)))
def test_the_order_of_the_input_is_irrelevant(order):
    runs = [parallel_rows(f"r{i}", {"S": {"a": (0.0, 5.0 + i), "b": (0.0, 8.0 - i / 2)}}) for i in range(6)]
    for level in ("stage", "agent", "run"):
        shuffled = stragglers(archive_of_runs(*(runs[i] for i in order)), level=level)
        assert shuffled.equals(stragglers(archive_of_runs(*runs), level=level))


def test_another_level_is_a_mistake():
    with pytest.raises(UsageError, match="no such level"):
        stragglers(archive_of_runs(), level="node")


def test_the_zone_that_others_waited_for_is_flagged_whichever_of_its_agents_was_last():
    works = {"a": 5.0, "b": 5.0, "c": 8.0, "d": 8.0}
    found = stragglers(fleet(works, 24, zones={"a": "z1", "b": "z1", "c": "z2", "d": "z2"}), level="zone")
    assert found[["zone", "n", "n_executions", "flagged"]].to_numpy().tolist() == [["z2", 24, 24, True], ["z1", 24, 24, False]]


def test_a_zone_with_more_agents_is_slowest_more_often_by_chance():
    works = dict.fromkeys("abcdef", 5.0)
    found = stragglers(fleet(works, 30, zones={"a": "z1", **dict.fromkeys("bcdef", "z2")}), level="zone")
    assert found.set_index("zone")["n_slowest"].loc["z2"] > 20
    assert not found["flagged"].any()


def test_zones_are_not_compared_where_that_of_an_agent_is_not_known():
    assert stragglers(fleet({"a": 5.0, "b": 5.0, "c": 8.0}, 12, zones={"a": "z1", "b": "z2"}), level="zone").empty


def test_sub_tasks_belong_to_the_node_that_names_them_where_no_answer_tells_the_place_of_the_stage():
    rows = parallel_rows("r", {"Unpack": {"a": (0.0, 4.0), "b": (0.0, 5.0)}, "Copy": {"a": (0.0, 9.0), "b": (0.0, 7.0)}})
    unplaced = {name: [row | ({"stage": None} if "stage" in row else {}) for row in of_table] for name, of_table in rows.items()}
    found = stragglers(archive_of_runs(unplaced), level="run")
    assert dict(zip(found["name"], found["slowest_agent"], strict=True)) == {"Unpack": "b", "Copy": "a"}
    assert found["stage"].isna().all()
