"""The command, against a stand-in agent at a real socket and a real port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.commands import main
from enginemodel import random_run
from tests.captures.stand_in import PASSWORD, StandIn, at_port, at_socket
from tests.profiles import LONG

ROOT = Path(__file__).parent.parent.parent
FAST = ["--every", "5ms", "--until-idle", "50ms", "--cluster", "c1"]


def lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.rglob("*.ndjson")) for line in path.read_bytes().splitlines(keepends=True)]


def test_it_follows_through_the_socket_until_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with at_socket(StandIn([random_run(1), random_run(2, later=1)]), tmp_path / "s.sock") as socket:
        assert main(["capture", "--socket", str(socket), "-o", str(tmp_path / "saved"), *FAST]) == 0
    assert f"next: daganalysis load {tmp_path}/saved --cluster-by dir --out store" in capsys.readouterr().err
    dags = da.load(tmp_path / "saved", cluster_by="dir").dags
    assert dags["outcome"].isin(["running", "not_started"]).sum() == 0
    assert len(dags) >= 1


def test_it_signs_over_tcp_and_the_password_appears_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBSHELL_PASSWORD", PASSWORD)
    with at_port(StandIn([random_run(1)])) as url:
        assert main(["capture", "--url", url, "-o", str(tmp_path / "saved"), *FAST]) == 0
    assert b"".join(lines(tmp_path / "saved")).count(PASSWORD.encode()) == 0
    told = capfd.readouterr()
    assert PASSWORD not in told.out + told.err
    assert len(da.load(tmp_path / "saved", cluster_by="dir").dags) == 1


def test_a_wrong_password_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "password").write_text("wrong\n")
    with at_port(StandIn([random_run(1)])) as url:
        options = ["--password-file", str(tmp_path / "password"), "--once"]
        assert main(["capture", "--url", url, "-o", str(tmp_path / "saved"), *options]) == 3
    assert "refuses the password" in capsys.readouterr().err


def test_once_saves_the_history_and_stops(tmp_path: Path) -> None:
    stand_in = StandIn([random_run(1), random_run(2)])
    stand_in.now = max(run.ended or 0 for run in stand_in.runs) + 1
    with at_socket(stand_in, tmp_path / "s.sock") as socket:
        assert main(["capture", "--socket", str(socket), "-o", str(tmp_path / "saved"), "--once"]) == 0
    assert {method for method, _ in stand_in.asked} == {"GET"}
    assert len(da.load(tmp_path / "saved", cluster_by="dir").dags) == 2


def test_the_socket_of_an_upgrade_is_found(tmp_path: Path) -> None:
    with at_socket(StandIn([random_run(1)]), tmp_path / "obshell.sock.tmp"):
        assert main(["capture", "--socket", str(tmp_path / "obshell.sock"), "-o", str(tmp_path / "saved"), "--once"]) == 0


def test_an_agent_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capture", "--socket", str(tmp_path / "none"), "-o", str(tmp_path / "saved"), "--once"]) == 3
    assert "the agent did not answer" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--every", "0"], ["--every", "soon"], ["--password-file", "x"]])
def test_wrong_usage_is_told(tmp_path: Path, options: list[str]) -> None:
    assert main(["capture", "--socket", str(tmp_path / "none"), "-o", str(tmp_path / "saved"), "--once", *options]) == 2


def test_kills_at_any_moment_leave_whole_lines_and_what_comes_after_completes_them(tmp_path: Path) -> None:
    run = random_run(7)
    stand_in = StandIn([run], step_s=0.5)
    command = [sys.executable, "-m", "daganalysis", "capture", "-o", str(tmp_path / "saved"), "--every", "1ms", "--cluster", "c1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with at_socket(stand_in, tmp_path / "s.sock") as socket:
        for number in range(50 if LONG else 3):
            before = len(stand_in.asked)
            with subprocess.Popen([*command, "--socket", str(socket)], env=environment, stderr=subprocess.DEVNULL) as process:
                stand_in.wait_until_asked(before + 3 + number % 5)
                process.send_signal(signal.SIGKILL)
            assert all(line.endswith(b"\n") and json.loads(line) for line in lines(tmp_path / "saved"))
        while not stand_in.is_over():
            assert main([*command[3:], "--socket", str(socket), "--until-idle", "50ms"]) == 0
        assert main([*command[3:], "--socket", str(socket), "--until-idle", "50ms"]) == 0
    assert da.load(tmp_path / "saved", cluster_by="dir").dags["outcome"].tolist() == [run.outcome]


def test_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    stand_in = StandIn([random_run(7)], step_s=0.001)
    command = [sys.executable, "-m", "daganalysis", "capture", "-o", str(tmp_path / "saved"), "--every", "5ms"]
    with at_socket(stand_in, tmp_path / "s.sock") as socket:
        process = subprocess.Popen(
            [*command, "--socket", str(socket)], env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
        )
        stand_in.wait_until_asked(10)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=250)
    assert process.returncode == 0
    assert "daganalysis load" in told
