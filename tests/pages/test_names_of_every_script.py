"""Names in Chinese, from right to left, and of 300 letters: whole where programs read, and within their place where people do."""

from __future__ import annotations

import csv
import functools
import io

import pytest
from wcwidth import wcswidth as cell_len

import daganalysis as da
from daganalysis.formats import formatted
from daganalysis.formats.terminal import terminal_table
from daganalysis.pages.report_page import content
from daganalysis.pages.report_page.report_html import report_html
from daganalysis.pages.report_page.report_markdown import report_markdown
from daganalysis.plots import draw_gantt
from daganalysis.post_mortem import post_mortem_text
from daganalysis.tables import DAGS
from daganalysis.tables.results import RESULT_TABLES
from tests.pages.fleets import fleet, run
from tests.plots.artists import cut_off
from tests.profiles import some

NAMES = {
    "chinese": "创建租户 报表与分析系统",
    "arabic": "إنشاء مستأجر التقارير",
    "long": "Create tenant " + "abcdefghij " * 26,
    "unbroken": "x" * 300,
}
WIDTHS = (60, 80, 120)


@functools.cache
def archive_with(name):
    failed = run(1, name=name, workflow=name, outcome="failed", error=f"ERROR: [Disk.Full]: {name}")
    return fleet(failed, run(2, name=name, workflow=name))


@functools.cache
def collected_with(name):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(content, "MOST_SLOWEST", 0)
        return content.collect(archive_with(name))


@pytest.fixture(params=NAMES, scope="module")
def named(request):
    """An archive of two runs of a name, one of which failed, and the name."""
    name = NAMES[request.param].strip()
    return archive_with(name), name


@pytest.fixture
def collected(named):
    """What a report of the archive tells, with a section of its own for the run that failed alone."""
    return collected_with(named[1])


def test_tables_of_a_terminal_keep_to_its_width(named):
    archive, _ = named
    for table, frame in ((DAGS, archive.dags), (RESULT_TABLES["runs"], da.runs(archive)), (RESULT_TABLES["summary"], da.summary(archive))):
        for width in WIDTHS:
            assert max(map(cell_len, terminal_table(frame, table, width).splitlines())) <= width


def test_a_post_mortem_keeps_to_eighty_columns_except_for_commands_to_paste(named):
    archive, _ = named
    lines = post_mortem_text(archive, "c1/11", named="store").splitlines()
    assert max(cell_len(line) for line in lines if not line.startswith("  daganalysis ")) <= 80


def test_csv_and_markdown_have_the_name_whole(named, collected):
    archive, name = named
    rows = list(csv.DictReader(io.StringIO("".join(formatted(archive.dags, DAGS, "csv")))))
    assert [row["name"] for row in rows] == [name, name]
    assert name in "".join(formatted(archive.dags, DAGS, "markdown"))
    assert name in report_markdown(collected)


def test_a_notebook_s_card_and_chart_have_it(named):
    archive, name = named
    assert name in archive.run("c1/11")._repr_html_()
    assert name in da.gantt(archive, "c1/11")._repr_html_()


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")  # of a machine without a font for Chinese
def test_a_picture_of_it_stays_on_its_paper(named):
    archive, _ = named
    assert cut_off(draw_gantt(da.gantt_bars(archive, run_id="c1/11"))) == []


@pytest.mark.parametrize("named", some(list(NAMES), gate=["arabic", "unbroken"]), indirect=True)
@pytest.mark.parametrize("width", some([390, 1400], gate=[390]))
def test_a_report_and_a_chart_show_it_without_widening_the_screen(open_page, named, collected, width):
    archive, name = named
    report = open_page(report_html(archive, collected, ""), width=width)
    chart = open_page(da.gantt(archive, "c1/11").html, width=width)
    assert name in report.text(".worst")
    assert name in chart.text("h1")
    for opened in (report, chart):
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
