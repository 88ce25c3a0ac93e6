"""Databases hold passwords, keys and tokens: none of them comes out anywhere."""

import sqlite3
from contextlib import closing

import pyarrow.parquet as pq
import pytest

import daganalysis as da
from daganalysis.commands import main
from daganalysis.pages.report_page import content
from enginemodel import SECRETS
from tests.databases.saved_copies import family, save_agents, save_dump
from tests.profiles import LONG, some


def everything_in(folder):
    """The text of every cell of every Parquet file below a folder, those that are private to a store too, and of every other file."""
    texts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            texts += [str(value) for column in table.columns for value in column.to_pylist()]
        else:
            texts.append(path.read_text("utf-8", "replace"))
    return "\n".join(texts)


@pytest.mark.parametrize("form", some(["sql", "tsv", "csv"], gate=["sql"]))
def test_no_secret_of_a_database_is_in_a_store_or_a_report(tmp_path, form, capfd, monkeypatch):
    if not LONG:  # charts of runs take most of the time of a report
        monkeypatch.setattr(content, "MOST_WORST", content.MOST_ON_TOP)
        monkeypatch.setattr(content, "MOST_SLOWEST", 0)
    runs, t = family()
    save_agents(tmp_path / "saved" / "meta", runs, t, log_alone=form == "tsv")
    save_dump(tmp_path / "saved" / "ocs", runs, t, form)
    store = tmp_path / "out" / "store"
    assert main(["load", str(tmp_path / "saved"), "--out", str(store)]) == 0
    assert main(["report", str(store), "-o", str(tmp_path / "out" / "report")]) == 0
    assert main(["validate", str(tmp_path / "saved")]) == 0
    printed = "".join(capfd.readouterr())
    told = everything_in(tmp_path / "out") + printed
    assert "Start observer" in told
    assert [secret for secret in SECRETS if secret in told] == []


def test_no_column_beside_those_listed_can_be_read(tmp_path):
    from daganalysis.reading.databases.staging import keep_to_list, open_copy

    runs, t = family()
    save_agents(tmp_path, runs, t)
    connection = open_copy(tmp_path / "192.0.2.11_2886" / ".meta")
    keep_to_list(connection)
    assert connection.execute("SELECT count(*) FROM dag_instance").fetchone() == (2,)
    for column, table in (("token", "ocs_token"), ("value", "ob_global_config"), ("public_key", "all_agent"), ("context", "node_instance")):
        with pytest.raises(sqlite3.DatabaseError, match=r"prohibited|not authorized"):
            connection.execute(f"SELECT {column} FROM {table}")
    connection.close()


@pytest.mark.parametrize("table", ["dag_instance", "sub_task_log", "all_agent"])
def test_rows_of_a_secret_table_in_the_page_of_another_stay_unread(tmp_path, table):
    runs, t = family()
    save_agents(tmp_path / "saved", runs, t)
    path = tmp_path / "saved" / "192.0.2.11_2886" / ".meta"
    with closing(sqlite3.connect(path)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        page_of = dict(database.execute("SELECT name, rootpage - 1 FROM sqlite_master WHERE type = 'table'"))
    content = bytearray(path.read_bytes())
    secret = page_of["ob_global_config"] * size
    content[page_of[table] * size : (page_of[table] + 1) * size] = content[secret : secret + size]
    path.write_bytes(content)
    da.load(tmp_path / "saved").to_parquet(tmp_path / "store")
    assert [word for word in (*SECRETS, "rootPwd") if word in everything_in(tmp_path / "store")] == []


def test_links_come_out_of_contexts_that_hold_secrets(tmp_path):
    runs, t = family()
    save_agents(tmp_path, runs, t)
    dags = da.load(tmp_path).dags
    told = dags.loc[dags["name"] == "Local scale out", "additional_data"].tolist()
    assert told == ['{"main_dag_id":"131","scaleOutUUID":"00000000-0000-4000-8000-000000000001"}']
