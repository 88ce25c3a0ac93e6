"""``daganalysis export``: runs in the format of another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.archives import meant_run, open_source
from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import add_archive, new_command
from daganalysis.commands.printing import notice

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Write runs in a format that other tools open. chrome-trace is for Perfetto and
chrome://tracing: one process per run, with its timeline, its stages and one
track per agent. otlp is OpenTelemetry's JSON, one trace per line, for Jaeger,
Tempo and collectors. A FILE that ends in .gz is compressed. Without RUN, all
runs are written.
"""

_EXAMPLE = """\
  daganalysis export store/ prod-a/11 --to chrome-trace -o run.json.gz
  daganalysis export store/ --to otlp -o runs.jsonl"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "export",
        summary="write runs for trace viewers and trace stores",
        description=_DESCRIPTION,
        example=_EXAMPLE,
        execute=execute,
    )
    add_archive(parser)
    parser.add_argument("runs", metavar="RUN", nargs="*", help="the ids of the runs (default: all)")
    parser.add_argument("--to", choices=("chrome-trace", "otlp"), required=True, help="the format to write")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    parser.add_argument("--children", action="store_true", help="also write the child DAGs of the runs")
    parser.add_argument("--redact", action="store_true", help="replace addresses, names and secrets before writing")


def execute(arguments: argparse.Namespace) -> int:
    """Write the export."""
    from daganalysis.exports import write_export

    archive = open_source(arguments.archive, arguments)
    runs = [one for run in arguments.runs for one in archive.run(meant_run(archive, run), children=arguments.children).dags["run_id"]]
    if not arguments.redact:
        write_export(archive, arguments.output, to=arguments.to, run_ids=runs)
    else:
        from daganalysis.redaction import redacted

        with redacted(archive.only(runs) if runs else archive) as copy:
            write_export(copy, arguments.output, to=arguments.to)
    notice(f"wrote {arguments.output}")
    return ExitStatus.DONE
