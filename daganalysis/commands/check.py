"""``daganalysis check``: conditions over an archive, as a gate of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import open_source, selected_runs
from daganalysis.commands.gating import add_gate_reports, gate_status, write_gate_reports
from daganalysis.commands.options import add_archive, add_output, add_selection, new_command
from daganalysis.commands.printing import print_frame

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Check an archive against limits. A condition is a metric, > and a number:

  failed_share, retry_share, cancelled_share   of the main runs that have ended
  n_failed, n_cancelled                        how many of them
  elapsed_p50_s, elapsed_p95_s                 seconds
  engine_share, lost_share                     of all elapsed time

The runs are a sample. A condition trips the gate only where the metric is shown
to be beyond the limit (95 %), and holds only where it is shown not to be;
otherwise it is undecided. Counts and lost_share are facts: always decided.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "check",
        summary="check an archive against limits, as a gate",
        description=_DESCRIPTION,
        example=(
            '  daganalysis check store/ --fail-on "failed_share>0.1" "n_cancelled>0"\n'
            '  daganalysis check store/ --since 2024-01-01 --fail-on "elapsed_p95_s>60"'
        ),
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument(
        "--fail-on",
        metavar="CONDITION",
        nargs="+",
        required=True,
        help="exit with 1 if a condition is shown to hold, with 4 if one is undecided",
    )
    add_selection(parser)
    add_output(parser)
    add_gate_reports(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Decide the conditions."""
    from daganalysis.analysis import check, check_gate
    from daganalysis.tables.results import CHECK

    checked = check(selected_runs(open_source(arguments.archive, arguments), arguments), arguments.fail_on)
    print_frame(checked, CHECK, arguments)
    gate = check_gate(checked)
    write_gate_reports(gate, "check", arguments)
    return gate_status(gate)
