"""``daganalysis table``: a base table of an archive."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from daganalysis.commands.archives import open_source, selected_runs, shown_zone
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, add_output, add_selection, new_command
from daganalysis.commands.printing import print_frame
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers
    from daganalysis.tables import Table


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "table",
        summary="print a base table",
        description="Print a base table:\n\n" + "\n".join(map(_described, BASE_TABLES.values())),
        example="  daganalysis table store/ dags --since 2024-01-01 --format csv -o dags.csv\n  daganalysis table store/ issues",
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("name", metavar="NAME", choices=tuple(BASE_TABLES), help="one of the tables above")
    add_selection(parser)
    add_output(parser)


def _described(table: Table) -> str:
    return textwrap.fill(table.row, 78, initial_indent=f"  {table.name:18} ", subsequent_indent=" " * 21)


def execute(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from daganalysis.analysis import all_issues

    archive = selected_runs(open_source(arguments.archive, arguments), arguments)
    # Loading looks at one run at a time; that two runs contradict each other is found here.
    rows = all_issues(archive) if arguments.name == "issues" else archive.table(arguments.name)
    print_frame(rows, BASE_TABLES[arguments.name], arguments, shown_zone(archive, arguments))
    return ExitStatus.DONE
