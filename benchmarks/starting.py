"""Commands that should answer at once, against the time pandas takes to be imported."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import daganalysis as da
from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.loading import load
from benchmarks.measuring import in_turn, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes


def commands(sizes: Sizes, work: Path) -> Iterator[Row]:
    """``--help``, and ``show`` of one run in a store of many."""
    source, store = work / "listed", work / "store"
    archives.write_files(source, archives.SMALL, count=sizes.listed_runs)
    load(source, store)
    shutil.rmtree(source)
    dags = da.read_parquet(store).table("dags", ["run_id"])["run_id"]
    middle = str(dags.iloc[len(dags) // 2])
    for name, goal, arguments in (
        ("--help", 0.5, ["--help"]),
        (f"show of one run in {len(dags):,}", 1.5, ["show", str(store), middle]),
    ):

        def ours(arguments: list[str] = arguments) -> float:
            return run(sys.executable, "-m", "daganalysis", *arguments).wall_s

        ratio, pandas, times = in_turn(lambda: run(sys.executable, "-c", "import pandas").wall_s, ours, sizes.repeats)
        detail = {"ours": spread(times), "import_pandas": spread(pandas), "times_import_pandas": ratio}
        yield Row(name, "seconds", goal, False, spread(times)["median_s"], detail)
    shutil.rmtree(store)
