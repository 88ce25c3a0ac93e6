"""The scripts of the pages: a linter finds nothing, and what they compute is right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import daganalysis.pages
from daganalysis.pages.gantt_page.gantt_html import SCRIPTS as GANTT_SCRIPTS
from daganalysis.pages.report_page.report_html import SCRIPTS as REPORT_SCRIPTS
from tests.profiles import do_without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
PAGES = Path(daganalysis.pages.__file__).parent
WITHOUT_A_PAGE = ("templates/text.js", "gantt_page/gantt_scale.js", "gantt_page/gantt_data.js")
"""Scripts that compute and touch no element when they are read."""
NIGHT = {"from": 10, "to": 1010, "width": 0.8}
"""A wait of 1,000 seconds in a run of 1,020, and how much of the axis its cut takes."""


def joined(names: tuple[str, ...]) -> str:
    return "\n".join((PAGES / name).read_text(encoding="utf-8") for name in names)


@pytest.mark.parametrize("scripts", [GANTT_SCRIPTS, REPORT_SCRIPTS], ids=["gantt", "report"])
def test_the_linter_finds_nothing_in_the_scripts_of_a_page(scripts: tuple[str, ...], tmp_path: Path) -> None:
    page = tmp_path / "page.js"
    page.write_text(joined(scripts), encoding="utf-8")
    linter = Path(sys.executable).parent / "oxlint"
    if not linter.exists():
        do_without("oxlint is not installed")
    done = subprocess.run([linter, "-c", ROOT / ".oxlintrc.json", "-f", "unix", page], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.replace(str(page), "joined scripts").strip()) == (0, "")


def test_every_script_is_on_a_page() -> None:
    assert {path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.js")} == {*GANTT_SCRIPTS, *REPORT_SCRIPTS}


@pytest.fixture(scope="module")
def run_script(browser: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that gives the value of an expression, in which ``given`` is its argument."""
    page = browser.new_page()
    page.add_script_tag(content=joined(WITHOUT_A_PAGE))
    yield lambda expression, given=None: page.evaluate(f"(given) => {expression}", given)
    page.close()


def test_a_cut_takes_the_width_that_it_was_given_and_the_way_back_is_exact(run_script: Callable[..., Any]) -> None:
    scale = "new TimeScale(1020, [given], true)"
    assert run_script(f"[{scale}.length, {scale}.shown(10), {scale}.shown(1010)]", NIGHT) == pytest.approx([20.8, 10, 10.8])
    times = [0, 5, 10, 500, 1010, 1015, 1020]
    back = run_script(f"[0, 5, 10, 500, 1010, 1015, 1020].map((time) => {scale}.time({scale}.shown(time)))", NIGHT)
    assert back == pytest.approx(times)


def test_without_cuts_a_second_is_a_second(run_script: Callable[..., Any]) -> None:
    assert run_script("[0, 7, 1020].map((time) => new TimeScale(1020, [given], false).shown(time))", NIGHT) == pytest.approx([0, 7, 1020])


def test_ticks_are_round_times_of_the_day_outside_cuts(run_script: Callable[..., Any]) -> None:
    found = run_script("new TimeScale(100, [], false).ticks(0, 100, 5, 7)")
    assert found["step"] == 30
    assert [tick["time"] for tick in found["ticks"]] == [23, 53, 83]
    ticks = run_script("new TimeScale(1020, [given], true).ticks(0, 20.8, 10, 0).ticks.map((tick) => tick.time)", NIGHT)
    assert ticks
    assert not [time for time in ticks if 10 < time < 1010]


def test_a_view_stays_on_the_chart_however_far_one_pans_or_zooms(run_script: Callable[..., Any]) -> None:
    deeds = ("pan(50)", "pan(-50)", "zoom(1e12)", "zoom(1e-12)", "show(5, 5)", "reveal(-10, 400)")
    for deed in deeds:
        left, right = run_script(
            f"(() => {{ const view = new View(new TimeScale(100, [], false)); view.{deed}; return [view.left, view.right]; }})()"
        )
        assert -2.001 <= left < right <= 102.001, deed


def test_zooming_keeps_the_place_that_is_zoomed_at(run_script: Callable[..., Any]) -> None:
    zoomed = "view.show(20, 60); view.zoom(2, 30); return [view.left, view.right];"
    assert run_script(f"(() => {{ const view = new View(new TimeScale(100, [], false)); {zoomed} }})()") == [25, 45]


def bars(*outcomes: str) -> list[dict[str, Any]]:
    return [
        {"outcome": outcome, "agent": f"agent {n}", "stageNamed": str(n), "task": {"searched": f"task {n}\n{outcome}"}}
        for n, outcome in enumerate(outcomes)
    ]


def test_filters_let_everything_through_at_first_and_then_what_is_on_and_found(run_script: Callable[..., Any]) -> None:
    let = "given.filter((bar) => filters.lets(bar)).map((bar) => bar.outcome)"
    given = bars("succeeded", "failed", "failed")
    assert run_script(f"(() => {{ const filters = new Filters(given); return [filters.idle(), {let}]; }})()", given) == [
        True,
        ["succeeded", "failed", "failed"],
    ]
    chosen = (
        f"(() => {{ const filters = new Filters(given); filters.sets.outcome.on.delete('succeeded'); return [filters.idle(), {let}]; }})()"
    )
    assert run_script(chosen, given) == [False, ["failed", "failed"]]
    searched = f"(() => {{ const filters = new Filters(given); filters.text = 'task 1'; return {let}; }})()"
    assert run_script(searched, given) == ["failed"]


def test_filter_values_are_in_the_order_of_their_numbers(run_script: Callable[..., Any]) -> None:
    given = [bar | {"stageNamed": name} for bar, name in zip(bars("a", "b", "c"), ["10 Start", "9 Stop", "no stage"], strict=True)]
    assert run_script("new Filters(given).sets.stageNamed.values", given) == ["9 Stop", "10 Start", "no stage"]


def test_counts_have_their_plural_and_separators(run_script: Callable[..., Any]) -> None:
    assert run_script("[counted(1, 'bar'), counted(0, 'bar'), counted(12345, 'entry', 'entries')]") == ["1 bar", "0 bars", "12,345 entries"]


def test_an_element_takes_strings_as_text_alone(run_script: Callable[..., Any]) -> None:
    assert run_script("element('p', {title: null, hidden: false}, '<b>x</b>').outerHTML") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


def test_a_table_sorts_numbers_by_value_and_leaves_what_is_missing_at_the_end(browser: Any) -> None:
    page = browser.new_page()
    cells = "".join(
        f'<tr><td class="number" data-v="{value}">x</td></tr>' if value else "<tr><td>-</td></tr>" for value in (3, None, 20, 1)
    )
    page.set_content(f"<table class=lively><thead><tr><th class=number>N</th></tr></thead><tbody>{cells}</tbody></table>")
    page.add_script_tag(content=joined(REPORT_SCRIPTS))
    values = "[...document.querySelectorAll('tbody td')].map((cell) => cell.dataset.v || cell.textContent)"
    page.click("th button")
    assert page.evaluate(values) == ["20", "3", "1", "-"]
    page.click("th button")
    assert page.evaluate(values) == ["1", "3", "20", "-"]
    page.close()
