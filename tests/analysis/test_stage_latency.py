from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis import stage_latency, summary
from tests.analysis.runs import archive_of_runs, parallel_rows, run_rows
from tests.profiles import examples

SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10)), min_size=1, max_size=6)


def without_places(rows):
    """The same rows, of which no answer tells the place of a stage in its run."""
    return {name: [row | ({"stage": None} if "stage" in row else {}) for row in of_table] for name, of_table in rows.items()}


def seconds_covered(spans):
    """How many seconds lie in at least one of some spans: moments are looked at one by one."""
    moments = sorted({edge for begin, length in spans for edge in (begin, begin + length)})
    return sum(high - low for low, high in pairwise(moments) if any(begin <= low and high <= begin + length for begin, length in spans))


@examples(15, long=2000)
@given(SPANS)
def test_work_is_the_time_in_which_at_least_one_sub_task_ran(spans):
    works = {f"agent-{number}": (float(begin), float(length)) for number, (begin, length) in enumerate(spans)}
    (row,) = stage_latency(archive_of_runs(parallel_rows("r", {"Unpack": works}))).to_dict("records")
    assert row["work_s"] == seconds_covered(spans)


def test_work_is_exact_to_the_nanosecond_however_many_sub_tasks_follow_each_other():
    works = {f"agent-{number}": (number * 0.100001, 0.100001001) for number in range(50)}
    (row,) = stage_latency(archive_of_runs(parallel_rows("r", {"Unpack": works}))).to_dict("records")
    assert row["work_s"] == (49 * 100_001_000 + 100_001_001) / 1e9


def test_of_sub_tasks_as_long_as_each_other_the_first_in_order_of_ids_is_the_slowest():
    rows = parallel_rows("r", {"Unpack": {"a": (0.0, 4.0), "b": (1.0, 4.0), "c": (0.0, 2.0)}})
    rows["sub_tasks"].reverse()
    (row,) = stage_latency(archive_of_runs(rows)).to_dict("records")
    assert (row["slowest_task_gid"], row["slowest_agent"]) == ("r-1-0", "a")


def test_sub_tasks_belong_to_the_node_that_names_them_where_the_place_of_the_stage_is_not_known():
    rows = parallel_rows("r", {"Unpack": {"a": (0.5, 4.0)}, "Copy": {"b": (1.0, 9.0)}})
    found = stage_latency(archive_of_runs(without_places(rows))).set_index("name")
    assert found["work_s"].to_dict() == {"Unpack": 4.0, "Copy": 9.0}
    assert found["dispatch_s"].to_dict() == {"Unpack": 0.5, "Copy": 1.0}


@pytest.mark.parametrize(("level", "key"), [("workflow", "name"), ("agent", "agent")])
def test_the_runs_at_both_ends_are_the_first_in_order_of_ids_among_equals(level, key):
    runs = [parallel_rows(f"r{n}", {"Unpack": {"a": (0.0, seconds)}}) for n, seconds in enumerate((3.0, 1.0, 3.0, 1.0, 2.0))]
    (row,) = stage_latency(archive_of_runs(*runs), level=level).to_dict("records")
    assert (row[key], row["n"]) == ("Unpack" if level == "workflow" else "a", 5)
    assert (row["min_run_id"], row["max_run_id"]) == ("r1", "r0")
    assert (row["min_s"], row["p50_s"], row["p95_s"], row["max_s"]) == (1.0, 2.0, 3.0, 3.0)


def test_the_slowest_stage_of_a_workflow_is_the_one_on_which_most_time_was_spent_in_all_runs():
    runs = [run_rows(f"r{n}", {"Long once": long, "Often": 4.0}) for n, long in enumerate((6.0, 1.0, 1.0))]
    assert summary(archive_of_runs(*runs))["slowest_stage"].tolist() == ["Often"]


def test_stages_that_are_not_known_to_have_started_have_no_rows_though_sub_tasks_are_known():
    rows = run_rows("r", {"Unpack": 2.0, "Copy": 3.0})
    unset = {**rows, "nodes": [row | {"started_at": None} for row in rows["nodes"]]}
    assert stage_latency(archive_of_runs(unset)).empty
