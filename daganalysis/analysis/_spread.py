"""Analyses on many machines: what each may be cut into, so that the pieces, put together, are the whole to the last bit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast

from daganalysis.tables.arrow_memory import memory_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from daganalysis.archive import Archive

Options = ParamSpec("Options")
Result = TypeVar("Result")

_BY_RUN = frozenset({("time_budget", None), ("retries", None), ("stage_latency", None), ("stage_latency", "stage")})
"""Analyses (and their levels) in which each row depends on one run, sorted by the run."""
_BY_WORKFLOW = frozenset({("stage_latency", "workflow"), ("retry_patterns", None)})
"""Analyses (and their levels) whose rows depend on the runs of one workflow, sorted by it first.

One worker does each of the others in one piece, because their rows depend on the whole archive, or are sums of floating-point numbers,
whose last bit depends on the other summands.
"""


class _Piece(NamedTuple):
    function: Callable[..., Any]
    archive: Archive
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def spread(function: Callable[Concatenate[Archive, Options], Result]) -> Callable[Concatenate[Archive, Options], Result]:
    """Let an analysis of an archive that has a Dask client be done by its workers; the result is the same."""

    @functools.wraps(function)
    def analysis(archive: Archive, *arguments: Options.args, **options: Options.kwargs) -> Result:
        if archive.client is None:
            with memory_kept():
                return function(archive, *arguments, **options)
        from daganalysis.dask_workers import DaskWorkers

        with DaskWorkers(archive.client) as workers:
            if archive.folder is not None:
                workers.must_see([archive.folder])
            pieces = [_Piece(function, piece, arguments, options) for piece in _pieces(archive, function.__name__, options, workers.jobs)]
            done: list[Any] = list(workers.over(_analyse, pieces))
        whole: Result = done[0] if len(done) == 1 else _together(done, by_run=_key(function.__name__, options) in _BY_RUN)
        return whole

    return cast("Callable[Concatenate[Archive, Options], Result]", analysis)


def _key(name: str, options: dict[str, Any]) -> tuple[str, str | None]:
    return name, options.get("level")


def _pieces(archive: Archive, name: str, options: dict[str, Any], jobs: int) -> list[Archive]:
    key = _key(name, options)
    if key in _BY_RUN:
        return archive.by_part()
    if key in _BY_WORKFLOW:
        return [archive.lazily(runs) for runs in _runs_by_workflow(archive, 2 * jobs)] or [archive]
    return [archive]


def _runs_by_workflow(archive: Archive, at_most: int) -> Iterator[list[str]]:
    """Yield the runs of one workflow after another. Small workflows are joined, so that there are not many more pieces than wanted."""
    dags = archive.table("dags", ["run_id", "workflow"])
    room = len(dags) / at_most
    runs: list[str] = []
    for _, group in dags.groupby("workflow", dropna=False)["run_id"]:
        runs += group.tolist()
        if len(runs) >= room:
            yield runs
            runs = []
    if runs:
        yield runs


def _analyse(piece: _Piece) -> Any:
    with memory_kept():
        return piece.function(piece.archive, *piece.arguments, **piece.options)


def _together(frames: list[Any], *, by_run: bool) -> Any:
    import pandas as pd

    whole: pd.DataFrame = pd.concat(frames, ignore_index=True)
    # Parts of a store are not in order of their runs, but the rows of each run are in order.
    return whole.sort_values("run_id", kind="stable", ignore_index=True) if by_run else whole
