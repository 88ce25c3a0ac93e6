"""What runs in every gate, and what runs in the long profile alone (``DAGANALYSIS_TESTS=long scripts/test``)."""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LONG = os.environ.get("DAGANALYSIS_TESTS") == "long"
GATE = os.environ.get("CI") not in {None, "", "0", "false"}
"""Whether the gate runs, where a test that cannot run is a failure (``CI=true``, as ``.ci/run`` and CI services set it)."""

# A shared machine may be slow at any moment; a test says what is true, not how soon.
settings.register_profile("gate", deadline=None, max_examples=10)
settings.register_profile("long", deadline=None, max_examples=400)


def examples(gate: int, *, long: int | None = None) -> settings:
    """Return the number of examples of a property: ``gate`` in the gate, ``long`` or twenty times as many in the long profile."""
    return settings(max_examples=(long or 20 * gate) if LONG else gate, deadline=None)


def some(values: Sequence[Any], *, gate: Sequence[object], several: bool = False) -> list[object]:
    """Return the values of a test's parameter, or of ``several``: those that are not in ``gate`` run in the long profile alone."""
    return [value if value in gate else pytest.param(*(value if several else (value,)), marks=pytest.mark.long) for value in values]


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder with something that takes long to make: the first of the test processes makes it for all of them."""
    shared = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder, unfinished = shared / name, shared / f"{name}.unfinished"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


def needed(module: str) -> Any:
    """Return a module that not everybody who runs the tests has installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        do_without(f"{module} is not installed")


def do_without(what: str) -> NoReturn:
    """Fail the test in the gate, and skip it elsewhere: something that it needs is not there."""
    if GATE:
        pytest.fail(f"{what}: the gate needs it")
    pytest.skip(what)
