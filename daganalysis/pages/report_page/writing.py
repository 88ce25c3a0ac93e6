"""Writing a report: collected once, then written as a page, as JSON, or as Markdown for a ticket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from daganalysis.errors import DagAnalysisError, UsageError
from daganalysis.pages.report_page.content import collect
from daganalysis.pages.report_page.report_html import report_html
from daganalysis.pages.report_page.report_markdown import report_markdown
from daganalysis.progress import shown
from daganalysis.text.escaping import for_json
from daganalysis.text.zones import Zone
from daganalysis.whole_files import whole_file

if TYPE_CHECKING:
    import os

    from daganalysis.archive import Archive
    from daganalysis.progress import Progress

FORMATS = ("html", "markdown")


def write_report(
    archive: Archive,
    folder: str | os.PathLike[str],
    *,
    format: str = "html",  # noqa: A002 - the name of the command's option, and of pandas' users' expectation
    title: str = "",
    tz: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a report of an archive: one page for people, and a JSON file for programs.

    ``report.html`` is self-contained: it loads nothing and runs only its own scripts. ``report.json`` holds every number of the page,
    unrounded. In a large archive, only the worst and the slowest runs have sections of their own, and each table says how many rows it
    leaves out. The same archive gives the same bytes.

    Args:
        archive: The runs to report on.
        folder: The folder to write to; it is created if it does not exist.
        format: ``"html"``, or ``"markdown"`` for ``report.md``, which is short enough for a ticket.
        title: The heading of the report.
        tz: The time zone of the times on the page: an offset or a name. None means the servers' own. ``report.json`` has UTC.
        progress: A function that receives the progress (:data:`daganalysis.progress.Progress`). None shows a bar in a terminal and in a
            notebook.

    Returns:
        The path of the page.

    Raises:
        UsageError: ``format`` is unknown, or ``tz`` is not a time zone.
        DagAnalysisError: The folder cannot be written.

    Example:
        >>> import daganalysis as da, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = da.write_report(da.load("sample_data/documented/scale-out.json"), folder)
        ...     sorted(path.name for path in page.parent.iterdir())
        ['report.html', 'report.json']
    """
    if format not in FORMATS:
        raise UsageError("no such format of a report", where=format, hint="one of " + ", ".join(FORMATS))
    with shown(progress) as tell:
        collected = collect(archive, tell, Zone(tz) if tz else None)
        if format == "html":
            page, text = "report.html", report_html(archive, collected, title, tell)
        else:
            page, text = "report.md", report_markdown(collected, title)
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = error.strerror or "choose another folder"
        raise DagAnalysisError("the report cannot be written", where=str(target), hint=hint) from None
    for name, content in (("report.json", report_json(collected.plain())), (page, text)):
        with whole_file(target / name, "the report") as file:
            file.write(content.encode())
    return target / page


def report_json(plain: dict[str, Any]) -> str:
    """Write the content as indented JSON, with invisible characters as escapes."""
    import msgspec

    return msgspec.json.format(for_json(msgspec.json.encode(plain).decode()), indent=1) + "\n"
