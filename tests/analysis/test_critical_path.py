"""The chain of work and waits from a run's start to its end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import daganalysis as da
from enginemodel import answer, random_run, start_cluster
from enginemodel.dag_parts import SECOND, Agent
from tests.analysis.slow_path import Work, slow_path
from tests.profiles import examples
from tests.rows import archive_of, at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from daganalysis.archive import Archive

_BEGIN = 1_735_700_000 * SECOND


def stretch(seq: int, start: float, end: float, category: str = "execute", stage: int = 1, run_id: str = "1") -> dict[str, Any]:
    row = {"run_id": run_id, "seq": seq, "category": category, "from_stage": stage, "to_stage": stage, "evidence": "observed"}
    return row | {"started_at": at(start), "ended_at": at(end), "duration_s": end - start}


def attempts(works: Mapping[str, tuple[float, float | None]], stage: int = 1, run_id: str = "1") -> list[dict[str, Any]]:
    """One attempt each, named by its sub-task: {task_gid: (start, end)}; its agent bears the same name."""
    rows = []
    for gid, (start, end) in works.items():
        row = {"run_id": run_id, "stage": stage, "task_gid": gid, "attempt": 1, "agent": gid, "started_at": at(start)}
        rows.append(row | {"ended_at": None if end is None else at(end)})
    return rows


def archive_with(works: Mapping[str, tuple[float, float | None]], end: float, *, scope: str = "local") -> Archive:
    dag = {"run_id": "1", "workflow": "Work", "scope": scope, "elapsed_s": end}
    node = {"run_id": "1", "stage": 1, "name": "Copy"}
    return archive_of(dags=[dag], nodes=[node], timeline=[stretch(1, 0, end)], attempts=attempts(works))


def told(path: pd.DataFrame) -> list[tuple[str, float]]:
    return [(gid if isinstance(gid, str) else "-", round(s, 6)) for gid, s in zip(path["task_gid"], path["duration_s"], strict=True)]


def test_attempts_that_follow_each_other_are_the_path() -> None:
    assert told(da.critical_path(archive_with({"a": (0, 4), "b": (4, 9)}, 9))) == [("a", 4.0), ("b", 5.0)]


def test_of_attempts_side_by_side_the_last_to_end_is_on_the_path() -> None:
    assert told(da.critical_path(archive_with({"a": (0, 4), "b": (0, 9), "c": (0, 6)}, 9))) == [("b", 9.0)]


def test_a_tie_goes_to_the_first_by_id() -> None:
    assert told(da.critical_path(archive_with({"b": (0, 9), "a": (0, 9)}, 9))) == [("a", 9.0)]


def test_what_only_attempts_that_end_later_cover_is_put_down_to_the_longest_of_them() -> None:
    works = {"a": (3, 10), "b": (0, 5), "c": (1, 9.5)}
    assert told(da.critical_path(archive_with(works, 10))) == [("b", 1.0), ("c", 2.0), ("a", 7.0)]


@pytest.mark.parametrize("years", [-200, 200])
def test_the_longest_of_attempts_is_found_in_any_century(years: int) -> None:
    by = years * 365 * 86_400
    works = attempts({"a": (by + 3, by + 10), "b": (by, by + 5), "c": (by + 1, by + 9)})
    path = da.critical_path(archive_of(dags=[{"run_id": "1"}], timeline=[stretch(1, by, by + 10)], attempts=works))
    assert told(path) == [("b", 1.0), ("c", 2.0), ("a", 7.0)]


def test_an_attempt_without_an_end_covers_what_no_other_does() -> None:
    assert told(da.critical_path(archive_with({"a": (0, None), "b": (2, 6)}, 6))) == [("a", 2.0), ("b", 4.0)]


def test_a_stretch_of_which_no_attempt_is_known_stays_as_it_is() -> None:
    assert told(da.critical_path(archive_with({}, 6))) == [("-", 6.0)]


def test_two_ends_that_clocks_cannot_order_are_uncertain_and_not_reordered() -> None:
    path = da.critical_path(archive_with({"a": (0.5, 9.0), "b": (0.5, 8.9)}, 9.2, scope="cluster"))
    assert path["evidence"].tolist()[-1] == "uncertain"
    assert path["task_gid"].tolist()[-1] == "a"


def test_stages_that_were_rolled_back_bound_the_clocks_of_agents_too() -> None:
    line = [stretch(1, 0, 9.2, stage=2), stretch(2, 9.2, 12, stage=1)]
    works = [*attempts({"a": (0.01, 9.19), "b": (0.01, 9.0)}, stage=2), *attempts({"b": (9.21, 11.99)})]
    path = da.critical_path(archive_of(dags=[{"run_id": "1", "scope": "cluster"}], timeline=line, attempts=works))
    assert path["evidence"].tolist()[:2] == ["observed", "observed"]


def test_the_agents_of_a_local_dag_have_one_clock() -> None:
    path = da.critical_path(archive_with({"a": (0.5, 9.0), "b": (0.5, 8.9)}, 9.2))
    assert "uncertain" not in path["evidence"].tolist()


def test_a_pause_is_told_by_the_stage_before_it() -> None:
    line = [stretch(1, 0, 3), stretch(2, 3, 4, "handoff"), stretch(3, 4, 6, stage=2)]
    nodes = [{"run_id": "1", "stage": 1, "name": "Copy"}, {"run_id": "1", "stage": 2, "name": "Check"}]
    path = da.critical_path(archive_of(timeline=line, nodes=nodes))
    assert path[["category", "name"]].to_numpy().tolist() == [["execute", "Copy"], ["handoff", "Copy"], ["execute", "Check"]]


def test_an_attempt_that_waited_for_a_child_dag_is_replaced_by_the_childs_path() -> None:
    wait = "Wait for all agents to execute tasks successfully"
    line = [stretch(1, 0, 10), stretch(1, 1, 6, stage=3, run_id="k"), stretch(2, 6, 20, "wait_protocol", 3, "k")]
    link = {"parent_run_id": "1", "child_run_id": "k", "child_gid": "k", "kind": "sub_dag", "agent": "x"}
    nodes = [{"run_id": "1", "stage": 1, "name": wait}, {"run_id": "k", "stage": 3, "name": "Start observer"}]
    dags: list[dict[str, Any]] = [{"run_id": "1", "elapsed_s": 10.0}, {"run_id": "k"}]
    tasks = [*attempts({"x": (0, 10)}), *attempts({"w": (1, 6)}, 3, "k")]
    path = da.critical_path(archive_of(dags=dags, timeline=line, nodes=nodes, links=[link], attempts=tasks)).query("run_id == '1'")
    assert path["category"].tolist() == ["child_poll", "execute", "child_poll"]
    assert path["name"].tolist() == [wait, "Start observer", wait]
    assert path["child_run_id"].fillna("").tolist() == ["", "k", ""]
    assert path["seq"].tolist() == [1, 2, 3]


def test_drag_is_the_end_of_the_last_less_the_end_of_the_next_and_at_most_its_length() -> None:
    late = da.critical_path(archive_with({"a": (0, 4), "b": (0, 9)}, 9), level="stage")
    alone = da.critical_path(archive_with({"a": (0, 4), "b": (5, 9)}, 9), level="stage")
    assert late["drag_s"].tolist() == [5.0]
    assert late["agent"].tolist() == ["b"]
    assert alone["drag_s"].tolist() == [4.0]


def test_there_are_two_levels() -> None:
    with pytest.raises(da.UsageError, match="no such level"):
        da.critical_path(archive_of(), level="run")


def answers_of(seed: int) -> list[Any]:
    run = random_run(seed)
    end = (run.ended or run.pass_at) + 2 * SECOND
    return [answer(run, moment) for moment in range(run.created, end, 2 * SECOND)] + [answer(run, end)]


@pytest.mark.parametrize("seed", range(12))
def test_the_segments_of_a_run_add_up_to_its_elapsed_time_and_follow_each_other(seed: int) -> None:
    archive = da.load(answers_of(seed))
    path = da.critical_path(archive)
    nanoseconds = (path["ended_at"].astype("int64") - path["started_at"].astype("int64")).sum()
    assert nanoseconds / 1e9 == archive.dags["elapsed_s"].iloc[0]
    assert path["started_at"].iloc[1:].tolist() == path["ended_at"].iloc[:-1].tolist()


@pytest.mark.parametrize("seed", range(30))
def test_what_truly_ended_last_in_a_stage_is_on_the_path_or_the_path_says_that_it_is_uncertain(seed: int) -> None:
    run = random_run(seed, actions=False)
    path = da.critical_path(da.load(answer(run, (run.ended or 0) + 2 * SECOND)))
    ends = {gid: max(attempt.end or 0 for attempt in told) for gid, told in run.truth.items() if told}
    for stage, gids in enumerate(run.ids, start=1):
        own = path[path["stage"].eq(stage) & path["task_gid"].notna()]
        last = max(gids, key=lambda gid: ends[gid])
        assert own["task_gid"].iloc[-1] == last or own["evidence"].iloc[-1] == "uncertain"


def test_the_order_of_answers_and_their_repetition_do_not_matter() -> None:
    answers = answers_of(7)
    again = [*answers, *answers]
    random.Random(1).shuffle(again)
    pd.testing.assert_frame_equal(da.critical_path(da.load(answers)), da.critical_path(da.load(again)))


def test_the_chain_of_a_main_dag_leads_through_its_slowest_child() -> None:
    agents = [Agent(f"192.0.2.{n}") for n in (11, 12, 13)]
    main, children = start_cluster(agents, _BEGIN)
    archive = da.load([answer(run, (run.ended or 0) + SECOND) for run in (main, *children)])
    path = da.critical_path(archive)
    own = path[path["run_id"].eq(main.gid) & path["child_run_id"].notna()]
    assert own.nlargest(1, "duration_s")["name"].tolist() == ["Start observer"]
    assert own["child_run_id"].iloc[-1] == children[2].gid


def test_answers_without_nodes_name_no_stage():
    brief = {
        "id": "11",
        "name": "Create tenant t1",
        "stage": 1,
        "max_stage": 1,
        "state": "SUCCEED",
        "operator": "RUN",
        "start_time": "2025-01-01T00:00:00Z",
        "end_time": "2025-01-01T00:00:10Z",
        "nodes": None,
    }
    assert da.critical_path(da.load(brief))["name"].isna().all()


@pytest.mark.parametrize("n_runs", [0, 1, 2, 8])
@pytest.mark.parametrize("level", ["segment", "stage"])
def test_runs_in_shares_side_by_side_have_the_paths_that_they_have_together(
    monkeypatch: pytest.MonkeyPatch, level: str, n_runs: int
) -> None:
    archive = da.load(*(answers_of(seed)[-1] for seed in range(n_runs)), cluster="a") if n_runs else archive_of()
    together, predicted = da.critical_path(archive, level=level), da.what_if(archive)
    for module in ("analysis.run_shares", "tables.side_by_side"):
        monkeypatch.setattr(f"daganalysis.{module}.n_side_by_side", lambda _: 3)
    pd.testing.assert_frame_equal(da.critical_path(archive, level=level), together)
    pd.testing.assert_frame_equal(da.what_if(archive), predicted)


_SECONDS = st.integers(0, 12)
_WORKS = st.lists(st.tuples(_SECONDS, st.one_of(st.none(), _SECONDS)), max_size=7)


@examples(15, long=1200)
@given(_WORKS, st.integers(0, 6), st.integers(1, 8), st.integers(1, 6), st.booleans())
@example([(1, 5), (2, 7), (0, 7)], 0, 7, 1, False)
@example([(0, None), (0, 4)], 0, 4, 3, True)
def test_the_path_is_that_of_its_definition_taken_one_attempt_at_a_time(
    spans: list[tuple[int, int | None]], begin: int, length: int, again: int, turned: bool
) -> None:
    works = {chr(97 + n): (start, end) for n, (start, end) in enumerate(spans) if end is None or end >= start}
    line = [stretch(1, begin, begin + length), stretch(2, begin + length, begin + length + again)]  # executed twice
    rows = attempts(works)
    path = da.critical_path(archive_of(timeline=line, attempts=rows[::-1] if turned else rows))
    plain = [Work(gid, at(start), None if end is None else at(end)) for gid, (start, end) in works.items()]
    expected = [part for row in line for part in slow_path(row["started_at"], row["ended_at"], plain)]
    gids = [gid if isinstance(gid, str) else None for gid in path["task_gid"]]
    assert list(zip(gids, path["started_at"].astype("int64"), path["ended_at"].astype("int64"), strict=True)) == expected


@examples(15, long=1200)
@given(_WORKS, st.integers(0, 6), st.integers(1, 8))
@example([(1, 5), (2, 7), (0, 7)], 0, 7)
@example([(3, 3), (0, 3)], 0, 3)
@example([(1, 2)], 0, 2)  # nothing had begun before the only attempt
def test_the_path_of_a_stage_that_was_executed_once_is_that_of_its_definition(
    spans: list[tuple[int, int | None]], begin: int, length: int
) -> None:
    works = {chr(97 + n): (start, end) for n, (start, end) in enumerate(spans) if end is None or end >= start}
    path = da.critical_path(archive_of(timeline=[stretch(1, begin, begin + length)], attempts=attempts(works)))
    plain = [Work(gid, at(start), None if end is None else at(end)) for gid, (start, end) in works.items()]
    gids = [gid if isinstance(gid, str) else None for gid in path["task_gid"]]
    found = list(zip(gids, path["started_at"].astype("int64"), path["ended_at"].astype("int64"), strict=True))
    assert found == slow_path(at(begin), at(begin + length), plain)


def test_by_stage_a_run_of_whose_attempts_none_is_known_has_its_work_on_the_path_and_no_agent() -> None:
    by_stage = da.critical_path(archive_with({}, 6), level="stage")
    assert by_stage[["name", "path_s", "n_segments", "n_agent"]].to_dict("records") == [
        {"name": "Copy", "path_s": 6.0, "n_segments": 1, "n_agent": 0}
    ]
