"""Every command of the page on collecting runs, against a stand-in agent or a copy of an agent's home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import daganalysis as da
from enginemodel import as_tsv, cluster_tables, random_run
from tests.captures.stand_in import PASSWORD, StandIn, at_port, at_socket
from tests.databases.saved_copies import AGENTS, NEWCOMER, family

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "collect.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def block(language: str, word: str) -> str:
    (found,) = (text for kind, text in BLOCKS if kind == language and word in text)
    return found


@pytest.fixture
def stand_in() -> StandIn:
    run = random_run(1)
    run.gid = "1234"
    return StandIn([run], step_s=5)


def shell(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "daganalysis").write_text(f'#!/bin/sh\nexec {sys.executable} -m daganalysis "$@"\n')
    (folder / "bin" / "daganalysis").chmod(0o755)
    path = f"{folder}/bin:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "HOME_PATH": str(folder), "AGENT": "10.0.0.1_2886", **variables}
    return subprocess.run(["bash", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=250)


def test_capture_through_the_socket(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with at_socket(stand_in, tmp_path / "run" / "obshell.sock"):
        done = shell(block("sh", "capture --socket").strip() + " --every 5ms --until-idle 50ms", tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(da.load(tmp_path / "answers", cluster_by="dir").dags["run_id"]) == {"prod-a/1234"}


def test_capture_over_tcp(stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / ".obshell-password").write_text(PASSWORD)
    command = block("sh", "--password-file").splitlines()[1].replace("~", str(tmp_path))
    with at_port(stand_in) as url:
        done = shell(command.replace("http://10.0.0.1:2886", url) + " --every 5ms --until-idle 50ms", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(da.load(tmp_path / "answers", cluster_by="dir").dags) == 1


def test_five_lines_of_shell(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.now = (stand_in.runs[0].ended or 0) + 1
    (tmp_path / "run").mkdir()
    script = block("sh", "curl").replace("done\n", '[ "$(wc -l < dag-1234.ndjson)" -lt 3 ] || exit 0; done\n')
    with at_socket(stand_in, tmp_path / "run" / "obshell.sock"):
        done = shell(script, tmp_path, EVERY="0.01")
    assert done.returncode == 0, done.stderr
    dags = da.load(tmp_path / "dag-1234.ndjson").dags
    assert dags[["run_id", "n_snapshots"]].to_dict("records") == [{"run_id": "1234", "n_snapshots": 1}]


def test_the_official_sdk(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.now = (stand_in.runs[0].ended or 0) + 1
    with at_port(stand_in) as url:
        port = url.rpartition(":")[2]
        script = block("python", "ClientSet").replace('"10.0.0.1", 2886', f'"127.0.0.1", {port}').replace("(password)", f"({PASSWORD!r})")
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert da.load(tmp_path / "dag-1234.ndjson").dags["first_observed_at"].notna().all()


@pytest.mark.parametrize(("word", "made", "copied"), [("log_obshell", "log_obshell/obshell.log", "logs"), (".meta*", ".meta-wal", "meta")])
def test_copies_keep_a_folder_an_agent(tmp_path: Path, word: str, made: str, copied: str) -> None:
    (tmp_path / made).parent.mkdir(exist_ok=True)
    (tmp_path / made).write_text("x")
    assert shell(block("sh", word), tmp_path).returncode == 0
    assert (tmp_path / copied / "prod-a" / "10.0.0.1_2886" / Path(made).name).exists()


def test_what_was_collected_loads(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.now = (stand_in.runs[0].ended or 0) + 1
    (tmp_path / "run").mkdir()
    with at_socket(stand_in, tmp_path / "run" / "obshell.sock"):
        shell(block("sh", "capture --socket").strip() + " --once", tmp_path)
    for name in ("logs", "meta", "ocs"):
        (tmp_path / name).mkdir()
    done = shell(block("sh", "daganalysis load answers logs"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1234" in done.stdout


def test_the_statements_of_the_dump_select_no_column_with_secrets() -> None:
    statements = block("sql", "time_zone")
    assert statements.startswith("SET time_zone = '+00:00';")
    assert len(re.findall(r"^SELECT ", statements, re.MULTILINE)) == 6
    assert not re.search(r"\bcontext\b|\*", statements)


def test_what_the_statements_of_the_dump_select_loads_with_its_zone(tmp_path: Path) -> None:
    runs, t = family()
    tables = cluster_tables(runs, t, agents=[*AGENTS, NEWCOMER])
    saved = b""
    for listed, name in re.findall(r"SELECT (.*?) FROM ocs\.(\w+);", block("sql", "time_zone"), re.DOTALL):
        columns, rows = tables[name]
        chosen = re.split(r",\s*", listed)
        saved += as_tsv(chosen, [[row[columns.index(column)] for column in chosen] for row in rows])
    (tmp_path / "ocs.tsv").write_bytes(saved)
    archive = da.load(tmp_path)
    assert archive.dags["created_at"].notna().all()
    assert archive.agents["zone"].notna().all()
    assert set(archive.issues["code"]) == {"child-not-in-archive"}
