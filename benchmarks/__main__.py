"""Measure, print the table of goals and measured values, and write it as JSON.

usage: python -m benchmarks [--small | --full] [--only NAME ...] [--repeats N] [--json FILE] [--work FOLDER]
"""

from __future__ import annotations

import argparse
import compileall
import dataclasses
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import analyses, daily, drawing, explaining, loading, sources, starting
from benchmarks.goals import Row, as_text
from benchmarks.measuring import ROOT
from benchmarks.sizes import DEFAULT, FULL, SMALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.sizes import Sizes

MEASUREMENTS: dict[str, Callable[[Sizes, Path], Iterator[Row]]] = {
    "polled": loading.polled,
    "final-answers": loading.final_answers,
    "added": daily.added,
    "session": daily.session,
    "large": loading.large_lines,
    "one-response": loading.one_response,
    "many-polls": loading.many_polls,
    "analyses": analyses.each,
    "explaining": explaining.each,
    "commands": starting.commands,
    "gantt": drawing.gantt,
    "logs": sources.logs,
    "dumps": sources.dumps,
}


def main(argv: list[str] | None = None) -> int:
    """Measure what the command line asks for; the status is 0 whatever the values are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--small", action="store_const", const=SMALL, dest="sizes", help="so little that only whether it works is seen")
    size.add_argument(
        "--full", action="store_const", const=FULL, dest="sizes", help="all that the goals speak of: an hour, and 3 GB of disk"
    )
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS), help=", ".join(MEASUREMENTS))
    parser.add_argument("--repeats", metavar="N", type=int, help="how often each pair is measured")
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="where to write the values (default: benchmarks.json in the system's folder for temporary files)",
    )
    parser.add_argument("--work", metavar="FOLDER", type=Path, help="where to make archives and stores; what was made is removed")
    arguments = parser.parse_args(argv)
    sizes = arguments.sizes or DEFAULT
    if arguments.repeats:
        sizes = dataclasses.replace(sizes, repeats=arguments.repeats)
    # As pip does when it installs a program: where Python may not write, a command would compile it every time.
    compileall.compile_dir(ROOT / "daganalysis", quiet=1)
    rows: list[Row] = []
    for name in arguments.only:
        work = Path(tempfile.mkdtemp(prefix="benchmarks-", dir=arguments.work))
        try:
            for row in MEASUREMENTS[name](sizes, work):
                rows.append(row)
                print(f"{row.work}: {row.value:.3g} {row.measure}", file=sys.stderr, flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    target = arguments.json or Path(tempfile.gettempdir()) / "benchmarks.json"
    conditions = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "sizes": dataclasses.asdict(sizes),
    }
    target.write_text(json.dumps({"conditions": conditions, "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
    print(as_text(rows))
    print(f"\nvalues: {target}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
