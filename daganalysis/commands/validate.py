"""``daganalysis validate``: what a reader should know about some saved responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_cluster, add_output, new_command
from daganalysis.commands.printing import notice, print_frame
from daganalysis.tables import ISSUES
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

SEVERITIES = ("error", "warning", "info")
"""The gravest first."""

_DESCRIPTION = """\
Print the issues table: every record that cannot be used (error), every value
that cannot (warning), and what else a reader should know (info), each with
its file, its place there, and what to do about it.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "validate",
        summary="what is wrong with some saved responses",
        description=_DESCRIPTION,
        example="  daganalysis validate responses/ --format csv -o issues.csv",
        execute=execute,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="saved responses, or one store")
    add_cluster(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 3 if a record was rejected")
    parser.add_argument("--severity", choices=SEVERITIES, default="info", help="leave out what is less grave (default: %(default)s)")
    add_output(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the issues and count them on stderr."""
    from daganalysis.loading import load, open_archive

    labels = {"cluster": arguments.cluster, "cluster_by": arguments.cluster_by}
    archive = open_archive(arguments.source[0], **labels) if len(arguments.source) == 1 else load(*arguments.source, **labels)
    issues = archive.issues
    shown = SEVERITIES[: SEVERITIES.index(arguments.severity) + 1]
    print_frame(issues[issues["severity"].isin(shown)], ISSUES, arguments)
    rejected = int((issues["severity"] == "error").sum())
    notice(f"{plural(len(archive), 'run')}, {plural(rejected, 'record')} rejected")
    return ExitStatus.UNUSABLE if arguments.strict and rejected else ExitStatus.DONE
