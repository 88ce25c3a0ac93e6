"""Every rule that names its source names a section that the repository has."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECTIONS = set(re.findall(r"^#{2,3} §([\d.]+) ", (ROOT / "docs/engine-semantics.md").read_text(encoding="utf-8"), re.MULTILINE))
REFERENCE = re.compile(r"engine-semantics ((?:§[\d.]+\d|§\d)(?: [A-C](?: \d)?)?(?:(?:, | and )§[\d.]*\d)*)")


def references() -> dict[str, set[str]]:
    found = {}
    for path in sorted((ROOT / "daganalysis").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found[path.relative_to(ROOT).as_posix()] = {
            section for reference in REFERENCE.findall(text) for section in re.findall(r"§([\d.]*\d)", reference)
        }
    return {name: sections for name, sections in found.items() if sections}


def test_every_section_that_is_named_is_there() -> None:
    named = references()
    assert len(named) > 10
    assert {name: missing for name, sections in named.items() if (missing := sections - SECTIONS)} == {}


def test_every_rule_of_an_outcome_has_a_section() -> None:
    from daganalysis.engine.outcomes import RULES

    sources = {rule.source for rules in RULES.values() for rule in rules}
    assert sources
    assert {source for source in sources if not set(re.findall(r"§([\d.]*\d)", source)) & SECTIONS} == set()
