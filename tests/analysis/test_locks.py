"""Maintenance locks: who held which, how long, and how well it was used."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.analysis import all_issues, lock_conflicts
from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.lock_rules import lock_of
from tests.rows import archive_of, at


def dag(run_id: str = "1", *, name: str = "Cluster scale out", kind: int | None = 2, key: str = "", **more: Any) -> dict[str, Any]:
    row = {"run_id": run_id, "name": name, "workflow": workflow_of(name), "scope": "cluster", "outcome": "succeeded", "stage": 1}
    row |= {"maintenance_type": kind, "maintenance_key": key, "created_at": at(0), "started_at": at(1), "ended_at": at(100)}
    return row | {"last_observed_at": at(200), "retries_min": 0, "rollbacks_min": 0} | more


def wait(start: float, end: float, *, category: str = "wait_operator", stage: int = 1, leg: int = 1) -> dict[str, Any]:
    row = {"run_id": "1", "seq": leg, "category": category, "from_stage": stage, "to_stage": stage, "leg": leg}
    return row | {"started_at": at(start), "ended_at": at(end), "duration_s": end - start}


def held(archive: da.Archive) -> list[tuple[float, float | None, float, float]]:
    """When each holding was taken and freed (seconds), how long of it the run worked and was neglected."""
    rows = da.locks(archive)
    times = [(t.value - at(0)) / 1e9 for t in rows["taken_at"]]
    freed = [None if pd.isna(t) else (t.value - at(0)) / 1e9 for t in rows["released_at"]]
    return list(zip(times, freed, rows["working_s"].tolist(), rows["neglected_s"].tolist(), strict=True))


NODES = [{"run_id": "1", "stage": 1, "name": "Import script for tenant"}]


def test_a_lock_is_held_from_the_creation_to_the_success() -> None:
    assert held(archive_of(dags=[dag()])) == [(0.0, 100.0, 100.0, 0.0)]


def test_a_failure_keeps_the_lock_and_the_wait_after_it_is_neglect() -> None:
    assert held(archive_of(dags=[dag()], timeline=[wait(10, 70)], nodes=NODES)) == [(0.0, 100.0, 40.0, 60.0)]


def test_a_failed_node_that_frees_the_lock_ends_the_holding_and_a_retry_takes_it_again() -> None:
    row = dag(name="Create tenant t1", kind=3, key="t1")
    assert held(archive_of(dags=[row], timeline=[wait(10, 70)], nodes=NODES)) == [(0.0, 10.0, 10.0, 0.0), (70.0, 100.0, 30.0, 0.0)]


def test_a_pass_takes_no_lock_that_a_failure_has_freed() -> None:
    row = dag(name="Create tenant t1", kind=3, key="t1", outcome="passed", ended_at=at(70))
    assert held(archive_of(dags=[row], timeline=[wait(10, 70)], nodes=NODES)) == [(0.0, 10.0, 10.0, 0.0)]


def test_a_run_that_stands_failed_still_holds_its_lock_as_long_as_it_is_seen() -> None:
    assert held(archive_of(dags=[dag(outcome="failed")], nodes=NODES)) == [(0.0, None, 100.0, 100.0)]


def test_a_lock_that_another_run_took_later_was_freed_by_then() -> None:
    rows = [dag(outcome="failed"), dag("2", created_at=at(150), ended_at=at(160))]
    assert held(archive_of(dags=rows, nodes=NODES))[0] == (0.0, None, 100.0, 50.0)


def test_what_waits_for_a_main_dag_is_neither_work_nor_neglect() -> None:
    row = dag(name="Start observer", scope="local", owner_agent="10.0.0.1:2886", outcome="passed")
    assert held(archive_of(dags=[row], timeline=[wait(10, 70, category="wait_protocol")])) == [(0.0, 100.0, 40.0, 0.0)]


def test_a_failure_that_no_answer_showed_hides_when_the_lock_was_free() -> None:
    row = dag(name="Create tenant t1", kind=3, key="t1", retries_min=1)
    later = wait(90, 95, category="execute", leg=2)
    locks = da.locks(archive_of(dags=[row], timeline=[wait(10, 70, category="lost"), later], nodes=NODES))
    assert locks["held_s"].tolist() == [10.0, 30.0]
    assert locks["evidence"].tolist() == ["inferred", "inferred"]


def test_what_came_before_the_first_known_stretch_is_not_told_as_work() -> None:
    row = dag(started_at=None)
    assert held(archive_of(dags=[row], timeline=[wait(70, 80, category="execute")])) == [(0.0, 100.0, 30.0, 0.0)]


def test_a_failure_that_was_overwritten_and_freed_the_lock_leaves_its_holding_before_unknown() -> None:
    row = dag(name="Create tenant t1", kind=3, key="t1", started_at=None, outcome="rolled_back", rollbacks_min=1)
    locks = da.locks(archive_of(dags=[row], timeline=[wait(90, 100, category="execute", leg=2)]))
    assert locks["held_s"].tolist() == [0.0, 10.0]
    assert locks["evidence"].tolist() == ["inferred", "inferred"]


def test_two_holdings_of_one_lock_at_a_time_contradict_each_other() -> None:
    archive = archive_of(dags=[dag(), dag("2", created_at=at(50), ended_at=at(160))])
    assert da.locks(archive)["evidence"].tolist() == ["contradicted", "contradicted"]


def test_locks_of_two_tenants_do_not_exclude_each_other_but_that_of_the_cluster_does() -> None:
    tenants = [dag(key="a", kind=3), dag("2", key="b", kind=3, created_at=at(50))]
    assert set(da.locks(archive_of(dags=tenants))["evidence"]) == {"observed"}
    assert set(da.locks(archive_of(dags=[tenants[0], dag("2", created_at=at(50))]))["evidence"]) == {"contradicted"}


def test_two_holdings_at_a_time_are_an_issue_that_names_both_dags() -> None:
    [found] = lock_conflicts(archive_of(dags=[dag(), dag("2", created_at=at(50), ended_at=at(160))])).to_dict("records")
    assert (found["code"], found["severity"], found["run_id"]) == ("locks-overlap", "warning", "1")
    assert "2 to have taken it at 2024-01-01T00:00:50.000+00:00" in found["message"]


def test_lock_conflicts_stand_after_the_issues_that_loading_found() -> None:
    found = {"severity": "info", "code": "other-encoding", "message": "m"}
    archive = archive_of(issues=[found], dags=[dag(), dag("2", created_at=at(50), ended_at=at(160))])
    assert all_issues(archive)["code"].tolist() == ["other-encoding", "locks-overlap"]


def test_holdings_that_follow_each_other_are_no_issue() -> None:
    assert lock_conflicts(archive_of(dags=[dag(), dag("2", created_at=at(100), ended_at=at(160))])).empty


def copy(*, held: bool, observed: float | None, **more: Any) -> dict[str, Any]:
    seen = None if observed is None else at(observed)
    return {"lock": "tenant", "key": "t1", "held": held, "observed_at": seen, "source": "ocs.sql"} | more


TENANT: dict[str, Any] = {"name": "Set obcluster backup config for t1", "kind": 3, "key": "t1"}


def test_a_lock_of_a_dag_without_a_run_may_have_been_taken_at_the_time_of_another() -> None:
    copy = {"cluster": "c", "lock": "tenant", "key": "t2", "held": True, "dag_gid": "99", "locked_at": at(0), "observed_at": at(50)}
    archive = archive_of(dags=[dag(kind=3, key="t1", cluster="c")], maintenance_locks=[copy])
    assert da.locks(archive)[["key", "held_s"]].to_dict("records") == [{"key": "t1", "held_s": 100.0}, {"key": "t2", "held_s": 50.0}]


def test_a_lock_that_a_copy_of_a_database_shows_free_was_freed_by_then_though_its_dag_stands_failed() -> None:
    archive = archive_of(dags=[dag(outcome="failed", **TENANT)], maintenance_locks=[copy(held=False, observed=150)])
    assert held(archive) == [(0.0, None, 100.0, 50.0)]
    assert da.locks(archive)["evidence"].tolist() == ["inferred"]


def test_a_lock_that_a_copy_shows_held_was_held_until_then_at_least() -> None:
    archive = archive_of(dags=[dag(outcome="failed", **TENANT)], maintenance_locks=[copy(held=True, observed=500)])
    assert held(archive) == [(0.0, None, 100.0, 400.0)]


def test_a_holding_of_which_a_copy_alone_tells_is_listed_without_a_run() -> None:
    archive = archive_of(maintenance_locks=[copy(held=True, observed=90, dag_gid="17", locked_at=at(30))])
    [row] = da.locks(archive).to_dict("records")
    assert (row["lock"], row["key"], row["held_s"], row["evidence"]) == ("tenant", "t1", 60.0, "database")
    assert pd.isna(row["run_id"])


def test_a_copy_of_a_holding_that_a_run_tells_of_adds_none() -> None:
    archive = archive_of(dags=[dag("11", **TENANT)], maintenance_locks=[copy(held=True, observed=90, dag_gid="11", locked_at=at(0))])
    assert da.locks(archive)["run_id"].tolist() == ["11"]


def test_a_copy_that_was_made_later_than_it_tells_contradicts_no_holding() -> None:
    archive = archive_of(dags=[dag(**TENANT)], maintenance_locks=[copy(held=False, observed=50)])
    assert da.locks(archive)["evidence"].tolist() == ["observed"]


def test_refused_requests_count_for_the_lock_that_was_held_then() -> None:
    refusal = {"evidence": "log", "result": "refused", "error_code": "OB.Cluster.UnderMaintenance", "operation": "create"}
    archive = archive_of(dags=[dag()], operations=[refusal | {"at": at(moment)} for moment in (5, 50, 150)])
    assert da.locks(archive)["n_refused"].tolist() == [2]


def test_a_dag_without_maintenance_holds_no_lock() -> None:
    assert da.locks(archive_of(dags=[dag(kind=1, name="Start OB")])).empty


@pytest.mark.parametrize(
    ("name", "scope", "lock"),
    [
        ("Create tenant t1", "cluster", ("tenant", "t1")),
        ("Restore backup_orders", "cluster", ("tenant", "orders")),
        ("Set obcluster backup config for t2", "cluster", ("tenant", "t2")),
        ("Set obcluster backup config", "cluster", None),
        ("OB rolling upgrade 4.2.5.0-1", "cluster", ("global", None)),
        ("Stop observer", "local", ("agent", "10.0.0.1:2886")),
        ("Add obproxy", "obproxy", ("obproxy", "10.0.0.1:2886")),
        ("Start obproxy", "obproxy", None),
        ("Upgrade check OB 4.2.5.0-1", "cluster", None),
    ],
)
def test_before_answers_told_of_locks_the_name_of_a_dag_does(name: str, scope: str, lock: tuple[str, str | None] | None) -> None:
    found = lock_of(None, None, scope=scope, owner="10.0.0.1:2886", name=name)
    assert (found and (found.kind, found.key)) == lock


def test_a_lock_whose_taking_is_unknown_is_held_at_least_from_the_first_known_moment() -> None:
    row = dag(created_at=None, started_at=None, first_observed_at=at(150))
    (held_lock,) = da.locks(archive_of(dags=[row], timeline=[wait(60, 80)], nodes=NODES)).to_dict("records")
    assert pd.isna(held_lock["taken_at"])
    assert (held_lock["held_s"], held_lock["neglected_s"], held_lock["evidence"]) == (40.0, 20.0, "inferred")
    assert "lock_taken" not in set(da.events(archive_of(dags=[row]))["event"])


def test_a_cancelled_run_that_succeeded_has_freed_its_lock() -> None:
    assert held(archive_of(dags=[dag(outcome="cancelled", state="SUCCEED")], nodes=NODES)) == [(0.0, 100.0, 100.0, 0.0)]
