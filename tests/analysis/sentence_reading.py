"""Reads the sentence about a run phrase by phrase, and holds every number and name in it against the tables, by rules of its own."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

import daganalysis as da
from daganalysis.text.humanize import human_duration, human_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from daganalysis.archive import Archive

    Row = dict[str, Any]

_DURATION = r"(?:\d+ d \d\d h|\d+ h \d\d min|\d+ min \d\d s|[\d.]+ (?:s|ms|µs))"
_SHARE = r"[<>]?[\d.]+ %"
_AFTER = r"(?P<most>, mostly after | after |, partly after |(?=;|\.$))"
_WENT = r"(?P<went>failed|timed out|was interrupted by a restart|was cancelled)"
_WHERE = r"(?: on (?P<agent>\S+?)(?: and (?P<others>\d+) others?)?(?=[ ;]|\.$))?"
_WHY = r"(?: \((?P<cause>.+?)\)(?=; |\.$| at stage ))?"
_FAILED = {"failed", "timeout", "interrupted", "not_succeeded"}
_SAVE = "to know more next time, save the DAG every few seconds while it runs"
_SUCCEEDED = ("succeeded", "succeeded_after_retry", "succeeded_with_node_pass")

PHRASES = {
    "waited": rf"(?P<floor>at least |)(?P<share>{_SHARE}) of (?P<elapsed>{_DURATION}) waiting for a person{_AFTER}",
    "lost": rf"(?P<share>{_SHARE}) of (?P<elapsed>{_DURATION}) unknown \(overwritten by the server\){_AFTER}",
    "passed stage": rf"succeeded, but a person passed stage (?P<stage>\d+)(?: \((?P<name>STAGE)\))?(?: after it {_WENT}{_WHERE}{_WHY})?",
    "undone": rf"succeeded, but (?P<undone>STAGE) was rolled back{_WHERE} and not run again",
    "child failed": rf"(?:succeeded, but )?its child DAG (?P<child>WORKFLOW) {_WENT}(?: at (?P<at>STAGE))?{_WHERE}{_WHY}",
    "did its work": rf"did its work(?: in (?P<elapsed>{_DURATION}))? and was passed by its main DAG, as planned",
    "not its work": r"did not do its work",
    "child passed": r"(?:its main DAG passed it|passed by its main DAG)",
    "untold work": r"no answer tells whether its work was done",
    "rollback failed": r"the rollback failed(?= at stage |;|:|\.)",
    "rolled back": r"rolled back(?= from | after |;)",
    "redone": r"redone by (?P<redone>\S+?)(?=;|\.$)|(?P<not_redone>not redone since)",
    "cancelled": r"cancelled(?= at | after |;|\.)",
    "took": rf" after (?P<elapsed>{_DURATION})(?=;|\.$)",
    "place": rf"(?P<undoing>the rollback of )?(?P<at>STAGE) {_WENT}{_WHERE}{_WHY}",
    "passed": r"passed by a person",
    "failed": r"failed(?= at stage |;|:|,|\.)",
    "stage": r" (?:at|from) stage (?P<stage>\d+)(?: of (?P<n_stages>\d+))?(?: \((?P<name>STAGE)\))?",
    "retried": r"retried "
    r"(?:(?P<least>\d+|once) (?:to|or) (?P<most>\d+ times|twice)|(?P<bound>at least |at most |)(?P<times>once|twice|\d+ times))",
    "neglected": rf"nobody had acted for (?P<standing>{_DURATION}) when last seen",
    "then": rf"then succeeded(?: in (?P<elapsed>{_DURATION}) in all)?",
    "untold retry": r"succeeded; whether after a retry is not known",
    "succeeded": rf"succeeded(?: in (?P<elapsed>{_DURATION}))?(?=;|,|\.$)",
    "ratio": rf"(?P<ratio>[\d.]+) times the median of (?P<n_others>\d+) other runs like it \((?P<median>{_DURATION})\)",
    "usual": rf"the median of (?P<n_others>\d+) other runs like it is (?P<median>{_DURATION})",
    "blamed": rf"stage (?P<blamed>\d+)(?: \((?P<name>STAGE)\))? alone explains (?P<explained>{_SHARE}) of the difference",
    "longest": rf"its longest stage, (?P<longest>STAGE), took (?P<longest_s>{_DURATION})",
    "bounds": rf"it took (?:at least (?P<elapsed_min>{_DURATION}))?(?: and )?(?:at most (?P<elapsed_max>{_DURATION}))?",
    "unknown length": r"how long it took is not known",
    "running": r"running(?= at stage | when )",
    "waiting": r"stands failed on purpose(?= at stage | until)",
    "until advanced": r" until its main DAG advances it",
    "last seen": r" when last seen",
    "not started": r"not started when last seen",
    "failed or waits": r", or waits for its main DAG; which of the two is not known",
    "unknown": r"no rule covers its state \((?P<state>\w+), operator (?P<operator>not known|\w+)\)",
    "no state": r"no answer shows its state",
    "untold end": r"it succeeded, was passed or was rolled back; which of these is not known",
    "untold pass": r"whether a person passed a node is not known",
    "advice": re.escape(_SAVE),
    "link": r"; |, | after |: ",
}
"""Every phrase that a sentence may be made of, tried in this order; a group is a number or a name that a table must give."""


class Found(NamedTuple):
    """One number or name in a sentence: the phrase and the part of it that it is, its text, and where it stands."""

    phrase: str
    part: str
    text: str
    begin: int
    end: int


class Reader:
    """Reads sentences about the runs of an archive."""

    def __init__(self, archive: Archive) -> None:
        self.dags = archive.dags.set_index("run_id", drop=False).rename_axis("run")
        self._frames = {name: dict(list(archive.table(name).groupby("run_id"))) for name in ("nodes", "sub_tasks", "attempts")}
        self._empty = {name: archive.table(name).head(0) for name in self._frames}
        self._budgets = da.time_budget(archive).set_index("run_id")
        self._stages = da.runs(archive).set_index("run_id")["stage"]
        line = archive.table("timeline")
        hidden = line["category"].eq("lost") & line["to_stage"].notna()
        line["stage"] = line["from_stage"].where(~hidden, line["to_stage"]).fillna(0).astype(int)
        self._spent = line.groupby(["run_id", "category", "stage"])["duration_s"].sum().to_dict()

    def read(self, run_id: str, sentence: str) -> tuple[list[Found], list[str]]:
        """Return the numbers and names of a sentence, and what is wrong with it."""
        run = _Run(self, run_id)
        found: list[Found] = []
        wrong: list[str] = []
        place = 0
        while sentence[place:] not in {"", "."}:
            told = next(run.phrases(sentence, place), None)
            if told is None:
                return found, [*wrong, f"no phrase: {sentence[place:]}"]
            phrase, match = told
            parts = {part: text for part, text in match.groupdict().items() if text is not None}
            found += [Found(phrase, part, text, *match.span(part)) for part, text in parts.items()]
            found += [] if parts else [Found(phrase, "", match[0], *match.span())]
            wrong += [f"{phrase}: {text}" for text in run.wrong(phrase, parts)]
            place = match.end()
        return found, wrong if sentence.endswith(".") else [*wrong, "no full stop"]

    def rows(self, table: str, run_id: str) -> pd.DataFrame:
        return self._frames[table].get(run_id, self._empty[table])

    def stages_named(self, run_id: str, name: str | None) -> set[int]:
        """Return the numbers of the stages that have a name."""
        nodes = self.rows("nodes", run_id)
        return {int(stage) for stage in nodes.loc[nodes["name"] == name, "stage"].dropna()}

    def seconds(self, run_id: str, part: str) -> float:
        return float(self._budgets.loc[run_id, part])  # type: ignore[arg-type]

    def seconds_after_named_stage(self, run_id: str, category: str) -> float:
        """Return how long a run waited, or what was lost, after the stage that the list of runs names had failed."""
        stage = self._stages[run_id]
        return 0.0 if pd.isna(stage) else self._spent.get((run_id, category, int(stage)), 0.0)


class _Run:
    """What the tables say of one run."""

    def __init__(self, reader: Reader, run_id: str) -> None:
        self.reader, self.run_id = reader, run_id
        self.dag: Row = {str(name): value for name, value in reader.dags.loc[run_id].items()}
        self.nodes = reader.rows("nodes", run_id)

    @cached_property
    def family(self) -> list[str]:
        """The run and all its child runs."""
        dags, found = self.reader.dags, [self.run_id]
        for member in found:
            found += [child for child in dags.index[dags["parent_run_id"] == member] if child not in found]
        return found

    @cached_property
    def others(self) -> pd.Series[float]:
        """The lengths of the other runs like this one that simply succeeded."""
        dags = self.reader.dags
        like = dags[
            (dags["workflow"] == self.dag["workflow"]) & (dags["n_agents"] == self.dag["n_agents"]) & (dags["outcome"] == "succeeded")
        ]
        return like.loc[like.index != self.run_id, "elapsed_s"].dropna()

    def phrases(self, sentence: str, place: int) -> Iterator[tuple[str, re.Match[str]]]:
        """Match the phrases at a place of a sentence; a sentence begins with a capital letter, which the phrase may not have."""
        texts = [sentence, sentence[:1].lower() + sentence[1:]] if place == 0 else [sentence]
        for phrase, pattern in self._patterns.items():
            for text in texts:
                match = pattern.match(text, place)
                if match is not None:
                    yield phrase, match

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        names = {str(name) for member in self.family for name in self.reader.rows("nodes", member)["name"].dropna()}
        stages = "|".join([*(re.escape(name) for name in sorted(names, key=len, reverse=True)), r"stage \d+"])
        workflows = {str(name) for name in self.reader.dags["workflow"].dropna()} | {"of no name"}
        told = "|".join(re.escape(name) for name in sorted(workflows, key=len, reverse=True))
        return {name: re.compile(pattern.replace("STAGE", f"(?:{stages})").replace("WORKFLOW", told)) for name, pattern in PHRASES.items()}

    # -- what is expected -----------------------------------------------------------------------------------------------------------------

    def wrong(self, phrase: str, parts: dict[str, str]) -> list[str]:
        """Return what a phrase says that no table gives."""
        found = [f"{parts[part]} is not {right}" for part in parts if part in _EXPECTED and parts[part] != (right := _EXPECTED[part](self))]
        special = {"waited": self._share, "lost": self._share, "place": self._place, "child failed": self._child, "stage": self._stage}
        special |= {"passed stage": self._passed_stage, "undone": self._undone, "blamed": self._blamed, "retried": self._retried}
        special |= {"redone": self._redone, "longest": self._longest}
        return found + (special[phrase](phrase, parts) if phrase in special else [])

    def _share(self, phrase: str, parts: dict[str, str]) -> list[str]:
        category = {"waited": "wait_operator", "lost": "lost"}[phrase]
        seconds = self.reader.seconds(self.run_id, f"{category}_s")
        wrong = _unless(parts["share"] == human_share(seconds / self.dag["elapsed_s"]), parts["share"])
        is_bound = phrase == "waited" and self.reader.seconds(self.run_id, "lost_s") / self.dag["elapsed_s"] >= 0.01
        wrong += _unless(parts.get("floor", "") == ("at least " if is_bound else ""), "at least")
        if not parts["most"]:
            return wrong
        there = self.reader.seconds_after_named_stage(self.run_id, category) / seconds
        right = " after " if there >= 0.95 else ", mostly after " if there > 0.5 else ", partly after "
        return wrong + _unless(there > 0 and parts["most"] == right, f"{parts['most']} is not{right}")

    def _stage(self, _: str, parts: dict[str, str]) -> list[str]:
        return _unless(int(parts["stage"]) == self._told_stage(), "stage " + parts["stage"]) + self._named(parts["stage"], parts)

    def _told_stage(self) -> int:
        of = {"rolled_back": ("rolled_back", "max"), "succeeded_with_node_pass": ("passed", "min")}
        outcome, which = of.get(self.dag["outcome"], (None, ""))
        return int(self.nodes.loc[self.nodes["outcome"] == outcome, "stage"].agg(which) if which else self.dag["stage"])

    def _named(self, stage: str, parts: dict[str, str]) -> list[str]:
        names = self.nodes.loc[self.nodes["stage"] == int(stage), "name"].tolist()
        return _unless("name" not in parts or parts["name"] in names, f"stage {stage} is not {parts.get('name')}")

    def _passed_stage(self, _: str, parts: dict[str, str]) -> list[str]:
        wrong = self._stage("", parts)
        return wrong + (self._failed_at(self.run_id, int(parts["stage"]), parts) if parts.keys() & {"agent", "cause"} else [])

    def _undone(self, _: str, parts: dict[str, str]) -> list[str]:
        stages = self._stages_named(self.run_id, parts["undone"])
        tasks = self.reader.rows("sub_tasks", self.run_id)
        left = tasks[tasks["outcome"].eq("rolled_back") & tasks["stage"].isin(stages)]
        return _unless(_are_agents(parts, set(left["agent"].dropna())), "agents rolled back")

    def _place(self, _: str, parts: dict[str, str]) -> list[str]:
        stages = self._stages_named(self.run_id, parts["at"])
        if "agent" not in parts and self.dag["outcome"] == "rolled_back" and self._told_stage() in stages:
            return []  # the rollback shows where it failed, though no attempt does
        tried = [self._failed_at(self.run_id, stage, parts) for stage in stages]
        return min(tried, key=len, default=["no such stage"])

    def _child(self, _: str, parts: dict[str, str]) -> list[str]:
        children = [member for member in self.family[1:] if (self.reader.dags.loc[member, "workflow"] or "of no name") == parts["child"]]
        at = parts.get("at", parts["child"])
        tried = [self._failed_at(child, stage, parts) for child in children for stage in self._stages_named(child, at)]
        return min(tried, key=len, default=["no such child"])

    def _stages_named(self, run_id: str, name: str) -> list[int]:
        return sorted(self.reader.stages_named(run_id, name)) or [int(number) for number in re.findall(r"^stage (\d+)$", name)]

    def _failed_at(self, run_id: str, stage: int, parts: dict[str, str]) -> list[str]:
        """Hold what is told of a failure against the attempts that ended badly at a stage, and the lines that they left."""
        attempts, tasks = (self.reader.rows(name, run_id) for name in ("attempts", "sub_tasks"))
        ended = {"cancelled"} if parts.get("went") == "was cancelled" else _FAILED
        in_error = {gid for gid, logs in zip(tasks["task_gid"], tasks["task_logs"], strict=True) if _has_error(logs)}
        is_bad = attempts["outcome"].isin(ended) | (attempts["outcome"].eq("unknown") & attempts["task_gid"].isin(in_error))
        bad = attempts[attempts["stage"].eq(stage) & is_bad]
        tasks = tasks[tasks["task_gid"].isin(bad["task_gid"])]
        own = tasks[tasks["agent"].eq(parts["agent"])] if "agent" in parts else tasks
        lines = [line for logs in own["task_logs"] if logs is not None for line in logs]
        wrong = _unless(_are_agents(parts, set(bad["agent"].dropna())), f"agents of stage {stage}")
        wrong += _unless("undoing" not in parts or "rollback" in set(bad["kind"]), "no rollback failed")
        wrong += _unless(_went(parts.get("went", "failed"), set(bad["outcome"]), lines), f"none {parts.get('went')}")
        return wrong + _unless("cause" not in parts or any(_gives(line, parts["cause"]) for line in lines), f"cause {parts.get('cause')}")

    def _retried(self, _: str, parts: dict[str, str]) -> list[str]:
        if "least" in parts:
            told: tuple[int | None, int | None] = _times(parts["least"]), _times(parts["most"])
        else:
            n = _times(parts["times"])
            told = {"at least ": (n, None), "at most ": (0, n), "": (n, n)}[parts["bound"]]
        known = tuple(None if pd.isna(self.dag[name]) else int(self.dag[name]) for name in ("retries_min", "retries_max"))
        return _unless(told == known, f"{told} is not {known}")

    def _redone(self, _: str, parts: dict[str, str]) -> list[str]:
        dags = self.reader.dags
        same = dags["name"].eq(self.dag["name"]) & dags["cluster"].fillna("").eq(
            self.dag["cluster"] if isinstance(self.dag["cluster"], str) else ""
        )
        later = dags[same & dags["outcome"].isin(_SUCCEEDED) & (dags["started_at"] > self.dag["started_at"])]
        first = later.sort_values(["started_at", "run_id"])["run_id"].tolist()[:1]
        return _unless([parts["redone"]] == first if "redone" in parts else not first, f"redone by {first}")

    def _blamed(self, _: str, parts: dict[str, str]) -> list[str]:
        stage = int(parts["blamed"])
        like = [*self.others.index]
        durations = pd.concat([self.reader.rows("nodes", run_id) for run_id in like])
        usual = durations[durations["name"].eq(parts["name"])] if "name" in parts else durations
        median = usual.loc[usual["stage"].eq(stage), "duration_s"].median()
        own = self.nodes.loc[self.nodes["stage"].eq(stage), "duration_s"].iloc[0]
        share = min(1.0, (own - median) / (self.dag["elapsed_s"] - self.others.median()))
        return _unless(parts["explained"] == human_share(share), parts["explained"]) + self._named(parts["blamed"], parts)

    def _longest(self, _: str, parts: dict[str, str]) -> list[str]:
        longest = self.nodes[self.nodes["duration_s"] == self.nodes["duration_s"].max()]
        return _unless(parts["longest"] in longest["name"].tolist(), f"{parts['longest']} is not the longest")


_EXPECTED: dict[str, Callable[[_Run], str]] = {
    "elapsed": lambda run: human_duration(run.dag["elapsed_s"]),
    "elapsed_min": lambda run: human_duration(run.dag["elapsed_min_s"]),
    "elapsed_max": lambda run: human_duration(run.dag["elapsed_max_s"]),
    "n_stages": lambda run: str(run.dag["max_stage"]),
    "standing": lambda run: human_duration((run.dag["last_observed_at"] - run.dag["ended_at"]).total_seconds()),
    "ratio": lambda run: f"{run.dag['elapsed_s'] / run.others.median():.1f}",
    "n_others": lambda run: str(len(run.others)),
    "median": lambda run: human_duration(run.others.median()),
    "longest_s": lambda run: human_duration(run.nodes["duration_s"].max()),
    "state": lambda run: str(run.dag["state"]),
    "operator": lambda run: str(run.dag["operator"]),
}
"""The text of each part that is a value of one table, wherever it stands."""


def _has_error(lines: list[str] | None) -> bool:
    """Return whether a line tells of a failure; a task that tries again has not failed yet."""
    return lines is not None and any("ERROR" in line and "will try again" not in line for line in lines)


def _times(text: str) -> int:
    return {"once": 1, "twice": 2}.get(text) or int(text.removesuffix(" times"))


def _unless(is_right: bool, what: str) -> list[str]:
    return [] if is_right else [what]


def _are_agents(parts: dict[str, str], agents: set[str]) -> bool:
    """Return whether the agent that is named is one of some, and how many others are told is right."""
    if "agent" not in parts:
        return not agents
    return parts["agent"] in agents and int(parts.get("others", 0)) == len(agents) - 1


_ENDINGS = {
    "timeout": re.compile(r"^sub task timeout$|\btask \d+ timeout$"),
    "cancelled": re.compile(r"^sub task cancelled$"),
    "interrupted": re.compile(r"\btask unexpectedly interrupted and cannot continue$"),
}
"""The lines that say how an attempt ended."""


def _went(told: str, outcomes: set[str], lines: list[str]) -> bool:
    if told == "failed":
        return not outcomes.isdisjoint({"failed", "not_succeeded", "unknown"})
    outcome = {"timed out": "timeout", "was interrupted by a restart": "interrupted", "was cancelled": "cancelled"}[told]
    return outcome in outcomes or any(_ENDINGS[outcome].search(line) for line in lines)


def _gives(line: str, cause: str) -> bool:
    """Return whether a line of a log gives a cause: its code, the number of a database error, or its first words."""
    number = re.fullmatch(r"MySQL (\d+)", cause)
    if number is not None:
        return f"Error {number[1]}" in line
    child = re.fullmatch(r"(?:(?P<stage>.+) of )?(?P<name>.+?): (?P<cause>.+)", cause)
    if child is not None and "dag " in line:
        return (child["stage"] or "") in line and child["name"] in line and (child["cause"] == "failed" or _gives(line, child["cause"]))
    return cause.removesuffix(" …") in line and "ERROR" in line
