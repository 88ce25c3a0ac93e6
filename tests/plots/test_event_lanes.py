"""Swim lanes of everything that happened in a cluster."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.commands import main
from daganalysis.plots import draw_events, event_marks
from tests.plots.artists import cut_off, overlapping
from tests.rows import archive_of, at


def dag(run_id: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    row = {
        "run_id": run_id,
        "name": f"DAG {run_id}",
        "workflow": "Upgrade",
        "outcome": "succeeded",
        "scope": "cluster",
        "maintenance_type": 1,
    }
    return row | {"created_at": at(start), "started_at": at(start), "ended_at": at(end)} | more


def marks_of(archive: da.Archive) -> Any:
    return event_marks(archive, da.events(archive), da.locks(archive))


def test_each_dag_has_a_lane_children_below_their_main_dag() -> None:
    archive = archive_of(dags=[dag("a", 0, 50), dag("b", 10, 20), dag("c", 15, 40, parent_run_id="a")])
    runs = marks_of(archive).query("role == 'run'")
    assert runs[["run_id", "lane"]].to_numpy().tolist() == [["a", 1], ["c", 2], ["b", 3]]


def test_the_lock_of_the_cluster_lies_above_the_lanes() -> None:
    locks = marks_of(archive_of(dags=[dag("a", 0, 50, maintenance_type=2)])).query("role == 'lock'")
    assert locks[["lane", "what", "x_started", "x_ended"]].to_numpy().tolist() == [[0, "global", 0.0, 50.0]]


def test_what_people_did_and_what_failed_are_marks_on_the_lane_of_the_dag() -> None:
    line = [{"run_id": "a", "seq": 1, "category": "wait_operator", "from_stage": 1, "leg": 1, "started_at": at(10), "ended_at": at(30)}]
    line += [{"run_id": "a", "seq": 2, "category": "execute", "from_stage": 1, "leg": 2, "started_at": at(30), "ended_at": at(50)}]
    marks = marks_of(
        archive_of(dags=[dag("a", 0, 50, outcome="succeeded_after_retry")], timeline=[r | {"direction": "forward"} for r in line])
    )
    assert marks.query("role == 'mark'")[["lane", "what", "x_started"]].to_numpy().tolist() == [
        [1, "stage_failed", 10.0],
        [1, "retry", 30.0],
    ]
    assert marks.query("role == 'stood'")[["x_started", "x_ended"]].to_numpy().tolist() == [[10.0, 30.0]]


def test_time_in_which_no_run_was_under_way_is_cut() -> None:
    runs = marks_of(archive_of(dags=[dag("a", 0, 10), dag("b", 10_000, 10_010)])).query("role == 'run'")
    assert runs["x_ended"].max() < 30


def test_a_cut_is_marked_and_every_stretch_beside_it_is_told_the_time() -> None:
    starts = (0, 20_000, 50_000, 70_000)
    ax = draw_events(marks_of(archive_of(dags=[dag(str(start), start, start + 3) for start in starts])))
    assert [text.get_text() for text in ax.texts if "cut" in text.get_text()] == ["5 h 33 min cut", "8 h 20 min cut", "5 h 33 min cut"]
    told = [label.get_text().strip() for label in ax.get_xticklabels()]
    assert [label for label in told if label[:5] in {"00:00", "05:33", "13:53", "19:26"}] == told
    assert {label[:5] for label in told} == {"00:00", "05:33", "13:53", "19:26"}
    assert overlapping(ax) == cut_off(ax) == []


def test_a_clock_change_on_the_axis_shows_both_offsets() -> None:
    begin = 25_919_940  # 2024-10-26T23:59 UTC, in seconds from the start of that year
    ax = draw_events(marks_of(archive_of(dags=[dag("a", begin, begin + 7_200)])), tz="Europe/Berlin")
    assert [label.get_text().split("\n")[-1] for label in ax.get_xticklabels() if ":00\n+" in label.get_text()] == ["+02:00", "+01:00"]


def test_a_chart_of_several_clusters_is_a_usage_error() -> None:
    with pytest.raises(da.UsageError, match="several clusters"):
        marks_of(archive_of(dags=[dag("a", 0, 1, cluster="x"), dag("b", 0, 1, cluster="y")]))


@pytest.mark.parametrize(("cluster", "title"), [("prod-a", "What happened in prod-a: 1 DAG"), (None, "What happened: 1 DAG")])
def test_the_title_names_the_cluster(cluster: str | None, title: str) -> None:
    ax = draw_events(marks_of(archive_of(dags=[dag("a", 0, 9, cluster=cluster)])))
    assert ax.get_title(loc="left") == title


def test_every_bar_and_kind_of_mark_is_drawn() -> None:
    archive = da.load("sample_data/tenant")
    marks = marks_of(archive)
    ax = draw_events(marks, tz="+08:00")
    cuts = [patch for patch in ax.patches if patch.get_facecolor()[:3] == (1.0, 1.0, 1.0)]
    assert len(ax.patches) - len(cuts) == (marks["role"] != "mark").sum()
    assert sum(len(c.get_offsets()) for c in ax.collections) == (marks["role"] == "mark").sum()


def test_a_child_dag_that_did_its_work_and_was_passed_is_no_trouble() -> None:
    archive = archive_of(dags=[dag("a", 0, 9), dag("b", 2, 8, outcome="passed", work_ok=True, parent_run_id="a")])
    marks = marks_of(archive)
    assert marks.query("role == 'run'")["what"].tolist() == ["succeeded", "passed_as_planned"]
    labels = [text.get_text() for text in draw_events(marks).get_legend().get_texts()]
    assert "passed as planned" in labels


def test_each_kind_of_request_has_a_mark_of_its_own() -> None:
    kinds = ("retry", "rollback", "pass", "pass_node", "cancel", "refused", "stage_failed", "agent_restarted")
    told = pd.DataFrame({"at": pd.Timestamp(at(5), tz="UTC"), "run_id": "a", "event": kinds, "actor": "person"})
    archive = archive_of(dags=[dag("a", 0, 9)])
    ax = draw_events(event_marks(archive, told, da.locks(archive)))
    shapes = {tuple(map(tuple, mark.get_paths()[0].vertices.round(3))) for mark in ax.collections}
    assert len(shapes) == len(kinds)


def test_the_command_draws_one_cluster_of_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["events", "sample_data/fleet", "--cluster-by", "dir", "--picture", str(tmp_path / "night.html")]
    assert main(command) == 2
    assert "--only-cluster" in capsys.readouterr().err
    assert main([*command, "--only-cluster", "prod-a"]) == 0
    text = (tmp_path / "night.html").read_text(encoding="utf-8")
    assert "prod-a/" in text
    assert "prod-b/" not in text
    assert re.search(r'<td class="when">2026-03-02 \d\d:\d\d:\d\d</td><td class="when">lock taken</td>', text), (
        "the zone and the words of people"
    )
    assert "<th>detail</th>" in text
    assert "<th>client</th>" not in text, "no log tells where a request came from"


@pytest.mark.parametrize("name", ["night.svg", "night.html"])
def test_the_command_draws_a_picture_or_a_page(tmp_path: Path, name: str) -> None:
    assert main(["events", "sample_data/tenant", "--picture", str(tmp_path / name)]) == 0
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert "Create tenant sales" in text
    assert "<svg" in text
