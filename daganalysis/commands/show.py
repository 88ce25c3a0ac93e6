"""``daganalysis show``: a post-mortem of one run as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import meant_run, open_source, shown_zone
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, new_command
from daganalysis.commands.printing import notice, print_pieces, screen_width
from daganalysis.urls import without_secrets

if TYPE_CHECKING:
    import argparse

    from daganalysis.archive import Archive
    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Print a post-mortem of one run: what it was, how it ended, where the time went,
what failed or was retried (with the log line that explains it), what cannot be
known, and what to look at next. Without RUN, list the runs, the worst first.
"""
_MOST_LISTED = 10


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "show",
        summary="print a post-mortem of one run",
        description=_DESCRIPTION,
        example="  daganalysis show store/ prod-a/11 --why\n  daganalysis show store/",
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("run", metavar="RUN", nargs="?", help="id of the run; without it, all runs are listed, the worst first")
    parser.add_argument("--why", action="store_true", help="name the rule behind every outcome and the source of the rule")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def execute(arguments: argparse.Namespace) -> int:
    """Print the post-mortem."""
    from daganalysis.post_mortem import post_mortem_text

    archive = open_source(arguments.archive, arguments)
    if arguments.run is None:
        return _list_runs(archive, arguments)
    run_id = meant_run(archive, arguments.run)
    text = post_mortem_text(
        archive, run_id, named=without_secrets(arguments.archive), why=arguments.why, zone=shown_zone(archive, arguments)
    )
    print_pieces([text], arguments.output)
    return ExitStatus.DONE


def _list_runs(archive: Archive, arguments: argparse.Namespace) -> int:
    """List the worst runs, for somebody who does not know yet which one to look at."""
    from daganalysis.analysis import runs
    from daganalysis.formats.terminal import terminal_table
    from daganalysis.tables.explanations import RUNS

    worst = runs(archive, by="trouble", last=_MOST_LISTED)[["run_id", "name", "started_at", "elapsed_s", "conclusion"]]
    print_pieces([terminal_table(worst, RUNS, screen_width(arguments.output), shown_zone(archive, arguments))], arguments.output)
    more = len(archive) - len(worst)
    notice("name one of these runs to see its post-mortem" + (f" ({more} more are in `daganalysis runs ARCHIVE`)" if more > 0 else ""))
    return ExitStatus.DONE
