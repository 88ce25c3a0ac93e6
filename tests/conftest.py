"""What holds for all tests."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings

from tests.profiles import LONG, do_without, needed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

settings.load_profile("long" if LONG else "gate")

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_xdist_auto_num_workers() -> int:
    """Use one process more than there are cores: tests wait for browsers, servers and processes that they start."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs in the long profile alone, and begin with what one process works on for long while the others run the rest."""
    if not LONG:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: item.path.name not in {"test_site.py", "test_dask.py"})


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for examples in the package's docstrings alone: the tests have none."""
    return [collector for collector in (yield) if not isinstance(collector, DoctestModule)]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Share the work of compiling test modules, and spare garbage collection what is collected: it took five percent of the time."""
    gc.disable()
    try:
        if "PYTEST_XDIST_WORKER" in os.environ and session.config.args == session.config.getini("testpaths"):
            compile_a_share()
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()


def compile_a_share() -> None:
    """Import every n-th test module first, where n processes run the tests: pytest rewrites and stores it, and the others only read it."""
    number, processes = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    root = Path(__file__).parents[1]
    modules = sorted(path.relative_to(root).with_suffix("") for path in Path(__file__).parent.rglob("test_*.py"))
    for module in modules[number::processes]:
        with contextlib.suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):  # pytest itself says what is wrong
            importlib.import_module(".".join(module.parts))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Chromium once; without it, or without its driver, tests that need it fail in the gate and are skipped elsewhere."""
    driver = needed("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        do_without("no Chromium is installed")
    with driver.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT interrupt, which runners that share the tests out among processes switch off in them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
