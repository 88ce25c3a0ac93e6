"""``daganalysis validate``: the issues of some saved responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import holds_anything, nothing_usable
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_cluster, add_output, chosen_format, new_command
from daganalysis.commands.printing import notice, print_frame, print_pieces, screen_width
from daganalysis.engine.vocabulary import REJECTED, SEVERITIES
from daganalysis.tables import ISSUES
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Print what is wrong with saved responses: every record that cannot be used
(error), every value that cannot be used (warning), and what else you should
know (info), with what to do about it. Repeated issues are grouped; with
--format json, csv or markdown each has a row, with its file and position.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "validate",
        summary="list what is wrong with saved responses",
        description=_DESCRIPTION,
        example="  daganalysis validate responses/ --format csv -o issues.csv\n  daganalysis validate responses/",
        execute=execute,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="saved responses, or one store")
    add_cluster(parser)
    parser.add_argument("--tz", metavar="ZONE", help="time zone of times in logs and dumps whose zone is unknown (+08:00, Asia/Shanghai)")
    parser.add_argument("--strict", action="store_true", help="exit with 3 if a record was rejected")
    parser.add_argument(
        "--severity", choices=tuple(SEVERITIES), default="info", help="leave out less serious issues (default: %(default)s)"
    )
    add_output(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the issues and count them on stderr."""
    from daganalysis.analysis import all_issues
    from daganalysis.loading import load, open_archive
    from daganalysis.text.issue_groups import GROUPED_COLUMNS, group_issues, issue_groups_text

    labels = {"cluster": arguments.cluster, "cluster_by": arguments.cluster_by, "tz": arguments.tz}
    archive = open_archive(arguments.source[0], **labels) if len(arguments.source) == 1 else load(*arguments.source, **labels)
    issues = all_issues(archive)
    shown = issues[issues["severity"].isin(_down_to(arguments.severity))]
    if chosen_format(arguments) == "table":
        groups = group_issues(zip(*(shown[name].astype(object).where(shown[name].notna(), None) for name in GROUPED_COLUMNS), strict=True))
        print_pieces(issue_groups_text(groups, screen_width(arguments.output)), arguments.output)
    else:
        print_frame(shown, ISSUES, arguments)
    rejected = int((issues["severity"] == REJECTED).sum())
    notice(f"{plural(len(archive), 'run')}, {plural(rejected, 'record')} rejected")
    if not holds_anything(archive):
        raise nothing_usable(archive, " ".join(arguments.source), is_listed=True)
    return ExitStatus.UNUSABLE if arguments.strict and rejected else ExitStatus.DONE


def _down_to(severity: str) -> list[str]:
    """Return the severities from the gravest to one."""
    names = list(SEVERITIES)
    return names[: names.index(severity) + 1]
