"""What a Gantt chart shows, before anything is drawn."""

from __future__ import annotations

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.errors import UsageError
from daganalysis.plots.axis_breaks import BrokenAxis
from daganalysis.plots.bars import gantt_bars
from daganalysis.plots.gantt_words import gantt_title
from enginemodel import Agent, DagRun, Failure, Stage, Task, answer, start_cluster

SECOND = 1_000_000
CREATED = 1_772_409_600 * SECOND
AGENTS = [Agent(f"192.0.2.{n}") for n in range(1, 9)]


def run_of(*stages: Stage, gid: str = "142") -> DagRun:
    return DagRun("Create tenant t1", list(stages), gid, CREATED, AGENTS[0])


def loaded(*runs: DagRun, at: int | None = None, every: float | None = None) -> da.Archive:
    answers = []
    for run in runs:
        end = run.ended or run.pass_at
        answers += [answer(run, t) for t in range(run.created, end, round(every * SECOND))] if every else []
        answers.append(answer(run, end + SECOND if at is None else run.created + at * SECOND))
    return da.load(answers)


def wide(seconds: float = 2.0, **failing: Failure) -> DagRun:
    """One stage on eight agents, of which the third takes longest, and the fifth fails if it is told how."""
    tasks = [Task(agent, seconds * (3 if n == 2 else 1)) for n, agent in enumerate(AGENTS)]
    if failing:
        tasks[4].failures = {1: failing["fifth"]}
    run = run_of(Stage("Prepare", [Task(AGENTS[0], 1.0)]), Stage("Copy files", tasks))
    run.run()
    return run


def attempts(bars: pd.DataFrame) -> pd.DataFrame:
    return bars[bars["role"] == "attempt"]


def test_every_attempt_is_a_bar_of_three_parts_in_order_of_time() -> None:
    bars = attempts(gantt_bars(loaded(wide())))
    assert len(bars) == 9
    parts = bars[["x_dispatched", "x_started", "x_ended", "x_noticed"]].to_numpy()
    assert (parts[:, :-1] <= parts[:, 1:]).all()


def test_the_axis_spans_the_evidence_and_not_the_last_leg_of_the_dag() -> None:
    run = run_of(Stage("Prepare", [Task(AGENTS[0], 2.0)]), Stage("Copy files", [Task(AGENTS[0], 1.0, {1: Failure()})]))
    run.run()
    run.act("retry", (run.ended or 0) + 5 * SECOND)
    run.run()
    archive = loaded(run)
    bars = attempts(gantt_bars(archive))
    assert bars["started_at"].min() < archive.dags["start_time"].iloc[0]
    assert bars["x_started"].min() >= 0


def test_a_long_wait_for_an_operator_is_cut_and_the_cut_says_what_it_was() -> None:
    run = run_of(Stage("Copy files", [Task(AGENTS[0], 4.0, {1: Failure()})]))
    run.run()
    run.act("retry", (run.ended or 0) + 3600 * SECOND)
    run.run()
    bars = gantt_bars(loaded(run, every=2))
    (cut,) = bars[bars["role"] == "break"].to_dict("records")
    assert cut["category"] == "wait_operator"
    assert (cut["ended_at"] - cut["started_at"]).total_seconds() == pytest.approx(3600, abs=2)
    assert cut["x_ended"] - cut["x_started"] < 2
    assert bars["x_ended"].max() < 30


def test_many_waits_that_together_flatten_the_work_are_cut_though_none_is_a_quarter_of_the_run() -> None:
    waits = [(10 * k * 10**9, (10 * k + 9) * 10**9) for k in range(6)]
    axis = BrokenAxis(0, 60 * 10**9, waits)
    assert [(cut.start, cut.end) for cut in axis.breaks] == waits
    assert axis.length == pytest.approx(6 * 1.3)


def test_waits_that_take_less_than_the_work_are_shown_to_scale() -> None:
    assert BrokenAxis(0, 60 * 10**9, [(10 * k * 10**9, (10 * k + 4) * 10**9) for k in range(6)]).breaks == []


def test_a_bar_that_still_runs_is_open_and_reaches_to_the_last_answer() -> None:
    run = run_of(Stage("Copy files", [Task(AGENTS[0], 60.0)]))
    run.run()
    archive = loaded(run, at=20)
    (bar,) = attempts(gantt_bars(archive)).to_dict("records")
    assert bar["is_open"]
    assert bar["ended_at"] == archive.dags["last_observed_at"].iloc[0]


def test_each_failed_attempt_bears_its_own_error_line() -> None:
    task = Task(AGENTS[0], 4.0, {1: Failure("ERROR: first"), 3: Failure("ERROR: second")})
    run = run_of(Stage("Copy files", [task]))
    for _ in range(2):
        run.run()
        run.act("retry", (run.ended or 0) + 3 * SECOND)
    run.run()
    bars = attempts(gantt_bars(loaded(run, every=1)))
    assert bars.set_index("attempt")["error"].dropna().to_dict() == {1: "ERROR: first", 3: "ERROR: second"}


def test_an_attempt_without_known_times_has_a_row_and_no_bar() -> None:
    run = run_of(Stage("Copy files", [Task(AGENTS[0], 4.0, {1: Failure()})]))
    run.run()
    run.act("retry", (run.ended or 0) + 3 * SECOND)
    run.run()
    bars = attempts(gantt_bars(loaded(run)))
    assert bars["attempt"].tolist() == [1, 2, 3]
    assert bars["x_started"].notna().tolist() == [False, False, True]


def test_where_a_pass_was_is_on_the_axis() -> None:
    run = run_of(Stage("Copy files", [Task(AGENTS[0], 4.0, {1: Failure()})]), Stage("Clean up", [Task(AGENTS[0], 1.0)]))
    run.run()
    run.act("pass", (run.ended or 0) + 3 * SECOND)
    bars = gantt_bars(loaded(run, every=1))
    (bar,) = attempts(bars).to_dict("records")
    assert (bar["passed_at"] - bar["ended_at"]).total_seconds() == pytest.approx(3, abs=0.1)
    assert bar["x_passed"] == bars[["x_ended", "x_noticed", "x_passed"]].max().max()


def test_lanes_go_by_stage_or_by_agent() -> None:
    archive = loaded(wide())
    by_stage, by_agent = (gantt_bars(archive, lanes=lanes).drop_duplicates("lane")["label"].tolist() for lanes in ("stage", "agent"))
    assert by_stage[:4] == ["where the time went", "1 Prepare · 192.0.2.1:2886", "2 Copy files · 192.0.2.1:2886", "192.0.2.2:2886"]
    assert by_agent[:4] == ["where the time went", "192.0.2.1:2886 · 1 Prepare", "2 Copy files", "192.0.2.2:2886 · 2 Copy files"]


def test_the_agent_of_a_run_with_one_agent_is_in_the_title_alone() -> None:
    run = run_of(Stage("Prepare", [Task(AGENTS[0], 1.0)]), Stage("Clean up", [Task(AGENTS[0], 1.0)]))
    run.run()
    bars = gantt_bars(loaded(run, every=1))
    assert attempts(bars)["label"].tolist() == ["1 Prepare", "2 Clean up"]
    assert gantt_title(bars, None, 0, 1000.0).endswith(f"2 attempts, agent {attempts(bars)['agent'].iloc[0]}")


def test_an_order_of_lanes_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no such way"):
        gantt_bars(loaded(wide()), lanes="host")


def test_sub_tasks_of_a_stage_come_in_the_order_of_their_numbers() -> None:
    run = DagRun("W", [Stage("S", [Task(Agent(f"192.0.2.{n}"), 0.1) for n in range(1, 13)])], "12", CREATED, AGENTS[0], first_row_id=2)
    run.run()
    agents = attempts(gantt_bars(loaded(run)))["agent"].tolist()
    assert agents == [f"192.0.2.{n}:2886" for n in range(1, 13)]


@pytest.mark.parametrize("lanes", ["stage", "agent"])
def test_folding_keeps_the_failed_and_the_slowest_and_says_for_how_many_the_rest_stand(lanes: str) -> None:
    bars = gantt_bars(loaded(wide(fifth=Failure())), lanes=lanes, max_lanes=5)
    kept = set(attempts(bars)["agent"])
    assert {"192.0.2.5:2886", "192.0.2.3:2886"} <= kept
    (folded,) = bars[(bars["role"] == "folded") & bars["stage"].eq(2)].to_dict("records")
    assert folded["n"] == 8 - len(attempts(bars)[attempts(bars)["stage"].eq(2)])
    assert folded["label"] in {f"{folded['n']} more sub-tasks", f"{folded['n']} more agents"}


def test_nothing_is_folded_where_there_is_room() -> None:
    assert gantt_bars(loaded(wide()), max_lanes=10)["role"].ne("folded").all()


def test_child_runs_are_nested_below_on_request() -> None:
    main, children = start_cluster(AGENTS[:3], CREATED)
    archive = loaded(main, *children)
    alone = gantt_bars(archive, run_id=main.gid)
    nested = gantt_bars(archive, run_id=main.gid, children=True)
    assert set(alone["depth"]) == {0}
    assert nested[nested["depth"] == 1]["run_id"].nunique() == 3
    headings = nested[(nested["depth"] == 1) & nested["role"].eq("time")]["label"].unique().tolist()
    assert headings == [f"Start observer · 192.0.2.{n}:2886" for n in (1, 2, 3)]


def test_of_many_child_runs_the_failed_and_the_slowest_are_drawn_whole() -> None:
    main, children = start_cluster(AGENTS, CREATED, broken=1)
    bars = gantt_bars(loaded(main, *children), run_id=main.gid, children=True, max_lanes=20)
    whole = attempts(bars[bars["depth"] == 1])["run_id"].unique()
    assert len(whole) == 2
    assert children[1].gid in whole
    headings = bars[(bars["depth"] == 1) & bars["role"].eq("time")].drop_duplicates("run_id")["label"]
    assert sum(label.endswith(", 5 sub-tasks") for label in headings) == 6


def test_attempts_on_the_critical_path_are_marked_where_one_is_given() -> None:
    archive = da.load("sample_data/start")
    main = "232212259950288613"
    bars = da.gantt_bars(archive, run_id=main, children=True, path=da.critical_path(archive))
    marked = bars[bars["on_path"].fillna(value=False).astype(bool)]
    assert marked.loc[marked["stage_name"].str.startswith("Wait for all") & marked["depth"].eq(0), "agent"].tolist() == ["192.0.2.14:2886"]
    assert set(marked.loc[marked["depth"].eq(1), "stage_name"]) >= {"Start observer", "Execute start observer sql"}
    assert da.gantt_bars(archive, run_id=main, children=True)["on_path"].isna().all()


def test_stages_in_a_row_that_were_never_run_share_a_lane() -> None:
    stages = [Stage(f"Stage {n}", [Task(AGENTS[0], 1.0, {1: Failure()} if n == 1 else {})]) for n in range(1, 6)]
    run = run_of(*stages)
    run.run()
    bars = gantt_bars(loaded(run))
    assert bars.loc[bars["role"] == "lane", "label"].tolist() == ["stages 2 to 5"]


def test_a_folded_chart_counts_every_attempt() -> None:
    bars = gantt_bars(loaded(wide()), max_lanes=5)
    counted = bars[bars["role"].isin(["attempt", "folded"])]["n_attempts"].sum()
    assert counted == bars.loc[bars["role"] == "time", "n_attempts"].iloc[0] == 9
