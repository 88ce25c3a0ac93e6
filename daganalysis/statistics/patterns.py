"""Patterns of a series in addition to its autocorrelation: level shifts, temporary levels, a drift, cycles of a day or a week.

An autocorrelated series wanders, and looks like one with shifts. So each pattern is tested in a regression on the value before it
(autoregressive errors; for shifts see Chakar, Lebarbier, Levy-Leduc and Robin 2017), the one that explains most first (Schwarz 1978), and
the rest is tested again.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.statistics.change_points import split_p
from daganalysis.statistics.distributions import f_sf, normal_isf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    import numpy as np

_CYCLES = ((7.0, 3), (1.0, 2))
"""Periods that are tried, days, and how many harmonics of each."""
_FEWEST_PERIODS = 3
_ROOM = 8
"""Degrees of freedom that a regression must leave."""
_LEAST_GAIN = -3.0
"""Change of the information criterion (a fall is a gain) without which a pattern is not tested: it would not hold."""
_DRIFT_TRIALS = 20.0
"""The p-value of a drift must be smaller than that of other patterns by this factor, because autoregressive series drift for a while."""
_CYCLE_TRIALS = 10.0


class Pattern(NamedTuple):
    """A pattern that was shown: its kind (`shift`, `drift` or `cycle`), its cuts in the series, its period in days, its p-value."""

    kind: str
    cuts: tuple[int, ...]
    period: float | None
    p_value: float


class _Candidate(NamedTuple):
    kind: str
    cuts: tuple[int, ...]
    period: float | None
    columns: np.ndarray
    n_parameters: int


def shown_patterns(
    values: np.ndarray, days: np.ndarray, cuts: Sequence[int], *, least: int, level: float, plain: AbstractSet[int] = frozenset()
) -> list[Pattern]:
    """Return the patterns that are shown in a series, the most evident first.

    Args:
        values: The series in order of time, robust values such as ranks.
        days: When each value was taken, in days.
        cuts: Places where a shift may be.
        least: How many values a level lasts at least.
        level: A pattern is shown if its p-value, corrected for the places at which it might have been found, is at most this level.
        plain: Cuts between levels so far apart that no autocorrelation explains them; shown unless a drift or a cycle explains more.

    Returns:
        The patterns shown; a level that came and went is one shift with two cuts.

    Example:
        >>> import numpy as np
        >>> rising = np.arange(40.0) + np.tile([3.0, -3.0, 1.0, -1.0], 10)
        >>> [pattern.kind for pattern in shown_patterns(rising, np.arange(40.0), [20], least=5, level=0.05)]
        ['drift']
    """
    import numpy as np

    n = len(values)
    scaled = (values - values.mean()) / max(float(values.std()), 1e-300)
    fixed = np.ones((n, 1))
    candidates = _candidates(n, days, cuts)
    found: list[Pattern] = []
    while candidates:
        plainly = _rest(scaled, fixed)
        fits = [(_fit(scaled, fixed, plainly, candidate), candidate) for candidate in candidates]
        (_, p_value), best = min(fits, key=lambda fit: fit[0][0])
        corrected = _corrected(p_value, best, n, least)
        if best.kind == "shift" and plain >= set(best.cuts) and all(pattern.kind == "shift" for pattern in found):
            corrected = 0.0
        if corrected > level:
            break
        found.append(Pattern(best.kind, best.cuts, best.period, corrected))
        fixed = np.column_stack([fixed, best.columns, _impulses(n, best.cuts)])
        taken = set(best.cuts)
        candidates = [other for other in candidates if other is not best and not taken & set(other.cuts)]
    return found


def _candidates(n: int, days: np.ndarray, cuts: Sequence[int]) -> list[_Candidate]:
    import numpy as np

    place = np.arange(n)
    found = [_Candidate("shift", (cut,), None, (place >= cut)[:, None].astype(float), 1) for cut in cuts]
    for low, high in zip(cuts, cuts[1:], strict=False):
        found.append(_Candidate("shift", (low, high), None, ((place >= low) & (place < high))[:, None].astype(float), 2))
    found.append(_Candidate("drift", (), None, (place / n - 0.5)[:, None], 1))
    for period, harmonics in _CYCLES:
        if days[-1] - days[0] >= _FEWEST_PERIODS * period:
            columns = _cycle_columns(days.tobytes(), period, harmonics)
            found.append(_Candidate("cycle", (), period, columns, columns.shape[1]))
    return found


def cycle_columns(days: np.ndarray, period: float, harmonics: int | None = None) -> np.ndarray:
    """Return the sines and cosines of a cycle, a row for each instant."""
    import numpy as np

    angles = 2 * np.pi * (days % period) / period
    count = harmonics or dict(_CYCLES)[period]
    return np.column_stack([wave(order * angles) for order in range(1, count + 1) for wave in (np.sin, np.cos)])


@functools.lru_cache(maxsize=32)
def _cycle_columns(days: bytes, period: float, harmonics: int) -> np.ndarray:
    """The columns of a cycle; the stages of a workflow share the instants of their runs."""
    import numpy as np

    return cycle_columns(np.frombuffer(days), period, harmonics)


def _impulses(n: int, cuts: Sequence[int]) -> np.ndarray:
    """Columns that take out the first value after each cut, whose neighbour belongs to another level."""
    import numpy as np

    columns = np.zeros((n, len(cuts)))
    columns[list(cuts), range(len(cuts))] = 1
    return columns


class _Rest(NamedTuple):
    """What known columns leave of a series: an orthonormal basis of the columns, the rest of the series, and its sum of squares."""

    basis: np.ndarray
    values: np.ndarray
    squares: float


def _rest(values: np.ndarray, known: np.ndarray) -> _Rest:
    import numpy as np

    # One column, that of the mean, is its own basis.
    basis = known / math.sqrt(len(values)) if known.shape[1] == 1 else np.linalg.qr(known)[0]
    rest = values - basis @ (basis.T @ values)
    return _Rest(basis, rest, max(float(rest @ rest), 1e-300))


def _fit(values: np.ndarray, fixed: np.ndarray, plainly: _Rest, candidate: _Candidate) -> tuple[float, float]:
    """Fit a candidate beside what is known: the change of the information criterion, and the p-value given the value before each.

    The fit is judged without the value before, which by itself explains half of any pattern; the test uses it. ``plainly`` is what the
    columns ``fixed`` leave of the values.
    """
    import numpy as np

    known = np.column_stack([fixed, _impulses(len(values), candidate.cuts)]) if candidate.cuts else fixed
    rest = _rest(values, known) if candidate.cuts else plainly
    after, rank, _ = _explained(rest, candidate.columns)
    n_parameters = candidate.n_parameters - candidate.columns.shape[1] + rank
    gain = len(values) * math.log(after / rest.squares) + n_parameters * math.log(len(values))
    if gain > _LEAST_GAIN:
        return math.inf, 1.0
    rest = _rest(values[1:], np.column_stack([known[1:], values[:-1]]))
    after, rank, room = _explained(rest, candidate.columns[1:])
    if rank == 0 or room < _ROOM:
        return math.inf, 1.0
    return gain, f_sf((rest.squares - after) / rank / (after / room), rank, room)


def _explained(rest: _Rest, columns: np.ndarray) -> tuple[float, int, int]:
    """Return the sum of squares after some columns are added, how many of these add to the model, and the degrees of freedom left."""
    import numpy as np

    n, n_known = rest.basis.shape
    own = columns - rest.basis @ (rest.basis.T @ columns)
    squares = own.T @ own
    sizes, directions = (squares[0], np.ones((1, 1))) if len(squares) == 1 else np.linalg.eigh(squares)
    kept = sizes > 1e-10 * n
    explained = float((((own.T @ rest.values) @ directions[:, kept]) ** 2 / sizes[kept]).sum())
    rank = int(kept.sum())
    return max(rest.squares - explained, 1e-12 * rest.squares), rank, n - n_known - rank


def _corrected(p_value: float, candidate: _Candidate, n: int, least: int) -> float:
    """Correct a p-value for the places at which such a pattern might have been found."""
    if candidate.kind == "drift":
        return min(1.0, _DRIFT_TRIALS * p_value)
    if candidate.kind == "cycle":
        return min(1.0, _CYCLE_TRIALS * p_value)
    if len(candidate.cuts) > 1:
        return min(1.0, (n / least) ** 2 / 2 * p_value)
    evidence = normal_isf(max(p_value, 1e-300) / 2)
    return split_p(evidence, n, least)
