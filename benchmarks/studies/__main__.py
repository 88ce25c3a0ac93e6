"""Run the studies and print the figures.

usage: python -m benchmarks.studies [--small] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks.goals import Row, as_text
from benchmarks.studies import claims, compare, exactness, failures, histories, memory, mixtures, paths, stragglers, trend, what_if
from benchmarks.studies.archives import STRICT_FROM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STUDIES: dict[str, Callable[[int], Iterator[Row]]] = {
    "false-alarms": compare.false_alarms,
    "power": compare.power,
    "clusters": mixtures.clusters,
    "shares": mixtures.shares,
    "ticks": mixtures.ticks,
    "before-after": memory.before_after,
    "wandering": memory.wandering,
    "spells": memory.spells,
    "bursts": memory.bursts,
    "shifts": trend.shifts,
    "stragglers": stragglers.stragglers,
    "signatures": failures.signatures,
    "exactness": exactness.exactness,
    "histories": histories.histories,
    "claims": claims.claims,
    "what-if": what_if.what_if,
    "paths": paths.paths,
}
TRIALS, FEW = STRICT_FROM, 1


def run(trials: int, names: list[str]) -> list[Row]:
    """Run some studies with so many trials each."""
    rows = []
    for name in names:
        for row in STUDIES[name](trials):
            print(f"{row.work}: {row.measure}: {row.value:.4g} {row.detail}", file=sys.stderr, flush=True)
            rows.append(row)
    return rows


def main(argv: list[str] | None = None) -> int:
    """Print the figures; the status is 1 where one is not what it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description="How often the statistics are right.")
    parser.add_argument("--small", action="store_true", help=f"{FEW} trial each instead of {TRIALS}")
    parser.add_argument("--trials", metavar="N", type=int, help="so many trials each")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=STUDIES, default=list(STUDIES), help=", ".join(STUDIES))
    arguments = parser.parse_args(argv)
    rows = run(arguments.trials or (FEW if arguments.small else TRIALS), arguments.only)
    print(as_text(rows))
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
