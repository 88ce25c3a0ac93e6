"""From the arguments of a command to the archive it works on."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from daganalysis.commands.printing import notice
from daganalysis.errors import InputError, UsageError
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from daganalysis.archive import Archive


def open_source(source: str, arguments: argparse.Namespace) -> Archive:
    """Open a store or saved responses; say on stderr how many records of these were unusable.

    Raises :class:`InputError` where all of them were.
    """
    from daganalysis.loading import open_archive
    from daganalysis.store import is_store

    archive = open_archive(source, cluster=arguments.cluster, cluster_by=arguments.cluster_by, client=arguments.scheduler)
    if not is_store(source):
        report_issues(archive, source)
    return archive


def report_issues(archive: Archive, source: str) -> None:
    """Count on stderr what could not be used, and say where to read about it; without pandas, which a load does without.

    Raises :class:`InputError` where nothing at all could be used.
    """
    if not archive.count("issues"):
        return  # mostly so
    tables = [part.arrow("issues", ["severity", "code"]) for part in archive.by_part()]
    severities, codes = ([text for table in tables for text in table.column(name).to_pylist()] for name in ("severity", "code"))
    rejected, warnings = severities.count("error"), severities.count("warning")
    explained = f"`daganalysis validate {source}` explains each"
    if rejected and not any(archive.count(name) for name in ("dags", "nodes", "sub_tasks")):
        raise InputError("nothing in it can be used", where=f"{plural(rejected, 'rejected record')} in {source}", hint=explained)
    said = [plural(count, noun) for count, noun in ((rejected, "rejected record"), (warnings, "warning")) if count]
    if said:
        notice(f"{', '.join(said)} ({explained})")
    collided = codes.count("id-came-back")
    if collided:
        notice(
            f"behind {plural(collided, 'id')} stands more than one DAG: a cluster that was re-created, or several under one label; "
            "if they are several, load each with a label of its own, or their runs may be mixed up"
        )


def selected_runs(archive: Archive, arguments: argparse.Namespace, *, absent_workflows: bool = False) -> Archive:
    """Keep the runs that ``--run``, ``--workflow``, ``--since`` and ``--until`` choose; all of them where none of these is given.

    A run that is not there raises :class:`RunNotFoundError`, a workflow that is not there :class:`UsageError` (unless
    ``absent_workflows``), with the nearest names. A time outside the archive is no mistake: it leaves no run.
    """
    if not (arguments.run or arguments.workflow or arguments.since or arguments.until):
        return archive
    dags = archive.table("dags", ["run_id", "workflow", "started_at", "created_at", "first_observed_at"])
    chosen = dags["run_id"].notna()
    if arguments.run:
        for run_id in arguments.run:
            if run_id not in set(dags["run_id"]):
                archive.run(run_id)  # raises, with the nearest ids
        chosen &= dags["run_id"].isin(arguments.run)
    if arguments.workflow:
        if not absent_workflows:
            _check_workflows(arguments.workflow, dags)
        chosen &= dags["workflow"].isin(arguments.workflow)
    started = dags["started_at"].fillna(dags["created_at"]).fillna(dags["first_observed_at"])
    if arguments.since:
        chosen &= started >= arguments.since
    if arguments.until:
        chosen &= started < arguments.until
    return archive.only(dags.loc[chosen, "run_id"])


def _check_workflows(wanted: list[str], dags: pd.DataFrame) -> None:
    known = sorted(set(dags["workflow"].dropna()))
    for name in wanted:
        if name not in known:
            alike = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
            hint = "perhaps " + ", ".join(alike) if alike else "the archive is empty"
            raise UsageError("no run of such a workflow", where=name, hint=hint)
