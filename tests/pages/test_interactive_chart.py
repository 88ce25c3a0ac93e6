from __future__ import annotations

import pytest

from daganalysis.pages.gantt_page.gantt_html import gantt_page
from tests.pages.charts import archive_with_logs, bar, bars_of, three_bars
from tests.profiles import some


def place_of(opened, number):
    """Where the middle of a bar is on the screen."""
    return opened.page.evaluate(
        """(number) => {
            const bar = chart.bars[number];
            const box = document.getElementById("canvas").getBoundingClientRect();
            const x = chart.painter.x(chart.view, (bar.shownStart + bar.shownEnd) / 2);
            return [box.left + x, box.top + chart.painter.y(chart, bar.place) + ROW / 2];
        }""",
        number,
    )


def test_a_chart_opens_from_a_file_without_a_word_or_a_request(open_page):
    opened = open_page(three_bars())
    assert opened.text("#status") == "Showing all 3 bars in 3 lanes."
    assert opened.text("h1") == "Create tenant, run 11"
    assert opened.complaints == []
    assert [address.split("/")[0] for address in opened.requests] == ["file:"]


def test_a_filter_hides_the_bars_of_an_outcome(open_page):
    opened = open_page(three_bars())
    opened.page.click("summary:text-is('Outcome')")
    opened.page.uncheck("label:has-text('succeeded') input")
    assert opened.text("#status") == "Showing 1 of 3 bars in 1 lane."
    assert opened.page.text_content("details.filter summary") == "Outcome (1 of 2)"


@pytest.mark.parametrize(("title", "value", "left"), [("Agent", "10.0.0.2:2886", 2), ("Stage", "1 Stage 1", 2)])
def test_bars_are_filtered_by_agent_and_by_stage(open_page, title, value, left):
    opened = open_page(three_bars())
    opened.page.click(f"summary:text-is('{title}')")
    opened.page.uncheck(f"label:has-text('{value}') input")
    assert opened.text("#status").startswith(f"Showing {left} of 3 bars")


def test_searching_finds_bars_by_their_log_lines(open_page):
    opened = open_page(three_bars())
    opened.page.fill("#search", "No Space")
    assert opened.text("#status") == "Showing 1 of 3 bars in 1 lane."


def in_sight(opened):
    """The seconds in sight, once the page has drawn what it was told to."""
    opened.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return opened.text("#sight").split(": ")[1].split(" of ")[0]


def test_buttons_zoom_in_and_fit(open_page):
    opened = open_page(three_bars())
    assert in_sight(opened) == "1 min 40 s"
    opened.page.click("#closer")
    opened.page.click("#closer")
    assert in_sight(opened) == "45.3 s"
    opened.page.click("#fit")
    assert in_sight(opened) == "1 min 40 s"


def test_the_wheel_zooms_around_the_pointer(open_page):
    opened = open_page(three_bars())
    under_pointer = "chart.painter.shownAt(chart.view, 400 - canvas.getBoundingClientRect().left)"
    before = opened.page.evaluate(under_pointer)
    opened.page.mouse.move(400, place_of(opened, 1)[1])
    opened.page.mouse.wheel(0, -700)
    assert in_sight(opened) != "1 min 40 s"
    assert opened.page.evaluate(under_pointer) == pytest.approx(before, abs=0.01)


def test_drawing_over_the_strip_shows_that_part(open_page):
    opened = open_page(three_bars())
    box = opened.page.locator("#overview").bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    opened.page.mouse.up()
    assert in_sight(opened) == "25.0 s"


def test_the_keyboard_alone_leads_to_a_bar_and_its_log(open_page):
    opened = open_page(three_bars())
    for _ in range(40):
        opened.page.keyboard.press("Tab")
        if opened.page.evaluate("document.activeElement.id") == "canvas":
            break
    for key in ("ArrowDown", "ArrowDown", "+", "Enter"):
        opened.page.keyboard.press(key)
    assert opened.page.evaluate("document.activeElement.id") == "facts"
    assert "Copy files: run 1 of 1, failed" in opened.text("#facts")
    assert "ERROR: no space left" in opened.text("#facts .log")


def test_a_click_on_a_bar_shows_its_facts(open_page):
    opened = open_page(three_bars())
    opened.page.mouse.click(*place_of(opened, 1))
    assert "50.0 s" in opened.text("#facts dl")
    assert opened.text("#facts h2") == "Stage 2: run 1 of 1, succeeded"


def test_a_pointer_over_a_bar_shows_it_in_short(open_page):
    opened = open_page(three_bars())
    opened.page.mouse.move(*place_of(opened, 2))
    assert opened.text("#tip") == "Copy files: run 1 of 1, failed\n40.0 s on 10.0.0.2:2886\nstage 3 Stage 3\nERROR: no space left"


def test_a_tap_on_a_small_screen_shows_the_facts_below(open_page):
    opened = open_page(three_bars(), width=390, height=844, touch=True)
    opened.page.touchscreen.tap(*place_of(opened, 1))
    assert opened.text("#facts h2") == "Stage 2: run 1 of 1, succeeded"
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_before_a_bar_is_chosen_the_panel_leads_to_the_errors(open_page):
    opened = open_page(three_bars())
    opened.page.click("#facts button")
    assert opened.text("#facts h2") == "Copy files: run 1 of 1, failed"


def test_the_same_bars_stand_in_a_table_that_sorts(open_page):
    opened = open_page(three_bars())
    opened.page.click("#table > summary")
    opened.page.click("#rows th button:text-is('Took')")
    opened.page.click("#rows th button:text-is('Took')")
    assert opened.page.get_attribute("#rows th:has(button:text-is('Took'))", "aria-sort") == "descending"
    assert [cell.inner_text() for cell in opened.page.query_selector_all("#rows tbody td:nth-child(8)")] == ["50.0 s", "40.0 s", "10.0 s"]
    opened.page.click("#rows tbody tr:nth-child(2) button")
    assert opened.text("#facts h2").startswith("Copy files")


def test_a_long_wait_is_cut_until_one_asks_for_it(open_page):
    cut = {"run_id": "11", "role": "break", "lane": 0, "label": "", "depth": 0, "started_at": bar(0, 20, 0)["started_at"]}
    cut |= {"x_started": 20.0, "x_ended": 22.0}
    cut["ended_at"] = bar(0, 0, 980)["ended_at"]
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10), bar(1, 990, 1000), cut)))
    assert opened.page.evaluate("chart.scale.length") < 60
    opened.page.uncheck("#cut")
    assert opened.page.evaluate("chart.scale.length") == 1000


def test_an_open_bar_says_that_its_end_is_not_known(open_page):
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10), bar(1, 10, 30, is_open=True, outcome="running"))))
    opened.page.mouse.click(*place_of(opened, 1))
    assert "at least 20.0 s, its end is not known" in opened.text("#facts")


def test_five_thousand_bars_are_all_there_and_few_are_drawn(open_page):
    many = [bar(n % 500, n, n + 5, task_gid=f"1{n % 500}", attempt=n // 500 + 1) for n in range(5000)]
    opened = open_page(gantt_page(bars_of(*many)))
    assert opened.text("#status") == "Showing all 5,000 bars in 500 lanes."
    assert opened.page.evaluate("Math.ceil(lanesBox.clientHeight / ROW)") < 40
    opened.page.click("#table > summary")
    opened.page.wait_for_selector("#rows tbody tr")
    opened.page.wait_for_function("document.querySelector('#range').textContent")
    assert opened.text("#range") == "Rows 1 to 100 of 5,000"
    opened.page.focus("#canvas")
    opened.page.keyboard.press("End")
    assert opened.text("#facts h2").startswith("Stage 500")


def test_stages_of_the_same_number_in_two_runs_are_filtered_apart(open_page):
    child = bar(1, 10, 20, run_id="12", depth=1, stage=1, stage_name="Start preparations", agent="10.0.0.2:2886")
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10), child)))
    opened.page.click("summary:text-is('Stage')")
    opened.page.uncheck("label:has-text('1 Start preparations') input")
    assert opened.text("#status") == "Showing 1 of 2 bars in 1 lane."


def test_the_legend_names_what_is_drawn_and_nothing_else(open_page):
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10), bar(1, 10, 20, attempt=2, kind="rollback"), bar(1, 30, 40, attempt=3))))
    said = [span.inner_text() for span in opened.page.query_selector_all(".legend span")]
    assert said == ["succeeded", "handed out again", "rollback run", "dispatched", "waiting to be noticed"]


def test_the_legend_names_the_critical_path_if_an_attempt_is_on_it(open_page):
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10, on_path=True), bar(1, 10, 20))))
    assert "on the critical path" in opened.text(".legend")


def label_of(opened, label, room):
    """What is written beside a lane in so little room."""
    lane = f"{{label: {label!r}, head: ''}}"
    return opened.page.evaluate(f"chart.painter.pen.font = '12px sans-serif', chart.painter.shortened({lane}, {room}, false)")


def test_a_long_label_keeps_what_tells_lanes_apart(open_page):
    opened = open_page(three_bars())
    assert label_of(opened, "4 Import script for tenant · 192.0.2.11:2886", 220).endswith("… · 192.0.2.11:2886")
    assert label_of(opened, "4 Import script for tenant · 192.0.2.11:2886", 90).startswith("4 Import")
    assert label_of(opened, "4 Import script for tenant", 90).startswith("4 Import")
    assert label_of(opened, "192.0.2.211:2886", 80).endswith("1:2886")
    assert label_of(opened, "where the time went", 80).startswith("where t")


def test_few_lanes_need_no_tall_box(open_page):
    opened = open_page(three_bars(), height=1400)
    assert opened.page.locator("#lanes").bounding_box()["height"] < 300


HOSTILE = "</script><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\u202eevil"


def test_hostile_names_and_lines_are_only_text(open_page):
    rows = bars_of(bar(0, 0, 10, outcome="failed", agent=HOSTILE, stage_name=HOSTILE, label=HOSTILE, error=HOSTILE))
    opened = open_page(gantt_page(rows, archive_with_logs(HOSTILE, "javascript:window.ran=1", name=HOSTILE), title=HOSTILE))
    opened.page.mouse.click(*place_of(opened, 0))
    opened.page.click("#table > summary")
    assert opened.page.evaluate("window.ran") is None
    assert "</script><script>window.ran = 1</script>" in opened.text("#facts")
    assert "\\u202eevil" in opened.text("h1")
    assert len(opened.requests) == 1
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", some(["light", "dark"], gate=["dark"]))
def test_the_accessibility_engine_finds_nothing_grave(open_page, scheme):
    opened = open_page(three_bars(), scheme=scheme)
    for opener in ("#table > summary", "summary:text-is('Keys')", "summary:text-is('What is shown')"):
        opened.page.click(opener)
    opened.page.mouse.click(*place_of(opened, 2))
    assert opened.grave_findings() == []


def test_the_same_bars_give_the_same_bytes():
    assert three_bars() == three_bars()


def test_a_clock_change_within_a_chart_is_told_with_both_offsets():
    begin = 25_919_940  # 2024-10-26T23:59 UTC, in seconds from the start of that year
    page = gantt_page(bars_of(bar(0, begin, begin + 7_200)), tz="Europe/Berlin")
    assert "Clocks change from +02:00 to +01:00 within the chart" in page
    assert "Clocks change" not in gantt_page(bars_of(bar(0, begin, begin + 7_200)), tz="Asia/Shanghai")


@pytest.mark.parametrize(
    ("width", "agent", "told"),
    [
        (1280, "[fd00::c0:1]:2886", "[fd00::c0:1]:2886"),
        (1440, "[fd00::c0:1]:2886", "[fd00::c0:1]:2886"),
        (1280, "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:2886", ":7348]:2886"),
    ],
)
def test_the_first_lane_of_a_stage_names_its_agent_beside_a_long_name(open_page, width, agent, told):
    label = f"1 Check the python environment of all · {agent}"
    opened = open_page(gantt_page(bars_of(bar(0, 0, 10, label=label, agent=agent), bar(1, 0, 20))), width=width)
    shown = opened.page.evaluate(
        "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(chart.lanes[0].short))))"
    )
    assert shown.startswith("1 Check th")
    assert shown.endswith(told)


def shape_on_paper(opened):
    """Print the chart, and return the shape of the canvas, the shape in which it is shown, and how many of its dots are coloured."""
    opened.page.emulate_media(media="print")
    opened.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return opened.page.evaluate(
        """() => {
            const canvas = document.getElementById("canvas");
            const box = canvas.getBoundingClientRect();
            const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            return [canvas.width / canvas.height, box.width / box.height, dots.filter((value, n) => n % 4 === 3 && value > 0).length];
        }"""
    )


def test_on_paper_the_chart_is_drawn_undistorted_and_without_what_one_clicks(open_page):
    opened = open_page(three_bars(), width=1040)
    drawn, shown, coloured = shape_on_paper(opened)
    assert shown == pytest.approx(drawn, rel=0.01)
    assert coloured > 1000
    assert opened.page.is_hidden("#filters")
    assert opened.page.is_hidden("#overview")
    opened.page.emulate_media(media="screen")
    assert opened.page.is_visible("#filters")


def test_a_chart_is_drawn_before_the_printer_asks_for_the_next_frame(open_page):
    opened = open_page(three_bars())
    widths = opened.page.evaluate('() => [dispatchEvent(new Event("beforeprint")), canvas.width, chart.painter.width]')[1:]
    assert widths == [3 * 1047, 1047]
    assert opened.page.evaluate('() => [dispatchEvent(new Event("afterprint")), chart.painter.width === lanesBox.clientWidth]')[1]
