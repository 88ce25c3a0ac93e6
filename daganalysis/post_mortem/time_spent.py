"""Where the time of a run went: by cause, and by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import CATEGORIES, words
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, human_share, plural
from daganalysis.text.widths import pad, shorten_end

if TYPE_CHECKING:
    from daganalysis.analysis.run_facts import RunFacts
    from daganalysis.tables.plain_rows import Row

_MOST_STAGES = 20
"""A longer list is no overview: the longest stages are kept, the others counted."""

_WORTH_A_NAME = 0.05
"""The slowest agent is named where the stage took this share of the run."""


def budget_lines(facts: RunFacts) -> list[str]:
    """Return in words what the elapsed time was spent on; the parts add up to it."""
    elapsed = facts.budget.get("elapsed_s")
    if not elapsed:
        return []
    lines = [f"Where the {human_duration(elapsed)} went"]
    for category in CATEGORIES.values():
        seconds = facts.budget.get(category.column)
        if seconds:
            label = category.label + (" (engine)" if category.is_engine else "")
            lines.append(f"  {label:35}{human_duration(seconds):>12}{human_share(seconds / elapsed):>9}  {share_bar(seconds / elapsed)}")
    share = facts.budget.get("engine_share")
    if share is not None:
        lines.append(f"  {'the engine in all':35}{'':12}{human_share(share):>9}")
    return lines


def stage_lines(facts: RunFacts) -> list[str]:
    """List the executed stages with how long they took, and say what was never reached."""
    if not facts.stages:
        return []
    shown = _longest(facts.stages)
    lines = [f"  {'#':>3}  {'stage':28} {'took':>10}{'work':>12}{'share':>8}"]
    for stage in facts.stages:
        if stage["stage"] in shown:
            lines += _stage(stage, facts.run["outcome"])
    hidden = [stage for stage in facts.stages if stage["stage"] not in shown]
    if hidden:
        together = sum(stage["latency_s"] or 0 for stage in hidden)
        lines.append(f"  and {plural(len(hidden), 'shorter stage')}, {human_duration(together)} together")
    executed = {stage["stage"] for stage in facts.stages}
    missed = (node["stage"] for node in facts.nodes if node["outcome"] == "never_run")
    unreached = [number for number in missed if number is not None and number not in executed]
    if unreached:
        lines.append(f"  never run: {name_stages(unreached)} of {facts.run['max_stage'] or len(facts.nodes)}")
    return [_heading(facts), *lines]


def _heading(facts: RunFacts) -> str:
    """Return in words which execution of a stage is shown if there were several."""
    if facts.run["outcome"] in {"rolled_back", "rollback_failed"}:
        return "Stages (the last execution of each, the rollback where there was one)"
    return "Stages (the last execution of each)" if facts.run["retries_max"] else "Stages"


def share_bar(share: float, blocks: int = 20) -> str:
    """Draw a share of 0..1 as a bar of blocks; every share above 0 has at least a sliver.

    >>> share_bar(0.5), share_bar(0.001), share_bar(0)
    ('██████████', '▏', '')
    """
    eighths = min(blocks * 8, round(share * blocks * 8))
    if share > 0 and eighths == 0:
        eighths = 1
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def name_stages(numbers: list[int]) -> str:
    """Name ascending stages, neighbours joined.

    >>> name_stages([3, 4, 5, 7]), name_stages([2])
    ('stages 3-5, 7', 'stage 2')
    """
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    named = ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)
    return f"stages {named}" if len(numbers) > 1 else f"stage {named}"


def _longest(stages: list[Row]) -> set[int]:
    by_length = sorted(stages, key=lambda stage: (-(stage["latency_s"] or 0), stage["stage"] or 0))
    eventful = {stage["stage"] for stage in stages if stage["outcome"] != "succeeded"}
    return {stage["stage"] for stage in by_length[:_MOST_STAGES]} | (eventful if len(eventful) <= _MOST_STAGES else set())


def _stage(stage: Row, run_outcome: str) -> list[str]:
    name = pad(shorten_end(for_terminal(stage["name"] or ""), 28), 28)
    took = human_duration(stage["latency_s"]) + ("+" if stage["censored"] and stage["latency_s"] else "")
    work, share = human_duration(stage["work_s"]), stage["elapsed_share"]
    number = "?" if stage["stage"] is None else stage["stage"]  # logs do not tell the stage of every node
    lines = [f"  {number:>3}  {name} {took:>10}{work:>12}{human_share(share):>8}  {share_bar(share or 0, 10)}"]
    remarks = []
    if stage["outcome"] not in {"succeeded", run_outcome}:
        remarks.append(words(stage["outcome"] or "unknown"))
    if (stage["n_sub_tasks"] or 0) > 1 and stage["slowest_agent"] and (share or 0) >= _WORTH_A_NAME:
        remarks.append(f"slowest of {stage['n_sub_tasks']}: {stage['slowest_agent']}")
    if remarks:
        lines.append(f"       {for_terminal('; '.join(remarks))}")
    return lines
