"""How long runs would have taken under scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.actual_runs import ActualRuns
from daganalysis.analysis.run_shares import in_shares
from daganalysis.analysis.scenario_lengths import lengths_under
from daganalysis.chains.run_arrays import NAMED_BY, read_attempts, read_stretches, stretches_of
from daganalysis.errors import UsageError
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, one_array, reals, taken
from daganalysis.tables.explanations import WHAT_IF
from daganalysis.tables.side_by_side import in_threads, n_side_by_side, n_threads, side_by_side
from daganalysis.text.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.run_shares import Share
    from daganalysis.analysis.scenarios import Scenario
    from daganalysis.archive import Archive
    from daganalysis.chains.run_arrays import Attempts, Stretches
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_ROWS_OF_A_PIECE = 180_000
"""A thread reads and works out about so many attempts at a time: arrays of this size get the memory of those before them."""


def predict(archive: Archive, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return the predictions for every run under each scenario, in order of both.

    A large store is read in pieces: each thread reads the rows of some runs and works them out at once.
    """
    _check_names(archive, scenarios)
    pieces = _pieces(archive)
    n_pieces = len(pieces)
    # A piece leaves the list, so that what was read of it is dropped when it has been worked out.
    found = _Predicted.joined(in_threads([lambda: _Predicted.of(pieces.pop(), scenarios)] * n_pieces, n_threads()))
    if n_pieces > 1 and found.has_run_twice():
        archive.coded("dags", ["run_id"])  # raises the error of a damaged store
    return found.rows(scenarios)


def _pieces(archive: Archive) -> list[Archive]:
    """Return a large store in pieces, as many for each thread."""
    n_rows = 0 if archive.folder is None else archive.count("attempts")
    n_at_a_time = n_side_by_side(n_rows)
    n_pieces = n_at_a_time * max(1, round(n_rows / (n_at_a_time * _ROWS_OF_A_PIECE)))
    return [archive] if n_pieces == 1 else archive.by_part(n_pieces)


def _check_names(archive: Archive, scenarios: Sequence[Scenario]) -> None:
    """Raise :class:`UsageError` if no run has a stage of a name in the scenarios."""
    wanted = {name for scenario in scenarios for name, _ in scenario.factors}
    if not wanted or not len(archive):
        return
    listed = encoded(archive.coded("nodes", ["name"]).column("name"))[1].to_pylist()
    for name in sorted(wanted.difference(listed)):
        near = closest(name, [text for text in listed if text is not None])
        raise UsageError("no run has a stage of that name", where=name, hint="perhaps " + ", ".join(near) if near else "see `nodes`")


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Runs with their actual lengths, and the lengths under each scenario, at least and at most: ``ns`` is by scenario, bound and run."""

    run_ids: pa.Array
    elapsed_s: Floats
    has_ended: Bools
    ns: Ints

    @classmethod
    def of(cls, archive: Archive, scenarios: Sequence[Scenario]) -> _Predicted:
        """Predict the lengths of the runs of an archive; without a timeline, no time is known to be left."""
        stretches = read_stretches(archive, ["to_stage", "leg", "direction"])
        attempts = _read_attempts(archive, stretches.run_ids)
        named = _named_stages(archive, stretches, scenarios)
        predictors = [partial(_totals, share, named, scenarios) for share in in_shares(stretches, attempts)]
        totals = np.sum(side_by_side(predictors, len(attempts.start)), axis=0)  # each run is in one share
        dags = archive.coded("dags", ["run_id", "elapsed_s", "ended_at"])
        run_ids, elapsed_s, ended_at = dags.columns
        place = codes_of(run_ids, stretches.run_ids)
        of_runs = np.append(totals, np.zeros((len(scenarios), 2, 1), np.int64), axis=2)[:, :, place]  # the last place is of no timeline
        return cls(one_array(run_ids.cast("string")), reals(elapsed_s), np.asarray(ended_at.is_valid()), of_runs)

    @classmethod
    def joined(cls, pieces: Sequence[_Predicted]) -> _Predicted:
        """Put the runs of all pieces together, in order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        run_ids = pa.concat_arrays([piece.run_ids for piece in pieces])
        order = pc.sort_indices(run_ids).to_numpy()
        elapsed, ended = (np.concatenate([getattr(piece, name) for piece in pieces])[order] for name in ("elapsed_s", "has_ended"))
        return cls(run_ids.take(pa.array(order)), elapsed, ended, np.concatenate([piece.ns for piece in pieces], axis=2)[:, :, order])

    def has_run_twice(self) -> bool:
        """Return whether a run is there twice."""
        return len(self.run_ids.unique()) < len(self.run_ids)

    def rows(self, scenarios: Sequence[Scenario]) -> pd.DataFrame:
        """Compare the predicted lengths of the runs with their actual lengths, and say why a prediction is missing or has bounds."""
        import pyarrow as pa

        texts, n_runs = [scenario.text for scenario in scenarios], len(self.run_ids)
        by_text = sorted(range(len(texts)), key=texts.__getitem__)
        run, text = np.repeat(np.arange(n_runs), len(texts)), np.tile(by_text, n_runs)
        elapsed, has_ended = self.elapsed_s[run], self.has_ended[run]
        low, high = (np.where(np.isnan(elapsed), np.nan, self.ns[text, bound, run] / 1e9) for bound in (0, 1))
        return WHAT_IF.of_arrays(
            {
                "run_id": self.run_ids.take(pa.array(run)),
                "scenario": pa.array(texts, pa.string()).take(pa.array(text)),
                "elapsed_s": elapsed,
                "predicted_min_s": low,
                "predicted_max_s": high,
                "saved_min_s": elapsed - high,
                "saved_max_s": elapsed - low,
                "saved_share": np.divide(elapsed - high, elapsed, out=np.full(len(low), np.nan), where=elapsed > 0),
                "reason": _reasons(elapsed, has_ended, high - low),
            }
        )


def _reasons(elapsed_s: Floats, has_ended: Bools, apart: Floats) -> pa.Array:
    """Return why there is no prediction, or why its bounds are so many seconds apart."""
    import pyarrow as pa

    is_unknown = np.isnan(elapsed_s)
    wide = np.flatnonzero(~is_unknown & (apart > 0))
    texts = ["its length is not known: no answer shows its start", "it has not ended"]
    texts += [f"{seconds:.3f} s of it were overwritten, have no known cause, or were not run again" for seconds in apart[wide].tolist()]
    place = np.where(is_unknown, np.where(has_ended, 0, 1), NONE)
    place[wide] = np.arange(len(wide)) + 2
    return taken(pa.array(texts, pa.string()), place)


def _read_attempts(archive: Archive, run_ids: pa.Array) -> Attempts:
    """Read the attempts, with what tells the sub-tasks of a stage apart.

    In a store, the attempts of a sub-task follow each other, from number 1. To read the numbers takes a tenth of the time of the ids.
    """
    if archive.folder is not None:
        attempts = read_attempts(archive, run_ids, ["attempt", "kind"])
        number = integers(attempts.rows.column("attempt"))
        is_in_order = number == 1
        is_in_order[1:] |= number[1:] > number[:-1]
        is_in_order[attempts.first] = number[attempts.first] == 1
        if is_in_order.all():
            return attempts
    return read_attempts(archive, run_ids, ["task_gid", "kind"])


def _totals(share: Share, named: dict[str, Bools], scenarios: Sequence[Scenario]) -> Ints:
    """Return the predicted length of each run of a share under each scenario, at least and at most; zero for runs of other shares."""
    runs = ActualRuns.of(share, named)
    first = stretches_of(share.stretches.run)[0]
    totals = np.zeros((len(scenarios), 2, len(share.stretches.run_ids)), np.int64)
    for number, scenario in enumerate(scenarios):
        for bound, lengths in enumerate(lengths_under(runs, scenario)):
            totals[number, bound, share.stretches.run[first]] = np.add.reduceat(lengths, first) if len(first) else 0
    return totals


def _named_stages(archive: Archive, stretches: Stretches, scenarios: Sequence[Scenario]) -> dict[str, Bools]:
    """Return which stretches belong to the stages that scenarios name."""
    wanted = {name for scenario in scenarios for name, _ in scenario.factors}
    if not wanted:
        return {}
    codes, names = stretches.names(archive.coded("nodes", NAMED_BY))
    listed = names.to_pylist()
    return {name: codes == (listed.index(name) if name in listed else NONE - 1) for name in wanted}
