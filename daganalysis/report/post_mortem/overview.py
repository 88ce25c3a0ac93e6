"""The first lines of a post-mortem: what the run was, how it ended, when, and how well it is known."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from daganalysis.report.inert import for_terminal
from daganalysis.report.quantities import human_duration, human_instant, plural

if TYPE_CHECKING:
    from daganalysis.report.post_mortem.facts import Row, RunFacts

_SENTENCES = {
    "succeeded": "succeeded",
    "succeeded_after_retry": "succeeded after {retries}",
    "succeeded_with_node_pass": "succeeded, but an operator passed {stages_passed}",
    "passed": "passed {where}{work}",
    "rolled_back": "rolled back {from_where}",
    "rollback_failed": "its rollback failed {where}",
    "cancelled": "cancelled by an operator {where}",
    "failed": "failed {where}",
    "waiting": "waiting, on purpose, for its main DAG to advance it {where}",
    "running": "still running when last seen, {where}",
    "not_started": "not started when last seen",
    "unknown": "ended in a way the rules do not know (state {state}, operator {operator})",
}
_HISTORIES = {
    "complete": "every attempt was observed",
    "partial": "some attempts were not observed",
    "last_leg": "only the last leg is known: the server had overwritten what came before",
}
_SCOPES = {"cluster": "cluster DAG", "local": "local DAG", "obproxy": "obproxy DAG"}


def overview_lines(facts: RunFacts) -> list[str]:
    """Say what the run was and how it ended."""
    run = facts.run
    offset = run["utc_offset_s"]
    lines = [*textwrap.wrap(headline(facts), 79, break_on_hyphens=False), ""]
    scope = _SCOPES.get(run["scope"], "DAG") + (f" of agent {run['owner_agent']}" if run["owner_agent"] else "")
    _add(lines, "run", run["run_id"] + (f", part of {run['parent_run_id']}" if run["parent_run_id"] else ""))
    size = f"{plural(run['n_nodes'] or 0, 'stage')}, {plural(run['n_sub_tasks'] or 0, 'sub-task')}"
    _add(lines, "what", f"{scope}, {size}{_on_agents(run)}")
    _add(lines, "started", human_instant(run["started_at"], offset) if run["started_at"] else "not known")
    _add(lines, "ended", human_instant(run["ended_at"], offset) if run["ended_at"] else "not yet, or not known")
    _add(lines, "elapsed", _elapsed(run))
    operators = [text for text in (_retries(run), plural(run["rollbacks"], "rollback") if run["rollbacks"] else "") if text]
    _add(lines, "operators", ", ".join(operators) or "no retry, no rollback")
    _add(
        lines,
        "history",
        f"{run['history']}, from {plural(run['n_snapshots'] or 0, 'response')}: {_HISTORIES.get(run['history'], 'unknown')}",
    )
    return lines


def headline(facts: RunFacts) -> str:
    """Say in one sentence how the run ended."""
    run = facts.run
    passed = [str(node["stage"]) for node in facts.nodes if node["outcome"] == "passed"]
    sentence = _SENTENCES.get(run["outcome"], _SENTENCES["unknown"]).format(
        retries=_retries(run) or "a retry",
        where=_where(facts, facts.run["stage"]),
        from_where=_where(facts, _highest_undone(facts)).replace("at", "from", 1),
        state=run["state"],
        operator=run["operator"],
        work={True: ", its work done", False: ", its work not done"}.get(run["work_ok"], ""),
        stages_passed=f"stage {', '.join(passed)}" if passed else "a stage",
    )
    return for_terminal(f"{run['name'] or 'unnamed DAG'}: {sentence}".rstrip(" ,"))


def _highest_undone(facts: RunFacts) -> int | None:
    """Return the stage that a rollback began at: where the run had failed."""
    return max((node["stage"] for node in facts.nodes if node["outcome"] == "rolled_back"), default=None)


def _where(facts: RunFacts, stage: int | None) -> str:
    if stage is None:
        return ""
    name = next((node["name"] for node in facts.nodes if node["stage"] == stage), None)
    return f"at stage {stage} of {facts.run['max_stage'] or '?'}" + (f", {name}" if name else "")


def _on_agents(run: Row) -> str:
    return f" on {plural(run['n_agents'], 'agent')}" if run["n_agents"] else ""


def _elapsed(run: Row) -> str:
    if run["elapsed_s"] is None:
        return "not known"
    elapsed, last_leg = run["elapsed_s"], run["last_leg_s"]
    if last_leg is None or last_leg > 0.99 * elapsed:
        return human_duration(elapsed)
    return f"{human_duration(elapsed)} over all legs (the last leg, which is all the API shows: {human_duration(last_leg)})"


def _retries(run: Row) -> str:
    least, most = run["retries_min"] or 0, run["retries_max"] or 0
    if least == most:
        return plural(least, "retry", "retries") if least else ""
    return f"{least} to {most} retries"


def _add(lines: list[str], label: str, text: str) -> None:
    lines += textwrap.wrap(for_terminal(text), 79, initial_indent=f"  {label:10} ", subsequent_indent=" " * 13, break_on_hyphens=False)
