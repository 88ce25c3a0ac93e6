"""The result of a comparison in one sentence, and what to do if the two sides have no cluster in common."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import CHANGES_OF_LENGTH, VERDICTS
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_share, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from daganalysis.tables.plain_rows import Row

_VERDICT_WORDS = {
    "slower": "got slower",
    "more_help": "needed help more often",
    "more_slow_runs": "had more slow runs",
    "faster": "got faster",
    "less_help": "needed help less often",
    "fewer_slow_runs": "had fewer slow runs",
    "same": "stayed the same",
    "insufficient": "cannot be decided",
    "only_base": "ran only before",
    "only_candidate": "ran only after",
}
_MOST_NAMED = 3


def comparison_sentence(rows: Sequence[Row]) -> str:
    """Return in one sentence what changed, from the rows of ``compare``: the whole runs first, then the stage that changed most.

    >>> whole = {"workflow": "Start", "name": None, "n_agents": 3, "verdict": "slower", "ratio": 1.2}
    >>> whole |= {"ci_low": 1.1, "ci_high": 1.3, "n_base": 12, "n_candidate": 14}
    >>> comparison_sentence([whole, whole | {"name": "Start observer", "ratio": 1.5}])
    'Start on 3 agents got slower: ×1.20 (95 % interval 1.10 to 1.30, 12 against 14 runs), most in Start observer (×1.50).'
    >>> comparison_sentence([whole, whole | {"verdict": "same"}, whole | {"verdict": "same"}])
    'Of 3 workflows (each number of agents by itself), 1 got slower (Start on 3 agents ×1.20), 2 stayed the same.'
    """
    wholes = [row for row in rows if row["name"] is None]
    if not wholes:
        return "Nothing can be compared: the two sides have no run in common."
    if len(wholes) == 1:
        return _of_one(wholes[0], [row for row in rows if row["name"] is not None])
    alike = [(verdict, [row for row in wholes if row["verdict"] == verdict]) for verdict in VERDICTS]
    counts = ", ".join(f"{len(rows)} {_VERDICT_WORDS[verdict]}{_examples(rows)}" for verdict, rows in alike if rows)
    return f"Of {plural(len(wholes), 'workflow')} (each number of agents by itself), {counts}."


def strangers_sentence(base: Collection[str | None], candidate: Collection[str | None]) -> str:
    """Return what to do if two archives have no cluster in common; empty if they have one, or if one of them has no runs.

    ``base`` and ``candidate`` are the labels of the clusters of each side, None for runs without a label.

    >>> strangers_sentence(["a", "b"], ["b"])
    ''
    >>> print(strangers_sentence(["a"], ["b"]))  # doctest: +NORMALIZE_WHITESPACE
    no cluster is on both sides (before: a; after: b), and runs are compared only with runs of the same cluster;
    if it is one cluster with two labels, load the saved answers of one side again with the label of the other:
    `daganalysis load ANSWERS --cluster a --out STORE`
    >>> print(strangers_sentence(["a"], [None]))  # doctest: +NORMALIZE_WHITESPACE
    no cluster is on both sides (before: a; after: runs without a label), and runs are compared only with runs of the same cluster;
    if it is the same cluster, give the side without a label that label:
    `daganalysis load ARCHIVE --cluster a --out STORE`
    """
    if not base or not candidate or set(base) & set(candidate):
        return ""
    label = min(name for name in (*base, *candidate) if name is not None)
    way = "if it is one cluster with two labels, load the saved answers of one side again with the label of the other"
    source = "ANSWERS"
    if None in (*base, *candidate):
        way, source = "if it is the same cluster, give the side without a label that label", "ARCHIVE"
    return (
        f"no cluster is on both sides (before: {_clusters(base)}; after: {_clusters(candidate)}), and runs are compared only with runs of "
        f"the same cluster; {way}: `daganalysis load {source} --cluster {shlex.quote(label)} --out STORE`"
    )


def _clusters(labels: Collection[str | None]) -> str:
    named = sorted(label for label in labels if label is not None)
    more = [f"{len(named) - _MOST_NAMED} more" for _ in named[_MOST_NAMED : _MOST_NAMED + 1]]
    unlabelled = ["runs without a label" for _ in range(len(named) < len(labels))]
    return ", ".join([*map(for_terminal, named[:_MOST_NAMED]), *more, *unlabelled])


def _named(whole: Row) -> str:
    agents = f" on {plural(whole['n_agents'], 'agent')}" if whole["n_agents"] else ""
    return f"{for_terminal(whole['workflow'] or 'the unnamed workflow')}{agents}"


def _examples(wholes: list[Row]) -> str:
    """Name what got slower or faster, the largest change first."""
    changed = [row for row in wholes if row["verdict"] in CHANGES_OF_LENGTH and row["ratio"]]
    changed.sort(key=lambda row: -max(row["ratio"], 1 / row["ratio"]))
    named = [f"{_named(row)} ×{row['ratio']:.2f}" for row in changed[:_MOST_NAMED]]
    more = [f"{len(changed) - _MOST_NAMED} more" for _ in changed[_MOST_NAMED : _MOST_NAMED + 1]]
    return f" ({', '.join(named + more)})" if named else ""


def _of_one(whole: Row, stages: list[Row]) -> str:
    sentence = f"{_named(whole)} {_VERDICT_WORDS[whole['verdict']]}"
    for verdict, shares in (("help", "help_share"), ("slow_runs", "slow_share")):
        if whole["verdict"].endswith(verdict):
            return (
                f"{sentence}: {human_share(whole[f'{shares}_base'])} of the runs before, {human_share(whole[f'{shares}_candidate'])} after."
            )
    if whole["ratio"] is None:
        return f"{sentence}: {whole['reason']}." if whole.get("reason") else sentence + "."
    low, high = whole["ci_low"], whole["ci_high"]
    interval = "" if low is None or high is None else f"95 % interval {low:.2f} to {high:.2f}, "
    sentence += f": ×{whole['ratio']:.2f} ({interval}{whole['n_base']} against {plural(whole['n_candidate'], 'run')})"
    changed = [row for row in stages if row["verdict"] in CHANGES_OF_LENGTH and row["ratio"]]
    most = max(changed, key=lambda row: max(row["ratio"], 1 / row["ratio"]), default=None)
    return sentence + (f", most in {for_terminal(most['name'])} (×{most['ratio']:.2f})." if most else ".")
