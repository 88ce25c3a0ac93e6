"""``daganalysis sql``: one SELECT over an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import open_source
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, add_output, new_command
from daganalysis.commands.printing import print_frame

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Answer one SELECT, in DuckDB's dialect, over an archive. Every base table and
every analysis is a table: dags, attempts, timeline, summary, time_budget ...
The query reads the archive and nothing else. It needs the extra `sql`.
"""
_EXAMPLE = """\
  daganalysis sql store/ "SELECT outcome, count(*) AS n FROM dags GROUP BY ALL"
  daganalysis sql store/ "SELECT run_id, lost_s FROM time_budget" --format csv"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(commands, "sql", summary="query an archive with SQL", description=_DESCRIPTION, example=_EXAMPLE, execute=execute)
    add_archive(parser)
    parser.add_argument("query", metavar="QUERY", help="one SELECT")
    add_output(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the result of the query."""
    from daganalysis.sql_query import declared, query

    result = query(open_source(arguments.archive, arguments), arguments.query)
    table = declared(result)
    print_frame(table.frame(result), table, arguments)
    return ExitStatus.DONE
