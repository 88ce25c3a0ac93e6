"""The README's tour runs as it is printed."""

from __future__ import annotations

import doctest
import re
import runpy
from pathlib import Path

import pytest

import daganalysis.pages
from tests.profiles import LONG

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = runpy.run_path(str(ROOT / "docs" / "tour.py"))


@pytest.fixture
def tour_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    if not LONG:  # the tour shows what the command says of a report; to write the report takes most of the tour's time
        monkeypatch.setattr(daganalysis.pages, "write_report", lambda _, folder, **__: Path(folder) / "report.html")
    return tmp_path


def test_the_tour_prints_what_the_readme_prints(tour_folder: Path) -> None:
    assert README.count("\n$ daganalysis ") >= 5
    assert TOUR["retold"](README, tour_folder) == README, "run `python docs/tour.py`"
    (example,) = re.findall(r"^```pycon\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    results = doctest.DocTestRunner().run(doctest.DocTestParser().get_doctest(example, {}, "README.md", "README.md", 0))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_tutorial_prints_what_its_page_says(tour_folder: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert page.count("\n$ daganalysis ") >= 5
    assert TOUR["retold"](page, tour_folder) == page, "run `python docs/tour.py`"


def test_every_file_the_readme_points_to_is_there() -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_two_commands_are_scripts_that_can_be_run() -> None:
    for script in ("scripts/demo", "scripts/test"):
        assert f"\n{script}\n" in README
        assert (ROOT / script).stat().st_mode & 0o111
