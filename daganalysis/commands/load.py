"""``daganalysis load``: saved responses into a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import report_issues
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_cluster, add_scheduler, new_command, positive
from daganalysis.commands.printing import notice
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Read saved responses and write their content to a store, a folder of Parquet
files that every other command opens at once. A source that is already in the
store is not read again, so you can repeat the command as the archive grows.

SOURCE is a file, a folder (with its subfolders), a pattern, a URL of one (such
as s3://bucket/prefix), or - for standard input; .json, .jsonl, .ndjson, also
in .gz, .zst, .zip and .tar. A store as SOURCE means the responses it was made
of, so you can merge the stores of several clusters. Its runs keep the labels of
their clusters; --cluster labels only those that have none.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "load",
        summary="read saved responses into a store",
        description=_DESCRIPTION,
        example="  daganalysis load responses/ --out store/ --cluster-by dir\n  daganalysis load more/*.json --out store/ --cluster prod-a",
        execute=execute,
    )
    parser.add_argument("source", metavar="SOURCE", nargs="+", help="saved responses")
    parser.add_argument("--out", "-o", metavar="STORE", required=True, help="the store to create or to add to: a folder or a URL")
    add_cluster(parser)
    parser.add_argument("--jobs", metavar="N", type=positive, help="number of processes to load with (default: one per core)")
    parser.add_argument("--tz", metavar="ZONE", help="time zone of times whose zone is unknown (+08:00, Asia/Shanghai)")
    add_scheduler(parser)
    parser.add_argument(
        "--unpacked-max",
        metavar="BYTES",
        type=positive,
        help="largest size of one source, unpacked; also sets the largest document (defaults: 64 GiB and 64 MiB)",
    )
    parser.add_argument("--strict", action="store_true", help="if a record is rejected, exit with 3 and leave the store as it was")


def execute(arguments: argparse.Namespace) -> int:
    """Load, and say on stderr what was loaded and what was rejected."""
    from daganalysis.loading import load_into_store
    from daganalysis.reading import Limits

    archive = load_into_store(
        *arguments.source,
        store=arguments.out,
        cluster=arguments.cluster,
        cluster_by=arguments.cluster_by,
        jobs=arguments.jobs,
        limits=None if arguments.unpacked_max is None else Limits.trusting(arguments.unpacked_max),
        tz=arguments.tz,
        client=arguments.scheduler,
        strict=arguments.strict,
    )
    held = f"{plural(archive.count('snapshots'), 'snapshot')}, {plural(archive.count('sub_tasks'), 'sub-task')}"
    notice(f"{plural(len(archive), 'run')} ({held}) in {arguments.out}")
    report_issues(archive, arguments.out, read=arguments.source)
    return ExitStatus.DONE
