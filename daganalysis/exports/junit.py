"""A gate as JUnit XML and as Markdown: what continuous integration shows of a test."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from daganalysis.text.escaping import for_markdown, for_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.analysis import Gate

_VERDICTS = {"tripped": "failure", "undecided": "skipped", "not_compared": "skipped"}
"""The element that a test case holds for each part of a gate; what held has none."""
_MOST_LISTED = 20
"""Entries of one kind in a summary; the XML has all of them."""


def junit_xml(gate: Gate, name: str) -> str:
    """Return a gate as one JUnit test suite: one case per entry, failed if it tripped, skipped if it could not be decided.

    >>> from daganalysis.analysis import Gate
    >>> print(junit_xml(Gate(tripped=["n_failed > 0: 2"]), "check"))
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites><testsuite name="daganalysis check" tests="1" failures="1" errors="0" skipped="0">...</testsuite></testsuites>
    """
    cases = list(_cases(gate))
    counts = {kind: sum(_VERDICTS.get(part) == kind for part, _ in cases) for kind in ("failure", "skipped")}
    suite = ET.Element(
        "testsuite",
        {
            "name": f"daganalysis {name}",
            "tests": str(len(cases)),
            "failures": str(counts["failure"]),
            "errors": "0",
            "skipped": str(counts["skipped"]),
        },
    )
    for part, words in cases:
        case = ET.SubElement(suite, "testcase", {"classname": f"daganalysis.{name}", "name": for_terminal(words)})
        if part in _VERDICTS:
            ET.SubElement(case, _VERDICTS[part], {"message": f"{part.replace('_', ' ')}: {for_terminal(words)}"})
    suites = ET.Element("testsuites")
    suites.append(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def gate_markdown(gate: Gate, name: str) -> str:
    """Return a gate as a few lines of Markdown, for a job's summary or a ticket."""
    lines = [f"### daganalysis {name}: {_verdict(gate)}", ""]
    for part, heading in (("tripped", "Tripped by"), ("undecided", "Undecided"), ("not_compared", "Not compared")):
        entries = getattr(gate, part)
        lines += [f"* {heading}: {for_markdown(words)}" for words in entries[:_MOST_LISTED]]
        if len(entries) > _MOST_LISTED:
            lines.append(f"* {heading}: {len(entries) - _MOST_LISTED} more")
    lines.append(f"* Held: {len(gate.held)}")
    return "\n".join(lines) + "\n"


def _cases(gate: Gate) -> Iterable[tuple[str, str]]:
    return ((part, words) for part in ("tripped", "undecided", "held", "not_compared") for words in getattr(gate, part))


def _verdict(gate: Gate) -> str:
    if gate.tripped:
        return "failed"
    return "undecided" if gate.undecided else "passed"
