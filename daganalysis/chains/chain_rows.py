"""Rows of chains: the attempts that the stretches of work of some runs waited for, and what decides how certain that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from daganalysis.chains.clock_bounds import UNBOUNDED, RunClusters, clock_bounds
from daganalysis.chains.run_arrays import read_attempts, read_stretches, stretches_of
from daganalysis.chains.segments import Work, resolve
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.arrays import array_of, numbers_where
from daganalysis.tables.chain_tables import DOUBTS, ON_PATH
from daganalysis.tables.column_arrays import NONE, encoded, integers, taken
from daganalysis.tables.declaration import code_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.chains.clock_bounds import ClockBounds
    from daganalysis.chains.run_arrays import Attempts, Stretches
    from daganalysis.chains.segments import Segments
    from daganalysis.tables import Table
    from daganalysis.tables.column_arrays import Ints

NEEDED = ("dags", "attempts", "timeline", "clock_offsets")
"""The base tables that chains follow from."""


class Chains(NamedTuple):
    """The attempts that the stretches of work of some runs waited for, in order of time, and what decides how certain that is.

    ``doubts`` has rivals of these, then the bounds of clocks. A rival may have ended after the attempt on the path as far as these runs
    bound the clocks. More runs may put it out of question.
    """

    on_path: pa.Table
    doubts: pa.Table


def chains_of_part(tables: Mapping[str, pa.Table]) -> Chains:
    """Return the chains of the runs of base tables that are sorted by their keys. Repeating texts are places in a dictionary."""
    given = _Given(tables)
    stretches = read_stretches(given, ["to_stage"])
    attempts = read_attempts(given, stretches.run_ids, ["task_gid", "attempt", "agent"])
    return chain_rows(stretches, attempts, Work.of(stretches, attempts), RunClusters.of(given, stretches.run_ids))


class _Given:
    """Base tables at hand."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = tables

    def coded(self, name: str, columns: Sequence[str], /) -> pa.Table:
        """Return columns of a table, with texts that repeat as places in a dictionary."""
        return code_texts(self._tables[name].select(list(columns)), BASE_TABLES[name])

    def count(self, name: str, /) -> int:
        """Return how many rows a table has."""
        return int(self._tables[name].num_rows)


def chain_rows(stretches: Stretches, attempts: Attempts, work: Work, clusters: RunClusters) -> Chains:
    """Return the chains of some runs."""
    bounds = clock_bounds(stretches, attempts, work, clusters)
    segments = resolve(attempts, work, bounds)
    doubts = [_rivals(stretches, attempts, segments, bounds, clusters), _bounds(attempts, bounds, clusters)]
    return Chains(_table(ON_PATH, [_on_path(attempts, segments)]), _table(DOUBTS, doubts))


def _table(declared: Table, pieces: Sequence[tuple[dict[str, pa.Array], int]]) -> pa.Table:
    """Make a table of pieces of it, each some of its columns and a number of rows; the other columns of a piece are null."""
    schema = declared.coded_schema()
    columns = [
        pa.chunked_array([piece[field.name] if field.name in piece else pa.nulls(n, field.type) for piece, n in pieces]) for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema).unify_dictionaries()


def _on_path(attempts: Attempts, segments: Segments) -> tuple[dict[str, pa.Array], int]:
    attempt = segments.attempt
    number = integers(attempts.rows.column("attempt"))[attempt]
    columns = {
        "stretch": array_of(segments.stretch, pa.int64()),
        "started_at": array_of(segments.start, ON_PATH.schema().field("started_at").type),
        "task_gid": taken(attempts.rows.column("task_gid"), attempt),
        "attempt": numbers_where(number != NONE, number, pa.int64()),
        "agent": _coded(encoded(attempts.rows.column("agent"))[1], attempts.agent[attempt]),
    }
    return columns, len(attempt)


def _rivals(
    stretches: Stretches, attempts: Attempts, segments: Segments, bounds: ClockBounds, clusters: RunClusters
) -> tuple[dict[str, pa.Array], int]:
    """Return the rivals: of several attempts of an agent, the last to end."""
    agents = encoded(attempts.rows.column("agent"))[1]
    segment, rival = segments.of_rivals, segments.rivals
    earlier = bounds.earlier(rival, segments.attempt[segment])
    key = segment * (len(agents) + 1) + attempts.agent[rival] + 1
    order = np.lexsort((earlier, key))
    order = order[stretches_of(key[order])[0]]
    segment, rival = segment[order], rival[order]
    columns = {
        "agent": _coded(agents, attempts.agent[rival]),
        "cluster": _coded(clusters.labels, clusters.cluster[stretches.run[segments.stretch[segment]]]),
        "of_row": array_of(segment, pa.int64()),
        "earlier_ns": array_of(earlier[order], pa.int64()),
    }
    return columns, len(order)


def _bounds(attempts: Attempts, bounds: ClockBounds, clusters: RunClusters) -> tuple[dict[str, pa.Array], int]:
    agents = encoded(attempts.rows.column("agent"))[1]
    places = 1 + np.flatnonzero((bounds.least[1:] != -UNBOUNDED) | (bounds.most[1:] != UNBOUNDED))  # the first place is that of no agent
    of = places - 1
    columns = {
        "agent": _coded(agents, of % max(len(agents), 1)),
        "cluster": _coded(clusters.labels, of // max(len(agents), 1) - 1),
        "ahead_min_ns": array_of(bounds.least[places], pa.int64()),
        "ahead_max_ns": array_of(bounds.most[places], pa.int64()),
    }
    return columns, len(places)


def _coded(texts: pa.Array, places: Ints) -> pa.Array:
    indices = places.astype(np.int32)
    is_null = indices == NONE
    made = numbers_where(~is_null, indices, pa.int32()) if is_null.any() else array_of(indices, pa.int32())
    return pa.DictionaryArray.from_arrays(made, texts)
