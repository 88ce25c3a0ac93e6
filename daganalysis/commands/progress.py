"""Progress of long work: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Never


@contextlib.contextmanager
def progress_bar(delay_s: float = 0.5) -> Iterator[Callable[[str, int, int], None] | None]:
    """Give what long work may tell its progress to (stage, how much is done, of how much); None where stderr is no terminal.

    Work that is done within ``delay_s`` seconds shows no bar.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    bars: dict[str, tqdm[Never]] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            for finished in bars.values():
                finished.close()
            bars[stage] = tqdm(desc=stage, total=total, file=sys.stderr, leave=False, unit_scale=True, delay=delay_s)
        bars[stage].total = total
        bars[stage].update(done - bars[stage].n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()
