"""The first lines of a post-mortem: what the run was, how it ended, when, and how well it is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from daganalysis.text.escaping import for_terminal
from daganalysis.text.headline import headline, retries_text, rollbacks_text
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.widths import wrap

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row
    from daganalysis.text.zones import Zone

_HISTORIES = {
    "complete": "every attempt was observed",
    "partial": "some attempts were not observed",
    "last_leg": "only the last leg is known: the server had overwritten what came before",
    "outline": "no attempt is shown; save the answers with `show_details=true`",
}
_PROGRAMS = {"obshell_version": "obshell", "ob_version": "OceanBase"}
_OTHER_REQUESTS = {
    "pass": ("pass", "passes"),
    "pass_node": ("pass of a stage", "passes of stages"),
    "cancel": ("cancel", "cancels"),
}
_SCOPES = {"cluster": "cluster DAG", "local": "local DAG", "obproxy": "obproxy DAG"}


def overview_lines(facts: RunFacts, conclusion: str, zone: Zone) -> list[str]:
    """Return in words what the run was and how it ended."""
    run = facts.run
    lines = wrap(headline(run), 79)
    if conclusion:
        lines += ["", *wrap(for_terminal(conclusion), 79)]
    lines.append("")
    scope = _SCOPES.get(run["scope"], "DAG") + (f" of agent {run['owner_agent']}" if run["owner_agent"] else "")
    _add(lines, "run", run["run_id"] + (f", part of {run['parent_run_id']}" if run["parent_run_id"] else ""))
    size = f"{plural(run['n_nodes'] or 0, 'stage')}, {plural(run['n_sub_tasks'] or 0, 'sub-task')}"
    _add(lines, "what", f"{scope}, {size}{_on_agents(run)}")
    if versions := _versions(facts):
        _add(lines, "versions", versions)
    _add(lines, "started", zone.full(run["started_at"]) if run["started_at"] else "not known")
    _add(lines, "ended", zone.full(run["ended_at"]) if run["ended_at"] else "not yet, or not known")
    _add(lines, "elapsed", _elapsed(run))
    acted = [text for text in (retries_text(run), rollbacks_text(run), *_other_requests(facts)) if text]
    _add(lines, "people", ", ".join(acted) or "no retry, no rollback")
    _add(lines, "history", f"{run['history']}, {_known_from(run)}")
    return lines


def _other_requests(facts: RunFacts) -> list[str]:
    """Count in words the passes and cancels that people asked for."""
    asked = Counter(row["operation"] for row in facts.operations if row["actor"] == "person" and row["result"] != "refused")
    return [plural(asked[name], *said) for name, said in _OTHER_REQUESTS.items() if asked[name]]


def _known_from(run: Row) -> str:
    """Return in words what the history is known from, and how well."""
    if not run["n_snapshots"]:
        return "from agents' logs or databases alone: no response is about this run"
    return f"from {plural(run['n_snapshots'], 'response')}: {_HISTORIES.get(run['history'], 'unknown')}"


def _versions(facts: RunFacts) -> str:
    """Name the versions of the run's agents, and of how many where they differ."""
    parts = []
    for column, program in _PROGRAMS.items():
        found = facts.versions[column]
        if len(found) == 1:
            parts.append(f"{program} {next(iter(found))}")
        elif found:
            parts.append(f"{program} " + ", ".join(f"{version} ({plural(n, 'agent')})" for version, n in found.items()))
    return "; ".join(parts)


def _on_agents(run: Row) -> str:
    return f" on {plural(run['n_agents'], 'agent')}" if run["n_agents"] else ""


def _elapsed(run: Row) -> str:
    if run["elapsed_s"] is None:
        return _bounds(run["elapsed_min_s"], run["elapsed_max_s"])
    elapsed, last_leg = run["elapsed_s"], run["last_leg_s"]
    if last_leg is None or last_leg > 0.99 * elapsed:
        return human_duration(elapsed)
    return f"{human_duration(elapsed)} over all legs (the last leg, which is all the API shows: {human_duration(last_leg)})"


def _bounds(least: float | None, most: float | None) -> str:
    """Return in words between what an unknown elapsed time lies."""
    if least and most is not None:
        return f"between {human_duration(least)} and {human_duration(most)}"
    if least:
        return f"at least {human_duration(least)}"
    return f"at most {human_duration(most)}" if most is not None else "not known"


def _add(lines: list[str], label: str, text: str) -> None:
    lines += wrap(for_terminal(text), 79, f"  {label:10} ", " " * 13)
