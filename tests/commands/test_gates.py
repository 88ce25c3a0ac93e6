"""Gates as a pipeline meets them: what is said, on which stream, and the exit status."""

from __future__ import annotations

import csv
import io
import json

import pytest

from daganalysis.commands import main

VERSIONS = ("sample_data/versions/a", "sample_data/versions/b")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Give a store of the sample fleet, loaded once."""
    path = str(tmp_path_factory.mktemp("read-only") / "fleet")
    assert main(["load", "sample_data/fleet", "--cluster-by", "dir", "--out", path]) == 0
    return path


@pytest.fixture
def run(capfd):
    def run_command(*arguments):
        status = main(arguments)
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run_command


def test_a_slower_stage_trips_the_gate_and_is_named(run):
    status, out, err = run("compare", *VERSIONS, "--fail-on", "slower")
    assert status == 1
    assert "daganalysis: gate tripped by Create tenant / Import script for tenant: 9.227 s to 13.328 s (x 1.44)\n" in err
    assert "whole run" in out
    assert max(map(len, out.splitlines())) <= 80


def test_nothing_slower_passes_and_the_rows_that_were_looked_at_are_counted(run):
    status, _, err = run("compare", VERSIONS[0], VERSIONS[0], "--fail-on", "slower")
    assert (status, err.splitlines()[-1]) == (0, "daganalysis: within the gate: 6 rows")
    assert run("compare", *VERSIONS, "--fail-on", "faster")[0] == 0


def test_too_few_runs_leave_the_gate_undecided(run):
    status, _, err = run("compare", "sample_data/tenant/healthy.json", "sample_data/broken/good.json", "--fail-on", "slower")
    assert status == 4
    assert "gate undecided on Create tenant / whole run: 1 run a side cannot show any difference; about 4 more a side would" in err


def test_contributions_say_on_stderr_what_they_add_up_to(run):
    two = ("sample_data/tenant/healthy.json", "sample_data/broken/good.json")
    status, out, err = run("compare", *two, "--level", "contributions", "--format", "json")
    assert status == 0
    total = sum(row["diff_s"] for row in json.loads(out))
    assert f"{total:+.6f} s" in err


def test_a_gate_over_contributions_is_a_mistake_and_not_green(run):
    status, _, err = run("compare", *VERSIONS, "--level", "contributions", "--fail-on", "slower")
    assert status == 2
    assert "a gate is decided over stages" in err


def test_runs_of_another_outcome_are_said_to_be_left_out(run):
    two = ("sample_data/tenant", "sample_data/tenant/healthy.json")
    err = run("compare", *two)[2]
    assert "left out of Create tenant: 1 cancelled, 1 failed, 1 passed, 1 rolled_back, 1 running, " in err


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        (["failed_share>0.5"], 0),
        (["elapsed_p95_s>60"], 1),
        (["failed_share>0.001"], 4),
        (["failed_share>0.001", "elapsed_p95_s>60"], 1),
        (["failed_share"], 2),
    ],
)
def test_check_exits_as_what_was_decided(fleet, run, conditions, status):
    assert run("check", fleet, "--fail-on", *conditions)[0] == status


def test_check_prints_every_decision_and_says_which_tripped_or_could_not_be_made(fleet, run):
    conditions = ("failed_share>0.5", "elapsed_p95_s>60", "retry_share>0.1")
    _, out, err = run("check", fleet, "--format", "json", "--fail-on", *conditions)
    assert [(row["condition"], row["decision"]) for row in json.loads(out)] == list(
        zip(conditions, ("held", "tripped", "undecided"), strict=True)
    )
    assert [line.split(":")[1].strip() for line in err.splitlines()] == [
        "gate tripped by elapsed_p95_s>60",
        "gate undecided on retry_share>0.1",
        "within the gate",
    ]


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_the_whole_run_has_no_stage_name_in_any_form(run, form):
    out = run("compare", *VERSIONS, "--format", form)[1]
    if form == "json":
        names = [row["name"] for row in json.loads(out)]
    elif form == "csv":
        names = [row["name"] or None for row in csv.DictReader(io.StringIO(out))]
    else:
        cells = [line.split(" | ")[1] for line in out.splitlines()[2:]]
        names = [None if name == "whole run" else name for name in cells]
    assert names[0] is None
    assert names[1:3] == ["Create tenant", "Modify tenant whitelist"]
