"""Who made the requests to a DAG, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import words
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.tables.plain_rows import Row

_ACTORS = {"person": "a person", "dag": "another DAG"}
_HOST = "unix socket"
"""The client of a request from the agent's own host."""
_MOST_PLACES = 3


def requester(row: Row, *, of_child: bool = False) -> str:
    """Return in words who made a request (a row of ``operations``), from where, and through which agent.

    ``of_child`` says that the request was to a child DAG, whose main DAG makes requests like those of a person.

    >>> requester({"actor": "person", "client": "192.0.2.9", "agent": "10.0.0.1:2886"})
    'a person at 192.0.2.9, through 10.0.0.1:2886'
    >>> requester({"actor": "dag", "client": "unix socket", "agent": "10.0.0.1:2886"})
    'another DAG on the host of 10.0.0.1:2886'
    >>> requester({"actor": "unknown", "client": None, "agent": None}, of_child=True)
    'its main DAG or a person'
    """
    client, agent = row["client"], row["agent"]
    who = _ACTORS.get(row["actor"]) or ("its main DAG or a person" if of_child else "not known who")
    if client == _HOST:
        return f"{who} on the host of {agent}" if agent else who
    place = f"{who} at {client}" if client else who
    return f"{place}, through {agent}" if agent and client else place


def people_sentence(rows: Sequence[Row]) -> str | None:
    """Return in words how often people acted on a run after its creation, and from where; None if no log shows a person's request.

    >>> rows = [{"actor": "person", "operation": "retry", "client": "192.0.2.9", "agent": "a", "result": "accepted"}] * 2
    >>> people_sentence([*rows, rows[0] | {"operation": "pass", "client": "unix socket", "result": "refused"}])
    'People asked 3 times: 2 × retry, 1 × pass (refused); from 192.0.2.9 (2), the host of a (1).'
    """
    own = [row for row in rows if row["actor"] == "person" and row["operation"] != "create" and row["client"] is not None]
    if not own:
        return None
    asked = Counter(words(row["operation"]) + (" (refused)" if row["result"] == "refused" else "") for row in own)
    places = Counter(f"the host of {row['agent']}" if row["client"] == _HOST else row["client"] for row in own)
    named = [f"{place} ({n})" for place, n in places.most_common(_MOST_PLACES)]
    if len(places) > _MOST_PLACES:
        named.append(plural(len(places) - _MOST_PLACES, "other place"))
    return f"People asked {_times(len(own))}: {', '.join(f'{n} × {what}' for what, n in asked.items())}; from {', '.join(named)}."


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n} times")
