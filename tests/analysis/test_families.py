"""Main DAGs and their child DAGs: what holds of the path, the scenarios, the events and the locks of any of them."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import lock_conflicts
from daganalysis.analysis.scenarios import DEFAULTS
from enginemodel.dag_parts import SECOND
from tests.analysis.families import family_of_rows, nights
from tests.profiles import examples
from tests.zones import written_in

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from tests.analysis.families import Night

TICK_S = 1.05


def is_whole(path: pd.DataFrame, archive: Archive) -> bool:
    """Whether the segments of each run follow each other and add up to its elapsed time, to the nanosecond."""
    elapsed = archive.dags.set_index("run_id")["elapsed_s"].dropna()
    follows = path["started_at"].eq(path["ended_at"].shift()) | path["run_id"].ne(path["run_id"].shift())
    nanoseconds = (path["ended_at"].astype("int64") - path["started_at"].astype("int64")).groupby(path["run_id"]).sum()
    return bool(follows.all()) and (nanoseconds.reindex(elapsed.index) / 1e9).eq(elapsed).all()


@examples(3, long=200)
@given(st.integers(0, 10_000))
@example(21)  # an attempt that began before a stretch of work, and the longest of those that ended after another began
def test_the_segments_of_every_family_of_rows_add_up_whatever_the_child_dags_did(seed: int) -> None:
    archive = family_of_rows(seed)
    path = da.critical_path(archive)
    assert is_whole(path, archive)
    assert (path["duration_s"] > 0).all()
    assert (path["child_run_id"] != path["run_id"]).all()


@examples(3, long=80)
@given(nights())
def test_the_segments_of_every_run_of_a_night_add_up_to_its_elapsed_time(night: Night) -> None:
    archive = da.load(*night.texts)
    assert is_whole(da.critical_path(archive), archive)


@examples(2, long=60)
@given(nights())
def test_nothing_changed_is_the_elapsed_time_and_more_removed_is_never_longer(night: Night) -> None:
    archive = da.load(*night.texts)
    sets = [subset for n in range(1, 5) for subset in itertools.combinations(DEFAULTS, n)]
    rows = da.what_if(archive, scenarios=["tick=1", *("+".join(subset) for subset in sets)])
    told = {(row["run_id"], row["scenario"]): row for row in rows.dropna(subset="elapsed_s").to_dict("records")}
    for run_id in archive.dags.loc[archive.dags["elapsed_s"].notna(), "run_id"]:
        same = told[run_id, "tick=1"]
        assert same["predicted_min_s"] == same["predicted_max_s"] == same["elapsed_s"]
        for subset in sets:
            own = told[run_id, "+".join(subset)]
            less = [same, *(told[run_id, "+".join(part)] for part in itertools.combinations(subset, len(subset) - 1) if part)]
            assert all(own[column] <= row[column] for row in less for column in ("predicted_min_s", "predicted_max_s"))


@examples(3, long=80)
@given(nights())
def test_what_a_main_dag_did_to_its_children_is_told_once_and_as_often_as_it_did_it(night: Night) -> None:
    rows = da.events(da.load(*night.texts))
    told = Counter(zip(rows["run_id"], rows["event"], strict=True))
    assert not rows[["run_id", "event", "at", "detail"]].duplicated().any()
    for run in night.runs:
        assert max(told[run.gid, event] for event in ("created", "started", "ended")) == 1
        assert told[run.gid, "retry"] <= run.retries + run.protocol_retries
        assert told[run.gid, "pass"] == run.passes
    children = {run.gid for run in night.runs if run.protocol_retries or run.passes}
    assert set(rows.loc[rows["run_id"].isin(children) & rows["event"].isin(["retry", "pass"]), "actor"]) <= {"dag"}


@examples(3, long=80)
@given(nights())
def test_holdings_of_one_lock_never_overlap_and_are_those_of_the_truth(night: Night) -> None:
    archive = da.load(*night.texts)
    locks = da.locks(archive)
    ends = locks["taken_at"] + pd.to_timedelta(locks["held_s"], unit="s")
    ordered = locks.assign(end=ends).sort_values("taken_at")
    for _, own in ordered.groupby(["lock", "key"], dropna=False):
        assert (own["taken_at"].iloc[1:].to_numpy() >= own["end"].iloc[:-1].to_numpy() - pd.Timedelta(seconds=TICK_S)).all()
    assert lock_conflicts(archive).empty
    truth = {run.gid: run for run in night.runs}
    for row in ordered.to_dict("records"):
        run = truth[row["run_id"]]
        assert abs(row["taken_at"].value / 1000 - run.created) < TICK_S * SECOND
        assert pd.isna(row["released_at"]) or abs(row["released_at"].value / 1000 - run.ended) < TICK_S * SECOND


@examples(2, long=60)
@given(nights(), st.randoms(use_true_random=False), st.sampled_from(["-05:30", "+00:00", "+14:00"]))
def test_order_repetition_and_zone_of_answers_change_nothing_that_is_told_of_a_family(night: Night, rng: random.Random, zone: str) -> None:
    elsewhere = [written_in(text, zone) for text in [*night.texts, *rng.sample(night.texts, len(night.texts) // 2)]]
    rng.shuffle(elsewhere)
    plain, other = da.load(*night.texts), da.load(*elsewhere)
    for analysis in (da.critical_path, da.what_if, da.events, da.locks, da.runs):
        pd.testing.assert_frame_equal(analysis(other), analysis(plain))
