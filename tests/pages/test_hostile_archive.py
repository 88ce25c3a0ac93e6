"""An archive in which every text is hostile, from the saved response to what a browser makes of it: nothing runs, nothing is asked for."""

from __future__ import annotations

import json

import pytest

import daganalysis as da
from daganalysis.commands import main
from daganalysis.pages import write_report
from daganalysis.pages.report_page import content
from tests.pages.conftest import Opened
from tests.reading.broken_inputs import response

ATTACKS = (
    "</script><script>window.ran = 1</script>",
    "</title></style></textarea></svg><img src=http://evil.example/x onerror='window.ran = 1'>",
    '" onmouseover="window.ran = 1" onfocus=\'window.ran = 1\' autofocus x="',
    "<svg onload='window.ran = 1'><a href='javascript:window.ran=1'>x</a></svg>",
    "]]><!--<iframe srcdoc='<script>parent.ran = 1</script>'></iframe>-->",
    "{{ 7 * 7 }} {% raw %} ${7 * 7} <link rel=stylesheet href=//evil.example/x> @import url(http://evil.example/y)",
)
HOSTILE = "".join(ATTACKS) + "\u202e\u2028\x1b[31m"


@pytest.fixture(scope="module")
def archive():
    saved = response(gid="11")
    dag = saved["data"]
    node = dag["nodes"][0]
    task = node["sub_tasks"][0]
    saved["traceId"] = HOSTILE
    dag |= {"name": HOSTILE, "maintenance_key": HOSTILE, "state": "FAILED", "additional_data": {HOSTILE: HOSTILE}}
    node |= {"name": HOSTILE, "state": "FAILED", "additional_data": HOSTILE}
    task |= {"name": HOSTILE, "state": "FAILED", "additional_data": HOSTILE, "task_logs": [f"ERROR: [{HOSTILE}]: {HOSTILE}", HOSTILE]}
    task["execute_agent"] = {"ip": HOSTILE, "port": 2886}
    broken = response(gid="12")
    broken["data"] |= {"state": HOSTILE, "operator": HOSTILE, "start_time": HOSTILE}
    return da.load(saved, broken)


@pytest.fixture(scope="module")
def store(archive, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "store"
    archive.to_parquet(path)
    return str(path)


def opened_file(browser, path):
    context = browser.new_context()
    page = Opened(context.new_page())
    page.page.goto(path.as_uri())
    page.page.wait_for_load_state("networkidle")
    ran, requests, complaints = page.page.evaluate("window.ran"), page.requests, page.complaints
    context.close()
    return ran, [address.split(":")[0] for address in requests], complaints


def test_a_report_of_it_is_only_text(browser, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(content, "MOST_SLOWEST", 0)  # the chart of the run that failed holds all that is hostile
    page = write_report(archive, tmp_path, title=HOSTILE)
    assert opened_file(browser, page) == (None, ["file"], [])


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_a_chart_of_it_is_only_text(browser, store, tmp_path, kind):
    chart = tmp_path / f"chart.{kind}"
    assert main(["gantt", store, "11", "-o", str(chart)]) == 0
    assert "/script" in chart.read_text()  # it is there, and only text
    assert opened_file(browser, chart) == (None, ["file"], [])


@pytest.mark.parametrize(
    "command", [["show", "11"], ["table", "sub_tasks", "--wide"], ["failures"], ["table", "issues", "--format", "markdown"]]
)
def test_what_a_terminal_is_shown_of_it_drives_nothing(store, capfd, command):
    assert main([command[0], store, *command[1:]]) == 0
    shown = capfd.readouterr().out
    assert not set(shown) & {"\x1b", "\u202e", "\u2028"}
    assert "<script>" not in shown or "markdown" not in command


def test_json_of_it_holds_the_texts_themselves(store, capfd):
    assert main(["table", store, "nodes", "--run", "11", "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["name"] == HOSTILE
