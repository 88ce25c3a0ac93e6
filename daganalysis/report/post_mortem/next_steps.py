"""What to look at next: commands that can be pasted."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from daganalysis.report.post_mortem.children import work_failed

if TYPE_CHECKING:
    from daganalysis.report.post_mortem.facts import RunFacts

_ENGINE_HEAVY = 0.4


def next_step_lines(facts: RunFacts, named: str) -> list[str]:
    """Propose the commands that answer the questions this run raises."""
    run = facts.run
    archive, run_id = shlex.quote(named), shlex.quote(run["run_id"])
    chart = re.sub(r"[^\w.-]+", "-", run["run_id"]).strip("-") + ".svg"
    steps = [(f"daganalysis gantt {archive} {run_id} -o {chart}", "the same as a chart")]
    steps += [
        (f"daganalysis show {archive} {shlex.quote(child['child_run_id'])}", "a child DAG whose work was not done")
        for child in facts.children
        if child["dag"] and work_failed(child["dag"])
    ][:2]
    if run["parent_run_id"]:
        steps.append((f"daganalysis show {archive} {shlex.quote(run['parent_run_id'])}", "its main DAG"))
    if (facts.budget.get("engine_share") or 0) >= _ENGINE_HEAVY:
        steps.append((f"daganalysis stage-gaps {archive} --run {run_id}", "the engine's pauses, one by one"))
    if any(task["outcome"] in {"failed", "timeout"} for task in facts.sub_tasks):
        steps.append((f"daganalysis failures {archive} --workflow {shlex.quote(run['workflow'] or '')}", "whether it failed like this before"))
    if facts.n_peers:
        others = f"against {facts.n_peers} other run{'s' if facts.n_peers > 1 else ''}"
        steps.append((f"daganalysis stage-latency {archive} --workflow {shlex.quote(run['workflow'] or '')} --level workflow", others))
    if run["history"] != "complete":
        steps.append((f"curl …/api/v1/task/dag/{run['dag_gid']}", "poll while it runs: a retry overwrites what was"))
    return ["Next", *(line for command, reason in steps for line in (f"  {command}", f"      {reason}"))]
