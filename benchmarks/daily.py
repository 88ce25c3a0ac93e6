"""A working day with a store: adding what is new, loading nothing new, and asking ten questions."""

from __future__ import annotations

import itertools
import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.loading import MB, load, rates
from benchmarks.measuring import Cost, costs_in_turn, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes

_MANY = 100_000
"""Files from which on all that was there before costs the peer far more than what is new."""
_CLUSTERS, _COPIES = 60, 30
"""The clusters of the fleet; where there are many files, the runs of one cluster in so many are simulated, and copied to the others."""


def added(sizes: Sizes, work: Path) -> Iterator[Row]:
    """One in a hundred is new: until the summary is on the screen, against flattening all again; then nothing new, against `find`."""
    for count in sizes.added_to:
        source, store = work / "final", work / "store"
        copies = _COPIES if count > _MANY else 1
        archives.write_files(source, archives.FINAL, count=count, clusters=_CLUSTERS, copies=copies)
        load(source, store, "--cluster-by", "dir")
        days = itertools.count(2)

        def ours(source: Path = source, store: Path = store, size: tuple[int, int] = (count, copies), days: Iterator[int] = days) -> Cost:
            new, first = max(1, size[0] // 100), next(days) * size[0] // size[1]
            archives.write_files(source, archives.FINAL, count=new, clusters=_CLUSTERS, first=first, copies=size[1])
            return _together(
                load(source, store, "--cluster-by", "dir", again=True), run(sys.executable, "-m", "daganalysis", "summary", str(store))
            )

        def theirs(source: Path = source) -> Cost:
            return run(sys.executable, "-m", "benchmarks.peer", str(source), str(work / "out"), "--summary")

        pairs = costs_in_turn(ours, theirs, sizes.repeats)
        name = f"1 % added to {count:,} files, until the summary is on the screen"
        yield from rates(name, "times the rate of DuckDB, which flattens all again", 5.0 if count > _MANY else 2.0, pairs, {})
        yield _nothing_new(count, source, store, sizes)
        shutil.rmtree(source)


def _together(*costs: Cost) -> Cost:
    return Cost(sum(cost.wall_s for cost in costs), sum(cost.cpu_s for cost in costs), max(cost.peak for cost in costs))


def _nothing_new(count: int, source: Path, store: Path, sizes: Sizes) -> Row:
    def find() -> Cost:
        return _together(run("find", str(source), "-type", "f", "-size", "+0"), run(sys.executable, "-c", "pass"))

    pairs = costs_in_turn(find, lambda: load(source, store, "--cluster-by", "dir", again=True), sizes.repeats)
    detail = {"ours": spread([cost.wall_s for cost in pairs.theirs]), "find": spread([cost.wall_s for cost in pairs.ours])}
    return Row(
        f"nothing new in {count:,} files", "times `find` and starting Python", 2.5, False, pairs.ratio(lambda cost: cost.wall_s), detail
    )


def session(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Ten analyses in one process on a store, against the same ten questions in SQL to the saved files themselves."""
    files, lines = work / "files", work / "c00.ndjson"
    archives.write_files(files, archives.POLLED, count=sizes.polled_files, clusters=8)
    yield from _asked(f"{sizes.polled_files:,} polled files", files, sizes, work, form="polls")
    shutil.rmtree(files)
    archives.write_files(files, archives.FINAL, count=sizes.final_runs, clusters=_CLUSTERS)
    yield from _asked(f"{sizes.final_runs:,} files of final answers", files, sizes, work)
    shutil.rmtree(files)
    size = archives.write_ndjson(lines, archives.REAL, megabytes=sizes.analysed_mb)
    yield from _asked(f"{size / MB:.0f} MB NDJSON of final answers", lines, sizes, work)
    lines.unlink()


def _asked(name: str, source: Path, sizes: Sizes, work: Path, form: str = "files") -> Iterator[Row]:
    store = work / "store"
    load(source, store, *(("--cluster-by", "dir") if source.is_dir() else ()))
    asking = (sys.executable, "-m", "benchmarks.questions")
    pairs = costs_in_turn(lambda: run(*asking, "store", str(store)), lambda: run(*asking, form, str(source)), sizes.repeats)
    yield from rates(f"ten analyses of {name}", "times the rate of SQL by DuckDB over the JSON", 20.0, pairs, {})
