"""How the cost of loading grows when one thing about an archive grows: its runs, the polls of each, their size, the clusters, the store.

usage: python -m benchmarks.scaling [--small] [--json FILE]

Prints processor seconds (one process, so that they compare), the largest memory, and the bytes of the store, a row an archive. What is
learnt from it stands in docs/scaling.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.archives import Shape, responses
from benchmarks.measuring import run

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAGES, _TASKS, _LINES = (3, 9), (1, 4), 4


@dataclasses.dataclass(frozen=True)
class Point:
    """One archive and what it cost to load; the times are of all processors."""

    what: str
    n_runs: int
    n_responses: int
    megabytes: float
    load_s: float
    peak_mb: float
    tables_mb: float
    evidence_mb: float

    @property
    def ms_a_response(self) -> float:
        """Processor milliseconds for each response."""
        return 1000 * self.load_s / self.n_responses


@dataclasses.dataclass(frozen=True)
class _Archive:
    """So many runs in so many clusters, a file a cluster."""

    runs: int
    polls: int = 13
    clusters: int = 1
    times: int = 1
    first: int = 0

    def write(self, folder: Path) -> tuple[int, int]:
        """Write the responses; return how many there are, and their bytes."""
        folder.mkdir(parents=True)
        shape = Shape(_STAGES, (_TASKS[0] * self.times, _TASKS[1] * self.times), _LINES, polls=self.polls)
        count = size = 0
        files = [(folder / f"c{number:04d}.{self.first}.ndjson").open("wb") for number in range(self.clusters)]
        with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
            made = pool.map(partial(responses, shape=shape), range(self.first, self.first + self.runs), chunksize=16)
            for number, found in enumerate(made):
                for text in found:
                    size += files[number % self.clusters].write(text + b"\n")
                    count += 1
        for file in files:
            file.close()
        return count, size


def measure(runs: int, work: Path, most: int = 4) -> Iterator[Point]:
    """Load archives that differ in one thing from one of so many runs (``most`` of each kind), then add a day to stores of any age."""
    varied = {
        "runs": [_Archive(runs * times) for times in (1, 2, 4, 8)],
        "polls": [_Archive(runs, polls=polls) for polls in (2, 6, 26, 52)],
        "sub-tasks": [_Archive(runs, times=times) for times in (2, 4, 8)],
        "clusters": [_Archive(runs * 4, clusters=clusters) for clusters in (4, 16, 64)],
    }
    for what, archives in varied.items():
        for number, archive in enumerate(archives[:most]):
            yield _load(what, archive, work / f"{what}-{number}", work / f"{what}-{number}-store")
    for number, archive in enumerate(varied["runs"][:most]):
        day = dataclasses.replace(archive, runs=runs // 10, first=10_000_000)
        yield _load("a day more", day, work / f"day-{number}", work / f"runs-{number}-store")


def _load(what: str, archive: _Archive, folder: Path, store: Path) -> Point:
    count, size = archive.write(folder)
    load = ("load", str(folder), "--out", str(store), "--cluster-by", "file", "--jobs", "1")
    cost = run(sys.executable, "-m", "daganalysis", *load)
    in_tables, in_evidence = _bytes_below(store, "[a-z]*/*.parquet"), _bytes_below(store, "_*/**/*.parquet")
    return Point(what, archive.runs, count, size / 1e6, cost.cpu_s, cost.peak / 1e6, in_tables / 1e6, in_evidence / 1e6)


def _bytes_below(store: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in store.glob(pattern))


HEADINGS = "| what grows | runs | responses | MB | load, s | ms a response | peak, MB | tables, MB | evidence, MB |"


def as_row(point: Point) -> str:
    """Return the point as a row of the table."""
    counts = f"{point.what} | {point.n_runs:,} | {point.n_responses:,} | {point.megabytes:.1f}"
    costs = f"{point.load_s:.1f} | {point.ms_a_response:.2f} | {point.peak_mb:.0f}"
    return f"| {counts} | {costs} | {point.tables_mb:.2f} | {point.evidence_mb:.2f} |"


def main(argv: list[str] | None = None) -> int:
    """Measure, and print each point when it is there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", action="store_true", help="so little that only whether it works is seen")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the points there as well")
    arguments = parser.parse_args(argv)
    print(HEADINGS, "|---" * HEADINGS.count(" | ") + "|---|", sep="\n", flush=True)
    points = []
    with tempfile.TemporaryDirectory(prefix="daganalysis-scaling-") as work:
        for point in measure(10, Path(work), 1) if arguments.small else measure(400, Path(work)):
            points.append(dataclasses.asdict(point))
            print(as_row(point), flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
