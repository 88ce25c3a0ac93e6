"""Write the pages of the documentation that the program itself knows: tables, analyses, command line.

usage: python docs/generate.py

A test compares the pages with what this script would write, so they cannot fall behind.
"""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands import analyses
from daganalysis.commands.parsing import build_parser
from daganalysis.reading.issue_codes import ISSUE_CODES
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.api_fields import API_FIELDS
from daganalysis.tables.results import COMPARE, CONTRIBUTIONS, RESULT_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from daganalysis.tables import Table

HERE = Path(__file__).parent
_MADE = "<!-- Written by docs/generate.py from the program: change the program, then run it. -->\n"

_TABLES_INTRO = """
What an archive holds, flattened: tidy frames, one per table, attributes of an `Archive` and folders of a store. Instants are UTC, null
where nothing happened or nothing is known; durations are seconds and end in `_s`; shares are 0..1 and end in `_share`; counts begin with
`n_`. A column without an entry under *null when* is never null.
"""
_ANALYSES_INTRO = """
Functions of the package, each taking an `Archive` and returning one new frame; the command of the same name, with hyphens, prints it.
"""
_ISSUES_INTRO = """
Every record that cannot be used, every value that cannot, and what else a reader should know becomes a row of the table
[issues](tables.md#issues). An `error` says that a record was rejected, a `warning` that a value was or that something is doubtful, an
`info` is good to know.
"""
_API_FIELDS_INTRO = """
Where every field of a saved answer lands in the [tables](tables.md), and what is left out, with the reason. A field that is not listed here
is not documented by the API: it is passed over, whatever it holds.
"""
_COMMANDS_INTRO = """
Results go to standard output, progress and notices to standard error. `daganalysis COMMAND --help` says the same as this page.
"""


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "tables.md": _page("Tables", _TABLES_INTRO, (_table(table) for table in BASE_TABLES.values())),
        "analyses.md": _page("Analyses", _ANALYSES_INTRO, (_analysis(table) for table in RESULT_TABLES.values())),
        "api-fields.md": _page("Fields of the API", _API_FIELDS_INTRO, [_api_fields()]),
        "issues.md": _page("Issues", _ISSUES_INTRO, [_issue_codes()]),
        "command-line.md": _page("Command line", _COMMANDS_INTRO, _commands(build_parser())),
    }


def _page(title: str, intro: str, sections: Iterable[str]) -> str:
    return f"{_MADE}\n# {title}\n{intro}\n" + "\n".join(sections)


def _analysis(table: Table) -> str:
    levels = {**analyses.LEVELS, "compare": {"stage": COMPARE, "contributions": CONTRIBUTIONS}}
    others = list(levels.get(table.name, {}).items())[1:]
    return _table(table) + "".join("\n" + _table(other, f"### {table.name} at level {level}") for level, other in others)


def _table(table: Table, heading: str = "") -> str:
    lines = [
        (heading or f"## {table.name}") + "\n",
        f"One row is {table.row}." + (f" Sorted by {', '.join(table.sort)}." if table.sort else "") + "\n",
    ]
    lines += ["| column | type | meaning | null when |", "|---|---|---|---|"]
    lines += [f"| `{column.name}` | {column.type.value} | {column.meaning} | {column.null_when} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _issue_codes() -> str:
    lines = ["| code | severity | what it is | what to do |", "|---|---|---|---|"]
    lines += [f"| `{entry.code}` | {entry.severity} | {entry.meaning} | {entry.hint} |" for entry in ISSUE_CODES.values()]
    return "\n".join(lines) + "\n"


def _api_fields() -> str:
    lines = ["| object | field | columns | remark |", "|---|---|---|---|"]
    for field in API_FIELDS:
        columns = ", ".join(f"`{column}`" for column in field.lands_in) or "none"
        lines.append(f"| {field.of} | `{field.name}` | {columns} | {field.why} |")
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Describe every command by its arguments; argparse's own text differs from one Python to the next."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield _command(name, command)


def _command(name: str, command: argparse.ArgumentParser) -> str:
    lines = [f"## daganalysis {name}\n", "```text", textwrap.dedent(command.description or "").strip(), "```\n"]
    lines += ["| argument | meaning |", "|---|---|"]
    for action in command._actions:
        if action.dest not in {"help", "debug"}:
            lines.append(f"| {_spelling(action)} | {_meaning(action)} |")
    lines += ["", "```console", *(f"$ {line.strip()}" for line in (command.epilog or "").splitlines()[1:]), "```"]
    return "\n".join(lines) + "\n"


def _spelling(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
    if not action.option_strings:
        return f"`{value or action.dest}`" + (" …" if action.nargs in {"+", "*"} else "")
    return f"`{', '.join(action.option_strings)}{' ' + str(value) if value and action.nargs != 0 else ''}`"


def _meaning(action: argparse.Action) -> str:
    text = (action.help or "").replace("%(default)s", str(action.default)).replace("|", "\\|")
    return text + (" (required)" if action.option_strings and action.required else "")


if __name__ == "__main__":
    for file, text in pages().items():
        (HERE / file).write_text(text, encoding="utf-8")
