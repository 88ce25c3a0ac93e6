"""The other pictures: the data of each, and that the drawing shows these data."""

from __future__ import annotations

import matplotlib.colors
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection

import daganalysis as da
from daganalysis import plots
from daganalysis.errors import UsageError
from daganalysis.plots.axes_layout import draw_cells, legend_below
from daganalysis.tables.pictures import PICTURE_FRAMES
from daganalysis.tables.results import GANTT_BARS, STAGE_LATENCY, STRAGGLERS, TIME_BUDGET, TREND
from tests.pages.charts import bar
from tests.plots.artists import axes, cut_off, overlapping, texts
from tests.profiles import some
from tests.rows import archive_of, at, frame_of

DAY = 86_400.0


def budget(*runs: tuple[float, float]) -> pd.DataFrame:
    """Runs with the given seconds at work and the given seconds waiting for a person."""
    rows = [
        {"run_id": f"1{n}", "elapsed_s": work + wait, "execute_s": work, "wait_operator_s": wait} for n, (work, wait) in enumerate(runs)
    ]
    return frame_of(TIME_BUDGET, *rows)


def latency(*runs: tuple[float, ...], workflow: str = "Create tenant") -> pd.DataFrame:
    """Runs whose stages took so many seconds each."""
    rows = [
        {
            "run_id": f"1{n}",
            "workflow": workflow,
            "stage": stage + 1,
            "name": f"Stage {stage + 1}",
            "latency_s": float(s),
            "censored": False,
        }
        for n, stages in enumerate(runs)
        for stage, s in enumerate(stages)
    ]
    return frame_of(STAGE_LATENCY, *rows)


def runs(*starts: float, **given: object) -> pd.DataFrame:
    rows = [{"run_id": f"1{n}", "workflow": "W", "outcome": "succeeded", "started_at": at(s), **given} for n, s in enumerate(starts)]
    return archive_of(dags=rows).dags


def straggling(stages: int, agents: int) -> pd.DataFrame:
    """Every stage waits for the first agent, and a little for each of the others."""
    rows = [
        {"workflow": "W", "name": f"Stage {stage}", "agent": f"192.0.2.{agent}:2886", "n": 9, "n_slowest": 9 if agent == 0 else 0}
        | {"barrier_wait_s": 90.0 if agent == 0 else 1.0, "flagged": agent == 0}
        for stage in range(stages)
        for agent in range(agents)
    ]
    return frame_of(STRAGGLERS, *rows)


def one_run(run_id: str, *lengths: float) -> pd.DataFrame:
    """The Gantt bars of a run whose stages took the given seconds, one after the other."""
    rows, reached = [], 0.0
    for stage, length in enumerate(lengths):
        given = {"run_id": run_id, "x_started": reached, "x_ended": reached + length, "stage_name": f"Stage {stage + 1}"}
        rows.append(bar(stage, reached, reached + length, **given))
        reached += length + 1
    return frame_of(GANTT_BARS, *rows)


def history(*seconds: float) -> da.Archive:
    rows = [
        {"run_id": f"1{n}", "workflow": "W", "outcome": "succeeded", "started_at": at(n * DAY), "elapsed_s": s}
        for n, s in enumerate(seconds)
    ]
    return archive_of(dags=rows)


def shift(n: int, ratio: float) -> pd.DataFrame:
    return frame_of(
        TREND,
        {"workflow": "W", "kind": "shift", "at_run_id": f"1{n}", "at": at(n * DAY), "after_s": 20.0, "before_s": 10.0, "ratio": ratio},
    )


DRAWN = {
    "budget": lambda ax, n: plots.draw_budget(plots.budget_bars(budget(*((10.0 + k, 3600.0 * (k == 0)) for k in range(n)))), ax),
    "budget in shares": lambda ax, n: plots.draw_budget(plots.budget_bars(budget(*((10.0, float(k)) for k in range(n)))), ax, shares=True),
    "latency": lambda ax, n: plots.draw_latency(plots.latency_marks(latency(*((1.0, 100.0 + k) for k in range(n)))), ax),
    "stages and runs": lambda ax, n: plots.draw_stage_runs(
        plots.stage_run_cells(latency(*((1.0, 2.0 + k % 3, 9.0) for k in range(n))), runs(*range(n))), ax
    ),
    "stragglers": lambda ax, n: plots.draw_stragglers(plots.straggler_cells(straggling(6, n)), ax),
    "retries": lambda ax, n: plots.draw_retries(plots.retry_periods(runs(*(k * DAY for k in range(n)), retries_min=1)), ax),
    "aligned": lambda ax, n: plots.draw_aligned(plots.aligned_bars(one_run("11", *[3.0] * n), one_run("12", *[4.0] * n)), ax),
    "trend": lambda ax, n: plots.draw_trend(plots.trend_marks(history(*[10.0] * n, *[20.0] * n), shift(n, 2.0)), ax),
}


def test_every_picture_is_a_frame_and_a_drawing_under_the_names_of_the_package() -> None:
    assert set(plots.PICTURES) == set(PICTURE_FRAMES)
    assert {*plots.PICTURES, *plots.PICTURES.values(), "save_figure"} == set(plots.__all__)
    assert all(callable(getattr(plots, name)) for name in plots.__all__)


@pytest.mark.parametrize(("n", "size"), some([(1, (6, 4)), (3, (16, 9)), (60, (6, 4)), (60, (11, 5))], gate=[(60, (6, 4))], several=True))
@pytest.mark.parametrize("picture", DRAWN)
def test_no_text_touches_another_or_leaves_the_paper(picture: str, n: int, size: tuple[float, float]) -> None:
    ax = axes(*size)
    assert DRAWN[picture](ax, n) is ax
    assert overlapping(ax) == []
    assert cut_off(ax) == []
    assert ax.get_title(loc="left")


@pytest.mark.parametrize("picture", DRAWN)
def test_a_picture_has_an_axes_of_its_own_where_none_is_given_and_says_its_unit(picture: str) -> None:
    ax = DRAWN[picture](None, 4)
    said = " ".join(text.get_text() for text in texts(ax)) + " ".join(other.get_ylabel() for other in ax.figure.axes)
    assert any(unit in said for unit in ("seconds", "share of", "runs"))


# -- what each shows ------------------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_budget_stack_up_to_what_the_run_took() -> None:
    bars = plots.budget_bars(budget((5.0, 2.0), (1.0, 0.0)))
    assert bars.groupby("run_id")["end_s"].max().to_dict() == {"10": 7.0, "11": 1.0}
    assert bars.groupby("run_id")["share"].sum().round(9).tolist() == [1.0, 1.0]
    assert bars["start_s"].tolist() == [0.0, 5.0, 0.0]


def test_runs_beyond_the_longest_are_one_bar_that_says_of_how_many_it_is_the_mean() -> None:
    bars = plots.budget_bars(budget(*((float(s), 0.0) for s in (9, 8, 4, 2))), most=3)
    assert bars[["label", "n_runs", "end_s"]].to_dict("records")[-1] == {"label": "mean of 2 others", "n_runs": 2, "end_s": 3.0}


def test_what_a_scenario_would_have_saved_stands_beside_the_bar_of_its_run() -> None:
    saved = {"run_id": "10", "scenario": "no_wait_operator", "predicted_min_s": 4.0, "predicted_max_s": 5.0, "saved_share": 0.28}
    bars = plots.budget_bars(budget((5.0, 2.0)), predictions=pd.DataFrame([saved, saved | {"scenario": "no_engine", "saved_share": 0.01}]))
    told = bars[bars["scenario"].notna()]
    assert told[["lane", "scenario", "start_s", "end_s"]].to_numpy().tolist() == [[0, "no_wait_operator", 4.0, 5.0]]


def test_a_prediction_is_a_mark_where_the_run_would_have_ended() -> None:
    saved = {"run_id": "10", "scenario": "no_wait_operator", "predicted_min_s": 5.0, "predicted_max_s": 5.0, "saved_share": 0.28}
    ax = plots.draw_budget(plots.budget_bars(budget((5.0, 2.0)), predictions=pd.DataFrame([saved])))
    assert [list(line.get_xdata()) for line in ax.lines] == [[5.0]]


def test_a_budget_of_the_sample_adds_up() -> None:
    frame = da.time_budget(da.load("sample_data/documented"))
    assert plots.budget_bars(frame)["end_s"].max() == pytest.approx(28.613749)


def test_a_run_that_mostly_waited_does_not_flatten_the_others() -> None:
    ax = plots.draw_budget(plots.budget_bars(budget((10.0, 3600.0), (12.0, 0.0))))
    assert ax.get_xlim()[1] < 20
    assert "1 h 00 min ≫" in [text.get_text() for text in ax.texts]


def test_few_runs_are_dots_and_many_only_a_box() -> None:
    few, many = (plots.latency_marks(latency(*((float(k),) for k in range(1, n + 1)))) for n in (5, 50))
    assert few["role"].value_counts().to_dict() == {"dot": 5, "box": 1}
    assert many["role"].tolist() == ["box"]
    (box,) = few[few["role"] == "box"].to_dict("records")
    assert (box["p25_s"], box["value_s"], box["p75_s"], box["n"]) == (2.0, 3.0, 4.0, 5)


def test_stages_of_very_different_latency_are_drawn_on_a_logarithmic_scale() -> None:
    near, far = (plots.draw_latency(plots.latency_marks(latency((1.0, high)))) for high in (3.0, 3000.0))
    assert (near.get_xscale(), far.get_xscale()) == ("linear", "log")


def test_a_stage_that_still_ran_has_no_latency_to_show() -> None:
    assert plots.latency_marks(latency((1.0,)).assign(censored=True)).empty


def test_a_cell_is_a_multiple_of_its_stage_s_median_and_runs_come_by_their_start() -> None:
    cells = plots.stage_run_cells(latency((1.0,), (2.0,), (4.0,)), runs(30, 20, 10))
    assert cells[["from_run_id", "ratio"]].to_dict("records") == [
        {"from_run_id": "12", "ratio": 2.0},
        {"from_run_id": "11", "ratio": 1.0},
        {"from_run_id": "10", "ratio": 0.5},
    ]


def test_many_runs_share_columns_and_each_says_for_how_many_it_stands() -> None:
    cells = plots.stage_run_cells(latency(*((1.0,) for _ in range(100))), runs(*range(100)), most=30)
    assert cells["column"].max() < 30
    assert cells["n_runs"].sum() == 100
    assert "up to 4 runs a column" in plots.draw_stage_runs(cells).get_title(loc="left").replace("\n", " ")


def test_a_second_stage_of_a_name_is_a_lane_of_its_own() -> None:
    twice = latency((1.0, 2.0)).assign(name="Start preparations")
    assert plots.stage_run_cells(twice, runs(0))["label"].tolist() == ["Start preparations", "Start preparations #2"]


def test_one_of_several_workflows_has_to_be_named() -> None:
    both = pd.concat([latency((1.0,)), latency((1.0,), workflow="Drop tenant")], ignore_index=True)
    with pytest.raises(UsageError, match="2 workflows"):
        plots.stage_run_cells(both, runs(0))
    assert len(plots.stage_run_cells(both, runs(0), workflow="Drop tenant")) == 1


def test_the_agent_that_others_waited_for_comes_first_and_is_framed() -> None:
    cells = plots.straggler_cells(straggling(2, 5))
    assert cells[cells["column"] == 0]["agent"].unique().tolist() == ["192.0.2.0:2886"]
    ax = plots.draw_stragglers(cells)
    assert len(ax.patches) == 2
    assert [text.get_text() for text in ax.texts].count("9/9") == 2


def test_agents_beyond_the_worst_share_the_last_column() -> None:
    cells = plots.straggler_cells(straggling(1, 50), most=10)
    last = cells[cells["column"] == 9].iloc[0]
    assert (last["agent"], last["n"], last["barrier_wait_s"]) == ("41 other agents", 41 * 9, 41.0)


def test_retries_are_counted_by_the_day_and_days_without_runs_are_there() -> None:
    dags = runs(0, 0, 3 * DAY).assign(retries_min=[2, 0, 1])
    periods = plots.retry_periods(dags, most=10)
    assert periods["n_runs"].tolist() == [2, 0, 0, 1]
    assert periods["n_retried"].tolist() == [1, 0, 0, 1]
    assert periods["n_retries"].tolist() == [2, 0, 0, 1]


def test_child_runs_are_not_counted_beside_their_main_run() -> None:
    dags = runs(0, 1).assign(parent_run_id=["11", None], retries_min=[1, 1])
    assert plots.retry_periods(dags)["n_runs"].sum() == 1


def test_two_runs_begin_together_and_each_stage_says_the_difference() -> None:
    late = one_run("12", 3.0, 6.5)
    late[["x_started", "x_ended"]] += 100
    bars = plots.aligned_bars(one_run("11", 3.0, 4.0), late)
    assert bars.groupby("side")["x_start"].min().to_dict() == {"base": 0.0, "candidate": 0.0}
    assert bars.drop_duplicates("lane")["diff_s"].tolist() == [0.0, 2.5]
    said = [text.get_text() for text in plots.draw_aligned(bars).texts]
    assert said == ["the same", "+2.50 s"]


def test_a_stage_of_one_run_only_says_so() -> None:
    bars = plots.aligned_bars(one_run("11", 3.0), one_run("12", 3.0, 4.0))
    assert [text.get_text() for text in plots.draw_aligned(bars).texts] == ["the same", "only in the candidate"]


def test_levels_lie_between_shifts_and_have_the_median_of_their_runs() -> None:
    marks = plots.trend_marks(history(10, 11, 12, 20, 21, 22), shift(3, 1.9))
    levels = marks[marks["role"] == "level"]
    assert levels["value_s"].tolist() == [11.0, 21.0]
    assert levels["until"].iloc[0] == levels["at"].iloc[1]
    ax = plots.draw_trend(marks)
    assert "×1.90 from run 13" in [text.get_text() for text in ax.texts]
    assert sum(isinstance(one, LineCollection) for one in ax.collections) == 1
    (dots,) = [one for one in ax.collections if isinstance(one, PathCollection)]
    assert len(dots.get_offsets()) == 6


def test_a_trend_is_of_runs_like_each_other() -> None:
    rows = [
        {"run_id": f"{cluster}/{n}", "cluster": cluster, "workflow": "W", "outcome": "succeeded", "started_at": at(n * DAY), "elapsed_s": s}
        for cluster, seconds in (("a", (10.0, 20.0)), ("b", (90.0, 90.0)))
        for n, s in enumerate(seconds)
    ]
    marks = plots.trend_marks(archive_of(dags=rows), shift(1, 2.0).assign(cluster="a"))
    assert marks[marks["role"] == "run"]["run_id"].tolist() == ["a/0", "a/1"]


def test_very_many_runs_share_dots_and_the_title_says_so() -> None:
    marks = plots.trend_marks(history(*range(1, 101)), TREND.empty(), most=30)
    dots = marks[marks["role"] == "run"]
    assert (len(dots), dots["n_runs"].sum()) == (25, 100)
    assert dots["value_s"].iloc[0] == 2.5
    assert "a dot the median of 4" in plots.draw_trend(marks).get_title(loc="left")


def test_a_trend_of_several_workflows_has_to_be_told_which() -> None:
    archive = archive_of(dags=[{"run_id": w, "workflow": w, "outcome": "succeeded", "started_at": at(0)} for w in ("A", "B")])
    with pytest.raises(UsageError, match="2 workflows"):
        plots.trend_marks(archive, TREND.empty())


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.draw_budget(plots.budget_bars(TIME_BUDGET.empty())),
        lambda: plots.draw_latency(plots.latency_marks(STAGE_LATENCY.empty())),
        lambda: plots.draw_stage_runs(plots.stage_run_cells(STAGE_LATENCY.empty(), runs())),
        lambda: plots.draw_stragglers(plots.straggler_cells(STRAGGLERS.empty())),
        lambda: plots.draw_retries(plots.retry_periods(runs())),
        lambda: plots.draw_aligned(plots.aligned_bars(GANTT_BARS.empty(), GANTT_BARS.empty())),
        lambda: plots.draw_trend(plots.trend_marks(history(), TREND.empty())),
    ],
)
def test_nothing_to_show_is_drawn_as_nothing_and_titled(draw) -> None:
    ax = draw()
    assert texts(ax)
    assert ax.get_title(loc="left")


# -- without colour -------------------------------------------------------------------------------------------------------------------


def test_shades_of_a_map_only_get_darker() -> None:
    ax = axes()
    draw_cells(ax, range(9), [0] * 9, range(9), scale=matplotlib.colors.Normalize(0, 8), words="n")
    (cells,) = [one for one in ax.collections if isinstance(one, PolyCollection)]
    cells.update_scalarmappable()
    grey = (cells.get_facecolors()[:, :3] @ [0.299, 0.587, 0.114]).tolist()
    assert grey == sorted(grey, reverse=True)
    assert grey[0] - grey[-1] > 0.6


def test_parts_of_a_budget_differ_in_lightness_or_in_hatch() -> None:
    from daganalysis.plots.styles import CATEGORY_COLOURS, CATEGORY_HATCHES

    looks = [
        (round(matplotlib.colors.to_rgb(colour) @ pd.Series([0.299, 0.587, 0.114]).to_numpy(), 1), CATEGORY_HATCHES.get(category))
        for category, colour in CATEGORY_COLOURS.items()
    ]
    assert len(set(looks)) == len(looks)


def test_a_map_is_written_without_a_bitmap(tmp_path) -> None:
    DRAWN["stragglers"](None, 4).figure.savefig(tmp_path / "map.svg")
    assert "<image" not in (tmp_path / "map.svg").read_text()


def test_a_legend_of_nothing_is_none() -> None:
    ax = axes()
    legend_below(ax, [("", {})])
    assert ax.get_legend() is None
