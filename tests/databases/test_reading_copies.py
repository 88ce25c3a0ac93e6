"""Copies of databases as sources: what they tell is what the API would have told, and more."""

import gzip
import json
import shutil
import sqlite3
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from enginemodel import answer, random_run, write_agent_database
from enginemodel.dag_parts import SECOND
from tests.databases.saved_copies import AGENTS, family, save_agents, save_dump
from tests.profiles import examples

FORMS = ("sql", "tsv", "csv")
FROM_EITHER = ["run_id", "name", "state", "operator", "outcome", "work_ok", "stage", "max_stage", "parent_run_id", "start_time", "end_time"]


def from_answers(runs, t):
    return da.load(*(json.dumps(answer(run, t)).encode() for run in runs))


def rows(archive, table, columns):
    return archive.table(table, columns).astype(object).where(lambda frame: frame.notna(), None).to_dict("records")


@pytest.mark.parametrize("form", FORMS)
def test_databases_alone_tell_of_every_dag_what_a_final_answer_tells(tmp_path, form):
    runs, t = family()
    save_agents(tmp_path / "meta", runs, t)
    save_dump(tmp_path / "ocs", runs, t, form)
    ours, answers = da.load(tmp_path), from_answers(runs, t)
    assert rows(ours, "dags", FROM_EITHER) == rows(answers, "dags", FROM_EITHER)
    assert set(ours.issues["severity"]) <= {"info"}


def test_attempts_nodes_and_links_are_those_of_a_final_answer(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "meta", runs, t)
    save_dump(tmp_path / "ocs", runs, t)
    ours, answers = da.load(tmp_path), from_answers(runs, t)
    for table, columns in (
        ("nodes", ["run_id", "stage", "node_gid", "name", "state", "operator", "outcome", "started_at", "ended_at"]),
        ("sub_tasks", ["run_id", "stage", "task_gid", "name", "state", "outcome", "execute_times", "agent", "task_logs"]),
        ("links", ["parent_run_id", "child_run_id", "child_gid", "kind"]),
    ):
        told, expected = rows(ours, table, columns), rows(answers, table, columns)
        assert [str(row) for row in told] == [str(row) for row in expected]


@given(seed=st.integers(0, 10_000))
@examples(3)
def test_random_runs_come_to_the_same_from_a_dump_as_from_an_answer(seed, tmp_path_factory):
    run = random_run(seed)
    t = (run.ended or run.pass_at) + 5 * SECOND
    folder = tmp_path_factory.mktemp("random")
    if run.is_cluster:
        save_dump(folder, [run], t)
    else:
        from enginemodel import agent_tables

        write_agent_database(folder / ".meta", agent_tables(run.maintainer, [run], t, agents=[run.maintainer]))
    columns = ["run_id", "outcome", "state", "operator", "retries_min", "n_sub_tasks"]
    assert rows(da.load(folder), "dags", columns) == rows(from_answers([run], t), "dags", columns)


def test_three_forms_of_one_dump_are_one_response(tmp_path):
    runs, t = family()
    for form in FORMS:
        save_dump(tmp_path / form, runs, t, form)
    assert da.load(tmp_path).dags["n_snapshots"].tolist() == [1]


@pytest.mark.parametrize("form", FORMS)
def test_line_breaks_quotes_and_backslashes_in_log_lines_come_through(tmp_path, form):
    runs, t = family()
    line = 'C:\\dir\\n "quoted", it\'s\ttabbed\nand broken; \\'
    outer = next(run for run in runs if run.is_cluster)
    outer.tasks[0][0].set(t - SECOND, logs=(line, "after"), marks=((1, t - SECOND), (1, t - SECOND)))
    save_dump(tmp_path, runs, t, form)
    assert list(da.load(tmp_path).sub_tasks["task_logs"][0]) == [line, "after"]


def test_a_write_ahead_log_beside_an_empty_file_is_read_and_neither_is_touched(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "whole", runs, t)
    save_agents(tmp_path / "log", runs, t, log_alone=True)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted((tmp_path / "log").rglob(".meta*"))}
    ours = da.load(tmp_path / "log")
    assert rows(ours, "dags", FROM_EITHER) == rows(da.load(tmp_path / "whole"), "dags", FROM_EITHER)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted((tmp_path / "log").rglob(".meta*"))} == before


def test_a_write_ahead_log_given_alone_brings_the_file_beside_it(tmp_path):
    runs, t = family()
    save_agents(tmp_path, runs, t, log_alone=True)
    log = tmp_path / "192.0.2.11_2886" / ".meta-wal"
    assert da.load(log).dags["name"].tolist() == ["Start OB", "Start observer"]


def test_a_log_that_was_torn_while_it_was_copied_gives_what_was_committed_before(tmp_path):
    runs, t = family()
    save_agents(tmp_path, runs, t, log_alone=True)
    log = tmp_path / "192.0.2.11_2886" / ".meta-wal"
    log.write_bytes(log.read_bytes()[:-3000])
    assert "Start OB" in set(da.load(log).dags["name"])


def test_a_damaged_database_is_named_and_takes_nothing_with_it(tmp_path):
    runs, t = family()
    save_agents(tmp_path, runs, t)
    broken = tmp_path / "192.0.2.12_2886" / ".meta"
    content = bytearray(broken.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    broken.write_bytes(content)
    archive = da.load(tmp_path)
    issue = archive.issues[archive.issues["code"] == "damaged-database"].iloc[0]
    assert (issue["severity"], issue["source"]) == ("error", "192.0.2.12_2886/.meta")
    assert len(archive) == 4


def test_a_database_of_another_program_is_set_aside(tmp_path):
    with sqlite3.connect(tmp_path / "notes.db") as other:
        other.execute("CREATE TABLE notes (text)")
    archive = da.load(tmp_path)
    assert archive.issues[["severity", "code"]].to_numpy().tolist() == [["info", "not-an-agents-database"]]


def test_copies_in_an_archive_are_put_together_there(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "all" / "meta", runs, t)
    save_dump(tmp_path / "all" / "ocs", runs, t, "tsv")
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "all", "all")
    assert rows(da.load(tmp_path / "all.tar.gz"), "dags", FROM_EITHER) == rows(da.load(tmp_path / "all"), "dags", FROM_EITHER)


def test_a_compressed_dump_is_read(tmp_path):
    runs, t = family()
    save_dump(tmp_path, runs, t)
    dump = tmp_path / "ocs.sql"
    (tmp_path / "ocs.sql.gz").write_bytes(gzip.compress(dump.read_bytes()))
    dump.unlink()
    assert da.load(tmp_path).dags["outcome"].tolist() == ["succeeded"]


@pytest.mark.parametrize("form", FORMS)
def test_the_zone_of_a_dump_is_told_by_its_maintainer_where_no_header_tells_it(tmp_path, form):
    runs, t = family()
    save_dump(tmp_path / "utc", runs, t)
    save_dump(tmp_path / "local", runs, t, form, zone_s=8 * 3600, zone=None)
    utc, local = da.load(tmp_path / "utc"), da.load(tmp_path / "local")
    assert rows(local, "dags", FROM_EITHER) == rows(utc, "dags", FROM_EITHER)


def test_without_a_zone_times_are_left_out_and_a_given_zone_brings_them_back(tmp_path):
    runs, t = family()
    folder = save_dump(tmp_path / "ocs", runs, t, "tsv", zone_s=8 * 3600, without=["task_maintainer"])
    store = tmp_path / "store"
    unknown = da.load_into_store(folder, store=store)
    assert unknown.dags[["outcome", "start_time"]].isna().to_numpy().tolist() == [[False, True]]
    assert "unknown-time-zone" in set(unknown.issues["code"])
    known = da.load_into_store(folder, store=store, tz="+08:00")
    save_dump(tmp_path / "utc", runs, t)
    assert known.dags["start_time"].tolist() == da.load(tmp_path / "utc").dags["start_time"].tolist()
    assert "given-time-zone" in set(known.issues["code"])


def test_a_zone_that_is_none_is_refused(tmp_path):
    with pytest.raises(da.UsageError, match="no such time zone"):
        da.load(tmp_path, tz="Middle-Earth")


def test_the_same_tables_come_in_any_order_with_any_number_of_jobs_and_bit_by_bit(tmp_path):
    runs, t = family()
    meta, ocs = save_agents(tmp_path / "meta", runs, t), save_dump(tmp_path / "ocs", runs, t)
    once = da.load_into_store(meta, ocs, store=tmp_path / "one", jobs=1)
    da.load_into_store(ocs, store=tmp_path / "two", jobs=2)
    later = da.load_into_store(meta, store=tmp_path / "two", jobs=2)
    for table in ("dags", "nodes", "sub_tasks", "attempts", "links", "agents", "maintenance_locks", "issues"):
        assert once.table(table).equals(later.table(table)), table


def test_a_newer_copy_replaces_what_the_older_one_gave(tmp_path):
    runs, t = family()
    early = runs[0].created + 20 * SECOND
    save_agents(tmp_path / "meta", runs, early)
    early_states = da.load_into_store(tmp_path / "meta", store=tmp_path / "store").dags["state"].tolist()
    shutil.rmtree(tmp_path / "meta")
    save_agents(tmp_path / "meta", runs, t)
    second = da.load_into_store(tmp_path / "meta", store=tmp_path / "store")
    assert "RUNNING" in early_states
    assert "RUNNING" not in second.dags["state"].tolist()
    assert second.dags["n_snapshots"].tolist() == [1] * len(second)


def test_agents_come_with_zone_and_version(tmp_path):
    runs, t = family()
    save_dump(tmp_path, runs, t)
    agents = da.load(tmp_path).agents
    assert agents[["agent", "zone", "obshell_version"]].to_numpy().tolist()[:2] == [
        ["192.0.2.11:2886", "zone1", "4.5.0.0-1"],
        ["192.0.2.12:2886", "zone2", "4.5.0.0-1"],
    ]


def test_a_lock_that_is_held_is_told_with_its_holder(tmp_path):
    runs, _ = family()
    outer = next(run for run in runs if run.is_cluster)
    outer.maintenance, outer.maintenance_key = 3, "crm"
    save_dump(tmp_path, [outer], outer.created + 20 * SECOND)
    locks = da.load(tmp_path).maintenance_locks
    held = locks[locks["held"]]
    assert held[["lock", "key", "dag_gid", "n_taken"]].to_numpy().tolist() == [["tenant", "crm", "131", 1]]
    assert held["locked_at"].iloc[0].timestamp() == AGENTS[0].clock(outer.created) // SECOND


def test_a_dump_without_a_table_of_tasks_says_what_is_missing(tmp_path):
    runs, t = family()
    save_dump(tmp_path, runs, t, "tsv", without=["subtask_instance"])
    archive = da.load(tmp_path)
    assert "incomplete-dump" in set(archive.issues["code"])
    assert archive.dags["outcome"].tolist() == ["succeeded"]


def test_a_truncated_dump_gives_what_is_before_the_end(tmp_path):
    runs, t = family()
    save_dump(tmp_path, runs, t)
    whole = (tmp_path / "ocs.sql").read_bytes()
    (tmp_path / "ocs.sql").write_bytes(whole[: whole.index(b"INSERT INTO `sub_task_log`") + 200])
    archive = da.load(tmp_path)
    assert archive.issues["code"].tolist()[0] == "truncated-dump"
    assert len(archive.sub_tasks) == 9
