"""``daganalysis check``: conditions over an archive, for a pipeline to hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.compare import gate_status
from daganalysis.commands.opening import open_source, selected_runs
from daganalysis.commands.options import add_archive, add_selection, new_command
from daganalysis.commands.printing import notice

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Check an archive against limits. A condition is a metric, > and a number:

  failed_share, retry_share, cancelled_share   of the runs that have ended
  engine_share, lost_share                     of all elapsed time
  elapsed_p50_s, elapsed_p95_s                 seconds

A share of runs trips the gate only where its 95 % confidence interval lies
beyond the limit; where it straddles it, the gate is undecided.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "check",
        summary="a gate over one archive",
        description=_DESCRIPTION,
        example='  daganalysis check store/ --fail-on "failed_share>0.1"',
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument(
        "--fail-on", metavar="CONDITION", nargs="+", required=True, help="exit 1 if one is shown to hold, 4 if one is undecided"
    )
    add_selection(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Decide the conditions."""
    from daganalysis.analysis import check

    gate = check(selected_runs(open_source(arguments.archive, arguments), arguments), arguments.fail_on)
    for words in gate.held:
        notice(f"within its limit: {words}")
    return gate_status(gate)
