"""The wheel that users install: what it holds, what an index shows of it, and what a type checker sees in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

import daganalysis
from tests.profiles import made_once

ROOT = Path(__file__).parent.parent
SCRIPT = """\
import pandas as pd
import daganalysis as da

archive: da.Archive = da.load("responses/", cluster_by="dir")
budget: pd.DataFrame = da.time_budget(archive)
version: str = da.__version__
reveal_type(archive.run("11"))
reveal_type(da.retries(archive))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
        subprocess.run(command, check=True, capture_output=True)

    (built,) = made_once(tmp_path_factory, "dist", build).glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as members:
        (name,) = (name for name in members.namelist() if name.endswith(".dist-info/METADATA"))
        return members.read(name).decode()


def test_the_wheel_holds_the_type_marker_and_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as members:
        names = set(members.namelist())
    assert "daganalysis/py.typed" in names
    assert any(name.endswith("/LICENSE") for name in names)


def test_the_metadata_tell_the_version_the_licence_and_where_to_go(metadata: str) -> None:
    assert f"\nVersion: {daganalysis.__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert len(re.findall(r"\nProject-URL: ", metadata)) >= 3


def test_every_link_and_picture_of_the_readme_works_on_a_package_index(metadata: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", metadata)
    assert len(targets) > 5
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


@pytest.mark.timeout(900)  # without a cache, mypy looks at every package first
def test_a_script_of_a_user_passes_a_strict_type_check_against_the_wheel(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as members:
        members.extractall(site)
    (site / "rest.pth").write_text(str(Path(pd.__file__).parent.parent))
    (tmp_path / "script.py").write_text(SCRIPT)
    cache = tmp_path / "cache"
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", cache)  # what mypy knows of other packages, which takes most of the time
    # The project's own options are strict; other options would make mypy look at every package anew.
    options = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache)]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--python-executable", str(environment / "bin" / "python"), "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    assert "daganalysis.archive.Archive" in checked.stdout
    assert "DataFrame" in checked.stdout
