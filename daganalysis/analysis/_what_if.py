"""What would have helped: how long runs would have taken under scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis.scenarios import DEFAULTS, parse_scenario
from daganalysis.tables.explanations import WHAT_IF

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive


def what_if(archive: Archive, *, scenarios: Sequence[str] = DEFAULTS) -> pd.DataFrame:
    """Predict how long each run would have taken under scenarios.

    A scenario replaces stretches of a run's timeline by shorter or longer ones. All others stay, in their order. ``no_wait_operator``,
    ``no_engine`` (dispatch, detection and hand-over take no time), ``no_stragglers`` (an attempt takes at most the median of the others of
    its stage), ``no_retries`` (each stage's last execution only), ``tick=SECONDS`` (the scheduler's sleep, which is 1 second) and
    ``stage=NAME*FACTOR`` (the work of a stage) can be joined by ``+``. Lost and unattributed time may be anything: the lower bound leaves
    it out, the upper bound keeps it. :func:`daganalysis.analysis.scenarios.assumptions` lists the assumptions of each scenario.

    Args:
        archive: The runs.
        scenarios: The scenarios; without any, the four that remove something.

    Returns:
        One row per run and scenario, sorted by both. If nothing changes, the prediction is ``elapsed_s``. Removing more never makes it
        longer. A run of unknown length has nulls and a reason.

    Raises:
        UsageError: There is no such scenario, or no run has a stage of that name.

    Example:
        >>> import daganalysis as da
        >>> predicted = da.what_if(da.load("sample_data/documented/scale-out.json"), scenarios=["no_engine"])
        >>> predicted["predicted_max_s"].tolist()
        [14.267025]
    """
    from daganalysis.analysis.predictions import predict

    parsed = [parse_scenario(text) for text in dict.fromkeys(scenarios)]
    return predict(archive, parsed) if parsed else WHAT_IF.empty()
