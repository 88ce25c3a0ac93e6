"""``daganalysis gantt``: a chart of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.opening import open_source
from daganalysis.commands.options import add_archive, new_command
from daganalysis.commands.printing import notice

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Draw one run: a lane a stage with its sub-tasks inside, waiting, running and
being noticed told apart. The ending of FILE says what it becomes: .svg, .png,
.pdf, or .html for a page to zoom and search in.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "gantt",
        summary="a chart of one run",
        description=_DESCRIPTION,
        example="  daganalysis gantt store/ prod-a/11 -o run.svg",
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("run", metavar="RUN", help="the run's id")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the chart; .svg, .png, .pdf or .html")


def execute(arguments: argparse.Namespace) -> int:
    """Draw the chart."""
    raise NotImplementedError
