"""Runs grouped by version or zone of their agents."""

import pytest

import daganalysis as da
from daganalysis.analysis.agent_groups import runs_by_agents, split_by_agents
from daganalysis.commands import main
from enginemodel import DagRun, Stage, Task, answer
from enginemodel.dag_parts import SECOND
from tests.databases.saved_copies import AGENTS, MORNING


def run_at(number):
    run = DagRun("Some work", [Stage("Work", [Task(AGENTS[0], 1.0)])], f"1{number}", MORNING + number * 3600 * SECOND, AGENTS[0])
    run.run()
    return answer(run, run.ended + SECOND)


def told_at(number, version):
    """An answer of ``/api/v1/ob/info`` half an hour before a run."""
    agent = {"ip": AGENTS[0].ip, "port": 2886, "zone": "zone1", "identity": "CLUSTER AGENT", "version": version}
    template = run_at(number)
    before = da.load(template).dags["started_at"].iloc[0].isoformat().replace("+00:00", "Z")
    return {**template, "timestamp": before, "data": {"agent_info": [agent], "obcluster_info": {"version": "4.2.5.0"}}}


def test_runs_are_split_by_the_version_their_agents_had_when_they_began():
    archive = da.load(run_at(1), run_at(2), run_at(3), told_at(1, "4.4.0"), told_at(3, "4.5.0"))
    assert runs_by_agents(archive, "obshell_version") == {"4.4.0": ["11", "12"], "4.5.0": ["13"]}


def test_the_group_that_came_first_is_the_base():
    archive = da.load(run_at(1), run_at(2), told_at(1, "4.5.0"), told_at(2, "4.4.0"))
    base, candidate, said = split_by_agents(archive, "obshell_version")
    assert (base.dags["run_id"].tolist(), candidate.dags["run_id"].tolist()) == (["11"], ["12"])
    assert said == "obshell_version 4.5.0 (1 runs) against 4.4.0 (1 runs)"


def test_one_value_alone_cannot_be_compared():
    with pytest.raises(da.UsageError, match="two groups"):
        split_by_agents(da.load(run_at(1), told_at(1, "4.5.0")), "zone")


def test_compare_takes_two_archives_or_one_and_a_column(tmp_path, capsys):
    assert main(["compare", str(tmp_path)]) == 2
    assert "--by COLUMN" in capsys.readouterr().err
