"""The documentation site builds offline without a warning, and holds every public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import daganalysis
from tests.profiles import made_once

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"), str(folder)]
        built = subprocess.run(command, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr

    return made_once(tmp_path_factory, "site", build)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    page = (site / "python.html").read_text(encoding="utf-8")
    documented = set(re.findall(r'id="daganalysis\.(\w+)"', page))
    assert set(daganalysis.__all__) - documented - {"plots"} == set()


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    first = (site / "index.html").read_text(encoding="utf-8")
    pages = {path.name for path in site.glob("*.html")} - {"index.html", "genindex.html", "search.html", "py-modindex.html"}
    assert pages
    assert {page for page in pages if f'href="{page}"' not in first} == set()


def test_the_site_asks_nothing_of_a_network(site: Path) -> None:
    loaded = [
        (page.name, address)
        for page in site.rglob("*.html")
        for address in re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in address
    ]
    assert loaded == []
