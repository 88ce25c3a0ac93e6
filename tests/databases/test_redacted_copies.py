"""Redacted copies of databases: the same analyses, and nothing of what must stay at home."""

import tarfile

import pytest

import daganalysis as da
from daganalysis.redaction import redact
from enginemodel import SECRETS
from tests.databases.saved_copies import AGENTS, family, save_agents, save_dump
from tests.profiles import some

NAMES = {"run_id", "agent", "agent_ip", "owner_agent", "dag_gid", "node_gid", "task_gid", "slowest_task_gid", "slowest_agent", "source"}


def numbers(table):
    """The columns in which a redacted copy differs in nothing, in an order that no pseudonym changes."""
    kept = table[[name for name in table.columns if name not in {*NAMES, "parent_run_id", "additional_data", "task_logs"}]].astype(object)
    return sorted(map(str, kept.to_numpy().tolist()))


def assert_same(saved, copy):
    one, other = da.load(saved), da.load(copy)
    assert len(one.dags) > 0
    for table in (da.time_budget, da.stage_latency, lambda archive: archive.attempts, lambda archive: archive.dags):
        assert numbers(table(other)) == numbers(table(one))


@pytest.mark.parametrize("form", some(["sql", "tsv", "csv"], gate=["sql", "csv"]))
def test_a_redacted_dump_loads_to_the_same_analyses(tmp_path, form):
    runs, t = family()
    save_dump(tmp_path / "ocs", runs, t, form)
    done = redact(tmp_path / "ocs", tmp_path / "copy")
    assert done.left_out == ()
    assert [name for name, _ in done.skipped] == ([] if form == "sql" else [f"ocs_config.{form}"])
    assert_same(tmp_path / "ocs", tmp_path / "copy")


@pytest.mark.parametrize("log_alone", [False, True])
def test_redacted_agents_databases_load_to_the_same_analyses(tmp_path, log_alone):
    runs, t = family()
    save_agents(tmp_path / "meta", runs, t, log_alone=log_alone)
    assert redact(tmp_path / "meta", tmp_path / "copy").left_out == ()
    assert {path.name for path in (tmp_path / "copy").rglob("*") if path.is_file()} == {".meta"}
    assert_same(tmp_path / "meta", tmp_path / "copy")


def test_links_between_main_dags_and_their_children_stay(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "saved" / "meta", runs, t)
    save_dump(tmp_path / "saved" / "ocs", runs, t)
    redact(tmp_path / "saved", tmp_path / "copy")
    one, other = da.load(tmp_path / "saved").links, da.load(tmp_path / "copy").links
    assert len(other) == len(one) > 0
    assert other["child_run_id"].notna().tolist() == one["child_run_id"].notna().tolist()


def test_neither_secrets_nor_addresses_are_in_a_redacted_copy(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "saved" / "meta", runs, t, log_alone=True)
    for form in ("sql", "tsv", "csv"):
        save_dump(tmp_path / "saved" / form, runs, t, form)
    redact(tmp_path / "saved", tmp_path / "copy")
    told = b"".join(path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert b"Start observer" in told
    assert [text for text in (*SECRETS, *(agent.ip for agent in AGENTS)) if text.encode() in told] == []


def test_tables_that_are_not_read_are_not_in_the_copy(tmp_path):
    (tmp_path / "ocs.sql").write_text(
        "-- MySQL dump 10.13\nINSERT INTO `ocs_config` (name, value) VALUES ('rootPwd', 'Hq7vT');\n"
        "INSERT INTO `dag_instance` (id, name, stage, max_stage, state, operator) VALUES (1, 'Stop OB', 1, 2, 5, 1);\n"
    )
    redact(tmp_path / "ocs.sql", tmp_path / "copy.sql")
    told = (tmp_path / "copy.sql").read_text()
    assert "Stop OB" in told
    assert "ocs_config" not in told
    assert "Hq7vT" not in told


def test_a_dump_without_a_row_that_is_read_is_left_out_and_named(tmp_path):
    (tmp_path / "a.json").write_text('{"successful": true, "data": null, "status": 200, "timestamp": "2026-03-02T00:00:00Z"}')
    (tmp_path / "ocs.sql").write_text("-- MySQL dump 10.13\nINSERT INTO `ocs_config` VALUES ('rootPwd', 'Hq7vT');\n")
    assert redact(tmp_path, tmp_path.with_name("copy")).left_out == (("ocs.sql", "no rows of the tables that are read"),)


def test_the_zone_and_the_torn_end_of_a_dump_stay(tmp_path):
    runs, t = family()
    save_dump(tmp_path / "ocs", runs, t, zone="+08:00", zone_s=28_800)
    whole = (tmp_path / "ocs" / "ocs.sql").read_bytes()
    (tmp_path / "ocs" / "ocs.sql").write_bytes(whole[: len(whole) * 3 // 4])
    redact(tmp_path / "ocs", tmp_path / "copy")
    one, other = da.load(tmp_path / "ocs"), da.load(tmp_path / "copy")
    assert "truncated-dump" in other.issues["code"].tolist()
    assert other.dags["created_at"].tolist() == one.dags["created_at"].tolist()


def test_the_files_of_a_database_in_an_archive_become_one_there(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "meta", runs, t, log_alone=True)
    with tarfile.open(tmp_path / "meta.tar", "w") as packed:
        packed.add(tmp_path / "meta", "meta")
    redact(tmp_path / "meta.tar", tmp_path / "copy.tar")
    with tarfile.open(tmp_path / "copy.tar") as packed:
        assert {name.rpartition("/")[2] for name in packed.getnames()} == {".meta"}
    assert_same(tmp_path / "meta.tar", tmp_path / "copy.tar")


def test_the_same_copy_gives_the_same_bytes(tmp_path):
    runs, t = family()
    save_agents(tmp_path / "meta", runs, t)
    for name in ("one", "other"):
        redact(tmp_path / "meta", tmp_path / name)
    assert [path.read_bytes() for path in sorted((tmp_path / "one").rglob(".meta"))] == [
        path.read_bytes() for path in sorted((tmp_path / "other").rglob(".meta"))
    ]
