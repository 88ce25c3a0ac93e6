"""Answers that are not about a DAG, new ones and those in the store: find their DAGs, and collect the facts about agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.identifiers import key_of
from daganalysis.loading.related import OWNER, Unclaimed
from daganalysis.loading.scanning import answers_of_kind
from daganalysis.reading.answers import ABOUT_PARTS, Kind
from daganalysis.store.kept_answers import ANSWERS, read_evidence
from daganalysis.store.parts import read_file, read_parts
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.history.replay.contexts import ClusterContext
    from daganalysis.loading.scanning import Scanned
    from daganalysis.reading.answers import Answer
    from daganalysis.store.kept_answers import KeptIndex
    from daganalysis.store.remote_paths import StorePath

_FOUND_BY_REFERENCES = frozenset({Kind.FACTS, Kind.NODE_FACTS})
"""Facts whose DAG is found by their keys and references alone. An archive may hold very many of them."""
_OF_AGENTS = frozenset({Kind.AGENT_FACTS})


def gather_unclaimed(
    store: StorePath, scanned: Sequence[Scanned], kept: Sequence[KeptIndex], dropped: dict[int, set[int]], dead: dict[str, set[int]]
) -> tuple[Unclaimed, Unclaimed]:
    """Return the answers that need a DAG: the new ones, and all."""
    new, every = Unclaimed(), Unclaimed()
    for place, chunk in enumerate(scanned):
        gone = dropped.get(place, set())
        for number, answer in answers_of_kind(chunk, ABOUT_PARTS):
            if number not in gone:
                new.add(answer)
                every.add(answer)
        for number, kind in enumerate(chunk.kinds):
            if kind in _FOUND_BY_REFERENCES and number not in gone:
                new.add_facts(chunk.keys[number], chunk.references.get(number, ()))
                every.add_facts(chunk.keys[number], chunk.references.get(number, ()))
    for part in kept:
        gone = dead.get(part.part, set())
        rows = [row for row in part.of_kinds(ABOUT_PARTS) if row not in gone]
        for item in read_evidence(store, part.part, rows) if rows else ():
            every.add(item.answer)
        for facts in part.rows([row for row in part.of_kinds(_FOUND_BY_REFERENCES) if row not in gone]):
            every.add_facts(facts.key, facts.references)
    return new, every


def join_by_lines(scanned: Sequence[Scanned], unclaimed: Unclaimed) -> None:
    """Add references between new log answers, and answers about nodes and sub-tasks, that share a line of one sub-task."""
    joined = unclaimed.take_joined_by_lines()
    for chunk in scanned if joined else ():
        for number, key in enumerate(chunk.keys):
            if key in joined and not chunk.is_dag[number]:
                chunk.add_references(number, joined[key])


def add_owners(scanned: Sequence[Scanned], owners: Mapping[str, set[str]]) -> None:
    """Add the DAGs in the store that new answers belong to. ``owners`` has the keys of the DAGs by the keys of the answers."""
    for chunk in scanned:
        for number, (key, kind) in enumerate(zip(chunk.keys, chunk.kinds, strict=True)):
            if chunk.is_dag[number]:
                continue
            names = (key, *chunk.references.get(number, ())) if kind in _FOUND_BY_REFERENCES else (key,)
            if found := {OWNER + key for name in names for key in owners.get(name, ())}:
                chunk.add_references(number, found)


def know_agents(
    store: StorePath, scanned: Sequence[Scanned], kept: Sequence[KeptIndex], dropped: dict[int, set[int]], dead: dict[str, set[int]]
) -> tuple[dict[str, ClusterContext], frozenset[str]]:
    """Return the context of each cluster's agents, and the clusters whose context differs from the one in the store."""
    from daganalysis.history.replay.contexts import contexts_of, wanted_traces

    before: list[Answer] = []
    now: list[Answer] = []
    for part in kept:
        rows = part.of_kinds(_OF_AGENTS)
        for row, item in zip(rows, read_evidence(store, part.part, rows) if rows else (), strict=True):
            before.append(item.answer)
            if row not in dead.get(part.part, set()):
                now.append(item.answer)
    for place, chunk in enumerate(scanned):
        about_agents = answers_of_kind(chunk, _OF_AGENTS)
        now += [answer for number, answer in about_agents if number not in dropped.get(place, set())]
    if not before and not now:
        return {}, frozenset()
    wanted = wanted_traces([*before, *now])
    kept_moments = _kept_moments(store, kept) if wanted else {}
    moments = kept_moments | (_new_moments(scanned) if wanted else {})
    known, contexts = contexts_of(before, kept_moments), contexts_of(now, moments)
    return contexts, frozenset(cluster for cluster in {*known, *contexts} if known.get(cluster) != contexts.get(cluster))


def _kept_moments(store: StorePath, kept: Sequence[KeptIndex]) -> dict[tuple[str, str], int]:
    """Return the moments of answers in the store by cluster and trace id."""
    found: dict[tuple[str, str], int] = {}
    for part in kept:
        table = read_file(store / ANSWERS / part.part, ["cluster", "trace_id", "observed_at"])
        for cluster, trace, at in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if trace and at is not None:
                found[cluster or "", trace] = at
    return found


def _new_moments(scanned: Sequence[Scanned]) -> dict[tuple[str, str], int]:
    """Return the moments of answers that were just read by cluster and trace id."""
    return {
        (answer.cluster or "", answer.trace_id): answer.observed_at
        for chunk in scanned
        for _, answer in answers_of_kind(chunk, frozenset({Kind.DAG, *ABOUT_PARTS}))
        if answer.trace_id and answer.observed_at is not None
    }


def owners_in_store(folder: StorePath, tables: Sequence[str], unclaimed: Unclaimed) -> dict[str, set[str]]:
    """Find the DAGs in the store that answers of other kinds belong to: {key: keys of DAGs}."""
    owners: dict[str, set[str]] = {}
    keys: dict[str, tuple[str | None, str]] = {}
    for run_id, cluster, gid in _rows(folder, tables, "dags", ["run_id", "cluster", "dag_gid"]):
        keys[run_id] = (cluster, key_of(cluster, gid))
    for table, kind, column in (("nodes", "node", "node_gid"), ("sub_tasks", "sub_task", "task_gid")):
        for run_id, gid in _rows(folder, tables, table, ["run_id", column]):
            cluster, owner = keys[run_id]
            key = f"{kind} {key_of(cluster, gid)}"
            if key in unclaimed.keys:
                owners.setdefault(key, set()).add(owner)
    if unclaimed.lines:
        for run_id, row_id, lines in _rows(folder, tables, "sub_tasks", ["run_id", "task_id", "task_logs"]):
            cluster, owner = keys[run_id]
            for key in unclaimed.with_line(cluster, row_id, lines or ()):
                owners.setdefault(key, set()).add(owner)
    return owners


def _rows(folder: StorePath, tables: Sequence[str], table: str, columns: list[str]) -> Iterable[tuple[Any, ...]]:
    parts = [folder / table / part for part in tables]
    if not parts:
        return ()
    found = read_parts(parts, BASE_TABLES[table].schema(), columns, None)
    return zip(*(found.column(name).to_pylist() for name in columns), strict=True)
