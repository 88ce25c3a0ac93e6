"""How a Gantt chart is drawn: its layers, its texts, and what differs without colour."""

from __future__ import annotations

import datetime as dt
import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection

import daganalysis as da
from daganalysis.errors import UsageError
from daganalysis.plots import draw_gantt
from daganalysis.plots.axes_layout import LABEL_SIZE
from daganalysis.plots.boxes import Boxes
from daganalysis.plots.clock import clock_ticks
from daganalysis.plots.lanes import Lanes
from daganalysis.plots.text_metrics import text_width
from tests.pages.charts import bar, bars_of
from tests.plots.artists import axes, cut_off, overlapping, texts
from tests.profiles import LONG, some
from tests.rows import at


def many(stages: int, agents: int) -> list[dict]:
    """A run of some stages, one after the other, on some agents; every seventh sub-task of a stage failed."""
    rows = [
        {"run_id": "11", "role": "time", "lane": 0, "label": "where the time went", "group": "where the time went", "depth": 0}
        | {"category": "execute", "stage_name": "Upgrade", "outcome": "failed", "n": stages * agents, "is_open": False}
        | {"started_at": at(0), "ended_at": at(10.0 * stages), "x_started": 0.0, "x_ended": 10.0 * stages}
    ]
    for stage in range(stages):
        for agent in range(agents):
            start, end = 10.0 * stage, 10.0 * stage + 4 + agent % 5
            failed = agent % 7 == 3
            given = {"label": f"192.0.2.{agent}:2886" if agent else f"{stage + 1} Stage {stage + 1} · 192.0.2.0:2886"}
            given |= {"group": f"{stage + 1} Stage {stage + 1}", "stage": stage + 1, "agent": f"192.0.2.{agent}:2886"}
            given |= {"x_started": start, "x_ended": end, "x_noticed": 10.0 * stage + 9, "noticed_at": at(10.0 * stage + 9)}
            given |= {"outcome": "failed", "error": "ERROR: [A.B]: no space left on device"} if failed else {}
            rows.append(bar(1 + stage * agents + agent, start, end, **given))
    return rows


def as_svg(ax) -> str:
    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        ax.get_figure(root=True).savefig(file, format="svg")
    return file.getvalue()


def words(ax) -> list[str]:
    return [text.get_text() for text in texts(ax)]


@pytest.mark.parametrize("size", some([(6, 4), (11, 6), (16, 9)], gate=[(6, 4)]))
@pytest.mark.parametrize(("stages", "agents"), some([(1, 1), (3, 1), (6, 10), (9, 55)], gate=[(1, 1), (6, 10)], several=True))
def test_labels_never_touch_and_never_leave_the_paper(stages: int, agents: int, size: tuple[float, float]) -> None:
    ax = draw_gantt(bars_of(*many(stages, agents)), axes(*size))
    assert overlapping(ax) == []
    assert cut_off(ax) == []


def test_labels_of_thousands_of_bars_do_not_touch_either() -> None:
    ax = draw_gantt(bars_of(*many(9, 555 if LONG else 60)), axes(11, 6))
    assert overlapping(ax) == []
    assert cut_off(ax) == []


def test_lanes_too_many_to_name_are_named_by_their_stage_and_how_many_they_are() -> None:
    ax = draw_gantt(bars_of(*many(3, 100)), axes(11, 4))
    (beside,) = ax.artists
    assert [text.get_text() for text in beside.get_children()] == [
        "where the time went",
        *(f"{n} Stage {n} · 100 sub-tasks" for n in (1, 2, 3)),
    ]


def test_words_beside_lanes_are_as_wide_as_they_were_measured_at_every_resolution() -> None:
    text = "1 Exec upgrade health checker"
    ax = draw_gantt(bars_of(bar(0, 0, 9, x_started=0.0, x_ended=9.0, label=text)), axes())
    (beside,) = ax.artists
    for dpi in (60, 100, 144):
        ax.get_figure(root=True).set_dpi(dpi)
        width = beside.get_window_extent().width / dpi * 72
        assert 0.9 * text_width(text, LABEL_SIZE) < width < text_width(text, LABEL_SIZE)


def test_words_beside_lanes_are_text_in_a_file_of_lines_and_ink_in_a_bitmap() -> None:
    ax = draw_gantt(bars_of(*many(1, 8)), axes(11, 4))
    said = as_svg(ax)
    assert all(f">192.0.2.{n}:2886<" in said for n in range(1, 8))
    image = FigureCanvasAgg(ax.get_figure(root=True))
    image.draw()
    beside = np.asarray(image.buffer_rgba())[:, : int(ax.get_window_extent().x0) - 4, :3]
    rows_of_ink = (beside.min(axis=(1, 2)) < 100).sum()
    assert 9 * 5 < rows_of_ink < 9 * 13


def test_lanes_out_of_view_have_no_words() -> None:
    ax = draw_gantt(bars_of(*many(1, 8)), axes(11, 4))
    ax.set_ylim(3, 0)
    said = as_svg(ax)
    assert "192.0.2.1:2886" in said
    assert "192.0.2.4:2886" not in said


def test_the_timeline_is_seen_above_thousands_of_bars() -> None:
    lanes = Lanes(bars_of(*many(9, 555)), 400.0)
    assert lanes.heights[0] * lanes.points >= 8


def test_an_error_line_is_beside_its_bar_and_over_no_other() -> None:
    ax = draw_gantt(bars_of(*many(6, 5)), axes(11, 8))
    notes = [text for text in ax.texts if "no space left" in text.get_text()]
    assert len(notes) == 6
    ax.get_figure(root=True).canvas.draw()
    for note in notes:
        box = note.get_window_extent().transformed(ax.transData.inverted())
        lane = round(note.xy[1] - 0.5)
        start, end = 10.0 * ((lane - 1) // 5), 10.0 * ((lane - 1) // 5) + 9
        inside = start <= box.x0 and box.x1 <= start + 7
        assert inside or box.x0 >= end or box.x1 <= start


def test_error_lines_without_room_are_counted_in_the_title() -> None:
    ax = draw_gantt(bars_of(*many(9, 100)), axes(6, 4))
    assert any("error lines without room" in text for text in words(ax))


def test_retries_rollbacks_passes_and_open_ends_are_told_apart_by_marks() -> None:
    rows = [
        bar(0, 0, 1),
        bar(1, 2, 3, attempt=3),
        bar(2, 4, 5, kind="rollback", attempt=2),
        bar(3, 6, 7, outcome="failed", passed_at=at(8)),
        bar(4, 8, 9, outcome="running", is_open=True),
        bar(5, 8, 8, is_open=True, outcome="unknown"),
    ]
    for row, (start, end) in zip(rows, ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (8, 8)), strict=True):
        row |= {"x_started": float(start), "x_ended": float(end), "x_passed": 8.0 if row.get("passed_at") else None}
    ax = draw_gantt(bars_of(*rows), axes())
    told = {"handed out again", "rollback begins", "passed", "running when last seen", "end not known", "failed", "succeeded, rollback"}
    assert told <= set(words(ax))
    assert sum(isinstance(one, PathCollection) for one in ax.collections) >= 6


def test_what_is_inferred_is_hatched_and_a_rollback_is_striped() -> None:
    rows = [bar(0, 0, 1, evidence="inferred"), bar(1, 1, 2, kind="rollback", attempt=2), bar(2, 2, 3)]
    for n, row in enumerate(rows):
        row |= {"x_started": float(n), "x_ended": n + 1.0}
    ax = draw_gantt(bars_of(*rows), axes())
    assert {one.get_hatch() for one in ax.collections if isinstance(one, Boxes)} == {"xx", "////", None}


def test_a_cut_leaves_a_gap_in_the_axis_and_says_how_long_it_was_and_why() -> None:
    cut = {"run_id": "11", "role": "break", "lane": 0, "label": "", "depth": 0, "n": 1, "is_open": False, "category": "wait_operator"}
    cut |= {"started_at": at(10), "ended_at": at(3610), "x_started": 10.0, "x_ended": 11.0}
    rows = [bar(n, 0, 10, x_started=0.0, x_ended=10.0) for n in range(8)] + [bar(8, 3610, 3620, x_started=11.0, x_ended=21.0), cut]
    ax = draw_gantt(bars_of(*rows), axes(11, 5))
    assert "1 h 00 min cut: waiting for a person" in words(ax)
    assert all(not 10.0 < tick < 11.0 for tick in ax.get_xticks())


@pytest.mark.parametrize(("tz", "first"), [("UTC", "00:00:0"), ("Asia/Shanghai", "08:00:0"), ("-03:30", "20:30:0")])
def test_the_clock_is_local_on_request(tz: str, first: str) -> None:
    ax = draw_gantt(bars_of(bar(0, 0, 9, x_started=0.0, x_ended=9.0)), axes(), tz=tz)
    assert ax.get_xticklabels()[0].get_text().startswith(first)
    assert f"({tz})" in ax.get_xlabel()


def test_a_zone_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no such time zone"):
        draw_gantt(bars_of(bar(0, 0, 9)), tz="Mars/Olympus")


def test_a_stage_that_never_ran_says_so_beside_the_chart() -> None:
    lane = {"run_id": "11", "role": "lane", "lane": 1, "label": "2 Copy files", "depth": 0, "stage": 2, "outcome": "never_run", "n": 1}
    ax = draw_gantt(bars_of(bar(0, 0, 9, x_started=0.0, x_ended=9.0), lane | {"is_open": False}), axes())
    assert "2 Copy files (never run)" in words(ax)


def test_a_frame_without_bars_is_drawn_too() -> None:
    ax = draw_gantt(bars_of(), axes())
    assert words(ax) == ["no run"]


def test_an_axes_among_others_is_drawn_into_and_returned() -> None:
    figure = axes().get_figure(root=True)
    ax = figure.add_subplot(121)
    assert draw_gantt(bars_of(bar(0, 0, 9, x_started=0.0, x_ended=9.0)), ax) is ax


def test_attempts_on_the_critical_path_are_framed_and_joined() -> None:
    archive = da.load("sample_data/documented/scale-out.json")
    marked = draw_gantt(da.gantt_bars(archive, path=da.critical_path(archive)))
    plain = draw_gantt(da.gantt_bars(archive))
    assert [len(c.get_segments()) for c in marked.collections if isinstance(c, LineCollection)] == [8]
    assert not [c for c in plain.collections if isinstance(c, LineCollection)]


def test_a_stretch_whose_start_has_no_room_for_a_time_is_told_one_further_on() -> None:
    begin = pd.Timestamp("2024-01-01 10:00:00", tz="UTC")
    cut = {"x_started": 60.0, "x_ended": 62.0, "ended_at": begin + pd.Timedelta(hours=1, seconds=1.5)}
    ticks = clock_ticks(begin, 100.0, 60, [cut], dt.UTC, 20.0)
    assert [(x, str(moment.time())) for x, moment in ticks] == [(0.0, "10:00:00"), (60.0, "10:01:00"), (80.5, "11:00:20")]
