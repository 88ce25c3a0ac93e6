"""Every number of the report stands in a table of the archive."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

import daganalysis as da
from daganalysis.pages.report_page import content, report_html
from daganalysis.tables import results
from daganalysis.tables.plain_rows import raw_rows
from tests.profiles import made_once

ANALYSES = {
    "summary": (da.summary, {}, results.SUMMARY),
    "failures": (da.failures, {}, results.FAILURES),
    "retry_patterns": (da.retry_patterns, {}, results.RETRY_PATTERNS),
    "stages": (da.stage_latency, {"level": "workflow"}, results.STAGE_LATENCY_BY_WORKFLOW),
    "stragglers_by_agent": (da.stragglers, {"level": "agent"}, results.STRAGGLERS_BY_AGENT),
    "stragglers": (da.stragglers, {}, results.STRAGGLERS),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An archive, the plain data of its report and its page."""
    archive = da.load("sample_data/scale-out", "sample_data/upgrade", "sample_data/tenant")
    with pytest.MonkeyPatch.context() as patched:  # sections of runs and pictures hold no number that is compared, and most time goes there
        for most in ("MOST_ON_TOP", "MOST_WORST", "MOST_SLOWEST"):
            patched.setattr(content, most, 0)
        patched.setattr(report_html, "drawn_pictures", lambda *_: {})
        page = made_once(tmp_path_factory, "report-of-numbers", lambda folder: da.write_report(archive, folder)) / "report.html"
    return archive, json.loads(page.with_name("report.json").read_text()), page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", list(ANALYSES))
def test_every_row_of_a_table_of_the_report_is_a_row_of_its_analysis(written, name):
    archive, plain, _ = written
    analysis, options, table = ANALYSES[name]
    columns = list(plain["tables"][name]["columns"])
    frame = analysis(archive, **options)
    expected = [{column: row[column] for column in columns if column in row} for row in raw_rows(frame, table)]
    shown = [{column: row[column] for column in columns if column in expected[0]} for row in plain["tables"][name]["rows"]]
    assert shown
    assert all(row in expected for row in shown)


def test_every_run_of_the_list_has_the_sentence_that_the_command_prints(written):
    archive, plain, _ = written
    told = da.runs(archive).set_index("run_id")["conclusion"].to_dict()
    assert {row["run_id"]: row["conclusion"] for row in plain["tables"]["runs"]["rows"]} == told


@pytest.mark.parametrize("name", ["summary", "failures", "retry_patterns", "stages"])
def test_every_number_in_a_table_of_the_page_is_that_of_the_json(written, name):
    _, plain, page = written
    table = re.search(
        rf'<table class="lively" id="table-{name}">.*?</table>|id="table-{ANALYSES[name][2].name}">.*?</table>', page, re.DOTALL
    )
    on_page = Counter(float(value) for value in re.findall(r'data-v="([^"]+)"', table.group()))
    rows = plain["tables"][name]["rows"]
    values = [value for row in rows for value in row.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    assert on_page == Counter(map(float, values))
    assert on_page


def test_the_overview_counts_and_adds_up_what_the_tables_hold(written):
    archive, plain, _ = written
    dags, overview = archive.dags, plain["overview"]
    children = dags["parent_run_id"].isin(set(dags["run_id"]))
    troubled = da.trouble(archive, level="run").query("troubled")["run_id"]
    assert overview["n_runs"] == len(dags)
    assert overview["n_main_runs"] == int((~children).sum())
    assert overview["n_in_trouble"] == int((dags["run_id"].isin(troubled) & ~children).sum())
    assert overview["n_retried"] == int((dags["retries_min"].gt(0) & ~children).sum())
    assert overview["elapsed_total_s"] == pytest.approx(dags.loc[~children, "elapsed_s"].sum())
    assert sum(row["n_main_runs"] for row in plain["outcomes"]) == overview["n_main_runs"]


def test_the_time_by_workflow_is_the_sum_of_the_time_budgets_of_runs_of_known_length(written):
    archive, plain, _ = written
    budget = da.time_budget(archive).dropna(subset="elapsed_s").drop(columns=["run_id", "engine_share"]).sum()
    for name in budget.index:
        assert sum(row[name] for row in plain["time_spent"]) == pytest.approx(budget[name])
