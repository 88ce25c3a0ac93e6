"""--since and --until: dates in the zone of the servers or of --tz, said aloud."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from daganalysis.commands import main, periods
from tests.commands.conftest import envelope
from tests.history.responses import dag, node, sub_task
from tests.history.test_database_zone import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    Run: TypeAlias = Callable[..., tuple[int, str, str]]

HOUR = 3600.0


def started(hour: float, gid: str, zone: float = 0) -> str:
    """One answer of a DAG that started at some hour UTC of 2025-01-01, as servers in a zone so many hours ahead give it."""
    begin = hour * HOUR
    work = node(sub_task(start=begin + 0.05, end=begin + 1, gid=gid), start=begin + 0.01, end=begin + 1.5, gid=gid)
    answer = dag(work, gid=gid, start=begin, end=begin + 1.51)
    return envelope(shown(answer, database_s=zone * HOUR, label_s=zone * HOUR), begin + 60)


@pytest.fixture(scope="module")
def china(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a store of servers at +08:00 whose runs 11, 12 and 13 started at 23:00, 01:00 and 07:00 there."""
    folder, path = tmp_path_factory.mktemp("china"), str(tmp_path_factory.mktemp("read-only") / "store")
    for gid, hour in (("11", 15.0), ("12", 17.0), ("13", 23.0)):
        (folder / f"{gid}.json").write_text(started(hour, gid, zone=8), encoding="utf-8")
    assert main(["load", str(folder), "--out", path]) == 0
    return path


def chosen(run: Run, store: str, *options: str) -> tuple[list[str], str]:
    status, out, err = run("time-budget", store, "--format", "json", *options)
    assert status == 0
    return [row["run_id"] for row in json.loads(out)], err


@pytest.mark.parametrize(
    ("options", "runs", "said"),
    [
        (["--since", "2025-01-02"], ["12", "13"], "from 2025-01-02 00:00:00 on (+08:00, the servers' zone): 2 runs of 3"),
        (["--since", "2025-01-02", "--tz", "UTC"], [], "from 2025-01-02 00:00:00 UTC on (UTC): 0 runs of 3"),
        (["--until", "2025-01-01T16:00", "--tz", "UTC"], ["11"], "before 2025-01-01 16:00:00 UTC (UTC)"),
        (["--since", "2025-01-02", "--tz", "Asia/Tokyo"], ["11", "12", "13"], "2025-01-02 00:00:00 +09:00"),
        (["--since", "2025-01-01T22:30:00Z"], ["13"], "from 2025-01-02 06:30:00 +08:00 on"),
    ],
)
def test_a_date_is_midnight_in_the_zone_that_the_output_names(china: str, run: Run, options: list[str], runs: list[str], said: str) -> None:
    found, err = chosen(run, china, *options)
    assert found == runs
    assert said in err


@pytest.mark.parametrize(
    ("options", "runs", "said"),
    [
        (["--since", "yesterday"], ["12", "13"], "from 2025-01-02 00:00:00 on (+08:00, the servers' zone)"),
        (["--since", "today"], [], "from 2025-01-03 00:00:00 on (+08:00, the servers' zone)"),
        (["--until", "yesterday"], ["11"], "before 2025-01-02 00:00:00 (+08:00"),
        (["--since", "yesterday", "--tz", "UTC"], ["11", "12", "13"], "from 2025-01-01 00:00:00 UTC on (UTC)"),
    ],
)
def test_yesterday_is_the_day_before_that_of_the_zone_that_the_output_names(
    china: str, run: Run, monkeypatch: pytest.MonkeyPatch, options: list[str], runs: list[str], said: str
) -> None:
    evening = dt.datetime(2025, 1, 2, 17, tzinfo=dt.UTC)  # the third, in China
    monkeypatch.setattr(periods, "now", lambda: evening)
    found, err = chosen(run, china, *options)
    assert found == runs
    assert said in err


def test_nothing_selected_is_said_with_the_range_there_is(china: str, run: Run) -> None:
    found, err = chosen(run, china, "--since", "2030-01-01")
    assert found == []
    assert "nothing is selected: the archive's runs started from 2025-01-01 23:00:00 +08:00 to 2025-01-02 07:00:00 +08:00" in err


def test_each_run_counts_in_the_zone_of_its_own_servers(tmp_path: Path, run: Run, china: str) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "utc.json").write_text(started(17.0, "14"), encoding="utf-8")
    assert run("load", china, str(folder), "--out", str(tmp_path / "all"))[0] == 0
    found, err = chosen(run, str(tmp_path / "all"), "--since", "2025-01-02")
    assert found == ["12", "13"]
    assert "each run in its servers' zone: UTC, +08:00" in err


def test_an_unknown_zone_is_a_usage_error(china: str, run: Run) -> None:
    status, _, err = run("time-budget", china, "--since", "2025-01-02", "--tz", "Mars/Olympus")
    assert status == 2
    assert "no such time zone" in err
