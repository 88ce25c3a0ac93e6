from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import daganalysis as da
from tests.profiles import needed, some

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SHORT = [path for path in NOTEBOOKS if path.stem not in {"02-fleet-week", "03-two-versions"}]
"""The others take several seconds of processor time each."""


@pytest.fixture(scope="module")
def kernel():
    """A kernel in the notebooks' folder: to start one for each takes longer than most notebooks run."""
    manager = needed("jupyter_client").KernelManager()
    manager.start_kernel(cwd=str(ROOT / "notebooks"), env={**os.environ, "PYTHONPATH": str(ROOT)})
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", some(NOTEBOOKS, gate=SHORT), ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs_to_its_conclusions(path, kernel):
    nbclient = needed("nbclient")
    nbformat = needed("nbformat")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))  # no notebook finds a name that another has made
    client = nbclient.NotebookClient(notebook, km=kernel, timeout=250)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
    assert "assert " in notebook.cells[-1].source
    warned = [output["text"] for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"]
    assert warned == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_takes_names_that_the_package_has(path):
    names = set(re.findall(r"\bda\.(\w+)", path.read_text(encoding="utf-8")))
    assert names
    assert {name for name in names if not hasattr(da, name)} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_is_stored_without_output(path):
    nbformat = needed("nbformat")
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_no_cell_takes_more_than_ten_lines_or_is_too_wide_to_read(path):
    nbformat = needed("nbformat")
    cells = [cell.source.splitlines() for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert max(map(len, cells)) <= 10
    assert max(len(line) for cell in cells for line in cell) <= 140


@pytest.mark.parametrize(
    "name", ["runs", "critical_path", "what_if", "locks", "events", "gantt", "time_budget", "stragglers", "compare", "trend"]
)
def test_every_answer_is_shown_in_a_notebook(name):
    assert any(f"da.{name}(" in path.read_text(encoding="utf-8") for path in NOTEBOOKS)
