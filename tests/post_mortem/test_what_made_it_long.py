"""What a post-mortem says of the length of a run."""

from __future__ import annotations

import pytest

import daganalysis as da
from daganalysis.post_mortem import post_mortem_text
from tests.analysis.runs import series
from tests.rows import archive_of, at


def section(archive: da.Archive, run_id: str, heading: str) -> list[str]:
    """The lines of one section, without its heading; none if it is not there."""
    for part in post_mortem_text(archive, run_id, named="store/").split("\n\n"):
        if part.startswith(heading):
            return part.splitlines()[1:]
    return []


def test_the_path_is_told_in_at_most_eight_lines_that_cover_the_run() -> None:
    lines = section(da.load("sample_data/upgrade"), "1402", "What made it this long")
    assert len(lines) <= 8
    assert " ".join(" ".join(lines).split()).count("waiting for a person after Check all") == 2
    shares = [float(line[14:22].strip().rstrip("%").strip("<> ")) for line in lines if line[:22].strip()]
    assert sum(shares) == pytest.approx(100, abs=3)


def test_a_long_part_takes_two_lines_where_there_is_room() -> None:
    dag = {"run_id": "1", "workflow": "Work", "scope": "cluster", "outcome": "succeeded", "elapsed_s": 9.0}
    line = {"run_id": "1", "seq": 1, "category": "execute", "from_stage": 1, "to_stage": 1, "evidence": "observed", "leg": 1}
    agent, name = "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:2886", "Check the environment of every agent"
    attempt = {"run_id": "1", "stage": 1, "task_gid": "1", "attempt": 1, "agent": agent, "started_at": at(0), "ended_at": at(9)}
    archive = archive_of(
        dags=[dag | {"started_at": at(0), "ended_at": at(9)}],
        timeline=[line | {"started_at": at(0), "ended_at": at(9), "duration_s": 9.0}],
        nodes=[{"run_id": "1", "stage": 1, "name": name}],
        attempts=[attempt],
    )
    lines = section(archive, "1", "What made it this long")
    assert f"{name} (stage 1) on {agent}" in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 79


def test_the_two_scenarios_that_save_most_are_named() -> None:
    lines = " ".join(section(da.load("sample_data/upgrade"), "1402", "What would have shortened it most"))
    assert lines.count("instead of 10 min 49 s") == 2
    assert lines.index("no_retries") < lines.index("no_wait_operator")


def test_the_lock_is_told_with_how_long_it_was_neglected() -> None:
    lines = " ".join(section(da.load("sample_data/upgrade"), "1402", "What it locked"))
    assert "global lock: held 10 min 50 s" in lines
    assert "FAILED and nobody acted" in lines


def test_what_is_unknown_of_a_holding_is_said() -> None:
    run = {"run_id": "1", "name": "Cluster scale out", "workflow": "Cluster scale out", "scope": "cluster", "maintenance_type": 2}
    run |= {"outcome": "succeeded", "created_at": at(0), "started_at": at(0), "ended_at": at(100), "elapsed_s": 100.0}
    lost = {"run_id": "1", "seq": 1, "category": "lost", "started_at": at(20), "ended_at": at(90), "duration_s": 70.0}
    lines = " ".join(section(archive_of(dags=[run], timeline=[lost]), "1", "What it locked"))
    assert "at work 30.0 s; unknown 1 min 10 s" in lines


def test_a_run_is_compared_with_those_like_it() -> None:
    archive = series({"Prepare": [1.0] * 6, "Work": [2.0, 2.0, 2.0, 2.0, 2.0, 30.0]})
    text = " ".join(" ".join(section(archive, "r005", "What made it this long")).split())
    assert "It took 8.0 times the median of 5 other runs like it (4.02 s); stage 2 (Work) alone explains" in text


def test_a_run_of_unknown_length_has_no_such_section() -> None:
    archive = archive_of(dags=[{"run_id": "1", "outcome": "running", "started_at": at(0)}])
    assert section(archive, "1", "What made it this long") == []


def test_a_part_that_another_agent_may_have_ended_says_so() -> None:
    dag = {"run_id": "1", "workflow": "Work", "scope": "cluster", "outcome": "succeeded", "elapsed_s": 9.2}
    line = {"run_id": "1", "seq": 1, "category": "execute", "from_stage": 1, "to_stage": 1, "evidence": "observed", "leg": 1}
    ends = {"a:1": 9.0, "b:1": 8.9}
    attempts = [
        {"run_id": "1", "stage": 1, "task_gid": agent, "attempt": 1, "agent": agent, "started_at": at(0.5), "ended_at": at(end)}
        for agent, end in ends.items()
    ]
    node = {"run_id": "1", "stage": 1, "name": "Copy"}
    times = {"started_at": at(0), "ended_at": at(9.2), "duration_s": 9.2}
    archive = archive_of(dags=[dag | {"started_at": at(0), "ended_at": at(9.2)}], timeline=[line | times], nodes=[node], attempts=attempts)
    assert "Copy (stage 1) on a:1 or another" in " ".join(section(archive, "1", "What made it this long"))
