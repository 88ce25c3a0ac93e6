"""Numbers that a person reads stand in a table."""

from __future__ import annotations

import re

import pytest

import daganalysis as da
from daganalysis.engine.vocabulary import CATEGORIES
from daganalysis.plots import draw_gantt
from daganalysis.post_mortem import post_mortem_text
from daganalysis.text.humanize import human_duration, human_share
from tests.profiles import some

FOLDERS = ("documented", "upgrade", "start", "scale-out")


@pytest.fixture(params=some(FOLDERS, gate=["documented", "start"]), scope="module")
def longest(request):
    """The archive of a sample, and the longest of its runs."""
    archive = da.load(f"sample_data/{request.param}")
    return archive, archive.dags.sort_values("elapsed_s", ascending=False).iloc[0]


def test_where_the_time_went_is_the_time_budget(longest):
    archive, run = longest
    text = post_mortem_text(archive, run["run_id"], named="store")
    (budget,) = da.time_budget(archive.only([run["run_id"]])).to_dict("records")
    for name, category in CATEGORIES.items():
        seconds = budget[f"{name}_s"]
        told = re.search(rf"^  {re.escape(category.label)}(?: \(engine\))? +(\S.*?) +(<?[\d.]+ %)", text, re.MULTILINE)
        if seconds:
            assert told is not None
            assert told.groups() == (human_duration(seconds), human_share(seconds / run["elapsed_s"]))


def test_the_title_of_a_chart_counts_the_attempts_and_tells_the_length_of_the_tables(longest):
    archive, run = longest
    title = draw_gantt(da.gantt_bars(archive, run_id=run["run_id"])).get_title(loc="left").replace("\n", " ")
    n_attempts = int((archive.attempts["run_id"] == run["run_id"]).sum())
    assert re.search(r"([\d,]+) attempts?", title).group(1) == f"{n_attempts:,}"
    assert human_duration(run["elapsed_s"]) in title
    assert run["run_id"] in title


def test_the_list_of_stages_is_that_of_stage_latency(longest):
    archive, run = longest
    text = post_mortem_text(archive, run["run_id"], named="store")
    part = re.split(r"\nStages.*\n", text)[1].split("\n\n")[0]
    told = dict(re.findall(r"^ +(\d+)  .{30} +(\S.*?\S) {2,}", part, re.MULTILINE))
    table = da.stage_latency(archive.only([run["run_id"]]))
    took = {str(row["stage"]): human_duration(row["latency_s"]) for row in table.to_dict("records")}
    assert told
    assert {stage: took[stage] for stage in told} == told


def test_the_page_of_a_chart_with_cuts_tells_the_shares_of_the_time_budget():
    archive = da.load("sample_data/logs/answers", "sample_data/logs/log", cluster="prod-d")
    budget = da.time_budget(archive).iloc[0]
    shares = [f"{human_share(budget[f'{name}_s'] / budget['elapsed_s'])} {CATEGORIES[name].label}" for name in ("wait_operator", "execute")]
    assert ", ".join(shares) in da.gantt(archive).html
