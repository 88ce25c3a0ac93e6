"""A duration is written alike in Python and in the script of a page."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import daganalysis.pages
from daganalysis.text.humanize import human_duration

SCRIPT = (Path(daganalysis.pages.__file__).parent / "templates" / "text.js").read_text(encoding="utf-8")

LIMITS = (0.0009995, 0.9995, 9.995, 59.95, 3600, 86400)
"""Where the unit changes."""


def durations() -> list[float]:
    """Give 6,000 durations: those halfway between two texts, those around a change of unit, and some of every size."""
    halves = [n / 8 for n in range(480)] + [30.0 * n for n in range(2, 1_000)] + [1_800.0 * n for n in range(48, 400)]
    edges = [edge + step for edge, step in itertools.product(LIMITS, (-1, -1e-3, -1e-9, 0, 1e-9, 1e-3))]
    seeded = random.Random(6000)
    return (halves + edges + [10 ** seeded.uniform(-7, 6) for _ in range(6_000)])[:6_000]


def test_python_and_javascript_write_durations_alike(browser):
    page = browser.new_page()
    page.add_script_tag(content=SCRIPT)
    written = page.evaluate("values => values.map(humanDuration)", durations())
    page.close()
    assert [(s, text) for s, text in zip(durations(), written, strict=True) if human_duration(s) != text] == []
