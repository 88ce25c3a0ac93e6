"""Every example in the help of a command runs as it stands there."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from daganalysis.commands import main
from daganalysis.commands.parsing import JOBS, build_parser
from daganalysis.pages.report_page import content

SAMPLES = Path(__file__).parents[2] / "sample_data"
PARSERS = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
NEEDS_AN_AGENT = {"capture"}
"""Tested against a stand-in for an agent, in tests/captures."""
EXAMPLES = [
    line.strip()
    for name, parser in PARSERS.items()  # type: ignore[union-attr]
    if name not in NEEDS_AN_AGENT
    for line in parser.epilog.splitlines()[1:]
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that holds what the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(SAMPLES / "documented", folder / "responses" / "prod-a")
    shutil.copytree(SAMPLES / "tenant", folder / "more")
    for side, version in (("before", "a"), ("after", "b")):
        shutil.copytree(SAMPLES / "versions" / version, folder / side)
    assert main(["load", str(folder / "responses"), "--cluster-by", "dir", "--out", str(folder / "store")]) == 0
    return folder


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_as_it_stands_in_the_help(
    example: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(content, "MOST_WORST", content.MOST_ON_TOP)  # charts of runs take most of the time of a report
    monkeypatch.setattr(content, "MOST_SLOWEST", 0)
    before = set(tmp_path.rglob("*"))
    words = shlex.split(example)[1:]
    status = main([str(path) for word in words for path in (sorted(Path().glob(word)) if "*.json" in word else [word])])
    said = capfd.readouterr()
    assert status == 0 or (status in {1, 4} and "--fail-on" in words), said.err
    assert said.out or set(tmp_path.rglob("*")) - before


def test_every_command_has_two_examples() -> None:
    assert {name for _, names in JOBS for name in names} == set(PARSERS)
    assert all(len(parser.epilog.splitlines()) >= 3 for parser in PARSERS.values())  # type: ignore[union-attr]
