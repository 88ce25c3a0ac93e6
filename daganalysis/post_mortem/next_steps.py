"""What to look at next: commands that can be pasted."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from daganalysis.analysis.run_facts import work_failed
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts

_ENGINE_HEAVY = 0.4


def next_step_lines(facts: RunFacts, named: str) -> list[str]:
    """Propose the commands that answer the questions this run raises."""
    run = facts.run
    archive, run_id, workflow = (shlex.quote(for_terminal(text)) for text in (named, run["run_id"], run["workflow"] or ""))
    chart = re.sub(r"[^\w.-]+", "-", run["run_id"]).strip("-") + ".svg"
    steps = [(f"daganalysis gantt {archive} {run_id} -o {chart}", "the same as a chart")]
    steps += [
        (f"daganalysis show {archive} {shlex.quote(for_terminal(child['child_run_id']))}", "a child DAG whose work was not done")
        for child in facts.children
        if child["dag"] and work_failed(child["dag"])
    ][:2]
    if run["parent_run_id"]:
        steps.append((f"daganalysis show {archive} {shlex.quote(for_terminal(run['parent_run_id']))}", "its main DAG"))
    if (facts.budget.get("engine_share") or 0) >= _ENGINE_HEAVY:
        steps.append((f"daganalysis stage-gaps {archive} --run {run_id}", "the engine's pauses, one by one"))
    if any(task["outcome"] in {"failed", "timeout"} for task in facts.sub_tasks):
        steps.append((f"daganalysis failures {archive} --workflow {workflow}", "whether it failed like this before"))
    if facts.n_peers:
        others = f"against {plural(facts.n_peers, 'other run')}"
        steps.append((f"daganalysis stage-latency {archive} --workflow {workflow} --level workflow", others))
    lines = [line for command, reason in steps for line in (f"  {command}", f"      {reason}")]
    if run["history"] != "complete":
        lines += ["  Save the DAG every few seconds while it runs: a retry, a rollback or a pass", "  overwrites the state before it."]
    return ["Next", *lines]
