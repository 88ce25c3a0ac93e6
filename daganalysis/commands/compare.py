"""``daganalysis compare``: two archives, or two runs, side by side, with a gate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from daganalysis.commands.archives import open_source, selected_runs
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.gating import add_gate_reports, gate_status, write_gate_reports
from daganalysis.commands.options import add_archive, add_output, add_selection, chosen_format, new_command
from daganalysis.commands.printing import notice, print_frame, print_pieces, screen_width
from daganalysis.engine.vocabulary import CHANGES_OF_LENGTH, RUN_OUTCOMES
from daganalysis.errors import UsageError
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.comparison_words import comparison_sentence, strangers_sentence

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Compare the runs of two archives by workflow and stage. Runs are compared only
with similar runs (same workflow, number of agents and outcome) of the same
cluster. The verdict is slower or faster where a test over all rows shows it and
the effect is at least 10 % and one tick of the engine. More runs that needed
help, and more slow runs, are verdicts of their own. The verdict is insufficient
where there are too few runs to show anything (three against three, for
instance) or to confirm a visible difference, or where no cluster is on both
sides. With --level contributions, two single runs are compared: the rows add up
to the difference of their elapsed times.
"""

_MOST_SAID = 3


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "compare",
        summary="what became slower or faster between two archives",
        description=_DESCRIPTION,
        example=(
            "  daganalysis compare before/ after/ --fail-on slower\n  daganalysis compare before/ after/ --format markdown -o compare.md"
        ),
        execute=execute,
    )
    add_archive(parser, "base", "candidate", optional="candidate")
    parser.add_argument(
        "--by",
        metavar="COLUMN",
        help="split BASE by a column of the table agents, such as obshell_version; COLUMN=ONE,OTHER if it has more than two values",
    )
    parser.add_argument("--base-run", metavar="ID", help="only this run of the base")
    parser.add_argument("--candidate-run", metavar="ID", help="only this run of the candidate")
    parser.add_argument(
        "--outcome",
        metavar="NAME",
        action="append",
        choices=tuple(RUN_OUTCOMES),
        help="compare runs with this outcome (may be repeated; default: succeeded)",
    )
    parser.add_argument("--level", choices=("stage", "contributions"), default="stage", help="what one row is (default: %(default)s)")
    parser.add_argument(
        "--fail-on",
        choices=CHANGES_OF_LENGTH,
        help="exit with 1 if anything is slower (or faster); with 4 if nothing is, but something could not be decided",
    )
    add_selection(parser, one_archive=False)
    add_output(parser)
    add_gate_reports(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the comparison and decide the gate."""
    from daganalysis.analysis import compare, compare_gate, left_out
    from daganalysis.tables.results import CONTRIBUTIONS

    if arguments.fail_on and arguments.level != "stage":
        raise UsageError("a gate is decided over stages", where=f"--level {arguments.level}", hint="leave --level or --fail-on out")
    if not arguments.fail_on and (arguments.junit or arguments.job_summary):
        raise UsageError("there is no gate to report", where="--junit, --job-summary", hint="add --fail-on slower")
    base, candidate = _sides(arguments)
    compared = compare(base, candidate, outcomes=arguments.outcome or ("succeeded",), level=arguments.level)
    if arguments.level == "contributions":
        print_frame(compared, CONTRIBUTIONS, arguments)
        before, after = compared["base_s"].sum(), compared["candidate_s"].sum()
        notice(f"the rows add up to the difference of {before:.6f} s and {after:.6f} s: {compared['diff_s'].sum():+.6f} s")
        return ExitStatus.DONE
    _print_comparison(compared, arguments)
    if arguments.by is None and (strangers := strangers_sentence(_clusters(base), _clusters(candidate))):
        notice(strangers)
    skipped = left_out(compared)
    for words in skipped[:_MOST_SAID]:
        notice(f"left out of {words}")
    if len(skipped) > _MOST_SAID:
        notice(f"left out of {len(skipped) - _MOST_SAID} more workflows too (--format json has left_out_base and left_out_candidate)")
    if len(base) == 1 and len(candidate) == 1:
        notice("one run a side cannot show a difference; --level contributions splits the difference of the two runs")
    if chosen_format(arguments) != "table" or arguments.wide:
        notice(comparison_sentence(rows_of(compared)))
    if not arguments.fail_on:
        return ExitStatus.DONE
    gate = compare_gate(compared, arguments.fail_on)
    write_gate_reports(gate, "compare", arguments)
    return gate_status(gate)


def _print_comparison(compared: pd.DataFrame, arguments: argparse.Namespace) -> None:
    """Print the rows: for people, each workflow and number of agents separately; otherwise like every other table."""
    from daganalysis.tables.results import COMPARE

    if arguments.wide or chosen_format(arguments) != "table":
        print_frame(compared, COMPARE, arguments)
        return
    from daganalysis.formats.comparison import comparison_table

    print_pieces([comparison_table(compared, screen_width(arguments.output))], arguments.output)


def _sides(arguments: argparse.Namespace) -> tuple[Archive, Archive]:
    """Open the two archives, or the two parts of one."""
    if (arguments.by is None) == (arguments.candidate is None):
        raise UsageError("two archives are compared, or one by a column", hint="give BASE and CANDIDATE, or BASE and --by COLUMN")
    if arguments.by is None:
        return _side(arguments, arguments.base, arguments.base_run), _side(arguments, arguments.candidate, arguments.candidate_run)
    from daganalysis.analysis.agent_groups import split_by_agents

    if arguments.base_run or arguments.candidate_run:
        raise UsageError("--by compares groups of runs, not single ones", hint="leave --base-run and --candidate-run out")
    base, candidate, note = split_by_agents(_side(arguments, arguments.base, None), arguments.by)
    notice(note)
    return base, candidate


def _clusters(archive: Archive) -> set[str | None]:
    return set(archive.arrow("dags", ["cluster"]).column("cluster").to_pylist())


def _side(arguments: argparse.Namespace, source: str, run_id: str | None) -> Archive:
    chosen = argparse.Namespace(**{**vars(arguments), "run": [] if run_id is None else [run_id]})
    # A workflow that one side lacks is a result of the comparison, not a mistake.
    return selected_runs(open_source(source, arguments), chosen, absent_workflows=True)
