"""Bounds of agents' clocks over an archive."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from tests.profiles import examples
from tests.rows import archive_of, at

WORK_S = 9.0


def archive(*runs: dict[str, float], scope: str = "cluster", work_s: float = WORK_S, outcome: str = "succeeded") -> da.Archive:
    """One-stage runs an hour apart, each given as how far the clocks of its agents are ahead of the scheduler's."""
    dags, nodes, tasks = [], [], []
    for number, ahead in enumerate(runs):
        begin = number * 3600.0
        key: dict[str, Any] = {"run_id": f"1{number:04d}", "stage": 1}
        dags.append({"run_id": key["run_id"], "scope": scope})
        nodes.append({**key, "operator": "RUN", "started_at": at(begin), "ended_at": at(begin + 10.0)})
        for agent, off in ahead.items():
            times = {"started_at": at(begin + 0.02 + off), "ended_at": at(begin + 0.02 + off + work_s)}
            tasks.append({**key, "task_gid": f"{number}{agent}", "agent": agent, "outcome": outcome, "execute_times": 1, **times})
    return archive_of(dags=dags, nodes=nodes, sub_tasks=tasks)


def bounds(frame: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(frame["ahead_min_s"].round(6), frame["ahead_max_s"].round(6), strict=True))


@pytest.mark.parametrize(("ahead", "shown"), [(60.0, "ahead"), (-5.0, "behind"), (-60.0, "behind"), (0.5, "none"), (0.0, "none")])
def test_the_bounds_hold_the_offset_and_say_what_is_certain(ahead: float, shown: str) -> None:
    found = da.clock_skew(archive({"a": 0.0, "b": ahead}))
    assert bounds(found) == [(-0.98, 0.02), (round(ahead - 0.98, 6), round(ahead + 0.02, 6))]
    assert found["shown"].tolist() == ["none", shown]
    assert set(found["against"]) == {"scheduler"}


def test_a_clock_that_was_set_has_a_row_for_each_stretch_of_time() -> None:
    found = da.clock_skew(archive(*[{"a": 0.0, "b": 5.0}] * 3, *[{"a": 0.0, "b": 0.0}] * 2))
    assert found["agent"].tolist() == ["a", "b", "b"]
    assert found["n"].tolist() == [5, 3, 2]
    assert bounds(found)[1:] == [(4.02, 5.02), (-0.98, 0.02)]
    assert found["shown"].tolist() == ["none", "ahead", "none"]
    assert found["until"].iloc[1] < found["since"].iloc[2]


def test_a_clock_that_drifts_all_the_time_varies_within_bounds_that_hold() -> None:
    (row,) = da.clock_skew(archive(*({"b": 2.0 * day} for day in range(30)))).to_dict("records")
    assert row["shown"] == "varies"
    assert row["ahead_min_s"] <= 0.0
    assert row["ahead_max_s"] >= 58.0


@pytest.mark.parametrize(("others", "shown"), [(-60.0, "ahead"), (60.0, "behind")])
def test_where_all_others_differ_by_the_same_the_one_that_does_not_is_named(others: float, shown: str) -> None:
    found = da.clock_skew(archive({"a": 0.0, "b": others, "c": others + 0.1, "d": others})).set_index("agent")
    assert found["shown"].to_dict() == {"a": shown, "b": "none", "c": "none", "d": "none"}
    assert set(found["against"]) == {"others"}
    assert found.loc["a", "ahead_min_s"] <= -others <= found.loc["a", "ahead_max_s"]


def test_others_that_differ_by_different_amounts_are_each_named() -> None:
    found = da.clock_skew(archive({"a": 0.0, "b": -60.0, "c": -30.0}))
    assert found["shown"].tolist() == ["none", "behind", "behind"]


def test_a_stage_that_bears_two_clocks_lies_in_two_stretches() -> None:
    two = archive_of(
        dags=[{"run_id": "11", "scope": "cluster"}],
        nodes=[{"run_id": "11", "stage": 1, "operator": "RUN", "started_at": at(6.5), "ended_at": at(6.4)}],
        sub_tasks=[
            {
                "run_id": "11",
                "stage": 1,
                "agent": "a",
                "execute_times": 1,
                "outcome": "succeeded",
                "started_at": at(6.53),
                "ended_at": at(8.5),
            }
        ],
    )
    found = da.clock_skew(two)
    assert found["ahead_max_s"].round(6).tolist()[0] == 0.03
    assert found["ahead_min_s"].round(6).tolist()[1] == 2.1


def test_the_schedulers_own_stamp_does_not_bound_the_agents_clock_as_its_end_would() -> None:
    found = da.clock_skew(archive({"a": 0.0}, work_s=10.5, outcome="cancelled"))
    assert bounds(found) == [(-10.5, 0.02)]


def test_local_dags_have_one_clock() -> None:
    assert da.clock_skew(archive({"a": 60.0}, scope="local")).empty


@examples(3, long=400)
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 60)), min_size=1, max_size=12))
def test_no_minimum_exceeds_its_maximum(runs: list[tuple[float, float, float]]) -> None:
    frames = [da.clock_skew(archive({"a": 0.0, "b": b, "c": c}, work_s=work)) for b, c, work in runs[:2]]
    frames.append(da.clock_skew(archive(*({"a": 0.0, "b": b, "c": c} for b, c, _ in runs))))
    found = pd.concat(frames)
    assert (found["ahead_min_s"].isna() | found["ahead_max_s"].isna() | (found["ahead_min_s"] <= found["ahead_max_s"])).all()


def test_a_clock_may_be_bounded_from_one_side_alone() -> None:
    # The scheduler stamps the end of a sub-task that timed out, so only its start bounds the clock of its agent.
    rows = da.clock_skew(archive({"a": 0.0, "b": 1.0}, {"a": 0.0}, outcome="timeout"))
    assert rows["ahead_min_s"].isna().all()
    assert rows["ahead_max_s"].tolist() == [0.02, 1.02]
