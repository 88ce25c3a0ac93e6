"""Whatever happens to a command, its user sees one line that says what, and no traceback."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daganalysis.commands import main
from daganalysis.loading import into_store, workers
from daganalysis.reading.limits import Limits
from tests.profiles import some
from tests.reading.broken_inputs import GOOD

FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")


def run(command: str, *, cwd: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which ``$D`` is the program."""
    environment = {**os.environ, "D": f"{sys.executable} -m daganalysis", "PYTHONPATH": str(Path.cwd())}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=cwd, env=environment)


@FULL
@pytest.mark.parametrize(
    "arguments",
    some(["summary {}", "table {} dags --format csv", "show {} 11", "--version"], gate=["table {} dags --format csv", "--version"]),
)
def test_a_full_disk_behind_stdout_is_one_line(store: str, arguments: str) -> None:
    done = run(f"$D {arguments.format(store)} > /dev/full")
    assert done.returncode == 3
    assert done.stderr == "daganalysis: standard output cannot be written (No space left on device)\n"


@pytest.mark.parametrize("closed", some([">&-", "2>&-", ">&- 2>&-"], gate=[">&- 2>&-"]))
def test_closed_streams_are_no_mistake(store: str, closed: str) -> None:
    done = run(f"$D summary {store} {closed}")
    assert (done.returncode, done.stderr) == (0, "")


@FULL
def test_a_command_whose_notices_nobody_hears_still_does_its_work(responses: str, tmp_path: Path) -> None:
    assert run(f"$D load {responses} --out {tmp_path}/heard-by-nobody 2>/dev/full").returncode == 0
    assert run(f"$D summary {responses} 2>/dev/full").stdout.startswith(" ")


def test_a_reader_that_has_seen_enough_is_no_mistake(store: str) -> None:
    done = run(f"set -o pipefail; $D table {store} sub_tasks --format json | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_standard_input_is_said_to_be_closed() -> None:
    done = run("$D validate - <&-")
    assert done.returncode == 3
    assert done.stderr.startswith("daganalysis: standard input is closed")


def test_a_store_named_by_mistake_leaves_nothing_behind(responses: str) -> None:
    before = sorted(Path(responses).parent.iterdir())
    done = run(f"$D load {responses} --out .", cwd=responses)
    assert done.returncode == 3
    assert "is not a store" in done.stderr
    assert sorted(Path(responses).parent.iterdir()) == before


@pytest.mark.parametrize(("argument", "status"), [("''", 2), ("/no/such", 3), ("'*.nothing'", 3)])
def test_a_source_that_is_none_is_one_line(argument: str, status: int) -> None:
    done = run(f"$D summary {argument}")
    assert done.returncode == status
    assert done.stderr.startswith("daganalysis: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_load_says_so_and_leaves_nothing(
    responses: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(into_store, "write_sources", interrupted)
    assert main(["load", responses, "--out", str(tmp_path / "stores/store")]) == 130
    assert capfd.readouterr().err == "daganalysis: interrupted\n"
    assert [path.name for path in (tmp_path / "stores").iterdir()] == [".store.lock"]


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_waits_until_all_processes_are_started() -> None:
    reached = []

    def start() -> None:
        with workers._starting():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert reached == ["the end"]


def test_a_source_that_is_trusted_may_unpack_to_more(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daganalysis.reading.DEFAULT_LIMITS", Limits(unpacked_ratio=100, ratio_from_bytes=1 << 20, document_bytes=1 << 20))
    bomb = tmp_path / "bomb.json.gz"
    bomb.write_bytes(gzip.compress(b" " * (2 << 20) + GOOD))
    loaded = ["load", str(bomb), "--out", str(tmp_path / "store")]
    main(loaded)
    assert "0 runs" in capfd.readouterr().err

    assert main(["load", str(bomb), "--out", str(tmp_path / "other"), "--unpacked-max", "100000000"]) == 0
    assert "1 run (" in capfd.readouterr().err


def test_a_warning_of_a_library_is_shown_and_does_not_end_the_program() -> None:
    program = (
        "import warnings\n"
        "from daganalysis.commands import main, table\n"
        "table.execute = lambda _: warnings.warn('old') or 0\n"
        "raise SystemExit(main(['table', 'sample_data/upgrade', 'dags']))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "UserWarning: old" in done.stderr
