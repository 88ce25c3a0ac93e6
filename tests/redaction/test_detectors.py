"""Each detector finds its example and leaves its counter-example; the table of detectors is the test."""

from __future__ import annotations

import pytest

from daganalysis.redaction.detectors import DETECTORS, findings
from daganalysis.redaction.pseudonyms import Originals, Pseudonyms
from daganalysis.redaction.walker import Walker
from tests.profiles import LONG

ROWS = pytest.mark.parametrize("row", DETECTORS, ids=lambda row: row.name)


def redacted(text: str) -> str:
    """A text, redacted by itself."""
    originals = Originals()
    Walker(originals).text(text)
    pseudonyms = Pseudonyms(originals)
    walker = Walker(pseudonyms, pseudonyms.known)
    return walker.words(walker.text(text))


@ROWS
def test_what_the_example_marks_goes(row):
    assert [original for original in row.originals() if original in redacted(row.example_text())] == []


@ROWS
def test_the_example_is_found_by_its_own_detector(row):
    assert row.name in {found.name for found, _ in findings(row.example_text())}


@ROWS
def test_the_counter_example_stays(row):
    assert redacted(row.counter_example) == row.counter_example


@pytest.mark.parametrize("text", ["version 4.2.5.0 of", "obshell 4.2.6.1-100000", "upgrade from 4.2.1.0 to 4.2.5.0"])
def test_what_is_surely_a_version_stays(text):
    assert redacted(text) == text


def test_thousands_of_names_are_found_by_one_walk():
    text = "\n".join(f"host=obs-{n}.acme user=person{n}x seen obs-{n}.acme" for n in range(3000 if LONG else 500))
    assert "acme" not in redacted(text)
