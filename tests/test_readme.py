"""The README's tour runs as it is printed."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from daganalysis.commands import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOUR = README.partition("\n## A five-minute tour\n")[2].partition("\n## ")[0]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TOUR, re.DOTALL | re.MULTILINE)


def shell_steps() -> Iterator[tuple[str, str]]:
    """Give each command of the tour with what is printed below it; a command may go on after a backslash."""
    for block in blocks("console"):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = re.sub(r"\\\n\s*", "", step).partition("\n")
            yield command, printed


@pytest.fixture
def tour_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def test_the_tour_prints_what_the_readme_prints(tour_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    steps = list(shell_steps())
    assert len(steps) >= 5
    for command, printed in steps:
        program, *arguments = shlex.split(command, comments=True)
        assert program == "daganalysis"
        status = main(arguments)
        captured = capfd.readouterr()
        got = captured.out + captured.err
        assert status == 0, f"{command}: {got}"
        assert doctest.OutputChecker().check_output(printed, got, OPTIONS), f"$ {command}\n{got}\n--- the README has\n{printed}"
    for block in blocks("pycon"):
        example = doctest.DocTestParser().get_doctest(block, {}, "README.md", "README.md", 0)
        results = doctest.DocTestRunner(optionflags=OPTIONS).run(example)
        assert results.attempted > 0
        assert results.failed == 0


def test_every_file_the_readme_points_to_is_there() -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_two_commands_are_scripts_that_can_be_run() -> None:
    for script in (".ci/demo", ".ci/test"):
        assert f"\n{script}\n" in README
        assert (ROOT / script).stat().st_mode & 0o111
