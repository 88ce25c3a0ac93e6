"""The interactive chart as the value of a notebook's cell."""

from __future__ import annotations

import pytest

import daganalysis as da
from daganalysis.errors import UsageError
from tests.pages.fleets import fleet, run


@pytest.fixture(scope="module")
def chart():
    return da.gantt(fleet(run(1, outcome="failed", error="ERROR: [Disk.Full]: no space left")))


def test_a_cell_shows_the_chart_in_a_frame_that_draws_and_tells_its_bars(open_page, chart):
    opened = open_page(f"<!doctype html><title>A notebook</title><div>{chart._repr_html_()}</div>")
    frame = opened.page.frames[1]
    frame.wait_for_selector("#canvas")
    assert frame.inner_text("h1") == "Create tenant t1, run c1/11"
    assert "Showing all 2 bars" in frame.inner_text("#status")
    assert "no space left" in frame.inner_text("#facts")
    drawn = frame.evaluate("[...document.querySelector('#canvas').getContext('2d').getImageData(0, 0, 600, 200).data].some((v) => v > 0)")
    assert drawn
    assert (opened.complaints, [address.split(":")[0] for address in opened.requests if not address.startswith("about:")]) == ([], ["file"])


def test_the_frame_cannot_reach_the_notebook_and_its_name_is_only_text(chart):
    hostile = da.gantt(fleet(run(1, name='"><script>parent.ran = 1</script>')))
    assert 'sandbox="allow-scripts"' in chart._repr_html_()
    assert "<script" not in hostile._repr_html_()


def test_a_chart_is_saved_as_the_page_it_shows(chart, tmp_path):
    chart.save(tmp_path / "run.html")
    assert (tmp_path / "run.html").read_text(encoding="utf-8") == chart.html


def test_of_several_runs_one_has_to_be_named():
    with pytest.raises(UsageError, match="holds 2 runs"):
        da.gantt(fleet(run(1), run(2)))
