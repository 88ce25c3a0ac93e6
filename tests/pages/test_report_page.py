from __future__ import annotations

import json

import pytest

from daganalysis.analysis import time_budget
from daganalysis.analysis.ranking import rank_runs
from daganalysis.archive import Archive
from daganalysis.engine.vocabulary import RUN_OUTCOMES
from daganalysis.errors import DagAnalysisError, UsageError
from daganalysis.history.rebuild import rebuild
from daganalysis.pages import write_report
from daganalysis.pages.report_page import content, report_tables
from daganalysis.pages.report_page.content import collect
from daganalysis.pages.report_page.report_html import report_html
from daganalysis.pages.report_page.totals import overview_of, time_spent_on
from tests.history.responses import dag, node, sub_task
from tests.pages.fleets import fleet, run, week
from tests.profiles import made_once, some
from tests.rows import at


def page_of(archive):
    return report_html(archive, collect(archive), "")


@pytest.fixture(autouse=True, scope="module")
def few_sections():
    """Give the worst run alone a section of its own: the chart of a section takes most of the time of a report."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(content, "MOST_ON_TOP", 1)
        patched.setattr(content, "MOST_WORST", 0)
        patched.setattr(content, "MOST_SLOWEST", 0)
        yield


def write_week(folder):
    """Write the report of a week's fleet, in which the two runs in trouble and the slowest other have sections of their own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(content, "MOST_ON_TOP", 3)
        patched.setattr(content, "MOST_WORST", 3)
        patched.setattr(content, "MOST_SLOWEST", 1)
        return write_report(week(), folder)


@pytest.fixture(scope="module")
def week_folder(tmp_path_factory, few_sections):
    """The report of a week's fleet, written once."""
    return made_once(tmp_path_factory, "week", write_week)


@pytest.fixture(scope="module")
def week_page(week_folder):
    return (week_folder / "report.html").read_text(encoding="utf-8")


def test_a_report_opens_from_a_file_without_a_word_or_a_request(open_page, week_page):
    opened = open_page(week_page)
    assert opened.text("h1") == "Report of 10 runs of 1 workflow"
    assert opened.complaints == []
    assert len(opened.requests) == 1


def test_the_first_screen_names_the_worst_run_its_stage_its_agent_and_why(open_page, week_page):
    opened = open_page(week_page, height=500)
    told = opened.text(".worst")
    assert "What went worst" in told
    for fact in ("Create tenant t1", "c1/11", "Copy files", "10.0.0.3:2886", "ERROR: [Disk.Full]: no space left"):
        assert fact in told
    assert "2 of 10 main runs had trouble" in told
    assert opened.page.evaluate("document.querySelector('.worst').getBoundingClientRect().bottom") <= 500


def test_a_link_leads_from_the_worst_run_to_its_own_section(open_page, week_page):
    opened = open_page(week_page)
    opened.page.click(".worst-runs a")
    assert opened.page.evaluate("document.querySelector(':target h3').textContent") == "Create tenant t1: failed"


def column(opened, table, number):
    return opened.page.evaluate(
        f"[...document.querySelectorAll('#table-{table} tbody tr')].filter(row => !row.hidden).map(row => row.cells[{number}].textContent)"
    )


def test_a_click_on_a_heading_sorts_by_value_and_says_so(open_page, week_page):
    opened = open_page(week_page)
    opened.page.click("#table-runs th button:text-is('elapsed')")
    assert column(opened, "runs", 3)[:3] == ["1 min 40 s", "1 min 39 s", "20.0 s"]
    opened.page.click("#table-runs th button:text-is('elapsed')")
    assert column(opened, "runs", 3)[:2] == ["13.0 s", "14.0 s"]
    assert opened.page.get_attribute("#table-runs th:has(button:text-is('elapsed'))", "aria-sort") == "ascending"


def test_a_filter_keeps_the_rows_with_every_word(open_page, week_page):
    opened = open_page(week_page)
    opened.page.fill("input[aria-label='Filter rows of All runs']", "tenant CANCELLED")
    assert column(opened, "runs", 0) == ["c1/12"]
    assert opened.text(".tools:has(input[aria-label='Filter rows of All runs'])") == "1 of 10 rows"


def test_the_keyboard_sorts_a_table(open_page, week_page):
    opened = open_page(week_page)
    opened.page.focus("#table-runs th button:text-is('run')")
    opened.page.keyboard.press("Enter")
    assert column(opened, "runs", 0)[:3] == ["c1/11", "c1/12", "c1/13"]


def test_without_scripts_the_tables_are_complete(browser, tmp_path, week_page):
    path = tmp_path / "report.html"
    path.write_text(week_page, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("#table-runs tbody tr").count() == 10
    context.close()


@pytest.mark.parametrize(("width", "scheme"), some([(1280, "light"), (1280, "dark"), (390, "light")], gate=[(1280, "light")], several=True))
def test_the_accessibility_engine_finds_nothing_grave(open_page, week_page, width, scheme):
    opened = open_page(week_page, width=width, scheme=scheme)
    opened.page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert opened.grave_findings() == []


def test_a_small_screen_scrolls_tables_and_never_the_page(open_page, week_page):
    opened = open_page(week_page, width=390, height=844)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


HOSTILE = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\u202e"


def test_hostile_names_and_lines_are_only_text(open_page):
    bad = run(1, outcome="failed", error=f"ERROR: {HOSTILE}", name=HOSTILE, workflow=HOSTILE, agent=HOSTILE, run_id=f"c/{HOSTILE}")
    issue = {"severity": "error", "code": "x", "source": HOSTILE, "position": HOSTILE, "message": HOSTILE, "hint": HOSTILE}
    opened = open_page(page_of(fleet(bad, issues=[issue])))
    assert opened.page.evaluate("window.ran") is None
    assert "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\\u202e" in opened.text(".worst")
    assert opened.complaints == []
    assert len(opened.requests) == 1


@pytest.mark.parametrize(("n", "told"), [(0, "Report of 0 runs"), (1, "Report of 1 run of 1 workflow")])
def test_a_report_is_written_of_none_and_of_one(open_page, n, told):
    opened = open_page(page_of(fleet(*(run(number + 1) for number in range(n)))))
    assert opened.text("h1").startswith(told)
    assert opened.complaints == []


def test_where_all_went_well_the_longest_run_is_named(open_page):
    opened = open_page(page_of(fleet(run(1), run(2, seconds=50))))
    assert opened.text("#worst-heading") == "No run had trouble. The longest: Create tenant t2"


def test_every_number_of_the_page_is_in_the_json(week_folder):
    plain = json.loads((week_folder / "report.json").read_text())
    runs = {row["run_id"]: row for row in plain["tables"]["runs"]["rows"]}
    assert plain["overview"]["n_in_trouble"] == 2
    assert plain["worst_run"]["culprit"]["line"] == "ERROR: [Disk.Full]: no space left"
    assert runs["c1/12"]["elapsed_s"] == 99.0
    assert plain["tables"]["runs"]["columns"]["elapsed_s"].startswith("time from started_at to ended_at")


def test_the_same_archive_gives_the_same_bytes(week_folder, tmp_path):
    assert write_week(tmp_path) == tmp_path / "report.html"
    for name in ("report.html", "report.json"):
        assert (tmp_path / name).read_bytes() == (week_folder / name).read_bytes()


def test_a_ticket_gets_markdown_with_the_worst_run_first(tmp_path):
    text = write_report(week(), tmp_path, format="markdown").read_text()
    assert text.splitlines()[4] == "**Went worst: Create tenant t1, run c1/11: failed, at stage 2, Copy files, on 10.0.0.3:2886.**"
    assert "\\[Disk.Full\\]: no space left" in text


def test_pictures_show_what_there_is_and_their_numbers_are_in_the_json(open_page, week_folder, week_page):
    opened = open_page(week_page)
    drawn = [svg.get_attribute("aria-labelledby") for svg in opened.page.query_selector_all("main > section:not(:has(article)) svg.chart")]
    assert drawn == ["budget-bars-title", "stage-run-cells-title"]
    pictures = json.loads((week_folder / "report.json").read_text())["pictures"]
    assert list(pictures) == ["budget_bars", "stage_run_cells"]
    assert {row["name"] for row in pictures["stage_run_cells"]} == {"Prepare", "Copy files"}


@pytest.fixture(scope="module")
def page_of_many(few_sections):
    """The page of 15 runs, each failed on an agent and for a reason of its own, of which the table of runs takes 10."""
    runs = [run(n, agent=f"10.0.0.{n}:2886", error=f"ERROR: [Code.N{n}]: x", outcome="failed") for n in range(1, 16)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(report_tables, "MOST_RUNS", 10)
        return page_of(fleet(*runs))


def test_what_is_left_out_of_a_large_archive_is_said(open_page, page_of_many):
    opened = open_page(page_of_many)
    assert "The first 10 of 15, the worst first, child DAGs last. All of them: daganalysis table ARCHIVE dags" in opened.text("main")
    assert len(column(opened, "runs", 0)) == 10


def test_runs_have_sections_of_their_own_the_worst_and_the_slowest(open_page, week_page):
    opened = open_page(week_page)
    headings = [heading.inner_text().split(":")[0] for heading in opened.page.query_selector_all("main article h3")]
    assert headings == ["Create tenant t1", "Create tenant t2", "Create tenant t10"]


def test_another_format_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such format"):
        write_report(fleet(), tmp_path, format="pdf")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "report").write_text("a file in its way")
    with pytest.raises(DagAnalysisError, match="cannot be written"):
        write_report(fleet(), tmp_path / "report")


def test_progress_is_told_from_the_first_run_to_the_last(tmp_path, monkeypatch):
    monkeypatch.setattr(content, "MOST_SLOWEST", 2)
    told = []
    write_report(fleet(run(1), run(2)), tmp_path, progress=lambda *step: told.append(step))
    assert told == [("collecting", 1, 2), ("collecting", 2, 2), ("drawing", 1, 2), ("drawing", 2, 2)]


def totals(archive):
    ranked, budget = rank_runs(archive), time_budget(archive)
    return overview_of(archive, ranked, budget), time_spent_on(ranked, budget)


def test_agents_of_two_clusters_with_one_address_are_two():
    overview, _ = totals(fleet(run(1), run(2, run_id="c2/12", cluster="c2")))
    assert overview["n_agents"] == 2


def test_the_time_of_a_child_dag_counts_within_its_main_dag_alone():
    overview, time_spent = totals(fleet(run(1, seconds=50), run(2, seconds=40, parent_run_id="c1/11")))
    assert overview["elapsed_total_s"] == 50.0
    assert [(row["is_child"], row["elapsed_s"]) for row in time_spent] == [(False, 50.0), (True, 40.0)]


def test_ids_that_several_dags_have_are_doubted_aloud(open_page, week_page):
    once, again = (dag(node(sub_task()), end=3.0 + number) for number in range(2))
    mixed = Archive.from_tables(rebuild([once, again]))
    assert "More than one DAG has the same id (1 id)" in open_page(page_of(mixed)).text("main")
    assert "More than one DAG" not in open_page(week_page).text("main")


def two_agents():
    """An archive of one run in whose stage the second agent took longer."""
    rows = run(1)
    slow = {"task_gid": "1199", "agent": "10.0.0.2:2886", "ended_at": at(1010), "duration_s": 10.0}
    rows["sub_tasks"].append(rows["sub_tasks"][0] | slow)
    rows["attempts"].append(rows["attempts"][0] | slow)
    rows["nodes"][0] |= {"ended_at": at(1010), "duration_s": 10.0, "n_sub_tasks": 2}
    return fleet(rows)


LONG_ID = "3336294682933583715844663186250939760642028865"


@pytest.fixture(scope="module")
def wide_page(few_sections):
    """The page of four runs, of which three failed, with long ids, long addresses and a long error line."""
    error = "ERROR: [Common.Unexpected]: dag " + LONG_ID + " failed: " + "dial tcp 10.0.0.3:2881: connect: connection refused " * 4
    runs = [run(n, outcome="failed", error=error, run_id=f"c1/{LONG_ID}{n}", agent="[fd00:1234:5678::c0:1]:2886") for n in (1, 2, 3)]
    return page_of(fleet(*runs, run(4)))


def shown_over(widths, open_page, page):
    """The names of the tables that would have to be scrolled sideways at one of some widths."""
    wider = "[...document.querySelectorAll('.scroller')].filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.ariaLabel)"
    return [(width, name) for width in widths for name in open_page(page, width=width).page.evaluate(wider)]


def test_no_table_is_scrolled_sideways_on_a_laptop(open_page, wide_page):
    assert shown_over((1280, 1440), open_page, wide_page) == []


def test_a_table_of_every_outcome_fits_a_laptop_and_paper(open_page, few_sections):
    outcomes = sorted(RUN_OUTCOMES)
    page = page_of(fleet(*(run(number, outcome=outcome, seconds=4000) for number, outcome in enumerate(outcomes, start=1))))
    assert open_page(page).page.locator("#table-summary th.upright").count() == len(outcomes)
    assert shown_over((1280, 1440), open_page, page) == []
    assert on_paper(open_page, page).page.evaluate("document.querySelector('#table-summary').getBoundingClientRect().right") <= 719


def on_paper(open_page, page):
    """Open a report as it is printed, as wide as A4 is between its margins (190 mm)."""
    opened = open_page(page, width=718)
    opened.page.emulate_media(media="print")
    return opened


def test_on_paper_no_column_is_cut_off_and_the_error_line_is_there(open_page, wide_page):
    opened = on_paper(open_page, wide_page)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 718
    beyond = "[...document.querySelectorAll('th, td')].filter(c => c.offsetParent && c.getBoundingClientRect().right > 719).length"
    assert opened.page.evaluate(beyond) == 0
    assert "connection refused" in opened.text("#table-failures")


def test_on_paper_the_words_of_a_head_are_in_no_box_that_a_browser_prints_once(open_page, wide_page):
    opened = on_paper(open_page, wide_page)
    shown = "[...new Set([...document.querySelectorAll('th button')].map(button => getComputedStyle(button).display))]"
    assert opened.page.evaluate(shown) == ["contents"]


def test_on_paper_what_folds_and_what_is_long_is_left_out_and_the_page_says_how_much(open_page, page_of_many):
    opened = on_paper(open_page, page_of_many)
    shown = "[...document.querySelectorAll('#table-failures tbody tr')].filter(row => row.offsetParent).length"
    assert opened.page.evaluate(shown) == 10
    assert "Printed: the first 10 of 15 rows." in opened.text("section[aria-labelledby=failed]")
    assert opened.page.evaluate("[...document.querySelectorAll('.fold')].filter(fold => fold.offsetParent).length") == 0


def test_an_id_of_fifty_digits_in_a_sentence_does_not_widen_a_small_screen(open_page, wide_page):
    opened = open_page(wide_page, width=390)
    assert LONG_ID in opened.text(".worst")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_rolled_back_run_that_was_not_redone_is_on_the_first_screen_however_short_it_was(open_page):
    worse = [run(n, outcome="failed", seconds=500) for n in range(2, 7)]
    lost = run(1, outcome="rolled_back", seconds=5, name="Scale in b", workflow="Scale in")
    opened = open_page(page_of(fleet(lost, *worse)))
    assert "Rolled back and not redone: Scale in b" in opened.text(".redo")


def test_the_first_screen_tells_who_acted_and_what_to_do():
    asked = {"run_id": "c1/11", "actor": "person", "operation": "retry", "client": "192.0.2.9", "agent": "10.0.0.1:2886"}
    asked |= {"at": at(1005), "result": "accepted", "evidence": "log"}
    worst = collect(fleet(run(1, outcome="failed"), operations=[asked])).worst_runs[0]
    assert worst["acted"] == "People asked once: 1 × retry; from 192.0.2.9 (1)."
    assert worst["advice"] == ["It stood failed when last seen: retry it, or roll it back."]


def test_runs_are_told_by_name_and_start_and_child_dags_fold(open_page):
    child = run(2, parent_run_id="c1/11", run_id=f"c1/{LONG_ID}", name="Create dir", work_ok=True)
    opened = open_page(page_of(fleet(run(1, error="ERROR: x", outcome="failed"), child)))
    assert opened.text("#table-failures td.whose").startswith("Create tenant t1, 2024-01-01 00:16:40")
    assert column(opened, "runs", 0) == ["c1/11"]
    assert column(opened, "runs-children", 0) == [f"c1/{LONG_ID}"]


def test_agents_that_nothing_is_shown_of_are_named_as_such(open_page):
    opened = open_page(page_of(two_agents()))
    told = opened.text("section[aria-labelledby=stragglers]")
    assert "No agent is shown to be slow" in told
    assert "10.0.0.2:2886" in told
