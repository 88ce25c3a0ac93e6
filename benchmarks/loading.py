"""Loading: against the peer and the naive way, in memory, again, and one large response."""

from __future__ import annotations

import shutil
import statistics
import sys
from typing import TYPE_CHECKING

from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.measuring import Cost, in_turn, run, warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes

MB = 1e6


def load(source: Path, store: Path, *options: str, again: bool = False) -> Cost:
    """Load an archive with the command line, into a new store unless it is to be loaded again."""
    if not again:
        shutil.rmtree(store, ignore_errors=True)
    return run(sys.executable, "-m", "daganalysis", "load", str(source), "--out", str(store), *options)


def polled(sizes: Sizes, work: Path) -> Iterator[Row]:
    """A polled archive, whole load, against the peer that flattens the newest answer of each DAG alone."""
    source = work / "polled"
    size = archives.write_files(source, archives.POLLED, count=sizes.polled_files, clusters=8)
    yield _against_peer("polled archive, files", 2.0, source, size, sizes, work, ["--latest"], ["--cluster-by", "dir"])
    shutil.rmtree(source)
    lines = work / "c00.ndjson"
    size = archives.write_ndjson(lines, archives.POLLED, megabytes=sizes.polled_mb)
    yield _against_peer("polled archive, NDJSON", 2.0, lines, size, sizes, work, ["--latest"], ["--cluster", "c00"])
    lines.unlink()


def small_files(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Many small files: against the peer, then again with nothing new, and with one in a hundred new."""
    source, store = work / "small", work / "store"
    size = archives.write_files(source, archives.SMALL, count=sizes.small_files)
    work_name = f"{sizes.small_files:,} small files"
    first = _against_peer(f"{work_name}, one snapshot a DAG", 1.2, source, size, sizes, work)
    yield first
    again, more = [], []
    new = max(1, sizes.small_files // 100)
    for repeat in range(sizes.repeats):
        again.append(load(source, store, again=True).wall_s)
        archives.write_files(source, archives.SMALL, count=new, first=(2 + repeat) * sizes.small_files)
        more.append(load(source, store, again=True).wall_s)
    for what, times, goal in (("nothing new", again, 0.05), ("1 % new files", more, 0.10)):
        share = statistics.median(times) / first.detail["ours"]["median_s"]
        name = f"load again, {what} ({work_name})"
        yield Row(name, "share of the first time", goal, False, share, {"first": first.detail["ours"], "again": spread(times)})
    shutil.rmtree(source)


def large_lines(sizes: Sizes, work: Path) -> Iterator[Row]:
    """One large NDJSON file, one snapshot a DAG: against the peer, in memory, and how memory grows."""
    source, store = work / "large.ndjson", work / "store"
    size = archives.write_ndjson(source, archives.REAL, megabytes=sizes.large_mb)
    row = _against_peer(f"{sizes.large_mb:g} MB NDJSON, one snapshot a DAG", 1.0, source, size, sizes, work)
    yield row
    peak = row.detail["our_peak_mb"] * MB
    yield Row(f"{sizes.large_mb:g} MB NDJSON", "peak memory, MB, all processes", 600, False, peak / MB)
    tenth = work / "tenth.ndjson"
    archives.write_ndjson(tenth, archives.REAL, megabytes=sizes.large_mb / 10)
    smaller = load(tenth, store).peak
    yield Row(
        f"{sizes.large_mb / 10:g} MB to {sizes.large_mb:g} MB",
        "growth of peak memory",
        1.3,
        False,
        peak / smaller,
        {"peaks_mb": [smaller / MB, peak / MB]},
    )
    source.unlink()
    tenth.unlink()


def against_normalize(sizes: Sizes, work: Path) -> Iterator[Row]:
    """The naive way, which holds all in memory and is slow."""
    source, store, out = work / "plain.ndjson", work / "store", work / "naive"
    size = archives.write_ndjson(source, archives.REAL, megabytes=sizes.naive_mb)
    warm([source])
    ratio, ours, theirs = in_turn(
        lambda: load(source, store).wall_s,
        lambda: run(sys.executable, "-m", "benchmarks.naive", str(source), str(out)).wall_s,
        sizes.repeats,
    )
    detail = {"bytes": size, "ours": spread(ours), "theirs": spread(theirs)}
    yield Row(f"{sizes.naive_mb:g} MB NDJSON", "times as fast as json + pandas.json_normalize", 12, True, ratio, detail)
    source.unlink()
    shutil.rmtree(out)


def one_response(sizes: Sizes, work: Path) -> Iterator[Row]:
    """One response of very many sub-tasks."""
    source, store = work / "huge" / "response.json", work / "store"
    source.parent.mkdir()
    source.write_bytes(archives.responses(1, sizes.huge)[0])
    size = source.stat().st_size
    cost = load(source, store)
    detail = {"bytes": size, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s}
    yield Row(f"one response of {size / MB:.0f} MB", "peak memory, MB, all processes", 1000, False, cost.peak / MB, detail)
    shutil.rmtree(source.parent)


def many_polls(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Twice as many runs of 13 polls each: memory stays what it was."""
    source, store = work / "polls", work / "store"
    archives.write_files(source, archives.POLLED, count=13 * sizes.merged_runs // 2)
    half = load(source, store).peak
    archives.write_files(source, archives.POLLED, count=13 * sizes.merged_runs // 2, first=sizes.merged_runs)
    whole = load(source, store).peak
    name = f"{sizes.merged_runs:,} runs of 13 polls"
    yield Row(name, "peak memory, MB, all processes", 600, False, whole / MB)
    yield Row(
        f"{sizes.merged_runs // 2:,} to {name}", "growth of peak memory", 1.3, False, whole / half, {"peaks_mb": [half / MB, whole / MB]}
    )
    shutil.rmtree(source)


def _against_peer(
    name: str, goal: float, source: Path, size: int, sizes: Sizes, work: Path, peers: list[str] | None = None, ours: list[str] | None = None
) -> Row:
    """Load and flatten in turn; the ratio is of the rates, so more is better."""
    store, out = work / "store", work / "peer"
    warm([source] if source.is_file() else sorted(path for path in source.rglob("*.json")))
    costs: list[Cost] = []

    def one() -> float:
        costs.append(load(source, store, *(ours or [])))
        return costs[-1].wall_s

    def other() -> float:
        return run(sys.executable, "-m", "benchmarks.peer", str(source), str(out), *(peers or [])).wall_s

    ratio, mine, theirs = in_turn(one, other, sizes.repeats)
    detail = {
        "bytes": size,
        "ours": spread(mine),
        "peer": spread(theirs),
        "our_cpu_s": round(min(cost.cpu_s for cost in costs), 3),
        "our_peak_mb": round(max(cost.peak for cost in costs) / MB),
    }
    shutil.rmtree(out)
    return Row(name, "times the rate of the peer, whole load", goal, True, ratio, detail)
