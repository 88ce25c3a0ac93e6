"""Time in which the engine was not at work, and stamps that contradict each other: unattributed, and never the engine's share."""

from __future__ import annotations

import pandas as pd
import pytest

from daganalysis.archive import Archive
from daganalysis.history.rebuild import rebuild
from daganalysis.reading.answers import Answer
from tests.history.responses import dag, node, sub_task
from tests.history.test_runs import frame, run_of


def spent(*answers: Answer) -> dict[str, float]:
    """Seconds by category; categories without any are left out."""
    table = frame("timeline", *answers)
    return table.groupby("category")["duration_s"].sum().round(6).to_dict()


def engine_share(*answers: Answer) -> float:
    import daganalysis as da

    return float(da.time_budget(Archive.from_tables(rebuild(answers)))["engine_share"].iloc[0])


def two_stages(second_start: float) -> Answer:
    """Two stages of which the second begins at some time."""
    first = node(sub_task("SUCCEED", 1.05, 2.0), start=1.01, end=2.5)
    work = sub_task("SUCCEED", second_start + 0.05, second_start + 8, gid="12")
    second = node(work, start=second_start, end=second_start + 9, gid="12", name="More")
    return dag(first, second, start=1.0, end=second_start + 10, at=second_start + 100, stage=2)


def test_twenty_minutes_between_two_stages_are_no_handover() -> None:
    answer = two_stages(1202.5)
    assert spent(answer)["unattributed"] == 1200.0
    assert engine_share(answer) < 0.01


@pytest.mark.parametrize("pause", [1.0, 2.1, 4.9])
def test_a_few_passes_between_two_stages_are_the_engine_at_work(pause: float) -> None:
    assert "unattributed" not in spent(two_stages(2.5 + pause))


def test_two_hours_before_a_sub_task_was_begun_are_no_dispatch() -> None:
    late = dag(node(sub_task("SUCCEED", 7201.0, 7219.0), start=1.02, end=7220.0), start=1.0, end=7221.0, at=8000)
    assert spent(late) == {"handoff": 1.02, "unattributed": 7199.98, "execute": 18.0, "detect": 1.0}


def test_an_end_noticed_minutes_later_is_no_detection() -> None:
    late = dag(node(sub_task("SUCCEED", 1.05, 2.0), end=302.0), end=302.01, at=400)
    assert spent(late)["unattributed"] == 300.0


def interrupted(*, seen: float | None) -> list[Answer]:
    """An attempt that an agent's restart ended after three hours, perhaps seen at work before."""
    line = "ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue"
    failed = sub_task("FAILED", 1.05, 10801.0, logs=["start", line])
    answers = [dag(node(failed, state="FAILED", end=10801.8), state="FAILED", end=10801.9, at=11000)]
    if seen is not None:
        running = sub_task("RUNNING", 1.05, 0.5, logs=["start"])
        answers.append(dag(node(running, state="RUNNING", end=1.01), state="RUNNING", end=0.5, at=seen))
    return answers


@pytest.mark.parametrize(("seen", "worked"), [(11.0, 9.95), (None, 0.0)])
def test_an_interrupted_attempt_worked_until_it_was_last_seen_at_work(seen: float | None, worked: float) -> None:
    parts = spent(*interrupted(seen=seen))
    assert parts.get("execute", 0.0) == worked
    assert parts["unattributed"] == round(10801.0 - 1.05 - worked, 6)
    assert run_of(*interrupted(seen=seen))["active_s"] == worked


def test_another_agent_at_work_through_the_outage_is_at_work() -> None:
    line = "ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue"
    lost = sub_task("FAILED", 1.05, 61.0, logs=[line])
    other = sub_task("SUCCEED", 1.05, 51.05, gid="12", ip="192.0.2.2")
    parts = spent(dag(node(lost, other, state="FAILED", end=61.5), state="FAILED", end=61.51, at=100))
    assert (parts["execute"], parts["unattributed"]) == (50.0, 9.95)


def test_an_end_before_its_start_is_told_and_neither_lost_nor_the_engines() -> None:
    back = dag(node(sub_task("SUCCEED", 6.03, 4.0), end=10.0), end=11.0)
    assert spent(back) == {"handoff": 1.01, "unattributed": 8.99}
    (row,) = frame("issues", back).to_dict("records")
    assert row["code"] == "ended-before-start"
    assert "attempt 1 of sub-task 11 by 2.030 s" in row["message"]
    assert pd.isna(frame("attempts", back)["duration_s"].iloc[0])


def test_a_stage_whose_end_lies_before_its_start_leaves_what_follows_unattributed() -> None:
    first = node(sub_task("SUCCEED", 1.05, 2.0), start=1.01, end=0.6)
    second = node(sub_task("SUCCEED", 4.05, 5.0, gid="12"), start=4.0, end=5.5, gid="12", name="More")
    moved = dag(first, second, end=5.51, stage=2)
    assert spent(moved)["unattributed"] == 2.04
    assert frame("issues", moved)["message"].str.contains("stage 1 by 0.410 s").any()
    run = run_of(moved)
    assert pd.isna(run["elapsed_s"])
    assert (run["elapsed_min_s"], pd.isna(run["elapsed_max_s"])) == (4.92, True)
