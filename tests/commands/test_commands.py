"""The command line as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import daganalysis as da
from daganalysis.commands.analyses import IF_EMPTY
from daganalysis.commands.parsing import JOBS, build_parser
from daganalysis.tables import DAGS
from tests.commands.conftest import envelope
from tests.history.responses import dag, node, sub_task

if TYPE_CHECKING:
    pass

COMMANDS = sorted(name for action in build_parser()._subparsers._group_actions for name in action.choices)  # type: ignore[union-attr,attr-defined]


Run = "Callable[..., tuple[int, str, str]]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_no_line_wider_than_80(command: str, run: Run) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0
    shown = out.partition("\nexamples:\n")[2].splitlines()
    assert len(shown) >= 2
    for line in shown:
        assert line.startswith(f"  daganalysis {command} ")
        assert build_parser().parse_args(shlex.split(line)[1:]).execute
    assert max(map(len, out.splitlines())) <= 80


def test_the_help_of_the_program_names_every_command_by_its_job(run: Run) -> None:
    _, out, _ = run("--help")
    assert sorted(name for _, names in JOBS for name in names) == sorted(COMMANDS)
    assert all(f"\n  {job}\n" in out for job, _ in JOBS)


def test_load_says_what_it_loaded_and_what_it_rejected(responses: str, tmp_path: Path, run: Run) -> None:
    status, out, err = run("load", responses, "--out", str(tmp_path / "s"))
    assert (status, out) == (0, "")
    assert "2 runs (2 snapshots, 3 sub-tasks)" in err
    assert "1 rejected record" in err
    assert "daganalysis validate" in err


def test_strict_refuses_an_archive_with_a_rejected_record(responses: str, tmp_path: Path, run: Run) -> None:
    status, _, err = run("load", responses, "--out", str(tmp_path / "s"), "--strict")
    assert status == 3
    assert "1 record was rejected: " in err
    assert not (tmp_path / "s" / "dags").exists()


def test_a_command_takes_a_store_or_the_responses_themselves(store: str, responses: str, run: Run) -> None:
    arguments = ("--format", "json")
    assert run("time-budget", store, *arguments)[1] == run("time-budget", responses, *arguments)[1]


def test_json_is_rows_with_the_declared_columns(store: str, run: Run) -> None:
    rows = json.loads(run("table", store, "dags", "--format", "json")[1])
    assert [list(row) for row in rows] == [DAGS.names, DAGS.names]
    assert rows[0]["started_at"] == "2025-01-01T00:00:01.000000000Z"


def test_csv_goes_to_a_file_on_request_and_says_so(store: str, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "dags.csv"
    status, out, err = run("table", store, "dags", "--format", "csv", "-o", str(file))
    assert (status, out) == (0, "")
    assert f"wrote {file}" in err
    assert [row["run_id"] for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))] == ["11", "12"]


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        ([], ["11", "12"]),
        (["--run", "12"], ["12"]),
        (["--workflow", "Create tenant"], ["11"]),
        (["--since", "2025-01-01T00:00:30Z"], ["12"]),
        (["--until", "2025-01-01T08:00:30+08:00"], ["11"]),
        (["--since", "2030-01-01"], []),
    ],
)
def test_options_choose_runs(store: str, run: Run, options: list[str], runs: list[str]) -> None:
    rows = json.loads(run("time-budget", store, "--format", "json", *options)[1])
    assert [row["run_id"] for row in rows] == runs


def test_a_level_changes_what_a_row_is(store: str, run: Run) -> None:
    rows = json.loads(run("stage-latency", store, "--level", "workflow", "--format", "json")[1])
    assert [(row["workflow"], row["name"]) for row in rows] == [
        ("Create tenant", "First"),
        ("Create tenant", "Work"),
        ("Drop tenant", "Work"),
    ]


def test_show_tells_a_run(store: str, run: Run) -> None:
    status, out, _ = run("show", store, "12", "--why")
    assert status == 0
    assert out.startswith("Drop tenant t1: failed\n\nWork failed on 192.0.2.1:2886 (A.B) at stage 1 of 1.\n")
    assert "\nWhy (the sections are those of docs/engine-semantics.md)\n" in out


def test_archives_without_a_common_cluster_are_told_how_to_label_them_alike(responses: str, tmp_path: Path, run: Run) -> None:
    for label in ("a", "b"):
        run("load", responses, "--out", str(tmp_path / label), "--cluster", label)
    err = run("compare", str(tmp_path / "a"), str(tmp_path / "b"))[2]
    assert "no cluster is on both sides (before: a; after: b)" in err
    assert "`daganalysis load ANSWERS --cluster a --out STORE`" in err
    assert "no cluster" not in run("compare", str(tmp_path / "a"), str(tmp_path / "a"))[2]
    run("load", responses, "--out", str(tmp_path / "unlabelled"))
    assert "`daganalysis load ARCHIVE --cluster a --out STORE`" in run("compare", str(tmp_path / "a"), str(tmp_path / "unlabelled"))[2]
    run("load", str(tmp_path / "unlabelled"), "--out", str(tmp_path / "labelled"), "--cluster", "a")
    assert "no cluster" not in run("compare", str(tmp_path / "a"), str(tmp_path / "labelled"))[2]


@pytest.mark.parametrize("analysis", IF_EMPTY)
def test_an_analysis_without_rows_says_what_that_means(store: str, run: Run, analysis: str) -> None:
    status, out, err = run(analysis.replace("_", "-"), store, "--since", "2099-01-01")
    assert (status, out) == (0, "no rows\n")
    assert err.splitlines()[-1] == f"daganalysis: {IF_EMPTY[analysis]}"


def test_validate_explains_each_rejected_record(responses: str, run: Run) -> None:
    status, out, err = run("validate", responses, "--format", "json")
    (issue,) = [row for row in json.loads(out) if row["severity"] == "error"]
    assert status == 0
    assert "broken.json" in issue["source"]
    assert "2 runs, 1 record rejected" in err
    assert run("validate", responses, "--strict")[0] == 3


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "STORE", "1"], 2, "no such run in the archive: 1 (perhaps 1"),
        (["summary", "STORE", "--workflow", "Create tenat"], 2, "perhaps Create tenant"),
        (["summary", "no/such/folder"], 3, "no/such/folder"),
        (["summary", "STORE", "--since", "tomorrow"], 2, "not a date, `today`, `yesterday` or an RFC 3339 instant: tomorrow"),
        (["table", "STORE", "dag"], 2, "no such choice: dag, perhaps dags"),
        (["frobnicate"], 2, "no such command: frobnicate (see `daganalysis --help`)"),
        (["summaries", "STORE"], 2, "no such command: summaries, perhaps summary"),
        (["summary", "STORE", "--formt", "json"], 2, "no such option: --formt, perhaps --format"),
        (["report", "STORE", "--titel=Week"], 2, "no such option: --titel, perhaps --title"),
        (["--versoin"], 2, "no such option: --versoin, perhaps --version"),
        (["--versoin", "summary"], 2, "no such option: --versoin, perhaps --version"),
        (["summary", "STORE", "--zzz"], 2, "no such option: --zzz (see `daganalysis summary --help`)"),
        (["table", "STORE", "dags", "-o", "no/such/folder/x.csv"], 3, "no/such/folder"),
        (["load", "RESPONSES", "--out", "x", "--jobs", "0"], 2, "not a whole number of at least 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(store: str, responses: str, run: Run, arguments: list[str], status: int, said: str) -> None:
    placed = [{"STORE": store, "RESPONSES": responses}.get(argument, argument) for argument in arguments]
    got, out, err = run(*placed)
    assert (got, out) == (status, "")
    assert said in err
    assert err.startswith("daganalysis: ")
    assert err.count("\n") == 1


def test_a_traceback_is_shown_on_request_alone(run: Run) -> None:
    assert "Traceback" in run("summary", "no/such/folder", "--debug")[2]


def test_hostile_log_lines_reach_no_terminal(store: str, run: Run) -> None:
    for command in (["show", store, "12"], ["table", store, "sub_tasks", "--wide"], ["table", store, "sub_tasks", "--format", "csv"]):
        out = run(*command)[1]
        assert "[31mbroken" in out
        assert "\x1b" not in out


def test_a_reader_that_stops_early_is_no_error(store: str) -> None:
    command = f"{sys.executable} -m daganalysis table {store} timeline --format csv | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("run_id,seq,")


def test_ctrl_c_is_no_traceback(store: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("daganalysis.loading.open_archive", interrupted)
    assert run("summary", store) == (130, "", "daganalysis: interrupted\n")


def test_a_mistake_of_the_program_is_owned_up_to_in_one_line(store: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("daganalysis.loading.open_archive", mistaken)
    status, _, err = run("summary", store)
    assert status == 3
    assert "this should not have happened: ZeroDivisionError: by nought" in err


def test_a_narrow_and_a_wide_terminal_are_filled(store: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert columns - 25 < max(map(len, run("table", store, "dags")[1].splitlines())) <= columns


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version")[1].startswith("daganalysis ")


def test_validate_leaves_out_what_is_less_grave_on_request(responses: str, run: Run) -> None:
    rows = json.loads(run("validate", responses, "--severity", "error", "--format", "json")[1])
    assert {row["severity"] for row in rows} == {"error"}


@pytest.mark.parametrize(("ending", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("html", b"<!doctype html>")])
def test_gantt_draws_what_the_ending_says(store: str, tmp_path: Path, run: Run, ending: str, magic: bytes) -> None:
    file = tmp_path / f"run.{ending}"
    status, _, err = run("gantt", store, "11", "-o", str(file))
    assert (status, err) == (0, f"daganalysis: wrote {file}\n")
    assert file.read_bytes().startswith(magic)


def drawn(run: Run, tmp_path: Path, *arguments: str) -> str:
    file = tmp_path / ("run.html" if "--page" in arguments else "run.svg")
    status, _, err = run("gantt", *(argument for argument in arguments if argument != "--page"), "-o", str(file))
    assert status == 0, err
    return file.read_text(encoding="utf-8")


def test_gantt_folds_a_picture_of_very_many_lanes_and_says_so_unless_told_otherwise(tmp_path: Path, run: Run) -> None:
    tasks = [sub_task(gid=f"1{n:03}", ip=f"192.0.2.{n}") for n in range(125)]
    file = tmp_path / "wide.json"
    file.write_text(envelope(dag(node(*tasks), gid="13")), encoding="utf-8")
    assert "more sub-tasks" in drawn(run, tmp_path, str(file), "13")
    assert "more sub-task" not in drawn(run, tmp_path, str(file), "13", "--max-lanes", "0")
    assert "more sub-task" not in drawn(run, tmp_path, str(file), "13", "--page")


def test_gantt_tells_the_time_of_a_zone_or_of_the_server(responses: str, tmp_path: Path, run: Run) -> None:
    assert "(UTC)" in drawn(run, tmp_path, responses, "11")
    assert "(Asia/Shanghai)" in drawn(run, tmp_path, responses, "11", "--tz", "Asia/Shanghai")
    documented = str(Path(__file__).parent.parent.parent / "sample_data" / "documented")
    assert "(+08:00)" in drawn(run, tmp_path, documented, "11", "--tz", "server")
    assert '"zone":"+05:30"' in drawn(run, tmp_path, responses, "11", "--tz", "+05:30", "--page")


def test_gantt_nests_child_dags_on_request(tmp_path: Path, run: Run) -> None:
    folder = str(Path(__file__).parent.parent.parent / "sample_data" / "scale-out")
    assert "Local scale out" not in drawn(run, tmp_path, folder, "1301", "--page")
    assert "Local scale out · 192.0.2.21:2886" in drawn(run, tmp_path, folder, "1301", "--children", "--page")


def test_gantt_refuses_an_ending_it_cannot_draw(store: str, tmp_path: Path, run: Run) -> None:
    assert run("gantt", store, "11", "-o", str(tmp_path / "run.bmp"))[0] == 2


def test_where_nothing_can_be_used_the_command_says_so(tmp_path: Path, run: Run) -> None:
    (tmp_path / "page.json").write_text("<html>log in</html>", encoding="utf-8")
    for command in (["summary", str(tmp_path)], ["load", str(tmp_path), "--out", str(tmp_path / "s")]):
        status, out, err = run(*command)
        assert (status, out) == (3, "")
        assert f"nothing in {tmp_path} can be used (1 rejected record): " in err


def test_several_dags_behind_one_id_are_said_aloud(tmp_path: Path, run: Run) -> None:
    for number, cluster in enumerate(("a", "b")):
        (tmp_path / "all" / cluster).mkdir(parents=True)
        answer = envelope(dag(node(sub_task()), end=3.0 + number), at=100 + number)
        (tmp_path / "all" / cluster / "1.json").write_text(answer, encoding="utf-8")
    _, _, err = run("summary", str(tmp_path / "all"))
    assert "more than one DAG has the same id (1 id)" in err
    _, _, err = run("summary", str(tmp_path / "all"), "--cluster-by", "dir")
    assert err == ""


def test_show_without_a_run_lists_the_worst_first(store: str, run: Run) -> None:
    status, out, err = run("show", store)
    assert status == 0
    assert out.index("Drop tenant t1") < out.index("Create tenant t1")
    assert "name one of these runs" in err


def test_an_id_as_a_table_shortens_it_names_its_run(tmp_path: Path, run: Run) -> None:
    for number in (1, 2):
        answer = dag(node(sub_task()), gid=f"20179242{number}07028861")
        (tmp_path / f"{number}.json").write_text(envelope(answer), encoding="utf-8")
    assert run("show", str(tmp_path), "201792421…028861")[0] == 0
    assert "20179242207028861" in run("time-budget", str(tmp_path), "--run", "2017924…207028861", "--format", "csv")[1]
    status, _, err = run("show", str(tmp_path), "2017…8861")
    assert status == 2
    assert "perhaps 20179242107028861, 20179242207028861" in err


@pytest.mark.parametrize("told", ["Scale out for T61", "07028861"])
def test_the_name_of_a_run_or_the_end_of_its_id_is_answered_with_its_id(tmp_path: Path, run: Run, told: str) -> None:
    answer = dag(node(sub_task()), gid="20179242107028861", name="Scale out for T61")
    (tmp_path / "1.json").write_text(envelope(answer), encoding="utf-8")
    status, _, err = run("show", str(tmp_path), told)
    assert status == 2
    assert "perhaps 20179242107028861" in err


@pytest.mark.parametrize(("ending", "begins"), [("csv", "run_id,"), ("json", "["), ("md", "| "), ("txt", "run_")])
def test_the_name_of_a_file_says_its_format(store: str, tmp_path: Path, run: Run, ending: str, begins: str) -> None:
    target = tmp_path / f"dags.{ending}"
    assert run("table", store, "dags", "-o", str(target))[0] == 0
    assert target.read_text(encoding="utf-8").startswith(begins)


@pytest.mark.parametrize(("wrong", "right"), [(["summaryy"], "summary"), (["table", "store", "dag"], "dags")])
def test_a_misspelt_name_gets_the_nearest_there_is(wrong: list[str], right: str, run: Run) -> None:
    status, _, err = run(*wrong)
    assert status == 2
    assert f"perhaps {right}" in err
    assert len(err.splitlines()) == 1


def test_a_cluster_that_is_not_there_is_a_usage_error_with_the_nearest_names(run: Run) -> None:
    fleet = str(Path(__file__).parent.parent.parent / "sample_data" / "fleet")
    status, _, err = run("runs", fleet, "--cluster-by", "dir", "--only-cluster", "prod-z")
    assert status == 2
    assert "no such cluster: prod-z" in err
    assert "prod-a" in err


def test_a_run_may_be_named_before_or_after_the_options(run: Run) -> None:
    fleet = str(Path(__file__).parent.parent.parent / "sample_data" / "fleet")
    run_id = da.load(fleet, cluster_by="dir").dags["run_id"].iloc[0]
    shown = run("show", fleet, run_id, "--cluster-by", "dir")
    assert shown[0] == 0
    assert run("show", fleet, "--cluster-by", "dir", run_id) == shown
