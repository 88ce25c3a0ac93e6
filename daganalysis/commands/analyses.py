"""One command per analysis: ``daganalysis summary``, ``daganalysis stage-latency`` and so on.

They differ only in the function they call, so one table defines them: the declarations of the results. ``compare``, which takes two
archives, and ``check``, which takes conditions, have modules of their own.
"""

from __future__ import annotations

import functools
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daganalysis.commands.archives import open_source, selected_runs, shown_zone
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, add_output, add_selection, new_command, positive
from daganalysis.commands.printing import notice, print_frame, print_pieces
from daganalysis.engine.vocabulary import RUN_OUTCOMES
from daganalysis.tables.explanations import CRITICAL_PATH, CRITICAL_PATH_BY_STAGE, RUN_ORDERS, RUNS
from daganalysis.tables.results import (
    FAILURES,
    FAILURES_BY_ATTEMPT,
    OUTCOME_RULES,
    RESULT_TABLES,
    RETRY_PATTERNS,
    RETRY_PATTERNS_BY_NUMBER,
    STAGE_LATENCY,
    STAGE_LATENCY_BY_AGENT,
    STAGE_LATENCY_BY_WORKFLOW,
    STRAGGLERS,
    STRAGGLERS_BY_AGENT,
    STRAGGLERS_BY_RUN,
    STRAGGLERS_BY_ZONE,
    TROUBLE,
    TROUBLE_BY_RUN,
)
from daganalysis.text.humanize import human_share, plural

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.commands.options import Subparsers
    from daganalysis.tables import Table

LEVELS: dict[str, dict[str, Table]] = {
    "stage_latency": {"stage": STAGE_LATENCY, "workflow": STAGE_LATENCY_BY_WORKFLOW, "agent": STAGE_LATENCY_BY_AGENT},
    "critical_path": {"segment": CRITICAL_PATH, "stage": CRITICAL_PATH_BY_STAGE},
    "failures": {"signature": FAILURES, "attempt": FAILURES_BY_ATTEMPT},
    "retry_patterns": {"pattern": RETRY_PATTERNS, "nth": RETRY_PATTERNS_BY_NUMBER},
    "outcome_rules": dict.fromkeys(("run", "stage", "sub_task", "attempt"), OUTCOME_RULES),
    "trouble": {"sub_task": TROUBLE, "run": TROUBLE_BY_RUN},
    "stragglers": {"stage": STRAGGLERS, "agent": STRAGGLERS_BY_AGENT, "zone": STRAGGLERS_BY_ZONE, "run": STRAGGLERS_BY_RUN},
}
"""The analyses with several levels, the default first, each with the meaning of a row."""
_WITH_A_GATE = ("compare", "check")

ANSWERS = {
    "summary": "how the runs of each workflow ended, and how long they took",
    "stage_latency": "how long every stage took, and how much of that was work",
    "stage_gaps": "the pauses between stages, each with its cause",
    "time_budget": "what every second of a run was spent on",
    "retries": "sub-tasks that were handed out more than once",
    "retry_patterns": "which stages are retried, and whether it helps",
    "stragglers": "which agents the others wait for",
    "failures": "what failed, similar failures together",
    "trend": "when a workflow or a stage became slower or faster",
    "clock_skew": "how far the clocks of the agents are apart",
    "runs": "list the runs, with a sentence about each",
    "critical_path": "the chain of work and waits that determined a run's length",
    "what_if": "how long runs would have taken under scenarios",
    "trouble": "which sub-tasks had trouble, which runs were the worst",
    "locks": "which maintenance lock each run held, and for how long",
    "events": "everything that happened over all DAGs, in order of time",
    "outcome_rules": "the rule behind every outcome",
}
"""The question of each analysis, for the list of commands."""

EXAMPLES = {
    "summary": ("--since 2024-01-01", "--format markdown -o summary.md"),
    "stage_latency": ("--run prod-a/11", "--level workflow"),
    "stage_gaps": ("--run prod-a/11", "--format csv -o gaps.csv"),
    "time_budget": ("--workflow 'Cluster scale out'", "--format csv -o budgets.csv"),
    "retries": ("--since 2024-01-01", "--format json"),
    "retry_patterns": ("", "--level nth"),
    "stragglers": ("--level agent", "--level run --run prod-a/11"),
    "failures": ("", "--level attempt --since 2024-01-01"),
    "trend": ("--workflow 'Cluster scale out'", "--format json -o trend.json"),
    "clock_skew": ("", "--format csv -o clocks.csv"),
    "runs": ("--by trouble --last 10", "--outcome failed --outcome rolled_back"),
    "critical_path": ("--run prod-a/11", "--level stage"),
    "what_if": ("--run prod-a/11", "--scenario tick=0.1 --scenario no_retries"),
    "trouble": ("--since 2024-01-01", "--level run"),
    "locks": ("", "--since 2024-01-01 --format csv -o locks.csv"),
    "events": ("--since 2024-01-01 --tz +08:00", "--only-cluster prod-a --picture events.html"),
    "outcome_rules": ("--run prod-a/11", "--level attempt --run prod-a/11"),
}
"""Options for the examples in the help of each."""
IF_EMPTY = {
    "failures": "no attempt of these runs is known to have failed",
    "locks": "none of these runs is known to have held a maintenance lock",
    "retries": "no sub-task of these runs was handed out more than once",
    "retry_patterns": "no stage of these runs is known to have failed",
    "stragglers": "no executed stage had several agents at work (with --level zone: several zones that the table agents has)",
    "trend": "no level has shifted; a history of less than ten runs that succeeded shows none",
    "trouble": "none of these runs had trouble",
}
"""What it means that an analysis has no rows, where a reader may doubt it."""


def add_to(commands: Subparsers, only: str | None = None) -> None:
    """Add a command for every analysis of one archive, or the command of that name alone."""
    for name, table in RESULT_TABLES.items():
        command = name.replace("_", "-")
        if name in _WITH_A_GATE or only not in {None, command}:
            continue
        parser = new_command(
            commands,
            command,
            summary=ANSWERS[name],
            description=f"{_rows_and_columns(table)}{_other_levels(name)}",
            example="\n".join(f"  daganalysis {command} store/ {options}".rstrip() for options in EXAMPLES[name]),
            execute=functools.partial(execute, name),
        )
        add_archive(parser)
        if name in LEVELS:
            levels = tuple(LEVELS[name])
            parser.add_argument("--level", choices=levels, default=levels[0], help="what one row is (default: %(default)s)")
        if name == "failures":
            parser.add_argument("--earlier", metavar="ARCHIVE", help="an earlier archive; is_new marks failures that it does not have")
        if name == "events":
            parser.add_argument("--picture", metavar="FILE", help="draw them as swim lanes instead: .svg, .png, .pdf or .html")
        if name == "what_if":
            said = "no_engine, no_retries, no_stragglers, no_wait_operator, tick=SECONDS, stage=NAME*FACTOR, or several joined by +"
            parser.add_argument("--scenario", metavar="S", action="append", help=f"{said} (may be repeated; default: the first four)")
        if name == "runs":
            parser.add_argument("--by", choices=RUN_ORDERS, default=RUN_ORDERS[0], help="order of the list (default: %(default)s)")
            parser.add_argument("--last", metavar="N", type=positive, help="list the last N by start, or the first N by trouble or length")
            parser.add_argument(
                "--outcome",
                metavar="NAME",
                choices=tuple(RUN_OUTCOMES),
                action="append",
                help="only runs with this outcome (may be repeated)",
            )
        add_selection(parser)
        add_output(parser)


def execute(name: str, arguments: argparse.Namespace) -> int:
    """Print the result of one analysis."""
    import daganalysis

    whole = open_source(arguments.archive, arguments)
    archive = selected_runs(whole, arguments)
    options: dict[str, Any] = {}
    table = RESULT_TABLES[name]
    if name in LEVELS:
        options["level"], table = arguments.level, LEVELS[name][arguments.level]
    if name == "failures" and arguments.earlier is not None:
        options["earlier"] = open_source(arguments.earlier, arguments)
    if name == "what_if" and arguments.scenario:
        options["scenarios"] = arguments.scenario
    if table is RUNS:
        # A run is compared with all others of its workflow, including those that are not listed.
        options = {"by": arguments.by, "last": arguments.last, "run_ids": _listed(archive, arguments.outcome)}
        archive = whole
    result = getattr(daganalysis, name)(archive, **options)
    if name == "events" and arguments.picture:
        return _draw_events(archive, result, arguments)
    print_frame(result, table, arguments, shown_zone(archive, arguments, table))
    if table is FAILURES and len(result):
        from daganalysis.analysis import coverage

        counts = coverage(result)
        lines = f"{counts.catalogue} with a line of the engine's catalogue, {counts.mined} with another, {counts.no_line} with none"
        lines += f", {counts.other} ({human_share(counts.other / sum(counts))}) with one unlike the most frequent" if counts.other else ""
        notice(f"{plural(sum(counts), 'failed attempt')}: {lines}")
    if name == "what_if":
        from daganalysis.analysis.scenarios import assumptions

        for assumption in assumptions(result["scenario"].unique()):
            notice(f"assumed: {assumption}")
    if name in IF_EMPTY and not len(result):
        notice(IF_EMPTY[name])
    return ExitStatus.DONE


def _draw_events(archive: Archive, happened: pd.DataFrame, arguments: argparse.Namespace) -> int:
    """Draw the events of one cluster, as a page where the file's name ends so."""
    from daganalysis.analysis import locks
    from daganalysis.plots import draw_events, event_marks, save_figure

    zone = shown_zone(archive, arguments).name
    marks = event_marks(archive, happened, locks(archive))
    file = Path(arguments.picture)
    if file.suffix.lower() == ".html":
        from daganalysis.pages.event_page.event_html import event_page

        print_pieces([event_page(marks, happened, tz=zone)], arguments.picture)
        return ExitStatus.DONE
    figure = draw_events(marks, tz=zone).get_figure(root=True)
    assert figure is not None
    save_figure(figure, file)
    notice(f"wrote {arguments.picture}")
    return ExitStatus.DONE


def _listed(archive: Archive, outcomes: list[str] | None) -> list[str]:
    dags = archive.table("dags", ["run_id", "outcome"])
    chosen: list[str] = (dags if not outcomes else dags[dags["outcome"].isin(outcomes)])["run_id"].tolist()
    return chosen


def _rows_and_columns(table: Table) -> str:
    lines = [*textwrap.wrap(f"One row is {table.row}. Its columns:", 78), ""]
    for column in table.columns:
        lines += textwrap.wrap(
            f"{column.name:22} {column.meaning}", 78, initial_indent="  ", subsequent_indent=" " * 25, break_on_hyphens=False
        )
    return "\n".join(lines)


def _other_levels(name: str) -> str:
    others = [(level, table) for level, table in LEVELS.get(name, {}).items() if table is not RESULT_TABLES[name]]
    texts = [f"With --level {level} one row is {table.row}: {', '.join(table.names)}." for level, table in others]
    return "".join("\n\n" + textwrap.fill(text, 78) for text in texts)
