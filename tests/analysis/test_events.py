"""What happened in a cluster, over all its DAGs."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from enginemodel import answer, random_run, start_cluster
from enginemodel.dag_parts import SECOND, Agent
from tests.profiles import examples
from tests.rows import archive_of, at


def dag(run_id: str = "1", **more: Any) -> dict[str, Any]:
    row = {"run_id": run_id, "name": "Upgrade", "workflow": "Upgrade", "scope": "cluster", "outcome": "succeeded_after_retry", "stage": 2}
    row |= {"maintenance_type": 1, "created_at": at(0), "started_at": at(1), "ended_at": at(100), "cluster": "c"}
    return row | more


def stretch(seq: int, start: float, end: float, category: str, leg: int, direction: str = "forward", **more: Any) -> dict[str, Any]:
    row = {"run_id": "1", "seq": seq, "category": category, "from_stage": 2, "to_stage": 2, "leg": leg, "direction": direction}
    return row | {"started_at": at(start), "ended_at": at(end), "duration_s": end - start} | more


def told(archive: da.Archive, *events: str) -> list[tuple[str, float, str | None]]:
    """The events of some kinds: what, when, by whom."""
    rows = da.events(archive)
    rows = rows[rows["event"].isin(events)] if events else rows
    actors = [None if pd.isna(actor) else actor for actor in rows["actor"]]
    return list(zip(rows["event"], [(t.value - at(0)) / 1e9 for t in rows["at"]], actors, strict=True))


def test_a_run_is_created_starts_and_ends() -> None:
    assert told(archive_of(dags=[dag()])) == [("created", 0.0, "person"), ("started", 1.0, "engine"), ("ended", 100.0, "engine")]


def test_a_failure_is_told_with_its_cause_and_the_retry_after_it() -> None:
    line = [stretch(1, 10, 70, "wait_operator", 1), stretch(2, 70, 100, "execute", 2)]
    attempt = {
        "run_id": "1",
        "stage": 2,
        "task_gid": "t",
        "attempt": 1,
        "kind": "run",
        "outcome": "failed",
        "agent": "a:1",
        "started_at": at(5),
    }
    task = {"run_id": "1", "stage": 2, "task_gid": "t", "task_logs": ["ERROR: [OB.Down]: gone"]}
    archive = archive_of(dags=[dag()], timeline=line, attempts=[attempt], sub_tasks=[task])
    assert told(archive, "stage_failed", "retry") == [("stage_failed", 10.0, "engine"), ("retry", 70.0, "person")]
    failure = da.events(archive).query("event == 'stage_failed'").iloc[0]
    assert (failure["stage"], failure["agent"], failure["detail"]) == (2, "a:1", "OB.Down")


def test_what_a_run_did_next_tells_what_was_asked_for() -> None:
    back = [stretch(1, 10, 70, "wait_operator", 1), stretch(2, 70, 100, "execute", 2, "rollback")]
    assert told(archive_of(dags=[dag(outcome="rolled_back")], timeline=back), "rollback", "retry") == [("rollback", 70.0, "person")]
    node = {"run_id": "1", "stage": 2, "node_gid": "n", "outcome": "passed"}
    on = [stretch(1, 10, 70, "wait_operator", 1, to_stage=3), stretch(2, 70, 100, "execute", 2, from_stage=3)]
    assert told(archive_of(dags=[dag()], timeline=on, nodes=[node]), "pass_node", "retry") == [("pass_node", 70.0, "person")]
    assert told(archive_of(dags=[dag(outcome="passed")], timeline=back[:1]), "pass", "retry") == [("pass", 100.0, "person")]


def test_a_stage_that_was_retried_before_it_was_passed_has_a_retry_and_a_pass() -> None:
    node = {"run_id": "1", "stage": 2, "node_gid": "n", "outcome": "passed"}
    line = [stretch(1, 10, 70, "wait_operator", 1), stretch(2, 70, 75, "execute", 2), stretch(3, 75, 90, "wait_operator", 2, to_stage=3)]
    line += [stretch(4, 90, 100, "execute", 3, from_stage=3)]
    asked = told(archive_of(dags=[dag()], timeline=line, nodes=[node]), "pass_node", "retry")
    assert asked == [("retry", 70.0, "person"), ("pass_node", 90.0, "person")]


def test_a_stage_that_was_passed_with_its_dag_was_not_passed_before() -> None:
    node = {"run_id": "1", "stage": 2, "node_gid": "n", "outcome": "passed"}
    line = [stretch(1, 10, 70, "wait_operator", 1, to_stage=3), stretch(2, 70, 80, "execute", 2, from_stage=3)]
    assert told(archive_of(dags=[dag(outcome="passed")], timeline=line, nodes=[node]), "pass_node", "retry") == [("retry", 70.0, "person")]


def test_a_request_begins_what_is_known_after_lost_time() -> None:
    line = [stretch(1, 10, 30, "wait_operator", 1), stretch(2, 30, 70, "lost", 1), stretch(3, 70, 80, "execute", 1)]
    back = [stretch(4, 80, 90, "wait_operator", 1), stretch(5, 90, 99, "execute", 2, "rollback")]
    assert told(archive_of(dags=[dag()], timeline=line + back), "retry", "rollback") == [
        ("retry", 70.0, "person"),
        ("rollback", 90.0, "person"),
    ]


def proven(operation: str, since: float, until: float) -> dict[str, Any]:
    row = {"run_id": "1", "operation": operation, "at_min": at(since), "at_max": at(until), "actor": "person"}
    return row | {"result": "accepted", "evidence": "answers"}


def test_where_hidden_work_may_follow_a_wait_a_request_is_told_at_its_latest_time() -> None:
    line = [stretch(1, 10, 30, "wait_operator", 1), stretch(2, 30, 70, "lost", 1), stretch(3, 70, 80, "execute", 1)]
    archive = archive_of(dags=[dag()], timeline=[*line, stretch(4, 80, 95, "lost", 1)], operations=[proven("retry", 25, 95)])
    assert told(archive, "retry") == [("retry", 95.0, "person")]
    assert da.events(archive).query("event == 'retry'")["detail"].tolist() == ["or up to 1 min 05 s earlier"]


def test_a_pass_of_a_node_that_answers_prove_is_no_retry_though_the_node_no_longer_shows_it() -> None:
    line = [stretch(1, 10, 70, "wait_operator", 1, to_stage=3), stretch(2, 70, 100, "execute", 2, from_stage=3)]
    archive = archive_of(dags=[dag()], timeline=line, operations=[proven("pass_node", 0, 70)])
    assert told(archive, "retry", "pass_node") == [("pass_node", 70.0, "person")]


def test_a_wait_after_which_the_states_of_a_run_prove_no_request_tells_none() -> None:
    line = [stretch(1, 10, 30, "wait_operator", 1), stretch(2, 30, 70, "unattributed", 1), stretch(3, 70, 80, "execute", 2)]
    archive = archive_of(dags=[dag()], timeline=line, operations=[proven("create", -1, 0)])
    assert told(archive, "stage_failed", "retry", "rollback") == [("stage_failed", 10.0, "engine")]


def test_a_run_that_stands_failed_has_not_ended() -> None:
    assert told(archive_of(dags=[dag(outcome="failed")]), "ended", "stage_failed") == [("stage_failed", 100.0, "engine")]


def test_requests_in_a_log_take_the_place_of_those_that_follow_from_answers() -> None:
    line = [stretch(1, 10, 70, "wait_operator", 1), stretch(2, 70, 100, "execute", 2)]
    request = {
        "run_id": "1",
        "at": at(69.5),
        "operation": "retry",
        "actor": "person",
        "client": "10.0.0.9",
        "result": "accepted",
        "evidence": "log",
    }
    archive = archive_of(dags=[dag()], timeline=line, operations=[request])
    assert told(archive, "retry") == [("retry", 69.5, "person")]
    assert da.events(archive).query("event == 'retry'")["client"].tolist() == ["10.0.0.9"]


def test_a_refused_request_is_told_with_its_code() -> None:
    refusal = {"at": at(20), "operation": "create", "actor": "person", "result": "refused", "error_code": "OB.Tenant.UnderMaintenance"}
    row = da.events(archive_of(dags=[dag()], operations=[refusal | {"evidence": "log"}])).query("event == 'refused'").iloc[0]
    assert row["detail"] == "create OB.Tenant.UnderMaintenance"


def test_locks_are_taken_and_freed() -> None:
    archive = archive_of(dags=[dag(maintenance_type=3, maintenance_key="t1")])
    assert told(archive, "lock_taken", "lock_freed") == [("lock_taken", 0.0, "engine"), ("lock_freed", 100.0, "engine")]


def test_another_executor_of_normal_nodes_is_another_maintainer() -> None:
    nodes = [{"run_id": "1", "stage": n, "node_gid": f"n{n}", "n_sub_tasks": 1} for n in (1, 2)]
    tasks = [
        {"run_id": "1", "stage": n, "task_gid": f"t{n}", "agent": agent, "started_at": at(10 * n)} for n, agent in ((1, "a:1"), (2, "b:1"))
    ]
    row = da.events(archive_of(dags=[dag()], nodes=nodes, sub_tasks=tasks)).query("event == 'maintainer_moved'").iloc[0]
    assert (row["at"].value, row["agent"], row["detail"]) == (at(20), "b:1", "from a:1")


def maintainers(*told: tuple[float, str, str]) -> list[tuple[float, str, str]]:
    """When the maintainer moved, to which agent and from which, where logs tell of maintainers: at some time, by an agent, who it is."""
    rows = [{"cluster": "c", "at": at(t), "agent": teller, "event": "maintainer", "detail": who} for t, teller, who in told]
    moves = da.events(archive_of(dags=[dag()], agent_events=rows)).query("event == 'maintainer_moved'")
    return [((t.value - at(0)) / 1e9, agent, text) for t, agent, text in zip(moves["at"], moves["agent"], moves["detail"], strict=True)]


def test_a_move_of_the_maintainer_that_logs_of_other_clocks_tell_again_is_told_once() -> None:
    by_each_clock = [
        (t + ahead, teller, who) for ahead, teller in ((-3, "x:1"), (0, "y:1"), (5, "z:1")) for t, who in ((10, "a:1"), (14, "b:1"))
    ]
    assert maintainers(*by_each_clock) == [(11.0, "b:1", "from a:1")]


def test_a_maintainer_that_comes_back_is_told_even_if_another_log_tells_of_its_first_time_late() -> None:
    back_and_forth = [(t, "x:1", who) for t, who in ((10, "a:1"), (20, "b:1"), (30, "a:1"))]
    assert maintainers(*back_and_forth, (22, "y:1", "b:1"), (32, "y:1", "a:1")) == [(20.0, "b:1", "from a:1"), (30.0, "a:1", "from b:1")]


def test_a_log_that_begins_again_after_the_maintainer_moved_tells_of_no_second_move() -> None:
    assert maintainers((0, "x:1", "a:1"), (0, "y:1", "a:1"), (500, "x:1", "b:1"), (4000, "y:1", "b:1")) == [(500.0, "b:1", "from a:1")]


def test_what_a_main_dag_asks_of_its_children_is_told_once_and_is_no_failure() -> None:
    main, children = start_cluster([Agent(f"192.0.2.{n}") for n in (11, 12)], 1_735_700_000 * SECOND)
    polls = [answer(run, moment) for run in (main, *children) for moment in range(run.created, (run.ended or 0) + 2 * SECOND, SECOND)]
    rows = da.events(da.load(polls))
    assert rows["event"].value_counts()[["retry", "pass", "created"]].tolist() == [2, 2, 3]
    assert set(rows.loc[rows["event"].isin(["retry", "pass"]), "actor"]) == {"dag"}
    assert "stage_failed" not in set(rows["event"])


@examples(4)
@given(st.integers(0, 500))
def test_events_are_in_order_and_what_people_did_is_among_them(seed: int) -> None:
    run = random_run(seed)
    end = (run.ended or run.pass_at) + 2 * SECOND
    rows = da.events(da.load([answer(run, moment) for moment in (*range(run.created, end, 4 * SECOND), end)]))
    assert rows["at"].is_monotonic_increasing
    counts = rows["event"].value_counts()
    assert counts.get("rollback", 0) <= run.rollbacks
    assert counts.get("retry", 0) + counts.get("pass_node", 0) <= run.retries + run.node_passes


def test_a_failure_of_unknown_time_is_no_event() -> None:
    run = dag(outcome="failed", ended_at=None)
    attempts = [{"run_id": "1", "stage": 2, "task_gid": "1", "attempt": 1, "started_at": at(5), "outcome": "failed", "agent": "a"}]
    assert told(archive_of(dags=[run], attempts=attempts), "stage_failed") == []
