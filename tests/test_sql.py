"""SQL over an archive: what it can name, and what it cannot reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.commands import main
from daganalysis.errors import UsageError
from daganalysis.sql_query import ANALYSES
from daganalysis.tables import BASE_TABLES

COOKBOOK = (Path(__file__).parent.parent / "docs" / "sql.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```$", COOKBOOK, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> da.Archive:
    store = tmp_path_factory.mktemp("sql") / "store"
    return da.load_into_store("sample_data/fleet", "sample_data/start", cluster_by="dir", store=store)


@pytest.mark.parametrize("name", [*BASE_TABLES, *ANALYSES])
def test_every_table_and_every_analysis_can_be_asked(archive: da.Archive, name: str) -> None:
    expected = len(archive.table(name)) if name in BASE_TABLES else len(getattr(da, name)(archive))
    assert archive.sql(f"SELECT count(*) AS n FROM {name}")["n"].tolist() == [expected]


def test_a_query_gives_the_numbers_of_the_tables(archive: da.Archive) -> None:
    told = archive.sql("SELECT run_id, elapsed_s FROM dags WHERE outcome = 'rolled_back'")
    dags = archive.dags
    assert told.to_dict("list") == dags.loc[dags["outcome"] == "rolled_back", ["run_id", "elapsed_s"]].to_dict("list")


def test_instants_stay_instants_in_utc(archive: da.Archive) -> None:
    assert archive.sql("SELECT max(started_at) AS last FROM dags")["last"].iloc[0] == archive.dags["started_at"].max()


def test_the_cookbook_has_at_least_ten_queries_and_all_have_answers(archive: da.Archive) -> None:
    assert len(QUERIES) >= 10
    assert [query for query in QUERIES if archive.sql(query).empty] == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('{folder}/secret.csv')",
        "SELECT * FROM '{folder}/secret.csv'",
        "SELECT * FROM read_text('http://127.0.0.1:9/x')",
        "SELECT * FROM glob('{folder}/*')",
        "COPY dags TO '{folder}/out.csv'",
        "ATTACH '{folder}/out.db'",
        "CREATE TABLE x AS SELECT 1",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT * FROM secret_frame",
        "SELECT nothing FROM",
    ],
)
def test_a_query_reaches_nothing_beside_the_archive(archive: da.Archive, tmp_path: Path, query: str) -> None:
    secret_frame = archive.dags
    (tmp_path / "secret.csv").write_text("secret\n1\n")
    with pytest.raises(UsageError):
        archive.sql(query.format(folder=tmp_path))
    assert len(secret_frame) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_a_misspelt_table_is_answered_with_those_there_are(archive: da.Archive) -> None:
    with pytest.raises(UsageError, match="the tables are snapshots, dags"):
        archive.sql("SELECT * FROM dagz")


def test_the_command_prints_the_rows_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "sql",
        "sample_data/start",
        "SELECT outcome, count(*) AS n, [workflow] AS list, 1.5::DECIMAL(3, 1) AS d FROM dags GROUP BY ALL",
    ]
    assert main([*arguments, "--format", "json"]) == 0
    assert '"n":' in capsys.readouterr().out
    assert main([*arguments, "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("outcome,n,list,d\n")
