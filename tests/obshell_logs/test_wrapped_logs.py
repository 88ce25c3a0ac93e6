"""Logs as other programs hand them on tell what the log itself tells."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import daganalysis as da
from enginemodel import LOG_SECRETS
from tests.obshell_logs.builders import save_logs
from tests.obshell_logs.test_logs import failing_twice, seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def headed(head: str) -> Callable[[str], str]:
    """Put a head before each line; ``#`` in it is the number of the line."""
    return lambda text: "".join(head.replace("#", str(n % 60)) + line for n, line in enumerate(text.splitlines(keepends=True)))


def records(key: str, end: str) -> Callable[[str], str]:
    """Write each line as a record."""
    return lambda text: "".join(json.dumps({key: line + end, "stream": "stdout"}) + "\n" for line in text.splitlines())


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "journalctl": headed("Mar 02 17:10:# host-1 obshell[4711]: "),
    "journalctl, ISO times": headed("2026-03-02T17:10:#+0800 host-1 obshell[4711]: "),
    "kubectl with times": headed("2026-03-02T17:10:00.#Z "),
    "a container runtime": headed("2026-03-02T17:10:00.#+08:00 stdout F "),
    "docker compose": headed("obshell-1  | "),
    "docker": records("log", "\n"),
    "journald": records("MESSAGE", ""),
    "Elasticsearch": lambda text: "".join(json.dumps({"_id": "7", "_source": {"message": line}}) + "\n" for line in text.splitlines()),
    "Kibana": lambda text: "".join('"Mar 2, 2026 @ 17:10:00","{}"\n'.format(line.replace('"', '""')) for line in text.splitlines()),
    "grep": headed("log_obshell/obshell.log:#:"),
    "a mail": headed("> "),
    "a page": lambda text: f"# the log\n\n```\n{text}```\n",
    "tail": lambda text: f"==> obshell.log <==\n{text}",
    "colours": lambda text: re.sub(r" (INFO|ERROR) ", "\x1b[36m \\1 \x1b[0m", text),
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "the end of a long stack": lambda text: "\tmain.go:12\n" * 20_000 + text,
    "a hole": lambda text: "\0" * 4096 + text,
}


def lines_of(archive: da.Archive) -> list[str]:
    return [line for lines in archive.sub_tasks["task_logs"].dropna() for line in lines]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> da.Archive:
    return da.load(save_logs(tmp_path_factory.mktemp("plain"), failing_twice()))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_wrapped_log_tells_what_the_log_itself_tells(wrapping: str, plain: da.Archive, tmp_path: Path) -> None:
    archive = da.load(save_logs(tmp_path, failing_twice(), WRAPPINGS[wrapping]))
    assert seen(archive) == seen(plain)
    assert archive.attempts["started_at"].astype(str).tolist() == plain.attempts["started_at"].astype(str).tolist()
    assert lines_of(archive) == lines_of(plain) != []
    assert len(archive.operations) == len(plain.operations) > 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "gb18030"])
def test_a_log_in_another_encoding_keeps_its_lines(encoding: str, tmp_path: Path) -> None:
    save_logs(tmp_path, failing_twice(), lambda text: text.replace("log: working", "log: 正在工作"))
    for path in tmp_path.rglob("*.log"):
        path.write_bytes(path.read_text("utf-8").encode(encoding))
    assert "正在工作" in lines_of(da.load(tmp_path))


@pytest.mark.parametrize("change", [(r"^(\S+)T(\S+)", r"\1 \2"), (r"^\S+", "<time>"), (r"^(\S+) \w+ +", r"\1 ")])
def test_a_log_whose_heads_were_changed_is_named_with_what_to_copy(change: tuple[str, str], tmp_path: Path) -> None:
    save_logs(tmp_path, failing_twice(), lambda text: re.sub(*change, text, flags=re.MULTILINE))
    issues = da.load(tmp_path).issues
    assert set(issues["code"]) == {"unusable-form"}
    assert "copy the files of log_obshell" in issues["message"].iloc[0]


def test_bodies_in_wrapped_logs_are_not_kept_either(tmp_path: Path) -> None:
    da.load(save_logs(tmp_path / "logs", failing_twice(), WRAPPINGS["docker"])).to_parquet(tmp_path / "store")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file())
    assert [secret for secret in LOG_SECRETS if secret.encode() in kept] == []


def test_an_answer_that_quotes_a_log_stays_an_answer(tmp_path: Path) -> None:
    line = "2025-02-19T01:05:41.027 INFO  [7] [F000000000000000] [server/init.go:83] initialize logger"
    data = {
        "id": "11",
        "dag_id": 1,
        "name": "Stop OB",
        "state": "SUCCEED",
        "operator": "RUN",
        "stage": 1,
        "max_stage": 1,
        "additional_data": line,
    }
    (tmp_path / "a.log").write_text("\n" + json.dumps({"successful": True, "status": 200, "data": data}) + "\n")
    assert da.load(tmp_path).dags["name"].tolist() == ["Stop OB"]
