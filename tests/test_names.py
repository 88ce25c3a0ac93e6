"""One name, everywhere: what is exported, and what an analysis is called."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import daganalysis
import daganalysis.plots
from daganalysis.commands.parsing import build_parser
from daganalysis.tables.results import RESULT_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

ANALYSES = sorted(RESULT_TABLES)
DOCUMENTED = (Path(__file__).parent.parent / "docs" / "analyses.md").read_text(encoding="utf-8")


def commands() -> set[str]:
    return {name for action in build_parser()._subparsers._group_actions for name in action.choices}  # type: ignore[union-attr,attr-defined]


@pytest.mark.parametrize("name", daganalysis.__all__)
def test_every_exported_name_is_there_and_public(name: str) -> None:
    assert not name.startswith("_")
    assert getattr(daganalysis, name) is not None


def test_everything_public_is_exported() -> None:
    modules = {path.stem for path in Path(daganalysis.__file__).parent.iterdir()}
    public = {name for name in dir(daganalysis) if not name.startswith("_")} - modules - {"annotations", "TYPE_CHECKING"}
    assert public == set(daganalysis.__all__) - modules


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = daganalysis.no_such_name  # type: ignore[attr-defined]


def test_no_function_hides_a_module_of_its_own_name() -> None:
    package = Path(daganalysis.__file__).parent
    modules = {path.stem for path in package.rglob("*.py")} | {path.name for path in package.rglob("*") if path.is_dir()}
    modules -= {path.stem for path in (package / "commands").glob("*.py")}  # a command's module is named for it, and never re-exported
    assert modules & set(daganalysis.__all__) == {"plots"}


def test_no_two_modules_have_one_name() -> None:
    package = Path(daganalysis.__file__).parent
    modules = Counter(path.stem for path in package.rglob("*.py") if not path.stem.startswith("__"))
    modules += Counter(path.parent.name for path in package.rglob("__init__.py") if path.parent != package)
    assert {name for name, n in modules.items() if n > 1} == set()


def test_no_two_public_classes_have_one_name() -> None:
    package = Path(daganalysis.__file__).parent
    classes = re.compile(r"^class ([A-Za-z]\w*)", re.MULTILINE)
    names = Counter(name for path in package.rglob("*.py") for name in classes.findall(path.read_text(encoding="utf-8")))
    assert {"Archive", "DagAnalysisError"} < set(names)
    assert {name for name, n in names.items() if n > 1} == set()


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_is_function_declaration_command_and_heading_under_one_name(name: str) -> None:
    assert callable(getattr(daganalysis, name))
    assert RESULT_TABLES[name].name == name
    assert name.replace("_", "-") in commands()
    assert f"\n## {name}\n" in DOCUMENTED


def test_starting_the_program_imports_nothing_heavy() -> None:
    assert imported("--help", of=("pandas", "pyarrow", "numpy", "matplotlib")) == "[]"


def test_a_load_imports_nothing_that_takes_longer_than_loading_some_thousand_sub_tasks(tmp_path: Path) -> None:
    heavy = ("pandas", "pyarrow.dataset", "matplotlib")
    responses = tmp_path / "responses"
    shutil.copytree("sample_data/broken", responses)
    for change in (lambda: None, lambda: None, (responses / "good.json").touch):
        change()
        assert imported("load", str(responses), "--out", str(tmp_path / "store"), of=heavy) == "[]"


def test_a_load_of_nothing_new_imports_nothing_of_arrow(tmp_path: Path) -> None:
    load = ("load", "sample_data/start", "--out", str(tmp_path / "store"))
    assert imported(*load, of=("pyarrow", "numpy")) == "['numpy', 'pyarrow']"
    assert imported(*load, of=("pyarrow", "numpy")) == "[]"


def test_a_command_imports_neither_another_nor_what_only_full_tables_take() -> None:
    others = ("daganalysis.commands.capture", "daganalysis.commands.analyses", "daganalysis.formats.terminal", "wcwidth")
    assert imported("load", "--help", of=others) == "[]"


def test_an_analysis_imports_nothing_of_the_other_analyses() -> None:
    others = ("daganalysis.analysis._failures", "daganalysis.analysis.signatures", "daganalysis.analysis.scenarios")
    assert imported("summary", "sample_data/start", of=others) == "[]"
    assert imported("failures", "sample_data/start", of=others) == str([*others[:2]])


def test_listing_sources_imports_nothing_that_reads_them() -> None:
    script = "import sys; from daganalysis.reading import list_source_files; list_source_files(['sample_data/fleet']); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"msgspec", "sqlite3", "daganalysis.reading.responses"}.isdisjoint(modules)


def imported(*arguments: str, of: tuple[str, ...]) -> str:
    """Say which of some modules a command imports."""
    script = f"import sys; from daganalysis.commands import main; main({list(arguments)}); print(sorted({set(of)} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def public_functions() -> list[Callable[..., object]]:
    """Return every function and method that a user calls."""
    named = [getattr(home, name) for home in (daganalysis, daganalysis.plots) for name in home.__all__]
    methods = [member for name, member in inspect.getmembers(daganalysis.Archive) if not name.startswith("_")]
    return [one for one in [*named, *methods] if inspect.isroutine(one)]


@pytest.mark.parametrize("function", public_functions(), ids=lambda function: function.__qualname__)
def test_a_public_function_documents_its_arguments_its_result_and_an_example(function: Callable[..., object]) -> None:
    text = inspect.getdoc(function) or ""
    signature = inspect.signature(function)
    arguments = [name for name in signature.parameters if name not in {"self", "cls"}]
    assert [name for name in arguments if f"\n    {name}: " not in text] == []
    assert "\nExample:\n    >>> " in text
    assert "\nReturns:\n" in text or signature.return_annotation == "None"
