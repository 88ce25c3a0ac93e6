"""Progress of long work: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Give what long work may tell its progress to (stage, how much is done, of how much); None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    bar: tqdm[None] | None = None

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal bar
        if bar is None or bar.desc != f"{stage}: ":
            if bar is not None:
                bar.close()
            bar = tqdm(desc=stage, total=total, file=sys.stderr, leave=False, unit_scale=True, delay=0.5)
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()
