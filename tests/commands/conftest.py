"""An archive on disk to run commands on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from daganalysis.commands import main
from tests.history.responses import dag, node, sub_task, when

if TYPE_CHECKING:
    from collections.abc import Callable

    from daganalysis.reading.answers import Answer

HEALTHY = dag(
    node(sub_task(), name="First"), node(sub_task("SUCCEED", 3.55, 5.0, gid="12"), start=3.5, end=5.5, gid="12"), end=5.51, stage=2
)
FAILED = dag(
    node(sub_task("FAILED", 61.0, 62.0, gid="21", logs=["ERROR: [A.B]: \x1b[31mbroken"]), state="FAILED", start=60.9, end=62.5, gid="21"),
    gid="12",
    state="FAILED",
    start=60.8,
    end=62.6,
    name="Drop tenant t1",
)


def envelope(answer: Answer, at: float = 100) -> str:
    """Write an answer as the server would have sent it."""
    body = json.loads(answer.body) | {"nodes": [json.loads(text) for text in answer.nodes or []]}
    return json.dumps({"successful": True, "timestamp": when(at), "duration": 1, "status": 200, "traceId": "t", "data": body})


@pytest.fixture(scope="session")
def responses(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a folder of two good responses and one broken, to be read and not written."""
    folder = tmp_path_factory.mktemp("read-only") / "responses"
    folder.mkdir()
    (folder / "healthy.json").write_text(envelope(HEALTHY), encoding="utf-8")
    (folder / "failed.json").write_text(envelope(FAILED), encoding="utf-8")
    (folder / "broken.json").write_text('{"successful": true, "data": {', encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="session")
def loaded(responses: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Load these responses into a store, to be read and not written."""
    path = str(tmp_path_factory.mktemp("read-only") / "store")
    assert main(["load", responses, "--out", path]) == 0
    return path


@pytest.fixture
def store(loaded: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Give a store of these responses, after what was said at its load."""
    capfd.readouterr()
    return loaded


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Give what runs a command and returns its exit status, its output and its notices."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run_command
