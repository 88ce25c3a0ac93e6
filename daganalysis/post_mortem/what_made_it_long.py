"""What made a run as long as it was, what would have shortened it, and what it kept others from meanwhile."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.analysis.conclusions import comparison
from daganalysis.engine.vocabulary import CATEGORIES, CHILD_POLL, ENGINE_TIME, SCENARIOS
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, human_share, plural
from daganalysis.text.widths import shorten_end, wrap

if TYPE_CHECKING:
    from daganalysis.analysis.conclusions import UsualDuration
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_MOST_LINES = 8
_MOST_SCENARIOS = 2
_WORTH_SAYING = 0.01
"""A part of a run, or what a scenario would have saved, is printed if it is at least this share of the run."""
_WORTH_A_REASON = 0.1
"""The reason why the bounds of a prediction differ is printed if they differ by at least this share of the run."""
_UNCERTAIN = "uncertain"
"""The evidence of a segment that another agent's attempt may have ended."""
_WIDTH = 79
_ENGINE = {*ENGINE_TIME, CHILD_POLL.name}


@dataclass(frozen=True, slots=True)
class LengthFacts:
    """The path of a run, its scenarios, its locks, and what it is measured by: rows of the analyses of these names."""

    run: Row
    path: list[Row]
    scenarios: list[Row]
    locks: list[Row]
    usual: UsualDuration | None


def gather_length_facts(archive: Archive, run: Row, usual: UsualDuration | None) -> LengthFacts:
    """Gather what explains the length of one run."""
    from daganalysis.analysis import critical_path, locks, what_if

    run_id = run["run_id"]
    path = critical_path(archive.run(run_id, children=True))
    return LengthFacts(
        run=run,
        path=rows_of(path[path["run_id"] == run_id]),
        scenarios=rows_of(what_if(archive.run(run_id))),
        locks=rows_of(locks(archive, run_ids=[run_id])),
        usual=usual,
    )


def length_lines(facts: LengthFacts) -> list[str]:
    """Return in words what made the run long: the largest parts of its path, in order of time, and a comparison with others."""
    elapsed = facts.run["elapsed_s"]
    if not elapsed:
        return []
    parts = _parts(facts.path)
    engine = sum(part["duration_s"] for part in facts.path if part["category"] in _ENGINE)
    compared = _wrapped(f"It took {comparison(elapsed, facts.usual)}.") if facts.usual is not None else []
    room = _MOST_LINES - 2 - len(compared)
    large = [place for place, part in enumerate(parts) if part["duration_s"] >= _WORTH_SAYING * elapsed]
    largest = sorted(large, key=lambda place: (-parts[place]["duration_s"], place))[:room]
    said = [(parts[place]["duration_s"], *_what(parts[place])) for place in sorted(largest)]
    rest = [part for place, part in enumerate(parts) if place not in largest]
    if rest:
        said.append((sum(part["duration_s"] for part in rest), f"{plural(len(rest), 'shorter part')} of work and waiting", ""))
    if engine:
        with_children = any(part["child_run_id"] is not None or part["category"] == CHILD_POLL.name for part in facts.path)
        said.append((engine, "the engine in all" + (", that of child DAGs too" if with_children else ""), ""))
    spare = _MOST_LINES - len(said) - len(compared)
    lines: list[str] = []
    for part in said:
        own = _lines(elapsed, *part, most=1 + max(0, spare))
        spare -= len(own) - 1
        lines += own
    return ["What made it this long", *lines, *compared]


def scenario_lines(facts: LengthFacts) -> list[str]:
    """Name the two scenarios that would certainly have saved most."""
    elapsed = facts.run["elapsed_s"]
    if not elapsed:
        return []
    saving = [row for row in facts.scenarios if (row["saved_share"] or 0) >= _WORTH_SAYING]
    best = sorted(saving, key=lambda row: (-row["saved_min_s"], row["scenario"]))[:_MOST_SCENARIOS]
    lines = []
    for row in best:
        low, high = human_duration(row["predicted_min_s"]), human_duration(row["predicted_max_s"])
        took = high if low == high else f"{low} to {high}"
        apart = row["predicted_max_s"] - row["predicted_min_s"]
        unknown = f"; {human_duration(apart)} of it are unknown" if apart >= _WORTH_A_REASON * elapsed else ""
        lines += _wrapped(f"{took} instead of {human_duration(elapsed)} {SCENARIOS[row['scenario']]} ({row['scenario']}){unknown}")
    return ["What would have shortened it most", *lines] if lines else []


def lock_lines(facts: LengthFacts) -> list[str]:
    """Return in words which maintenance locks the run held, how long it stood FAILED while it held them, and what was refused."""
    lines = []
    for row in facts.locks:
        if row["held_s"] is None:
            continue
        name = f"{row['lock']} lock" + (f" of {row['key']}" if row["key"] else "")
        if not row["held_s"] and None in {row["taken_at"], row["released_at"]}:
            lines += _wrapped(f"{name}: taken; how long it was held is not known")
            continue
        still = "" if row["released_at"] is not None else ", not seen freed"
        throughout = human_duration(row["working_s"]) == human_duration(row["held_s"])
        worked = "at work throughout" if throughout else f"at work {human_duration(row['working_s'])}"
        least = "" if row["taken_at"] is not None else "at least "
        parts = [f"{name}: held {least}{human_duration(row['held_s'])}{still}", worked]
        if row["neglected_s"]:
            parts.append(f"FAILED and nobody acted {human_duration(row['neglected_s'])}")
        rest = row["held_s"] - row["working_s"] - row["neglected_s"]
        if rest >= _WORTH_SAYING * row["held_s"]:
            parts.append(f"{'waiting for its main DAG, or unknown,' if facts.run['parent_run_id'] else 'unknown'} {human_duration(rest)}")
        if row["n_refused"]:
            parts.append(f"{plural(row['n_refused'], 'request')} refused meanwhile")
        lines += _wrapped("; ".join(parts))
    return ["What it locked", *lines] if lines else []


def _parts(path: list[Row]) -> list[Row]:
    """Put segments of one kind, stage and agent together that follow each other but for the engine's own time, which is left out."""
    outside = [row for row in path if row["category"] not in _ENGINE]
    groups = itertools.groupby(outside, key=lambda row: (row["category"], row["stage"], row["name"], row["agent"], row["child_run_id"]))
    return [_joined(list(group)) for _, group in groups]


def _joined(rows: list[Row]) -> Row:
    """Return segments as one part; it is uncertain if one of them is."""
    evidence = next((row["evidence"] for row in rows if row["evidence"] == _UNCERTAIN), rows[0]["evidence"])
    return rows[0] | {"duration_s": sum(row["duration_s"] for row in rows), "evidence": evidence}


def _what(part: Row) -> tuple[str, str]:
    """Return what a part is: a name, which may be cut if there is no room, and the rest, which may not."""
    inside = ", child DAG" if part["child_run_id"] else ""
    stage = f" (stage {part['stage']}{inside})" if part["stage"] is not None else ""
    name = part["name"] or "a stage without a name" if stage else "the beginning"
    if part["category"] != "execute":
        return f"{CATEGORIES[part['category']].label} after {name}", stage
    perhaps = " or another" if part["evidence"] == _UNCERTAIN else ""  # the clocks of agents leave open which ended last
    return name, stage + (f" on {part['agent']}{perhaps}" if part["agent"] else "")


def _lines(elapsed: float, seconds: float, name: str, rest: str, most: int) -> list[str]:
    """Return a part in full if that takes at most so many lines; otherwise in one, with the name cut."""
    head = f"  {human_duration(seconds):>12}{human_share(seconds / elapsed):>8}  "
    tail = for_terminal(rest)
    full = wrap(for_terminal(name) + tail, _WIDTH, head, " " * (len(head) + 2))
    if len(full) <= most:
        return full
    return [head + shorten_end(shorten_end(for_terminal(name), max(12, _WIDTH - len(head) - len(tail))) + tail, _WIDTH - len(head))]


def _wrapped(text: str) -> list[str]:
    return wrap(for_terminal(text), _WIDTH, "  ", "    ")
