"""Progress of long work: a bar where somebody watches, on a terminal or in a notebook, and nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Never

    from tqdm import tqdm

Progress: TypeAlias = Callable[[str, int, int], None]
"""What long work tells its progress to: the name of a stage, how much of it is done, and of how much."""

_BAR = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}"


@contextlib.contextmanager
def shown(progress: Progress | None = None, *, delay_s: float = 0.5) -> Iterator[Progress]:
    """Give long work a function to report its progress to: the caller's own, or a bar on a terminal or in a notebook, or none.

    Work that is done within ``delay_s`` seconds shows no bar, and a bar goes when its work is done.
    """
    if progress is not None:
        yield progress
        return
    notebook = _in_notebook_with_widgets()
    if not (sys.stderr.isatty() or notebook):
        yield silent
        return
    kind = _bar_kind(notebook=notebook)
    bars: dict[str, tqdm[Never]] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for finished in bars.values():
                finished.close()
            bars[stage] = kind(desc=stage, total=total, file=sys.stderr, leave=False, delay=delay_s, bar_format=_BAR)
        bars[stage].total = total
        bars[stage].update(done - bars[stage].n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()


def _bar_kind(*, notebook: bool) -> type[tqdm[Never]]:
    import tqdm
    import tqdm.notebook

    # tqdm's watching thread would be one more at every fork of a load.
    return type("Bar", (tqdm.notebook.tqdm if notebook else tqdm.tqdm,), {"monitor_interval": 0})


def _in_notebook_with_widgets() -> bool:
    """Return whether an IPython kernel runs this that can show a widget; lines of text would stay in the notebook for good."""
    from importlib.util import find_spec

    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel") and find_spec("ipywidgets") is not None


def silent(stage: str, done: int, total: int) -> None:
    """Ignore the progress."""
