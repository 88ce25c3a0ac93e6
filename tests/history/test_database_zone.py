"""Databases whose zone is not that of the agents, found by what answers show before and after each other."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pandas as pd
import pytest

import daganalysis as da
from daganalysis.reading.answers import Answer, Kind
from tests.history.responses import dag, node, ns, sub_task
from tests.history.test_clocks import archive_of
from tests.history.test_runs import frame, run_of

NOON = 43200.0
HOUR = 3600.0
FIELDS = ("start_time", "end_time")


def relabelled(text: bytes, shift_s: float, label: str) -> bytes:
    """Rewrite the times of one object: moved by some seconds, and labelled with an offset from UTC."""

    def rewrite(row: dict[str, Any]) -> dict[str, Any]:
        times = {}
        for name in FIELDS:
            moved = pd.Timestamp(row[name]) + pd.Timedelta(shift_s, "s")
            times[name] = moved.strftime("%Y-%m-%dT%H:%M:%S.%f") + label
        inner = {"sub_tasks": [rewrite(task) for task in row["sub_tasks"]]} if row.get("sub_tasks") else {}
        return {**row, **times, **inner}

    return json.dumps(rewrite(json.loads(text))).encode()


def shown(answer: Answer, *, database_s: float, label_s: float = 0) -> Answer:
    """An answer as an agent in one zone gives it, of a database whose session is in another (offsets from UTC, seconds)."""
    sign = "-" if label_s < 0 else "+"
    label = f"{sign}{int(abs(label_s)) // 3600:02d}:{int(abs(label_s)) // 60 % 60:02d}" if label_s else "Z"
    nodes = None if answer.nodes is None else [relabelled(text, database_s, label) for text in answer.nodes]
    return msgspec.structs.replace(answer, body=relabelled(answer.body, database_s, label), nodes=nodes, utc_offset_s=int(label_s))


def running(at: float) -> Answer:
    work = sub_task("RUNNING", NOON + 1.05, NOON + 0.5)
    return dag(node(work, state="RUNNING", start=NOON + 1.01, end=NOON + 1.01), state="RUNNING", start=NOON + 1, end=NOON + 0.5, at=at)


def ended(at: float) -> Answer:
    work = sub_task("SUCCEED", NOON + 1.05, NOON + 61.0)
    return dag(node(work, start=NOON + 1.01, end=NOON + 61.5), start=NOON + 1, end=NOON + 61.51, at=at)


ZONES = [8 * HOUR, -5 * HOUR, 5.75 * HOUR, 3.5 * HOUR]


@pytest.mark.parametrize("label", [0, 8 * HOUR])
@pytest.mark.parametrize("database", ZONES)
def test_a_run_polled_while_it_ran_is_put_right(database: float, label: float) -> None:
    answers = [shown(one, database_s=database, label_s=label) for one in (running(NOON + 30), ended(NOON + 90))]
    run = run_of(*answers)
    assert (run["started_at"], run["ended_at"]) == (pd.Timestamp(ns(NOON + 1), tz="UTC"), pd.Timestamp(ns(NOON + 61.51), tz="UTC"))
    assert run["start_time"] == pd.Timestamp(ns(NOON + 1 + database - label), tz="UTC")
    assert frame("attempts", *answers)["ended_at"].tolist() == [pd.Timestamp(ns(NOON + 61.0), tz="UTC")]
    assert da.time_budget(archive_of(*answers))["execute_s"].tolist() == [59.95]
    assert frame("issues", *answers)["code"].tolist() == ([] if database == label else ["zones-differ"])


@pytest.mark.parametrize("late", [False, True])
def test_one_dag_asked_of_agents_in_two_zones_is_one_run(*, late: bool) -> None:
    answers = [shown(running(NOON + 30), database_s=8 * HOUR, label_s=8 * HOUR), shown(ended(NOON + 90), database_s=8 * HOUR)]
    if late:
        answers.append(shown(ended(NOON + 300), database_s=8 * HOUR, label_s=8 * HOUR))
    run = run_of(*answers)
    assert (run["outcome"], run["elapsed_s"]) == ("succeeded", 60.51)
    assert run["started_at"] == pd.Timestamp(ns(NOON + 1), tz="UTC")
    assert frame("issues", *answers)["code"].tolist() == ["zones-differ"]


def test_a_database_behind_is_found_by_a_retry_that_came_after_an_answer() -> None:
    retried = sub_task("SUCCEED", NOON + 602, NOON + 638, times=3)
    final = dag(node(retried, operator="RETRY", start=NOON + 600.02, end=NOON + 639), start=NOON + 600, end=NOON + 640, at=NOON + 900)
    answers = [shown(one, database_s=7 * HOUR, label_s=8 * HOUR) for one in (running(NOON + 5), final)]
    assert da.time_budget(archive_of(*answers))["execute_s"].tolist() == [pytest.approx(36 + 3.95)]
    assert run_of(*answers)["started_at"] == pd.Timestamp(ns(NOON + 1), tz="UTC")


def test_a_zone_that_cannot_be_told_leaves_the_instants_null_and_the_durations_known() -> None:
    run = run_of(shown(ended(NOON + 5000), database_s=5 * HOUR))
    assert pd.isna(run["started_at"])
    assert pd.isna(run["ended_at"])
    assert run["elapsed_s"] == 60.51
    (issue,) = frame("issues", shown(ended(NOON + 5000), database_s=5 * HOUR)).to_dict("records")
    assert issue["code"] == "zones-differ"
    assert "not known" in issue["message"]


def test_the_zone_that_oceanbase_has_unless_it_is_set_is_taken_where_it_fits_closest() -> None:
    run = run_of(shown(ended(NOON + 120), database_s=8 * HOUR))
    assert run["started_at"] == pd.Timestamp(ns(NOON + 1), tz="UTC")


@pytest.mark.parametrize("minutes", [-10, -3, 3, 20])
def test_a_clock_that_is_minutes_off_is_no_other_zone(minutes: float) -> None:
    answers = [shown(one, database_s=60 * minutes) for one in (running(NOON + 30), ended(NOON + 90))]
    assert frame("issues", *answers).empty
    assert run_of(*answers)["started_at"] == pd.Timestamp(ns(NOON + 1 + 60 * minutes), tz="UTC")


def test_a_local_dag_bears_its_agents_own_zone() -> None:
    gid = "23232235777028861"
    future = shown(dag(node(sub_task(gid=gid), gid=gid), gid=gid), database_s=8 * HOUR)
    assert frame("issues", future).empty


def test_a_node_answer_is_moved_with_its_dag() -> None:
    answers = [shown(one, database_s=8 * HOUR) for one in (running(NOON + 30), ended(NOON + 90))]
    text = relabelled(json.dumps(node(start=NOON + 1.01, end=NOON + 61.5)).encode(), 8 * HOUR, "Z")
    orphan = Answer(Kind.NODE, "11", text, source="node.json", position="byte 0 /data", observed_at=ns(NOON + 100), utc_offset_s=0)
    assert frame("nodes", *answers, orphan)["ended_at"].tolist() == [pd.Timestamp(ns(NOON + 61.5), tz="UTC")]
