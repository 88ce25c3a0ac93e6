"""The catalogue of the engine's messages, held to a list of its formats (obshell 4.5.0.0, and what 4.2.3 wrote otherwise)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daganalysis.analysis.signatures import masked
from daganalysis.engine.messages import ENGINE_MESSAGES, known_message

FORMATS = [
    tuple(line.split("\t")) for line in Path(__file__).with_name("engine_formats.tsv").read_text(encoding="utf-8").splitlines() if line
]
"""The failures of the engine's tasks: (error code or nothing, format of the message)."""
BY_CODE_ALONE = {"OB.Cluster.AsyncOperationTimeout", "Task.Dag.ExecuteTimeout", "Common.PathNotExist"}
VALUES = {"d": "12", "s": "10.0.0.7:2886", "v": "[10.0.0.7:2886 10.0.0.8:2886]"}


def filled(text: str) -> str:
    """What the engine writes: the format with something in each place."""
    return re.sub(r"%([dsv])", lambda place: VALUES[place[1]], text)


@pytest.mark.parametrize(("code", "text"), FORMATS)
def test_every_format_of_the_engine_is_known_bare_masked_and_wrapped(code: str, text: str) -> None:
    message = filled(text)
    name = known_message(message, code or None)
    assert name is not None
    if code not in BY_CODE_ALONE:
        spoken = (message, masked(message), f"check it failed: {message}", masked(f"Unexpected error: check it failed: {message}"))
        assert {known_message(one) for one in spoken} == {name}


def test_every_entry_of_the_catalogue_is_a_format_of_the_engine() -> None:
    written = {text for _, text in FORMATS}
    assert [m.format for m in ENGINE_MESSAGES if m.format and not any(text.startswith(m.format) for text in written)] == []
    assert {m.code for m in ENGINE_MESSAGES if m.code} <= {code for code, _ in FORMATS}


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("check sub dag created failed: Sub DAG of agents: [10.0.0.7:2886] not created, main DAG failed", "sub-DAGs not created"),
        ("check sub dag succeed failed: Sub DAG of agents: [10.0.0.7:2886] failed, main DAG failed", "sub-DAGs failed"),
        ("Sub DAG of agents: [10.0.0.7:2886] not advanced, main DAG failed", "sub-DAGs not advanced"),
        ("Not all sub DAGs passed, main DAG failed", "sub-DAGs not passed"),
        ("OceanBase cluster is under maintenance by DAG: 114, please try again later", "cluster under maintenance"),
        ("Tenant 't1' is under maintenance, please try again later.", "tenant under maintenance"),
        ("10.0.0.7:2886 is under maintenance by DAG [221307:Start observer]", "agent under maintenance"),
        ("OBProxy health check timeout", "obproxy does not answer"),
        ("observer health check failed: dial tcp: connection refused", "observer does not answer"),
        ("Unexpected error: task 71 panic: runtime error: index out of range", "panic"),
    ],
)
def test_wrapped_messages_and_conflicts_have_their_own_names(message: str, name: str) -> None:
    assert known_message(message) == name
    assert known_message(masked(message)) == name


@pytest.mark.parametrize("message", ["", "the disk is on fire", "dial tcp 10.0.0.7:2881: i/o timeout", "exit status 1", "record not found"])
def test_what_the_engine_does_not_write_is_not_known(message: str) -> None:
    assert known_message(message) is None
    assert known_message(message, "Common.Unexpected") is None


def test_a_message_that_says_too_little_is_known_by_its_code() -> None:
    assert known_message("Start observer timeout", "OB.Cluster.AsyncOperationTimeout") == "operation timed out"
    assert known_message("Start observer timeout") is None
