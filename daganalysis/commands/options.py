"""Options that several commands share, so that they are spelt and explained once."""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import re
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.formats import FORMATS
from daganalysis.text.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    Execute: TypeAlias = Callable[[argparse.Namespace], int]
    # What add_subparsers returns has no public name.
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


_BY_ENDING = {".json": "json", ".csv": "csv", ".md": "markdown", ".markdown": "markdown", ".xlsx": "xlsx"}
_NO_SUCH_CHOICE = re.compile(r"invalid choice: '(?P<wrong>.*?)' \(choose from (?P<choices>.*)\)$")

_MISSING = "the following arguments are required"


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, like every other error of the program."""

    _given: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse the arguments. An error about an unknown option names the nearest known one."""
        self._given = list(sys.argv[1:] if args is None else args)
        parsed, unknown = super().parse_known_args(args, namespace)
        for action in self._actions:  # argparse gives up on an argument that may be absent as soon as an option follows the one before it
            may_be_absent = action.nargs == "?" and not action.option_strings
            if may_be_absent and getattr(parsed, action.dest) is None and unknown and not unknown[0].startswith("-"):
                setattr(parsed, action.dest, unknown.pop(0))
        wrong = next((text.partition("=")[0] for text in unknown if text.startswith("-")), None)
        if wrong is not None:
            self.error(self._no_such_option(wrong))
        return parsed, unknown

    def _no_such_option(self, wrong: str) -> str:
        near = closest(wrong, self._option_string_actions, 1)
        return f"no such option: {wrong}" + (f", perhaps {near[0]}" if near else "")

    def _misspelt_option(self) -> str | None:
        """Return the first unknown option. Options after a command belong to the command."""
        own = itertools.takewhile(lambda text: self._subparsers is None or text.startswith("-"), self._given)
        options = (text.partition("=")[0] for text in own if text.startswith("--") and text != "--")
        return next((option for option in options if option not in self._option_string_actions), None)

    def error(self, message: str) -> NoReturn:
        """Report what is wrong with the arguments and stop; for a misspelt name, suggest the nearest ones."""
        misspelt = self._misspelt_option() if message.startswith(_MISSING) else None
        if misspelt is not None:
            message = self._no_such_option(misspelt)
        choice = _NO_SUCH_CHOICE.search(message)
        if choice is not None:
            near = closest(choice["wrong"], re.findall(r"[\w-]+", choice["choices"]))
            perhaps = f", perhaps {' or '.join(near)}" if near else ""
            if self._subparsers is not None:
                message = f"no such command: {choice['wrong']}{perhaps}"
            elif near:
                message = f"{message[: choice.start()]}no such choice: {choice['wrong']}{perhaps}"
        self.exit(ExitStatus.USAGE, f"daganalysis: {message} (see `{self.prog} --help`)\n")


def new_command(
    commands: Subparsers, name: str, *, summary: str, description: str, example: str, execute: Execute
) -> argparse.ArgumentParser:
    """Add a command: its line in the list of commands, its own help with examples, and what carries it out."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(execute=execute)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def add_archive(parser: argparse.ArgumentParser, *names: str, optional: str | None = None) -> None:
    """Add the archives that a command reads, one of which may be optional, and the options that label saved responses."""
    for name in names or ("archive",):
        number = "?" if name == optional else None
        parser.add_argument(name, metavar=name.upper(), nargs=number, help="a store, or saved responses")
    add_cluster(parser)
    add_scheduler(parser)
    parser.add_argument("--catalogue", metavar="FILE", help="a TOML file with workflow name patterns and failure signatures of your own")
    parser.add_argument(
        "--tz",
        metavar="ZONE",
        default="server",
        help="time zone of the times shown, of T without an offset, and of times in logs and dumps whose zone is unknown: UTC, +08:00, "
        "Asia/Shanghai or `server`, the servers' own (default)",
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add the two ways to say which cluster a response came from."""
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument("--cluster", metavar="NAME", help="label of the cluster that all saved responses came from")
    labels.add_argument(
        "--cluster-by",
        choices=("dir", "file"),
        help="take the cluster's label from the first folder, or from the file name up to the first dot",
    )


def add_scheduler(parser: argparse.ArgumentParser) -> None:
    """Add the option that has the work done by others."""
    parser.add_argument("--scheduler", metavar="ADDRESS", help="let the workers of a Dask scheduler do the work (tcp://host:8786)")


def add_selection(parser: argparse.ArgumentParser, *, one_archive: bool = True) -> None:
    """Add the options that choose runs; those of two archives are not chosen by one id."""
    group = parser.add_argument_group("which runs")
    if one_archive:
        group.add_argument("--run", metavar="ID", action="append", default=[], help="only this run (may be repeated)")
    group.add_argument("--workflow", metavar="NAME", action="append", default=[], help="only runs of this workflow (may be repeated)")
    group.add_argument("--only-cluster", metavar="NAME", action="append", default=[], help="only this cluster of several (may be repeated)")
    group.add_argument(
        "--since", metavar="T", type=parse_instant, help="only runs that started at T or later: a date, today, yesterday, or RFC 3339"
    )
    group.add_argument("--until", metavar="T", type=parse_instant, help="only runs that started before T")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options that say in which form a table comes out, and where to."""
    group = parser.add_argument_group("output")
    meaning = "output format; json and csv keep raw values (default: by the ending of FILE, else table)"
    group.add_argument("--format", choices=FORMATS, help=meaning)
    group.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")
    group.add_argument("--wide", action="store_true", help="show every column in full, however wide the table becomes")


def chosen_format(arguments: argparse.Namespace) -> str:
    """Return the format of a table: the given one, otherwise by the ending of the file."""
    if arguments.format is not None:
        return str(arguments.format)
    return _BY_ENDING.get(PurePath(arguments.output or "").suffix.lower(), "table")


class DaysAgo(NamedTuple):
    """Return the midnight at which a day began, some days before the day on which the command runs."""

    days: int


_DAYS = {"today": DaysAgo(0), "yesterday": DaysAgo(1)}


def parse_instant(text: str) -> dt.datetime | DaysAgo:
    """Read a date, which is its midnight, ``today``, ``yesterday``, or an RFC 3339 instant; one without an offset has no zone yet.

    >>> parse_instant("2024-01-09").isoformat(), parse_instant("2024-01-09T20:40:01+08:00").isoformat(), parse_instant("yesterday")
    ('2024-01-09T00:00:00', '2024-01-09T20:40:01+08:00', DaysAgo(days=1))
    """
    try:
        return _DAYS.get(text.lower()) or dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a date, `today`, `yesterday` or an RFC 3339 instant: {text}") from None


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a whole number of at least 1: {text}")
    return int(text)


def whole(text: str) -> int:
    """Read a whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"not a whole number: {text}")
    return int(text)
