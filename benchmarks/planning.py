"""How much memory and time it takes to plan a load of very many responses, of which only what is planned with is made.

usage: python -m benchmarks.planning [--responses N] [--clusters N] [--jobs N | --scheduler ADDRESS]

What the first pass would have written of each piece is written for synthetic responses, 13 polls a run, each piece by a process of its own.
Then the workers plan it. Prints the processor time and the largest memory of each process.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.synthetic_pieces import A_PIECE, make_piece
from daganalysis.dask_workers import DaskWorkers
from daganalysis.loading.by_cluster import ClusterPlan, plan_by_cluster
from daganalysis.loading.workers import Workers
from daganalysis.store.remote_paths import SPILL

if TYPE_CHECKING:
    from collections.abc import Sequence


def measure(folder: Path, total: int, clusters: int, workers: Workers | DaskWorkers) -> tuple[int, ClusterPlan, list[float]]:
    """Write and plan; return how many pieces there are, the plan, and the seconds that writing and planning took."""
    (folder / SPILL).mkdir()
    starts = range(0, total, A_PIECE)
    pieces = [(folder / SPILL / f"spill-{at:05d}", first, min(first + A_PIECE, total), total, clusters) for at, first in enumerate(starts)]
    moments = [time.perf_counter()]
    scanned = list(workers.over(make_piece, pieces))
    moments.append(time.perf_counter())
    plan = plan_by_cluster(workers, folder, folder, scanned)
    moments.append(time.perf_counter())
    return len(pieces), plan, [after - before for before, after in zip(moments, moments[1:], strict=False)]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planning", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--responses", type=int, default=200_000)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--scheduler", help="the address of a Dask scheduler, whose workers see the same disk")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="daganalysis-planning-") as name:
        if arguments.scheduler:
            with DaskWorkers(arguments.scheduler) as dask:
                n_pieces, plan, seconds = measure(Path(name), arguments.responses, arguments.clusters, dask)
        else:
            with Workers(arguments.jobs) as here:
                n_pieces, plan, seconds = measure(Path(name), arguments.responses, arguments.clusters, here)
        written = sum(path.stat().st_size for path in (Path(name) / SPILL).iterdir())
    own = resource.getrusage(resource.RUSAGE_SELF)
    n_shards = sum(len(part) for part in plan.parts)
    print(f"{arguments.responses:,} responses in {arguments.clusters:,} clusters and {n_pieces:,} pieces: {n_shards:,} shards")
    print(f"written {written / 1e6:,.0f} MB in {seconds[0]:.0f} s; planned in {seconds[1]:.0f} s")
    print(f"this process: {own.ru_utime + own.ru_stime:.1f} s of processor time, at most {own.ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
