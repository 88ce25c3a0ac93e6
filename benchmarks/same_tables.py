"""Whether a change keeps every table byte for byte: the digests of the tables of some archives, to be compared with another commit's.

usage: python -m benchmarks.same_tables [SOURCE ...] [--simulated N] [--jobs N] > before.txt

Loads each source (with the folders in it as clusters), and N simulated archives (half of them polled, half known from one last answer), and
prints a line for each part of each table. Run it before and after a change, and compare the two outputs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import daganalysis as da
from benchmarks.studies.claims import simulated
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def digests(source: Path, store: Path, jobs: int) -> Iterator[str]:
    """Load a source and yield a line for each part of each table."""
    da.load_into_store(source, store=store, cluster_by="dir", jobs=jobs)
    for name in BASE_TABLES:
        for part in sorted((store / name).glob("*.parquet")):
            yield f"{hashlib.sha256(part.read_bytes()).hexdigest()[:16]} {source.name} {name}/{part.name}"


def simulate(number: int, folder: Path) -> Path:
    """Save the answers of a simulated archive, a file each."""
    paces = [1.0, 3.0, 10.0, 60.0] if number % 2 else [float("inf")]
    _, polls = simulated(number, paces)
    home = folder / f"simulated-{number:03d}"
    home.mkdir()
    for at, (_, _, said) in enumerate(polls):
        (home / f"{at:05d}.json").write_text(json.dumps(said))
    return home


def main(argv: Sequence[str] | None = None) -> int:
    """Print the digests of what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same_tables", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", nargs="*", type=Path)
    parser.add_argument("--simulated", metavar="N", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="daganalysis-tables-") as name:
        place = Path(name)
        sources = [*arguments.source, *(simulate(number, place) for number in range(arguments.simulated))]
        for at, source in enumerate(sources):
            for line in digests(source, place / f"store-{at}", arguments.jobs):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
