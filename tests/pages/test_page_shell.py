"""What every page promises, seen without a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import daganalysis.pages
from daganalysis.pages.shell import json_block
from daganalysis.pages.svg import figure_svg
from daganalysis.plots.styles import CATEGORY_COLOURS, OUTCOMES
from tests.pages.charts import three_bars

PAGES = Path(daganalysis.pages.__file__).parent
SOURCES = sorted(path for path in PAGES.rglob("*") if path.suffix in {".js", ".css", ".jinja"})


def block(html, tag):
    return re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)[0]


@pytest.mark.parametrize("tag", ["script", "style"])
def test_the_policy_names_the_hash_of_the_one_block_there_is(tag):
    html = three_bars()
    digest = base64.b64encode(hashlib.sha256(block(html, tag).encode()).digest()).decode()
    assert f"{tag}-src &#39;sha256-{digest}&#39;" in html
    assert html.count(f"<{tag}>") == 1


def test_the_policy_allows_nothing_inline_and_no_address():
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', three_bars())[0]
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_data_means_the_same_and_cannot_end_its_block():
    hostile = {"name": "</script><!--\u2028&"}
    assert "<" not in json_block(hostile)
    assert json.loads(json_block(hostile)) == hostile


@pytest.mark.parametrize(
    "path", sorted(path for path in PAGES.rglob("*") if path.suffix in {".js", ".css", ".jinja"}), ids=lambda path: path.name
)
def test_no_template_names_an_address_or_writes_markup_from_strings(path):
    text = path.read_text(encoding="utf-8")
    for forbidden in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "document.write", "eval(", "style="):
        assert forbidden not in text


def drawn(**given):
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.bar([0, 1], [1, 2], hatch="//", color="#0072B2")
    axes.set_title("<b>&\u202e", **given)
    return figure


def test_a_figure_in_a_page_has_no_style_attributes_and_ids_of_its_own():
    svg = figure_svg(drawn(), key="a", title="Bars")
    assert "style=" not in svg
    assert re.findall(r' id="(?!a-)', svg) == []
    assert "<metadata" not in svg


def test_a_figure_in_a_page_is_named_and_its_text_is_text():
    svg = figure_svg(drawn(), key="a", title="Bars & more")
    assert '<title id="a-title">Bars &amp; more</title>' in svg
    assert "&lt;b&gt;&amp;\\u202e" in svg


def test_the_same_figure_gives_the_same_text():
    assert figure_svg(drawn(), key="a", title="x") == figure_svg(drawn(), key="a", title="x")


def test_pages_and_drawings_share_their_colours():
    css = (PAGES / "gantt_page/gantt.css").read_text() + (PAGES / "report_page/report.css").read_text()
    # Yellow on white is told by its edge in a drawing; a page has no edges, and takes a darker one.
    expected = {f"--bar-{name}: {style.colour.lower()}" for name, style in OUTCOMES.items() if name != "waiting"}
    expected |= {f"--spent-{name}: {colour.lower()}" for name, colour in CATEGORY_COLOURS.items() if name not in {"lost", "unattributed"}}
    assert {colour for colour in expected if colour not in css} == set()
