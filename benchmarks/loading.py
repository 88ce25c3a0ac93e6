"""Loading: against the peer and the naive way, in memory, and one large response."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.measuring import Cost, Pairs, costs_in_turn, run, warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes

MB = 1e6
_NAIVE = 6.0
"""Times as fast as what a user writes first."""


def load(source: Path, store: Path, *options: str, again: bool = False) -> Cost:
    """Load an archive with the command line, into a new store unless it is to be loaded again."""
    if not again:
        shutil.rmtree(store, ignore_errors=True)
    return run(sys.executable, "-m", "daganalysis", "load", str(source), "--out", str(store), *options)


@dataclass(frozen=True)
class _Work:
    """An archive to load: its name, how ours and theirs are told to read it, and the goal against the peer."""

    name: str
    source: Path
    size: int
    goal: float
    ours: tuple[str, ...]
    peers: tuple[str, ...] = ()


def polled(sizes: Sizes, work: Path) -> Iterator[Row]:
    """A polled archive, whole load, against the peer that flattens the newest answer of each DAG alone."""
    source = work / "polled"
    size = archives.write_files(source, archives.POLLED, count=sizes.polled_files, clusters=8)
    yield from _against_both(_Work("polled archive, files", source, size, 1.05, ("--cluster-by", "dir"), ("--latest",)), sizes, work)
    shutil.rmtree(source)
    lines = work / "c00.ndjson"
    size = archives.write_ndjson(lines, archives.POLLED, megabytes=sizes.polled_mb)
    yield from _against_both(_Work("polled archive, NDJSON", lines, size, 0.55, ("--cluster", "c00"), ("--latest",)), sizes, work)
    lines.unlink()


def final_answers(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Final answers, one a DAG: small files, the same as NDJSON, and a fleet in which nothing fails."""
    source, lines = work / "final", work / "c00.ndjson"
    size = archives.write_files(source, archives.FINAL, count=sizes.final_runs, clusters=60)
    yield from _against_both(_Work(f"{sizes.final_runs:,} files of final answers", source, size, 0.5, ("--cluster-by", "dir")), sizes, work)
    shutil.rmtree(source)
    for name, goal, shape in (("final answers", 0.25, archives.FINAL), ("answers of a clean fleet", 0.3, archives.CLEAN)):
        size = archives.write_ndjson(lines, shape, megabytes=sizes.final_runs * _FINAL_BYTES / MB)
        yield from _against_both(_Work(f"{size / MB:.0f} MB NDJSON of {name}", lines, size, goal, ("--cluster", "c00")), sizes, work)
        lines.unlink()


_FINAL_BYTES = 4600
"""Of one final answer, about."""


def large_lines(sizes: Sizes, work: Path) -> Iterator[Row]:
    """One large NDJSON file, one snapshot a DAG: in memory, and how memory grows."""
    source, store = work / "large.ndjson", work / "store"
    archives.write_ndjson(source, archives.REAL, megabytes=sizes.large_mb)
    peak = load(source, store).peak
    source.unlink()
    yield Row(f"{sizes.large_mb:g} MB NDJSON", "peak memory, MB, all processes", 450, False, peak / MB)
    archives.write_ndjson(source, archives.REAL, megabytes=sizes.large_mb / 10)
    smaller = load(source, store).peak
    source.unlink()
    peaks = {"peaks_mb": [smaller / MB, peak / MB]}
    yield Row(f"{sizes.large_mb / 10:g} MB to {sizes.large_mb:g} MB", "growth of peak memory", 1.2, False, peak / smaller, peaks)


def one_response(sizes: Sizes, work: Path) -> Iterator[Row]:
    """One response of very many sub-tasks."""
    source, store = work / "huge" / "response.json", work / "store"
    source.parent.mkdir()
    source.write_bytes(archives.responses(1, sizes.huge)[0])
    size = source.stat().st_size
    cost = load(source, store)
    detail = {"bytes": size, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s}
    yield Row(f"one response of {size / MB:.0f} MB", "peak memory, MB, all processes", 700, False, cost.peak / MB, detail)
    shutil.rmtree(source.parent)


def many_polls(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Twice as many runs of 13 polls each: memory stays what it was."""
    source, store = work / "polls", work / "store"
    archives.write_files(source, archives.POLLED, count=13 * sizes.merged_runs // 2)
    half = load(source, store).peak
    archives.write_files(source, archives.POLLED, count=13 * sizes.merged_runs // 2, first=sizes.merged_runs)
    whole = load(source, store).peak
    name = f"{sizes.merged_runs:,} runs of 13 polls"
    yield Row(name, "peak memory, MB, all processes", 450, False, whole / MB)
    yield Row(
        f"{sizes.merged_runs // 2:,} to {name}", "growth of peak memory", 1.2, False, whole / half, {"peaks_mb": [half / MB, whole / MB]}
    )
    shutil.rmtree(source)


def _against_both(one: _Work, sizes: Sizes, work: Path) -> Iterator[Row]:
    """Load and flatten in turn, then load and do it the naive way; the ratios are of the rates, so more is better."""
    warm([one.source] if one.source.is_file() else sorted(path for path in one.source.rglob("*.json")))
    naive = "json and json_normalize"
    ways: list[tuple[str, str, float, tuple[str, ...]]] = [("DuckDB, which only flattens", "peer", one.goal, one.peers)]
    ways.append((naive, "naive", _NAIVE, ()))
    if one.peers:  # there are older polls to leave out
        ways.append((f"{naive}, older polls dropped first", "naive", _NAIVE, ("--newest-first",)))
    for other, module, goal, options in ways:
        out = work / "out"

        def theirs(module: str = module, out: Path = out, options: tuple[str, ...] = options) -> Cost:
            return run(sys.executable, "-m", f"benchmarks.{module}", str(one.source), str(out), *options)

        pairs = costs_in_turn(lambda: load(one.source, work / "store", *one.ours), theirs, sizes.repeats)
        shutil.rmtree(out)
        yield from rates(one.name, f"times the rate of {other}", goal, pairs, {"bytes": one.size})


def rates(name: str, measure: str, goal: float, pairs: Pairs, detail: dict[str, object]) -> Iterator[Row]:
    """Yield how many times as fast ours is as theirs, on the wall and in processor time, which other work on the machine disturbs less."""
    sides = (("ours", pairs.ours), ("theirs", pairs.theirs))
    detail = {
        **detail,
        **{side: spread([cost.wall_s for cost in costs]) for side, costs in sides},
        **{f"{side}_cpu": spread([cost.cpu_s for cost in costs]) for side, costs in sides},
        "our_peak_mb": round(max(cost.peak for cost in pairs.ours) / MB),
    }
    yield Row(name, measure, goal, True, pairs.ratio(lambda cost: cost.wall_s), detail)
    yield Row(name, f"{measure}, processor time", goal, True, pairs.ratio(lambda cost: cost.cpu_s))
