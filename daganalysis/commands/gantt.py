"""``daganalysis gantt``: a chart of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.opening import open_source
from daganalysis.commands.options import add_archive, new_command, positive
from daganalysis.commands.printing import notice, print_pieces

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Draw one run: a lane a sub-task, by stage or by agent; waiting, running and
being noticed told apart; above them what every second was spent on. The
ending of FILE says what it becomes: .svg, .png, .pdf, or .html for a page to
zoom and search in.
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
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the chart: .svg, .png, .pdf or .html")
    parser.add_argument("--lanes", choices=("stage", "agent"), default="stage", help="what the lanes are ordered by (default: %(default)s)")
    parser.add_argument("--children", action="store_true", help="nest the child DAGs below")
    parser.add_argument("--tz", metavar="ZONE", default="UTC", help="time zone of the axis, as Asia/Shanghai (default: %(default)s)")
    parser.add_argument("--max-lanes", metavar="N", type=positive, help="fold the unremarkable sub-tasks of a stage beyond so many lanes")


def execute(arguments: argparse.Namespace) -> int:
    """Draw the chart."""
    from daganalysis.plots import draw_gantt, gantt_bars, save_figure

    archive = open_source(arguments.archive, arguments).run(arguments.run, children=arguments.children)
    bars = gantt_bars(archive, run_id=arguments.run, lanes=arguments.lanes, children=arguments.children, max_lanes=arguments.max_lanes)
    if Path(arguments.output).suffix.lower() == ".html":
        from daganalysis.report.interactive import gantt_page

        print_pieces([gantt_page(bars, archive)], arguments.output)
        return ExitStatus.DONE
    figure = draw_gantt(bars, tz=arguments.tz).get_figure(root=True)
    assert figure is not None
    save_figure(figure, Path(arguments.output))
    notice(f"wrote {arguments.output}")
    return ExitStatus.DONE
