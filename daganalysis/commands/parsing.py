"""The parser of the whole command line, put together from the commands."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

from daganalysis.commands.options import OneLineParser
from daganalysis.commands.printing import print_pieces
from daganalysis.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

JOBS = (
    ("load and collect", ("load", "capture", "validate", "redact")),
    ("look at one run", ("show", "gantt", "critical-path", "what-if", "outcome-rules")),
    (
        "look at many runs",
        (
            *("report", "runs", "summary", "trouble", "failures", "retries", "retry-patterns", "time-budget", "stage-latency"),
            *("stage-gaps", "stragglers", "locks", "events", "clock-skew"),
        ),
    ),
    ("compare, and decide", ("compare", "trend", "check")),
    ("pass on", ("export", "table", "sql")),
)
"""The purposes of the commands, in the order of the program's help."""
_MODULES = ("load", "capture", "validate", "show", "gantt", "report", "compare", "check", "export", "redact", "analyses", "table", "sql")
"""The modules of the commands, in the order in which help names them; ``analyses`` adds one command an analysis."""

_DESCRIPTION = """\
Tell what happened and where the time went, from saved responses of the obshell
task API. ARCHIVE and SOURCE are a store that `load` made, or saved responses
as they are: a file, a folder, an archive file, or - for standard input.
"""
_EXAMPLE = """\
examples:
  daganalysis load responses/ --out store/      read everything once
  daganalysis summary store/                    which workflows ran, and how
  daganalysis show store/ 11                    what happened in run 11
  daganalysis gantt store/ 11 -o run.svg        the same as a chart

exit status:
  0 done   1 a gate tripped   2 wrong usage   3 input unusable
  4 too little data to decide a gate
"""


class _ByJob(argparse.RawDescriptionHelpFormatter):
    """Help that groups the commands by purpose."""

    def _format_action(self, action: argparse.Action) -> str:
        if not isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no public name
            return super()._format_action(action)
        summaries = {choice.dest: choice.help or "" for choice in action._get_subactions()}  # noqa: SLF001
        lines = []
        for job, names in JOBS:
            lines += [f"  {job}", *(f"    {name:15}{summaries[name]}" for name in names)]
        return "\n".join(lines) + "\n"


class _Version(argparse.Action):
    """``--version``: print the version and exit."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print_pieces([f"daganalysis {__version__}\n"], None)
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; ends the program, as argparse does, after help and for wrong usage.

    Only the modules of the command are imported. All commands are added for the program's help, or if the command is unknown.
    """
    asked = argv[0] if argv and any(argv[0] in names for _, names in JOBS) else None
    if argv and asked is None and argv[0].startswith("-"):
        build_parser().parse_args(argv[:1])  # ends here: help, the version, or an unknown option, whatever follows
    return build_parser(asked).parse_args(argv)


def build_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """Make the parser, for one command or for all. Its arguments have a function ``execute`` to call with them."""
    parser = OneLineParser(
        prog="daganalysis",
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=_ByJob,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=OneLineParser)
    if asked is None or asked in _MODULES:
        for name in _MODULES if asked is None else [asked]:
            importlib.import_module(f"daganalysis.commands.{name}").add_to(commands)
    else:
        importlib.import_module("daganalysis.commands.analyses").add_to(commands, asked)
    return parser
