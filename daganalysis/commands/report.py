"""``daganalysis report``: a report of a whole archive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from daganalysis.commands.archives import open_source, selected_runs, shown_zone
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, add_selection, new_command
from daganalysis.commands.printing import notice, print_pieces
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Write report.html and report.json. The page is self-contained and needs no
network: which runs went worst and why, where the time went, what failed or was
retried, and what changed. The JSON file has every number of the page.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "report",
        summary="write a report of an archive, as one page",
        description=_DESCRIPTION,
        example=(
            "  daganalysis report store/ -o report/ --since 2024-01-01\n"
            "  daganalysis report store/ -o ticket/ --format markdown --title Upgrade"
        ),
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="the folder to write to")
    parser.add_argument("--format", choices=("html", "markdown"), default="html", help="markdown is for a ticket (default: %(default)s)")
    parser.add_argument("--title", metavar="TEXT", default="", help="the heading of the report")
    parser.add_argument("--metrics", metavar="FILE", help="also write a summary of the workflows as OpenMetrics text")
    add_selection(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report."""
    from daganalysis.pages import write_report

    archive = selected_runs(open_source(arguments.archive, arguments), arguments)
    if not sys.stderr.isatty():
        notice(f"writing a report of {plural(len(archive), 'run')}")
    page = write_report(archive, arguments.output, format=arguments.format, title=arguments.title, tz=shown_zone(archive, arguments).name)
    if arguments.metrics:
        from daganalysis.exports.open_metrics import open_metrics

        print_pieces([open_metrics(archive)], arguments.metrics)
    notice(f"wrote {page} and {page.with_name('report.json')}")
    return ExitStatus.DONE
