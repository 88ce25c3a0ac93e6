"""Write what the program itself knows of its documentation: tables, analyses, pictures, command line, manual page, completion.

usage: python docs/generate.py

A test compares the pages and the pictures with what this script would write, so they cannot fall behind.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import os
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import shtab
from argparse_manpage.manpage import Manpage

import daganalysis
from daganalysis import analysis, plots
from daganalysis.commands import analyses
from daganalysis.commands.parsing import build_parser
from daganalysis.reading.issue_codes import ISSUE_CODES
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.api_fields import API_FIELDS
from daganalysis.tables.pictures import PICTURE_FRAMES
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
_PICTURES_INTRO = """
Every picture is two functions of `daganalysis.plots`: one makes the frame of what it shows, the other draws that frame into an Axes of
yours, `ax`, or into a new figure's, and returns it. `plots.save_figure(ax.figure, "name.svg")` writes it as SVG, PNG or PDF, equal
figures to equal bytes. The command line draws Gantt charts; the others are for notebooks and scripts:

```python
import daganalysis as da
from daganalysis import plots
```
"""
_EXAMPLES = {
    "gantt_bars": """
        archive = da.load("sample_data/fleet/prod-b")
        ax = plots.draw_gantt(plots.gantt_bars(archive, run_id="1760"), tz="+08:00")
    """,
    "budget_bars": """
        archive = da.load("sample_data/fleet", cluster_by="dir")
        bars = plots.budget_bars(da.time_budget(archive), most=12, predictions=da.what_if(archive))
        ax = plots.draw_budget(bars)
    """,
    "latency_marks": """
        archive = da.load("sample_data/versions/a")
        ax = plots.draw_latency(plots.latency_marks(da.stage_latency(archive)))
    """,
    "stage_run_cells": """
        archive = da.load("sample_data/fleet", cluster_by="dir")
        cells = plots.stage_run_cells(da.stage_latency(archive), archive.dags, workflow="Create tenant", most=24)
        ax = plots.draw_stage_runs(cells)
    """,
    "straggler_cells": """
        archive = da.load("sample_data/fleet", cluster_by="dir")
        ax = plots.draw_stragglers(plots.straggler_cells(da.stragglers(archive)))
    """,
    "retry_periods": """
        archive = da.load("sample_data/fleet", cluster_by="dir")
        ax = plots.draw_retries(plots.retry_periods(archive.dags, most=10))
    """,
    "aligned_bars": """
        archive = da.load("sample_data/fleet", cluster_by="dir")
        base, candidate = (plots.gantt_bars(archive, run_id=run_id) for run_id in ("prod-b/1720", "prod-b/1760"))
        ax = plots.draw_aligned(plots.aligned_bars(base, candidate))
    """,
    "trend_marks": """
        archive = da.load("sample_data/versions/*")
        marks = plots.trend_marks(archive, da.trend(archive), name="Import script for tenant")
        ax = plots.draw_trend(marks)
    """,
    "event_marks": """
        archive = da.load("sample_data/tenant")
        marks = plots.event_marks(archive, da.events(archive), da.locks(archive))
        ax = plots.draw_events(marks, tz="+08:00")
    """,
}
"""How each picture of the page is drawn."""
_ISSUES_INTRO = """
Every record that cannot be used, every value that cannot, and what else a reader should know becomes a row of the table
[issues](tables.md#issues). An `error` says that a record was rejected, a `warning` that a value was or that something is doubtful, an
`info` is good to know.
"""
_API_FIELDS_INTRO = """
Where every field of a saved answer lands in the [tables](tables.md), and what is left out, with the reason. A field that is not listed here
is not documented by the API: it is passed over, whatever it holds.
"""
_PYTHON_INTRO = """
Import the package as `da`. An analysis takes an {py:class}`daganalysis.Archive` and returns a new frame; [Analyses](analyses.md) tells what
each column means. [Pictures](pictures.md) lists `daganalysis.plots`.
"""
_PYTHON_SECTIONS = {
    "daganalysis.loading": "Load",
    "daganalysis.store": "Open a store",
    "daganalysis.archive": "The archive",
    "daganalysis.analysis": "Analyses",
    "daganalysis.plots": "Charts",
    "daganalysis.errors": "Errors",
}
"""The heading for the public names of a module."""
_OTHER_SECTION = "Charts in cells, reports, exports and copies"
"""The heading for the public names of all other modules."""
_FILES = {"SOURCE", "ARCHIVE", "STORE", "FILE", "FOLDER", "BASE", "CANDIDATE"}
"""What an argument is called where it is a file or a folder."""
_MANUAL_WIDTH = 78
"""Columns that a manual page leaves to lines that keep their layout in a terminal of 80."""
_COMMANDS_INTRO = """
Results go to standard output, progress and notices to standard error. `daganalysis COMMAND --help` says the same as this page.
"""


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "tables.md": _page("Tables", _TABLES_INTRO, (_table(table) for table in BASE_TABLES.values())),
        "analyses.md": _page("Analyses", _ANALYSES_INTRO, (_analysis(table) for table in RESULT_TABLES.values())),
        "api-fields.md": _page("Fields of the API", _API_FIELDS_INTRO, [_api_fields()]),
        "pictures.md": _page("Pictures", _PICTURES_INTRO, (_picture(table) for table in PICTURE_FRAMES.values())),
        "issues.md": _page("Issues", _ISSUES_INTRO, [_issue_codes()]),
        "python.md": _page("Python", _PYTHON_INTRO, _python()),
        "command-line.md": _page("Command line", _COMMANDS_INTRO, _commands(build_parser())),
        "man/daganalysis.1": _manual(),
        "completion/daganalysis.bash": _completion("bash"),
        "completion/_daganalysis": _completion("zsh"),
    }


def _page(title: str, intro: str, sections: Iterable[str]) -> str:
    return f"{_MADE}\n# {title}\n{intro}\n" + "\n".join(sections)


def _analysis(table: Table) -> str:
    levels = {**analyses.LEVELS, "compare": {"stage": COMPARE, "contributions": CONTRIBUTIONS}}
    others = list(levels.get(table.name, {}).items())[1:]
    # What a table's own words do not say: how it is decided. The first sentence of a docstring is the row once more.
    heading, columns = _table(table).split("\n\n", 1)
    said = _paragraphs(getattr(analysis, table.name))
    tables = "".join("\n" + _table(other, f"### {table.name} at level {level}") for level, other in others)
    return f"{heading}\n\n{said}\n\n{columns}" + tables


def _table(table: Table, heading: str = "") -> str:
    lines = [
        (heading or f"## {table.name}") + "\n",
        f"One row is {table.row}." + (f" Sorted by {', '.join(table.sort)}." if table.sort else "") + "\n",
    ]
    lines += ["| column | type | meaning | null when |", "|---|---|---|---|"]
    lines += [f"| `{column.name}` | {column.type.value} | {column.meaning} | {column.null_when} |" for column in table.columns]
    return "\n".join(lines) + "\n"


def _python() -> Iterator[str]:
    sections: dict[str, list[str]] = {heading: [] for heading in [*_PYTHON_SECTIONS.values(), _OTHER_SECTION]}
    for name in daganalysis.__all__:
        if inspect.ismodule(getattr(daganalysis, name)):
            continue
        heading = _PYTHON_SECTIONS.get(daganalysis._MODULE_OF[name], _OTHER_SECTION)
        directive = "autofunction"
        if inspect.isclass(getattr(daganalysis, name)):
            directive = "autoexception" if heading == "Errors" else "autoclass"
        members = "\n   :members:\n   :inherited-members:" if directive == "autoclass" else ""
        sections[heading].append(f".. {directive}:: daganalysis.{name}{members}")
    for heading, directives in sections.items():
        if directives:
            yield f"## {heading}\n\n```{{eval-rst}}\n" + "\n".join(directives) + "\n```\n"


def _manual() -> str:
    described = {"version": daganalysis.__version__, "project_name": "daganalysis", "manual_title": "daganalysis"}
    described["description"] = "tell what happened in obshell tasks, and where the time went"
    parser = build_parser()
    for command in _commands_of(parser):
        command.parser.description = f"{command.parser.description}\n\n{command.parser.epilog}"
    with _columns(_MANUAL_WIDTH):
        page = str(Manpage(parser, described, format="pretty"))
    page = re.sub(r'^(\.TH \S+ "1") "[^"]*"', r'\1 ""', page)  # the same program gives the same page on any day
    heading, _, rest = page.partition("\n")
    # Words are neither hyphenated, which would break names of options, nor spread to fill a line.
    return f"{heading}\n.nh\n.ad l\n" + _laid_out(rest.replace(".SH\nCOMMANDS", ".SH COMMANDS").replace(".SH COMMENTS", ".SH EXAMPLES"))


def _laid_out(page: str) -> str:
    """Return a manual page whose usages and examples keep their lines, and whose lists of columns are lists."""
    lines: list[str] = []
    for block in page.split("\n\n"):
        own = block.split("\n")
        at = next((place for place, line in enumerate(own) if line.startswith(("usage: ", "examples:", "exit status:", "  "))), len(own))
        items = _items(own[at:])
        begins = [".PP"] if lines and not block.startswith(".") else []
        lines += [*begins, *own[:at], *(items or _kept(own[at:])), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _kept(lines: list[str]) -> list[str]:
    """Return lines that keep their layout, which need nearly the whole width of a terminal."""
    return [".in 2n", ".nf", *(line.removeprefix("  ") if line[2:3] != " " else line for line in lines), ".fi", ".in"] if lines else []


def _items(lines: list[str]) -> list[str]:
    """Return the items of a list of columns or metrics; none if some lines are something else."""
    items: list[str] = []
    for line in lines:
        begins = re.match(r"  (?! )(?!daganalysis )(\S{24,}|\S.*?(?=  )) +(\S.*)", line)
        if begins is not None and "   " not in begins[2]:
            items += [".TP", f"\\fB{begins[1]}\\fR", begins[2]]
        elif items and line.startswith(" " * 20):
            items[-1] += f" {line.strip()}"
        else:
            return []
    return items


@contextlib.contextmanager
def _columns(width: int) -> Iterator[None]:
    """Let argparse wrap usages as in a terminal of some width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before


class _Command(NamedTuple):
    summary: str
    parser: argparse.ArgumentParser


def _commands_of(parser: argparse.ArgumentParser) -> list[_Command]:
    """Return every command with its line in the list of commands."""
    (action,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return [_Command(shown.help or "", action.choices[shown.dest]) for shown in action._choices_actions]


def _completion(shell: str) -> str:
    parser = build_parser()
    for command in _commands_of(parser):
        command.parser.description = command.summary  # beside a command the shell shows the first line of it
    for action in _actions(parser):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _picture(table: Table) -> str:
    """Describe a picture: how it looks, what it shows, how to draw it, and its frame."""
    maker, drawing = (getattr(plots, name) for name in (table.name, plots.PICTURES[table.name]))
    heading = f"## {drawing.__name__}\n"
    signatures = "\n".join(f"plots.{function.__name__}{_signature(function)}" for function in (maker, drawing))
    said = "\n\n".join(_paragraphs(function) for function in (maker, drawing))
    code = textwrap.dedent(_EXAMPLES[table.name]).strip()
    image = f"![What `{drawing.__name__}` draws of the example below](pictures/{table.name}.svg)"
    frame = f"The frame, `{table.name}`: " + _table(table, "").partition("\n\n")[2].lstrip()
    return "\n\n".join([f"{heading}\n{image}", f"```python\n{code}\n```", f"```text\n{signatures}\n```", said, frame])


def _signature(function: object) -> str:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type] # a function, by its name
    return f"({', '.join(str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in parameters)})"


def _paragraphs(function: object) -> str:
    """Return the docstring of a function as Markdown: its sections under bold words, its example as code, its cross-references as code."""
    text = re.sub(r":\w+:`(?:~?daganalysis\.)?([^`]+)`", r"`\1`", inspect.getdoc(function) or "").replace("``", "`")
    said, *sections = re.split(r"^(Args|Returns|Raises|Example):\n", text, flags=re.MULTILINE)
    said, _, example = said.partition(">>>")
    parts = [said.strip()]
    for heading, body in zip(sections[::2], sections[1::2], strict=True):
        block = textwrap.dedent(body).strip()
        if heading == "Example":
            example = block.removeprefix(">>>")
        elif heading == "Returns":
            parts.append(f"**Returns**: {block}")
        else:
            items = re.sub(r"^(\w+):", r"* `\1`:", block, flags=re.MULTILINE)
            parts.append(f"**{'Arguments' if heading == 'Args' else heading}**\n\n{items}")
    if example:
        parts.append(f"```pycon\n>>>{example.rstrip()}\n```")
    return "\n\n".join(parts)


def draw_pictures(folder: Path, step: int = 1) -> list[Path]:
    """Draw every picture of the pages, or every ``step``-th, and that of the README, into a folder; return the files."""
    import daganalysis as da
    from daganalysis.commands import main

    folder.mkdir(exist_ok=True)
    files = []
    with contextlib.chdir(HERE.parent):
        for name, code in list(_EXAMPLES.items())[::step]:
            drawn: dict[str, object] = {"da": da, "plots": plots}
            exec(textwrap.dedent(code), drawn)
            files.append(folder / f"{name}.svg")
            plots.save_figure(drawn["ax"].figure, files[-1])  # type: ignore[attr-defined] # every example ends with its Axes
        files.append(folder / "scale-out.svg")
        main(["gantt", "sample_data/documented", "11", "-o", str(files[-1])])
    return files


def _issue_codes() -> str:
    lines = ["| code | severity | what it is | what to do |", "|---|---|---|---|"]
    lines += [f"| `{entry.code}` | {entry.severity} | {entry.meaning} | {entry.every_hint} |" for entry in ISSUE_CODES.values()]
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
        (HERE / file).parent.mkdir(exist_ok=True)
        (HERE / file).write_text(text, encoding="utf-8")
    draw_pictures(HERE / "pictures")[-1].replace(HERE / "scale-out.svg")
