"""What `show` tells of the programs that a run's agents ran."""

import daganalysis as da
from daganalysis.post_mortem import post_mortem_text
from enginemodel import DagRun, Stage, Task, answer
from enginemodel.dag_parts import SECOND
from tests.databases.saved_copies import AGENTS, MORNING


def test_the_versions_of_its_agents_are_told_with_how_many_had_each():
    run = DagRun("Some work", [Stage("Work", [Task(AGENTS[0], 1.0), Task(AGENTS[1], 1.0)])], "11", MORNING, AGENTS[0])
    run.run()
    saved = answer(run, run.ended + SECOND)
    told = [
        {"ip": agent.ip, "port": 2886, "identity": "CLUSTER AGENT", "version": version}
        for agent, version in zip(AGENTS[:2], ("4.2.5.0", "4.3.0.0"), strict=True)
    ]
    archive = da.load(saved, {**saved, "data": {"agent_info": told, "obcluster_info": {"version": "4.2.1.8"}}})
    assert "versions   obshell 4.2.5.0 (1 agent), 4.3.0.0 (1 agent); OceanBase 4.2.1.8" in post_mortem_text(archive, "11", named="x")


def test_nothing_is_said_of_versions_that_no_source_tells():
    run = DagRun("Some work", [Stage("Work", [Task(AGENTS[0], 1.0)])], "11", MORNING, AGENTS[0])
    run.run()
    assert "versions" not in post_mortem_text(da.load(answer(run, run.ended + SECOND)), "11", named="x")
