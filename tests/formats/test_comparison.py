"""The rows of a comparison as a person reads them on a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from daganalysis.formats.comparison import comparison_table
from daganalysis.tables.results import COMPARE
from daganalysis.text.widths import cell_width
from tests.rows import frame_of

SLOWER = {"workflow": "Create tenant", "name": None, "n_agents": 3, "n_base": 12, "n_candidate": 9, "verdict": "slower"}
SLOWER |= {"base_s": 20.0, "candidate_s": 30.0, "ratio": 1.5, "ci_low": 1.4, "ci_high": 1.6}
UNDECIDED = SLOWER | {"n_agents": 5, "verdict": "insufficient", "reason": "3 against 3 runs can show nothing"}


def lines(*rows: dict[str, Any], width: int = 80) -> list[str]:
    return comparison_table(frame_of(COMPARE, *rows), width).splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("name", ["Import script for tenant", "导入租户脚本" * 20, "نص طويل " * 40])
def test_the_ratio_its_interval_and_the_numbers_of_runs_are_shown_at_every_width(width: int, name: str) -> None:
    shown = lines(SLOWER, SLOWER | {"name": name}, width=width)
    assert shown[3].split() == [
        *["whole", "run", "12", ":", "9"],
        *([] if width == 60 else ["20.0", "s", "30.0", "s"]),
        *["1.50", "1.40", "to", "1.60", "slower"],
    ]
    assert max(map(cell_width, shown)) <= width


def test_the_numbers_of_agents_of_a_workflow_stand_apart() -> None:
    shown = lines(SLOWER, UNDECIDED)
    assert [line for line in shown if line.startswith("Create tenant on")] == ["Create tenant on 3 agents", "Create tenant on 5 agents"]


def test_a_reason_stands_once_below_the_first_row_it_holds_for() -> None:
    shown = lines(UNDECIDED, UNDECIDED | {"name": "Start"}, UNDECIDED | {"name": "Stop"})
    assert [number for number, line in enumerate(shown) if "can show nothing" in line] == [4]


def test_the_stages_of_a_workflow_that_one_side_lacks_are_counted() -> None:
    alone = {"workflow": "Drop tenant", "n_agents": 1, "n_base": 0, "n_candidate": 2, "verdict": "only_candidate"}
    shown = lines(*(alone | {"name": name} for name in (None, "Drop", "Wait")))
    assert shown[3].startswith("  whole run")
    assert shown[4] == "  and its 2 stages"


def test_ratios_that_no_row_has_give_way_to_the_times() -> None:
    unknown = UNDECIDED | {"ratio": None, "ci_low": None, "ci_high": None}
    assert lines(unknown)[0].split() == ["stage", "runs", "before", "after", "verdict"]
    assert "ratio" in lines(unknown, SLOWER)[0].split()


def test_a_comparison_ends_with_one_sentence() -> None:
    assert " ".join(lines(SLOWER)[-2:]) == ("Create tenant on 3 agents got slower: ×1.50 (95 % interval 1.40 to 1.60, 12 against 9 runs).")
    assert lines() == ["no rows"]
