"""Advice on a run that went badly, in sentences. Each follows from a number in its row or its time budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import STANDS_FAILED
from daganalysis.text.humanize import human_duration

if TYPE_CHECKING:
    from daganalysis.tables.plain_rows import Row

_WORTH_SHARE, _WORTH_S = 0.2, 60.0
"""A wait, or lost time, leads to advice if it took this share of the run and this long."""


def advice(run: Row, budget: Row | None, *, not_redone: bool) -> list[str]:
    """Return in words what to do about a run, the most urgent first; empty where nothing is known to help.

    >>> run = {"outcome": "rolled_back", "elapsed_s": 600.0}
    >>> advice(run, {"wait_operator_s": 480.0, "lost_s": 0.0}, not_redone=True)
    ['Redo it.', 'Alert on DAGs that stand FAILED: 8 min 00 s went by before a person acted.']
    """
    sentences = []
    if run["outcome"] in STANDS_FAILED:
        sentences.append("It stood failed when last seen: retry it, or roll it back.")
    if run["outcome"] in {"passed", "succeeded_with_node_pass"}:
        sentences.append("Check by hand that the work that was passed over is done.")
    if not_redone:
        sentences.append("Redo it.")
    waited, lost = (_worth(run, budget, name) for name in ("wait_operator_s", "lost_s"))
    if waited:
        sentences.append(f"Alert on DAGs that stand FAILED: {human_duration(waited)} went by before a person acted.")
    if lost:
        sentences.append(f"Load the agents' logs to learn what {human_duration(lost)} went into; capture the next such run while it runs.")
    return sentences


def _worth(run: Row, budget: Row | None, name: str) -> float | None:
    seconds = (budget or {}).get(name)
    elapsed = run["elapsed_s"]
    return seconds if seconds and elapsed and seconds >= max(_WORTH_S, _WORTH_SHARE * elapsed) else None
