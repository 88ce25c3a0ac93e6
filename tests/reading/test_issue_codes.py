"""Issues are made in one place, from their codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import daganalysis
import daganalysis as da
from daganalysis.reading.issue_codes import ISSUE_CODES

PACKAGE = Path(daganalysis.__file__).parent


def test_issues_are_made_by_the_factory_alone():
    makers = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"(?<!\w)Issue\(", path.read_text(encoding="utf-8").replace("class Issue(", ""))
    }
    assert makers == {"issue_codes.py"}


@pytest.mark.parametrize("folder", ["broken", "endpoints", "remote", "start", "tenant"])
def test_every_issue_has_the_hint_of_its_code(folder):
    issues = da.load(f"sample_data/{folder}").issues
    for code, hint in issues[["code", "hint"]].fillna("").drop_duplicates().itertuples(index=False):
        assert hint in {ISSUE_CODES[code].hint, *ISSUE_CODES[code].hints_by_status.values()}
