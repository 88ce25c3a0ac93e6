"""From the arguments of a command to the archive it works on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.periods import COLUMNS, starts_within
from daganalysis.commands.printing import notice
from daganalysis.engine.vocabulary import REJECTED
from daganalysis.errors import InputError, RunNotFoundError, UsageError
from daganalysis.tables import BASE_TABLES, Type
from daganalysis.text.humanize import plural
from daganalysis.text.suggestions import MOST_SUGGESTIONS, closest
from daganalysis.text.zones import UTC, Zone, servers_zone, zone_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables import Table

_HOLDING = ("dags", "nodes", "sub_tasks", "operations", "agents", "maintenance_locks")
"""Tables, at least one of which has a row if anything was usable."""
_SKIPPED = frozenset({"skipped-file", "other-log"})


def open_source(source: str, arguments: argparse.Namespace) -> Archive:
    """Open a store or saved responses; say on stderr how many records of these were unusable.

    Raises :class:`InputError` if all of them were.
    """
    from daganalysis.loading import open_archive
    from daganalysis.store import is_store

    _refuse_part_of_store(source)
    archive = open_archive(
        source,
        cluster=arguments.cluster,
        cluster_by=arguments.cluster_by,
        client=arguments.scheduler,
        catalogue=arguments.catalogue,
        tz=None if arguments.tz == "server" else arguments.tz,
    )
    if not is_store(source) or not len(archive):
        report_issues(archive, source)
    return archive


def _refuse_part_of_store(source: str) -> None:
    """Raise :class:`UsageError` for one table of a store, a mistake that completion by a shell invites."""
    from daganalysis.tables.store_layout import is_store_folder

    place = Path(source)
    folder = place.parent if place.suffix == ".parquet" else place
    if folder.name in BASE_TABLES and folder.is_dir() and is_store_folder(folder.parent):
        raise UsageError("one table of a store", where=source, hint=f"name the store itself: {folder.parent}")


def report_issues(archive: Archive, source: str, *, read: Sequence[str] = ()) -> None:
    """Print on stderr how much was unusable or skipped, and where to read about it, without importing pandas.

    ``source`` is the argument for `validate`; ``read`` are the sources that were read if ``source`` is a store made of them. Raises
    :class:`InputError`, with the reasons, if nothing at all was usable.
    """
    usable = holds_anything(archive)
    if usable and not archive.count("issues"):
        return  # mostly so
    tables = [part.arrow("issues", ["severity", "code"]) for part in archive.by_part()]
    severities, codes = ([text for table in tables for text in table.column(name).to_pylist()] for name in ("severity", "code"))
    if not usable:
        raise nothing_usable(archive, source, read=read)
    rejected, warnings = severities.count("error"), severities.count("warning")
    counts = [plural(count, noun) for count, noun in ((rejected, "rejected record"), (warnings, "warning")) if count]
    if counts:
        notice(f"{', '.join(counts)} (`daganalysis validate {source}` lists them)")
    if not _SKIPPED.isdisjoint(codes):
        rows = (row for part in archive.by_part() for row in part.arrow("issues", ["code", "message"]).to_pylist())
        from daganalysis.text.issue_groups import skipped_files_text

        notice(skipped_files_text([row["message"] for row in rows if row["code"] in _SKIPPED]))
    collided = codes.count("id-came-back")
    if collided:
        notice(
            f"more than one DAG has the same id ({plural(collided, 'id')}): a re-created cluster, or several clusters with one label; "
            "in the second case, load each cluster with its own label, or their runs may be mixed up"
        )


def holds_anything(archive: Archive) -> bool:
    """Return whether an archive has a row of anything but snapshots and issues."""
    return any(archive.count(name) for name in _HOLDING)


def nothing_usable(archive: Archive, source: str, *, read: Sequence[str] = (), is_listed: bool = False) -> InputError:
    """Return the error that says why an archive holds nothing, and what to do; ``is_listed``: every issue was printed already."""
    from daganalysis.text.issue_groups import GROUPED_COLUMNS, group_issues, why_nothing_was_usable

    tables = [part.arrow("issues", GROUPED_COLUMNS) for part in archive.by_part()]
    groups = group_issues(
        row for table in tables for row in zip(*(table.column(name).to_pylist() for name in GROUPED_COLUMNS), strict=True)
    )
    rejected = sum(group.n for group in groups if group.severity == REJECTED)
    named = source if not read else read[0] if len(read) == 1 else f"{read[0]} and {plural(len(read) - 1, 'other source')}"
    counted = f" ({plural(rejected, 'rejected record')})" if rejected else ""
    explained = f" `daganalysis validate {source}` lists every issue." if len(groups) > 1 and not is_listed else ""
    return InputError(f"nothing in {named} can be used{counted}: {why_nothing_was_usable(groups)}{explained}")


def shown_zone(archive: Archive, arguments: argparse.Namespace, table: Table | None = None) -> Zone:
    """Return the zone of all printed times: that of ``--tz``, otherwise the zone of the servers of most runs.

    UTC if what is printed is a ``table`` without times.
    """
    if arguments.tz != "server":
        zone_of(arguments.tz)
        return Zone(arguments.tz)
    if table is not None and not any(column.type is Type.INSTANT for column in table.columns):
        return UTC
    offsets = archive.arrow("dags", ["utc_offset_s"]).column("utc_offset_s").to_pylist()
    return servers_zone(offsets)


def meant_run(archive: Archive, text: str) -> str:
    """Return the id of a run: the text itself, or the only id that a table of ours shortens to it.

    Raises :class:`RunNotFoundError` with the matching ids if there are several.
    """
    known = archive.table("dags", ["run_id"])["run_id"].tolist()
    shortened = re.fullmatch(r"(?P<head>[^…~]+)[…~](?P<tail>[^…~]+)", text)
    if shortened is None or text in known:
        return text
    fitting = [run_id for run_id in known if run_id.startswith(shortened["head"]) and run_id.endswith(shortened["tail"])]
    if len(fitting) > 1:
        raise RunNotFoundError(text, fitting[:3])
    return fitting[0] if fitting else text


def selected_runs(archive: Archive, arguments: argparse.Namespace, *, absent_workflows: bool = False) -> Archive:
    """Keep the runs that the options about runs and clusters choose; all runs without such options.

    An unknown run raises :class:`RunNotFoundError`, an unknown cluster or workflow :class:`UsageError` (a workflow unless
    ``absent_workflows``), with the nearest names. A period outside the archive is no mistake: it selects no run, and stderr says so.
    """
    if arguments.only_cluster:
        known = archive.table("dags", ["cluster"])["cluster"]
        _check_names(arguments.only_cluster, known, "no such cluster")
        archive = archive.in_clusters(arguments.only_cluster)
    if not (arguments.run or arguments.workflow or arguments.since or arguments.until):
        return archive
    dags = archive.table("dags", ["run_id", "workflow", *COLUMNS])
    chosen = dags["run_id"].notna()
    if arguments.run:
        wanted = [meant_run(archive, text) for text in arguments.run]
        for run_id in set(wanted).difference(dags["run_id"]):
            archive.run(run_id)  # raises, with the nearest ids
        chosen &= dags["run_id"].isin(wanted)
    if arguments.workflow:
        if not absent_workflows:
            _check_names(arguments.workflow, dags["workflow"], "no run of such a workflow")
        chosen &= dags["workflow"].isin(arguments.workflow)
    if arguments.since or arguments.until:
        chosen &= starts_within(dags, arguments)
    return archive.only(dags.loc[chosen, "run_id"])


def _check_names(wanted: list[str], names: pd.Series[str], problem: str) -> None:
    known = sorted(set(names.dropna()))
    for name in wanted:
        if name not in known:
            alike = closest(name, known) or known[:MOST_SUGGESTIONS]
            hint = "perhaps " + ", ".join(alike) if alike else "no run of the archive has one"
            raise UsageError(problem, where=name, hint=hint)
