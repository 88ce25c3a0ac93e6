"""``daganalysis gantt``: a chart of one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.archives import meant_run, open_source, shown_zone
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, new_command, whole
from daganalysis.commands.printing import notice, print_pieces

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Draw a chart of one run. Each sub-task is a lane, ordered by stage or by agent;
dispatching, running and waiting to be noticed have different marks. The top
lane shows what every second of the run was spent on. The ending of FILE sets
the format: .svg, .png, .pdf, or .html for a page to zoom and search in.
"""
_MOST_LANES = 120
"""A picture with more lanes cannot be read; a page scrolls."""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "gantt",
        summary="draw a chart of one run",
        description=_DESCRIPTION,
        example="  daganalysis gantt store/ prod-a/11 -o run.svg\n  daganalysis gantt store/ prod-a/11 --children --tz UTC -o run.html",
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("run", metavar="RUN", help="id of the run")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the chart: .svg, .png, .pdf or .html")
    parser.add_argument("--lanes", choices=("stage", "agent"), default="stage", help="order of the lanes (default: %(default)s)")
    parser.add_argument("--path", action="store_true", help="mark the critical path; a page always has it and can hide it")
    parser.add_argument("--children", action="store_true", help="nest the child DAGs below")
    parser.add_argument(
        "--max-lanes",
        metavar="N",
        type=whole,
        help=f"fold the least remarkable lanes beyond N; 0 folds nothing (default: {_MOST_LANES}, in a page 0)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Draw the chart."""
    from daganalysis.analysis import critical_path
    from daganalysis.pages import gantt
    from daganalysis.plots import draw_gantt, gantt_bars, save_figure

    opened = open_source(arguments.archive, arguments)
    run_id = meant_run(opened, arguments.run)
    whole = opened.run(run_id, children=True)
    archive = whole if arguments.children else whole.run(run_id)
    zone = shown_zone(archive, arguments).name
    options = {"run_id": run_id, "lanes": arguments.lanes, "children": arguments.children}
    if Path(arguments.output).suffix.lower() == ".html":
        print_pieces([gantt(whole, **options, max_lanes=arguments.max_lanes or None, tz=zone).html], arguments.output)
        return ExitStatus.DONE
    most = _MOST_LANES if arguments.max_lanes is None else arguments.max_lanes
    bars = gantt_bars(archive, path=critical_path(whole) if arguments.path else None, max_lanes=most or None, **options)
    figure = draw_gantt(bars, tz=zone).get_figure(root=True)
    assert figure is not None
    if not save_figure(figure, Path(arguments.output)):
        notice("no font of this system has the Chinese characters in it; install one (fonts-noto-cjk), or write an .svg or .html")
    notice(f"wrote {arguments.output}")
    return ExitStatus.DONE
