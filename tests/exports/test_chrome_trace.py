"""Runs as Chrome traces: the contents of the file, and what the viewer reads from it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.errors import RunNotFoundError, UsageError
from daganalysis.exports.chrome_trace import chrome_trace
from tests.exports.runs import many_attempts
from tests.exports.trace_viewer import imported, opened
from tests.profiles import LONG

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def archive() -> da.Archive:
    return da.load("sample_data/start", "sample_data/tenant", "sample_data/fleet" if LONG else "sample_data/fleet/prod-a", cluster_by="dir")


@pytest.fixture(scope="module")
def viewer(browser: Any) -> Iterator[Any]:
    with opened(browser) as page:
        yield page


def events(archive: da.Archive, *run_ids: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads("".join(chrome_trace(archive, run_ids)))["traceEvents"]
    return found


def slices(found: list[dict[str, Any]], category: str) -> list[dict[str, Any]]:
    return [event for event in found if event["ph"] == "X" and event["cat"] == category]


def test_the_viewer_shows_every_slice_with_its_duration_and_warns_of_nothing(archive: da.Archive, viewer: Any) -> None:
    text = "".join(chrome_trace(archive))
    told = [event for event in json.loads(text)["traceEvents"] if event["ph"] == "X"]
    shown = imported(viewer, text)
    assert shown["warnings"] == []
    assert len(shown["slices"]) == len(told)
    assert sum(one["duration"] for one in shown["slices"]) * 1000 == pytest.approx(sum(one["dur"] for one in told), abs=1)
    assert len(shown["processes"]) == len(archive.dags)
    assert shown["flows"] == len(archive.links.dropna(subset=["child_run_id"]))


def test_the_viewer_shows_a_run_of_very_many_attempts(viewer: Any) -> None:
    n = 5_000 if LONG else 500
    shown = imported(viewer, "".join(chrome_trace(many_attempts(n))))
    assert shown["warnings"] == []
    assert sum(one["category"] == "attempt" for one in shown["slices"]) == n
    assert sum(one["duration"] for one in shown["slices"] if one["category"] == "attempt") == pytest.approx(2_000 * n, abs=0.001)


def test_attempts_of_every_run_keep_their_seconds(archive: da.Archive) -> None:
    told: dict[str, float] = {}
    found = events(archive)
    names = {event["pid"]: event["args"]["name"].rpartition(" · ")[2] for event in found if event["name"] == "process_name"}
    for event in slices(found, "attempt"):
        if "unfinished" not in event["args"]:
            told[names[event["pid"]]] = told.get(names[event["pid"]], 0) + event["dur"] / 1e6
    table = archive.attempts.groupby("run_id")["duration_s"].sum()
    assert told == pytest.approx(table[table.index.isin(told)].to_dict(), abs=1e-6)


def test_no_two_slices_of_an_agents_thread_overlap() -> None:
    last_end: dict[tuple[int, int], float] = {}
    for event in sorted(slices(events(many_attempts(100)), "attempt"), key=lambda one: one["ts"]):
        thread = event["pid"], event["tid"]
        assert event["ts"] >= last_end.get(thread, 0)
        last_end[thread] = event["ts"] + event["dur"]
    assert len(last_end) == 4


def test_an_attempt_without_an_end_ends_at_the_last_observation_and_says_so() -> None:
    *_, last = slices(events(many_attempts(3, ended_at=None, duration_s=None, outcome="running")), "attempt")
    assert (last["ts"] + last["dur"], last["args"]["unfinished"]) == (3_500_000, True)


def test_an_attempt_without_a_start_has_no_slice() -> None:
    assert len(slices(events(many_attempts(3, started_at=None)), "attempt")) == 2


def test_several_runs_lie_on_one_axis_from_the_first_start(archive: da.Archive) -> None:
    first = archive.dags["started_at"].min()
    second = archive.dags.sort_values(["started_at", "run_id"]).iloc[1]["started_at"]
    later_us = (second - first) / pd.Timedelta(microseconds=1)
    found = slices(events(archive), "timeline")
    assert min(event["ts"] for event in found if event["pid"] == 1) == 0
    assert min(event["ts"] for event in found if event["pid"] == 2) == pytest.approx(later_us, abs=0.01)


def test_the_same_archive_gives_the_same_bytes_compressed_or_not(archive: da.Archive, tmp_path) -> None:
    for name in ("one.json.gz", "two.json.gz", "plain.json"):
        da.write_export(archive, tmp_path / name, to="chrome-trace")
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.json.gz").read_bytes()) == (tmp_path / "plain.json").read_bytes()


def test_hostile_names_stay_texts(viewer: Any) -> None:
    name = '</script><script>window.ran = 1</script>"},{"ph":"X"\u202e\n'
    shown = imported(viewer, "".join(chrome_trace(many_attempts(1, name=name))))
    assert name in {one["title"] for one in shown["slices"]}


def test_wrong_words_are_named(archive: da.Archive, tmp_path) -> None:
    with pytest.raises(UsageError, match="one of chrome-trace, otlp"):
        da.write_export(archive, tmp_path / "x", to="jaeger")
    with pytest.raises(RunNotFoundError):
        da.write_export(archive, tmp_path / "x", to="otlp", run_ids=["nope"])


def test_an_empty_archive_is_an_empty_trace() -> None:
    assert events(da.load([])) == []
