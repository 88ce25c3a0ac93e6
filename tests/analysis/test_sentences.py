"""The sentence about each run: every number and name in it, read again and held against the tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import daganalysis as da
from enginemodel import Agent, DagRun, Failure, Stage, Task, answer, listing, start_cluster
from enginemodel.dag_parts import SECOND
from tests.analysis.sentence_reading import PHRASES, Reader
from tests.profiles import some
from tests.rows import archive_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from daganalysis.archive import Archive
    from tests.analysis.sentence_reading import Found

ROOT = Path(__file__).parent.parent.parent
CASES = ROOT.parent / "shared" / "cases"
SAMPLES = [[ROOT / "sample_data" / name] for name in ("documented", "tenant", "start", "scale-out", "upgrade", "remote", "endpoints")]
SAMPLES += [[ROOT / "sample_data" / name] for name in ("versions", "fleet", "fleet/prod-a", "logs/log", "databases")]
SAMPLES += [[ROOT / "sample_data" / "logs" / "answers", ROOT / "sample_data" / "logs" / "log"]]
OF_CASES = [[CASES / name / "responses"] for name in ("clusters", "sources", "polled", "final", "healthy")]
OF_CASES += [[CASES / "sources" / name for name in ("responses", "log", "meta", "ocs")], [CASES / "sources" / "log"]]
SLOW = {CASES / name / "responses" for name in ("polled", "final", "clusters")}
SLOW |= {CASES / "sources" / "log", ROOT / "sample_data" / "fleet"}

_BEGIN = 1_735_700_000 * SECOND
_AGENTS = [Agent(f"192.0.2.{n}") for n in (11, 12, 13)]
_FAST = Agent("192.0.2.14", skew=-1.0)
_NEXT_DAY = 86_400 * SECOND


def backup(row_id: int, failures: dict[int, Failure], *acts: str, of_stage: int = 2, check_s: float = 3.0) -> DagRun:
    """A run of three stages, one of which fails in some of its attempts, and what a person did half a minute after each failure."""
    stages = [Stage(name, [Task(_AGENTS[0], seconds)]) for name, seconds in (("Copy", 2.0), ("Check", check_s), ("Start", 1.0))]
    stages[of_stage - 1].tasks[0].failures = failures
    return acted(DagRun("Backup", stages, f"1{row_id}", _BEGIN + row_id * 1000 * SECOND, _AGENTS[0], first_row_id=row_id), *acts)


def acted(run: DagRun, *acts: str) -> DagRun:
    run.run()
    for act in acts:
        run.act(act, (run.ended or 0) + 30 * SECOND)
        run.run()
    return run


def undone() -> DagRun:
    """A run with an agent whose clock is behind: the rollback run of its sub-task looks older than the retry, and is taken for success."""
    tasks = [Task(_AGENTS[0], 2.0), Task(_FAST, 2.0, {1: Failure()}), Task(_AGENTS[1], 1.0)]
    return acted(DagRun("Export", [Stage("Write", tasks)], "12000", _BEGIN, _AGENTS[0], first_row_id=2000), "retry")


def unusual_endings() -> Archive:
    """Runs that ended, or were last seen, in ways that no sample shows."""
    interrupted = Failure("ERROR: [Common.Unexpected]: Unexpected error: task unexpectedly interrupted and cannot continue")
    runs = [
        backup(100, {1: Failure("sub task timeout")}),
        backup(110, {1: interrupted}),
        backup(120, {1: Failure(), 2: Failure()}, "rollback"),
        backup(130, {1: Failure(), 3: Failure()}, "retry", "retry"),
        backup(140, {1: Failure(), 2: Failure()}, "retry"),
        *(backup(200 + 10 * number, {}) for number in range(5)),
        backup(300, {}, check_s=40.0),
        undone(),
    ]
    texts = [answer(run, (run.ended or 0) + 100 * SECOND) for run in runs]
    fresh = backup(400, {})
    texts.append(answer(fresh, fresh.created))
    brief = [backup(500, {1: Failure()}, "retry"), backup(510, {1: Failure()})]
    [waiting] = start_cluster(_AGENTS[:1], _BEGIN)[1]
    texts.append(answer(waiting, waiting.created + 4 * SECOND))
    [undecided] = start_cluster(_AGENTS[:1], _BEGIN + 2 * _NEXT_DAY, seed=6)[1]
    texts.append(listing([undecided], undecided.created + 4 * SECOND, details=False))
    main, children = start_cluster(_AGENTS, _BEGIN + _NEXT_DAY, seed=5)
    texts.append(answer(main, (main.ended or 0) + SECOND))
    texts += [listing([run], (run.ended or 0) + SECOND, details=False) for run in [*brief, *children]]
    strange = answer(fresh, (fresh.ended or 0) + SECOND)
    strange["data"] |= {"id": "1999", "dag_id": 999, "state": "PAUSED"}
    untold = [answer(fresh, (fresh.ended or 0) + SECOND) for _ in range(2)]
    untold[0]["data"] |= {"id": "1998", "dag_id": 998, "state": None}
    untold[1]["data"] |= {"id": "1997", "dag_id": 997, "operator": None}
    retried = answer(brief[0], (brief[0].ended or 0) + SECOND)
    retried["data"] |= {"id": "1996", "dag_id": 996, "max_stage": None}
    return da.load(*texts, strange, *untold, retried)


def runs_of_unknown_length() -> Archive:
    """Runs of which the tables give bounds of their length, or nothing."""
    bounds = [(3.0, 9.0), (3.0, None), (None, 9.0), (None, None)]
    rows = [{"run_id": str(n), "outcome": "succeeded", "elapsed_min_s": low, "elapsed_max_s": high} for n, (low, high) in enumerate(bounds)]
    return archive_of(dags=rows)


def told(archive: Archive) -> Iterator[tuple[str, str]]:
    listed = da.runs(archive)
    assert sorted(listed["run_id"]) == sorted(archive.dags["run_id"])
    return zip(listed["run_id"], listed["conclusion"], strict=True)


def names(sources: list[Path] | None) -> str:
    return "unusual endings" if sources is None else " ".join(f"{source.parent.name}-{source.name}" for source in sources)


def loaded(sources: Iterable[Path]) -> Archive:
    if not all(source.exists() for source in sources):
        pytest.skip("the cases are not here")
    return da.load(*sources, cluster_by="dir")


@pytest.mark.parametrize("sources", some([*SAMPLES, *OF_CASES], gate=[s for s in [*SAMPLES, *OF_CASES] if s[0] not in SLOW]), ids=names)
def test_every_run_has_a_sentence_and_a_table_gives_every_number_and_name_in_it(sources: list[Path]) -> None:
    archive = loaded(sources)
    reader = Reader(archive)
    assert not [(run_id, text, bad) for run_id, text in told(archive) if (bad := reader.read(run_id, text)[1])]
    assert not [row for row in da.runs(archive).to_dict("records") if not tells_its_columns(row, reader)]


def tells_its_columns(row: dict[str, Any], reader: Reader) -> bool:
    """Whether the sentence about a run names the stage, the agent and the cause that the columns beside it hold."""
    found, _ = reader.read(row["run_id"], row["conclusion"])
    parts = {one.part: one.text for one in found}
    stages = {int(parts[part]) for part in ("stage", "blamed") if part in parts} | reader.stages_named(row["run_id"], parts.get("at"))
    is_stage = pd.isna(row["stage"]) or row["stage"] in stages or not stages or "child" in parts
    return is_stage and all(pd.isna(row[name]) or parts.get(name) == row[name] for name in ("agent", "cause"))


@pytest.mark.parametrize("made", [unusual_endings, runs_of_unknown_length])
def test_a_table_gives_every_number_and_name_in_the_sentence_about_an_unusual_run(made: Callable[[], Archive]) -> None:
    archive = made()
    reader = Reader(archive)
    assert not [(run_id, text, bad) for run_id, text in told(archive) if (bad := reader.read(run_id, text)[1])]


def test_every_phrase_that_a_sentence_can_have_is_met_in_a_sample_or_an_unusual_run() -> None:
    met: set[str] = set()
    for archive in [unusual_endings(), runs_of_unknown_length(), *(loaded(sources) for sources in SAMPLES[1:3])]:
        reader = Reader(archive)
        met |= {found.phrase for run_id, text in told(archive) for found in reader.read(run_id, text)[0]}
    assert set(PHRASES) - met == set()


@pytest.mark.parametrize(
    "sources", some([None, *(SAMPLES[number] for number in (0, 1, 2, 4))], gate=[None, SAMPLES[0], SAMPLES[4]]), ids=names
)
def test_a_sentence_with_another_number_or_name_in_it_is_found_to_be_wrong(sources: list[Path] | None) -> None:
    archive = unusual_endings() if sources is None else loaded(sources)
    reader = Reader(archive)
    passed, n_tried = [], 0
    for run_id, text in told(archive):
        found, _ = reader.read(run_id, text)
        for one in found:
            for other in otherwise(one):
                changed = text[: one.begin] + other + text[one.end :]
                n_tried += 1
                passed += [] if reader.read(run_id, changed)[1] else [changed]
    assert n_tried
    assert passed == []


def otherwise(one: Found) -> Iterator[str]:
    """Give other texts for a number or a name: another last digit, another word, another name."""
    for digit in re.finditer(r"\d(?=\D*$)", one.text):
        yield one.text[: digit.start()] + str((int(digit[0]) + 1) % 10) + one.text[digit.end() :]
    words = {
        "once": "twice",
        "twice": "once",
        "timed out": "failed",
        "failed": "timed out",
        "at least ": "at most ",
        "at most ": "at least ",
        " after ": ", mostly after ",
        ", mostly after ": ", partly after ",
        ", partly after ": " after ",
    }
    if one.part in {"times", "bound", "went", "most"} and one.text in words:
        yield words[one.text]
    if one.part in {"at", "name", "longest", "undone"}:
        yield "stage 99"
    if one.part in {"cause", "redone", "child"}:
        yield "Another.Name"
