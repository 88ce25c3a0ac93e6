"""From the result of a gate to the output and the exit status of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.printing import notice, print_pieces
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.analysis import Gate

_MOST_SAID = 10
"""Lines of one kind; the table has them all."""
_MOST_NAMED = 5


def add_gate_reports(parser: argparse.ArgumentParser) -> None:
    """Add the options that write what became of a gate for continuous integration."""
    group = parser.add_argument_group("for continuous integration")
    group.add_argument("--junit", metavar="FILE", help="write the gate as JUnit XML: one test case per entry, skipped where undecided")
    group.add_argument("--job-summary", metavar="FILE", help="write the gate as Markdown, for the summary of a CI job")


def write_gate_reports(gate: Gate, name: str, arguments: argparse.Namespace) -> None:
    """Write the files that the options name."""
    from daganalysis.exports.junit import gate_markdown, junit_xml

    if arguments.junit:
        print_pieces([junit_xml(gate, name)], arguments.junit)
    if arguments.job_summary:
        print_pieces([gate_markdown(gate, name)], arguments.job_summary)


def gate_status(gate: Gate) -> ExitStatus:
    """Print what tripped a gate, or what left it undecided, and return the exit status."""
    _say("gate tripped by", gate.tripped)
    _say("gate undecided on", gate.undecided)
    if gate.held:
        notice(f"within the gate: {plural(len(gate.held), 'row')}")
    if gate.not_compared:
        more = len(gate.not_compared) - _MOST_NAMED
        notice("not compared: " + "; ".join(gate.not_compared[:_MOST_NAMED]) + (f"; and {more} more" if more > 0 else ""))
    if gate.tripped:
        return ExitStatus.GATE_TRIPPED
    return ExitStatus.UNDECIDED if gate.undecided else ExitStatus.DONE


def _say(what: str, lines: list[str]) -> None:
    for words in lines[:_MOST_SAID]:
        notice(f"{what} {words}")
    if len(lines) > _MOST_SAID:
        notice(f"{what} {len(lines) - _MOST_SAID} more")
