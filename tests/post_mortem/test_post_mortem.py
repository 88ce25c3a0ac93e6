"""What `show` tells of a run."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.analysis.run_facts import RunFacts
from daganalysis.archive import Archive
from daganalysis.errors import RunNotFoundError
from daganalysis.history.rebuild import rebuild
from daganalysis.post_mortem import post_mortem_text
from daganalysis.post_mortem.chronology import chronology_lines
from daganalysis.post_mortem.time_spent import share_bar
from daganalysis.text.zones import Zone
from tests.history.responses import dag, node, sub_task
from tests.rows import archive_of, at

if TYPE_CHECKING:
    from daganalysis.reading.answers import Answer

BROKEN = "ERROR: [OB.Server.Process.NotExist]: Observer process not exist"
HEALTHY = dag(
    node(sub_task(), name="First"), node(sub_task("SUCCEED", 3.55, 5.0, gid="12"), start=3.5, end=5.5, gid="12", name="Second"), end=5.51
)
FAILED = dag(
    node(sub_task("FAILED", 1.05, 2.0, logs=["begin", BROKEN], name="Do it"), state="FAILED", name="Work hard"),
    node(sub_task("PENDING", 0.5, 0.5, gid="12", times=0), state="PENDING", start=0.5, end=0.5, gid="12"),
    state="FAILED",
    at=10,
)
RETRIED = dag(
    node(sub_task("SUCCEED", 61.1, 62.0, times=3, logs=["begin", BROKEN, "done"]), operator="RETRY", start=60.01, end=62.5),
    node(sub_task("SUCCEED", 63.6, 64.0, gid="12"), start=63.5, end=64.5, gid="12"),
    start=60.0,
    end=64.51,
    stage=2,
    at=70,
)


TEXTS: dict[str, str] = {}
"""What has been told already: a text takes half a second, and most tests look at the same ones."""


def told(*answers: Answer, run: str = "11", **options: Any) -> str:
    asked = repr((answers, run, options))
    if asked not in TEXTS:
        TEXTS[asked] = post_mortem_text(Archive.from_tables(rebuild(answers)), run, named="store/", **options)
    return TEXTS[asked]


def section(text: str, title: str) -> str:
    found = [part for part in text.split("\n\n") if part.startswith(title)]
    return found[0] if found else ""


def test_the_first_line_says_how_it_ended() -> None:
    assert told(HEALTHY).splitlines()[0] == "Create tenant t1: succeeded"


def test_nodes_whose_stages_no_source_tells_are_told_all_the_same() -> None:
    dag_row = {"run_id": "1", "name": "Work", "outcome": "rolled_back", "started_at": at(0), "ended_at": at(9), "elapsed_s": 9.0}
    nodes = [
        {
            "run_id": "1",
            "node_gid": gid,
            "name": f"Step {gid}",
            "outcome": outcome,
            "started_at": at(1),
            "ended_at": at(4),
            "duration_s": 3.0,
        }
        for gid, outcome in (("a", "rolled_back"), ("b", "rolled_back"), ("c", "never_run"), ("d", "passed"))
    ]
    text = post_mortem_text(archive_of(dags=[dag_row], nodes=nodes), "1", named="store/")
    assert text.splitlines()[0] == "Work: rolled back"
    assert "?  Step a" in text


def test_the_headline_has_the_outcome_and_the_sentence_below_it_says_where() -> None:
    headline, _, sentence, *_ = told(FAILED).splitlines()
    assert headline == "Create tenant t1: failed"
    assert sentence.startswith("Work hard failed on 192.0.2.1:2886 (OB.Server.Process.NotExist)")


def test_times_are_told_as_the_server_saw_them() -> None:
    assert "started    2025-01-01 00:00:01 UTC" in told(HEALTHY)


def test_the_parts_of_the_time_are_told_with_their_shares() -> None:
    budget = section(told(HEALTHY), "Where the 4.51 s went")
    # 0.95 s + 1.45 s of work in 4.51 s
    assert re.search(r"executing +2\.40 s +53 % +█", budget)
    assert "the engine in all" in budget


def test_every_executed_stage_is_listed_and_what_never_ran_is_named() -> None:
    stages = section(told(FAILED), "Stages")
    assert re.search(r"1  Work hard +1\.49 s +950 ms", stages)
    assert "never run: stage 2 of 2" in stages


def test_a_failure_is_told_with_its_agent_its_duration_and_its_telling_line() -> None:
    trouble = section(told(FAILED), "What failed")
    assert "Stage 1, Do it: failed" in trouble
    assert "on 192.0.2.1:2886" in trouble
    assert "1. run      failed after 950 ms" in trouble
    assert f"> {BROKEN}" in trouble


@pytest.mark.parametrize(
    ("operator", "said"),
    [("RUN", "failed (timed out or failed, not known which)"), ("CANCEL", "not succeeded (failed, timed out or cancelled)")],
)
def test_a_failure_without_a_line_of_its_own_is_told_with_what_it_may_have_been(operator: str, said: str) -> None:
    silent = node(sub_task("FAILED", logs=["working"]), state="FAILED", operator=operator)
    assert f"1. run      {said} after 950 ms" in told(dag(silent, state="FAILED", operator=operator))


def test_sub_tasks_that_failed_alike_are_told_once() -> None:
    tasks = [sub_task("FAILED", 1.05, 2.0, gid=str(11 + i), ip=f"192.0.2.{i}", logs=[f"ERROR: 192.0.2.{i}:2886 is down"]) for i in range(6)]
    trouble = section(told(dag(node(*tasks, state="FAILED"), state="FAILED")), "What failed")
    assert trouble.count("Stage 1") == 1
    assert "192.0.2.0:2886, 192.0.2.1:2886, 192.0.2.2:2886 and 3 more" in trouble


def test_a_healthy_run_has_no_trouble_and_nothing_unknown() -> None:
    text = told(HEALTHY)
    assert section(text, "What failed") == ""
    assert section(text, "What is not known") == ""


def test_a_run_of_several_legs_is_told_in_order_of_time() -> None:
    events = section(told(FAILED, RETRIED), "What happened, leg by leg").splitlines()[1:]
    told_events = [re.split(r"  +", line.strip())[2].partition(" (")[0] for line in events]
    assert told_events == ["ran stage 1", "waited for a person", "ran stages 1 to 2"]


@pytest.mark.parametrize(("n_waits", "left_out"), [(8, None), (9, "3 events")])
def test_a_long_list_of_legs_leaves_out_the_middle_unless_that_is_one_line(n_waits: int, left_out: str | None) -> None:
    kinds = [category for leg in range(1, n_waits + 1) for category in ((leg, "execute"), (leg, "wait_operator"))] + [
        (n_waits + 1, "execute")
    ]
    more = {"duration_s": 10.0, "from_stage": 1, "to_stage": 1, "direction": "forward"}
    line = [
        {"leg": leg, "category": category, "started_at": pd.Timestamp(n, unit="m", tz="UTC"), **more}
        for n, (leg, category) in enumerate(kinds)
    ]
    nothing: dict[str, Any] = {field.name: [] for field in dataclasses.fields(RunFacts)}
    text = "\n".join(chronology_lines(RunFacts(**nothing | {"timeline": line}), Zone("UTC")))
    assert text.count("waited for a person") == 8
    assert (f"… {left_out} between …" in text) is (left_out is not None)


def test_where_clocks_may_change_every_time_of_a_leg_and_a_request_has_its_offset() -> None:
    text = told(FAILED, RETRIED, zone=Zone("Europe/Berlin"))
    for title in ("What happened, leg by leg", "Who asked for what"):
        times = re.findall(r"01-01 0\d:\d\d:\d\d(.{7})", section(text, title))
        assert times
        assert set(times) == {" +01:00"}


def test_times_in_what_is_not_known_are_in_the_zone_of_the_text() -> None:
    message = "it ran into its timeout between 2025-01-01T00:00:00Z and 2025-01-01T01:00:00.250+00:00"
    issue = {"run_id": "1", "severity": "warning", "code": "x", "message": message}
    archive = archive_of(dags=[{"run_id": "1", "outcome": "running", "state": "RUNNING"}], issues=[issue])
    text = " ".join(post_mortem_text(archive, "1", named="store", zone=Zone("+08:00")).split())
    assert "between 2025-01-01 08:00:00 +08:00 and 2025-01-01 09:00:00 +08:00" in text


def test_what_an_overwritten_history_hides_is_said() -> None:
    unknown = section(told(RETRIED), "What is not known")
    assert "2 attempts of 4 inferred from neighbouring attempts, not observed." in unknown
    assert "Save the DAG every few seconds while it runs" in section(told(RETRIED), "Next")


def test_children_not_in_the_archive_are_named() -> None:
    child = "22130706433028869"
    parent = dag(node(sub_task(logs=[f"create local scale out dag success, genericID:{child}"])), name="Cluster scale out")
    assert f"{child} of 127.0.0.1:2886: not in the archive" in section(told(parent), "1 child DAG")


def test_a_child_whose_work_was_not_done_comes_first_and_is_proposed_to_look_at() -> None:
    ids = {"22130706433028861": "192.0.2.9:2886", "22130706433028862": "192.0.2.8:2886"}
    parent = dag(node(sub_task()), name="Start OB", gid="22130706433028863", data={"sub_dags": {agent: gid for gid, agent in ids.items()}})
    work, wait = "Start observer", "Wait for task to end"
    good = dag(
        node(sub_task()),
        node(
            sub_task("SUCCEED", 3.55, 5.0, gid="12", operator="PASS", logs=["wait operator to advance"]),
            start=3.5,
            end=5.5,
            gid="12",
            operator="PASS",
            name=wait,
        ),
        gid="22130706433028861",
        operator="PASS",
        stage=2,
        name=work,
    )
    bad = dag(
        node(sub_task("FAILED", logs=[BROKEN], gid="21"), state="FAILED", gid="21"), state="FAILED", gid="22130706433028862", name=work
    )
    text = told(parent, good, bad, run="22130706433028863")
    children = section(text, "2 child DAGs").splitlines()
    assert [line.split()[0] for line in children[1:]] == ["22130706433028862", "22130706433028861"]
    assert "daganalysis show store/ 22130706433028862" in section(text, "Next")


def test_what_was_passed_without_running_is_no_failure_of_its_own() -> None:
    skipped = node(sub_task("SUCCEED", 0.5, 90.0, gid="12", times=0, operator="PASS"), start=0.5, end=90.0, gid="12", operator="PASS")
    failed = node(sub_task("SUCCEED", 1.05, 90.0, logs=[BROKEN], operator="PASS"), end=90.0, operator="PASS")
    trouble = section(told(dag(failed, skipped, operator="PASS", end=90.0)), "What failed")
    assert "Stage 1, Work: passed" in trouble
    assert "Passed without having run: stage 2" in trouble
    assert "Stage 2" not in trouble


def test_an_error_line_of_a_sub_task_that_succeeded_is_told_apart() -> None:
    trouble = section(told(dag(node(sub_task(logs=["ERROR: [X]: will try again[1/3]", "ok"])))), "What failed")
    assert "Stage 1 on 192.0.2.1:2886 logged an error, but succeeded" in trouble


def test_only_the_longest_of_many_stages_are_listed_and_the_rest_is_counted() -> None:
    nodes = [
        node(sub_task("SUCCEED", 2 * i + 1.05, 2 * i + 1.5, gid=str(11 + i)), start=2 * i + 1.0, end=2 * i + 2.0, gid=str(11 + i))
        for i in range(30)
    ]
    stages = section(told(dag(*nodes, stage=30, end=60.0)), "Stages").splitlines()
    assert len(stages) == 2 + 20 + 1
    assert "and 10 shorter stages, 10.0 s together" in stages[-1]


def test_the_commands_proposed_can_be_pasted() -> None:
    steps = section(told(dag(node(sub_task()), cluster="prod a"), run="prod a/11"), "Next")
    assert "daganalysis gantt store/ 'prod a/11' -o prod-a-11.svg" in steps


def test_why_names_the_rule_and_its_source() -> None:
    why = section(told(FAILED, why=True), "Why")
    assert "rule dag-failed, engine-semantics §2.2" in why
    assert "a sub-task failed and nobody has acted since" in why


def test_why_tells_of_each_attempt_of_a_sub_task_that_ran_more_than_once() -> None:
    why = section(told(RETRIED, why=True), "Why")
    assert "rule attempt-followed, engine-semantics §2.3" in why
    assert "rule attempt-failed, engine-semantics §2.2" in why
    assert "attempt-" not in section(told(FAILED, why=True), "Why")


def test_hostile_names_and_lines_do_nothing_and_break_no_line() -> None:
    text = told(
        dag(node(sub_task("FAILED", logs=["ERROR: \x1b[2J\u202e"], name="a\nb"), state="FAILED"), state="FAILED", name="\x1b]0;x\x07")
    )
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "a\\nb" in text


def test_no_line_but_a_command_is_wider_than_80_columns() -> None:
    answers = (
        FAILED,
        RETRIED,
        dag(node(sub_task("FAILED", logs=["ERROR: " + "long " * 99]), state="FAILED"), gid="12", state="FAILED", name="N" * 200),
    )
    for run in ("11", "12"):
        lines = told(*answers, run=run, why=True).splitlines()
        assert [line for line in lines if len(line) > 80 and not line.startswith("  daganalysis ")] == []


def test_a_run_that_is_not_there_is_an_error_with_the_nearest_ids() -> None:
    with pytest.raises(RunNotFoundError) as caught:
        told(HEALTHY, run="111")
    assert caught.value.candidates == ["11"]


@pytest.mark.parametrize(("share", "bar"), [(0, ""), (0.0001, "▏"), (0.25, "█████"), (1, "█" * 20)])
def test_a_share_is_drawn_in_eighths_of_a_block(share: float, bar: str) -> None:
    assert share_bar(share) == bar


def test_the_line_of_an_attempt_that_is_not_known_stands_below_none_of_them() -> None:
    text = post_mortem_text(da.load("sample_data/tenant/retried-one-answer.json"), "1132", named="store")
    assert "succeeded after 1.18 s\n      logged by one of these attempts (which one is not known):\n       > ERROR: [MySQL.Error]" in text


def test_a_pass_is_counted_among_what_people_did() -> None:
    text = post_mortem_text(da.load("sample_data/tenant/passed.json"), "1152", named="store")
    assert re.search(r"^  people +1 pass$", text, re.MULTILINE)


def test_a_run_that_logs_alone_tell_of_is_told_by_the_stages_that_they_show() -> None:
    text = post_mortem_text(da.load("sample_data/logs/log"), "1401", named="store")
    assert "from agents' logs or databases alone" in text
    assert "Stage 3, Set tenant variables: succeeded\n    on 192.0.2.13:2886\n" in text
    assert "other run" not in text


def test_who_advanced_a_child_is_left_open_between_its_main_dag_and_a_person() -> None:
    archive = da.load("sample_data/start")
    child = archive.dags.loc[archive.dags["parent_run_id"].notna(), "run_id"].iloc[0]
    assert "retry, its main DAG or a person; no log tells from where" in post_mortem_text(archive, child, named="store")
