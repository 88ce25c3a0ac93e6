"""Issues are made in one place, from their codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import daganalysis
import daganalysis as da
from daganalysis.reading.issue_codes import ISSUE_CODES, issue
from tests.history.responses import node, sub_task
from tests.store.saved import dag

PACKAGE = Path(daganalysis.__file__).parent


def test_issues_are_made_by_the_factory_alone():
    makers = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"(?<!\w)Issue\(", path.read_text(encoding="utf-8").replace("class Issue(", ""))
    }
    assert makers == {"issue_codes.py"}


ANNOUNCED = ("password=hunter2", "{'rootPwd': 'sun flower'}", "--token 8f3a2c", "IDENTIFIED BY 'x y'", "Cookie: YWJj0", '"pass": "moon"')


@pytest.mark.parametrize("field", ["state", "operator", "start_time", "stage", "additional_data", "id"])
@pytest.mark.parametrize("value", ANNOUNCED)
def test_no_issue_quotes_a_secret_that_a_word_announces(field, value):
    answer = {**json.loads(dag("11", node(sub_task()), at=2.0)), "successful": value}
    answer["data"][field] = value
    answer["data"]["nodes"][0][field] = value
    messages = " ".join(da.load(answer).issues["message"])
    assert not re.search("hunter2|flower|8f3a2c|x y|YWJj|moon", messages)


def test_a_message_without_a_secret_stays_as_it_is():
    message = "401, Security.IncorrectOceanbasePassword: incorrect password; the token: expired; sub-task 12 with show_details=true"
    assert issue("error-answer", None, None, message).message == message


def test_a_state_that_is_no_word_of_an_engine_is_not_quoted():
    found = da.load(json.loads(dag("11", node(sub_task()), at=2.0, state="hunter2!x"))).issues
    assert found[found["code"] == "unknown-state"]["message"].tolist() == ["unknown state (9 characters)"]


def test_an_unknown_state_is_quoted_in_short():
    found = da.load(json.loads(dag("11", node(sub_task()), at=2.0, state="X" * 500))).issues
    assert found[found["code"] == "unknown-state"]["message"].str.len().max() < 100


@pytest.mark.parametrize("folder", ["broken", "endpoints", "remote", "start", "tenant"])
def test_every_issue_has_the_hint_of_its_code(folder):
    issues = da.load(f"sample_data/{folder}").issues
    for code, hint in issues[["code", "hint"]].fillna("").drop_duplicates().itertuples(index=False):
        assert hint in {ISSUE_CODES[code].hint, *ISSUE_CODES[code].hints_by_status.values()}
