"""``daganalysis show``: a post-mortem of one run as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.opening import open_source
from daganalysis.commands.options import add_archive, new_command
from daganalysis.commands.printing import print_pieces
from daganalysis.urls import without_secrets

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Tell what one run was, how it ended, where the time went, what failed or was
retried (with the telling log line), what cannot be known, and what to look at
next.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "show",
        summary="a post-mortem of one run as text",
        description=_DESCRIPTION,
        example="  daganalysis show store/ prod-a/11 --why",
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("run", metavar="RUN", help="the run's id, as `daganalysis table ARCHIVE dags` lists it")
    parser.add_argument("--why", action="store_true", help="name the rule behind every outcome, and where it comes from")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def execute(arguments: argparse.Namespace) -> int:
    """Print the post-mortem."""
    from daganalysis.report.post_mortem import post_mortem_text

    archive = open_source(arguments.archive, arguments)
    text = post_mortem_text(archive, arguments.run, named=without_secrets(arguments.archive), why=arguments.why)
    print_pieces([text], arguments.output)
    return ExitStatus.DONE
