"""Runs for the tools that people already have: trace viewers and trace stores."""

from __future__ import annotations

import gzip
from typing import IO, TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.exports.chrome_trace import chrome_trace
from daganalysis.exports.otlp import otlp
from daganalysis.whole_files import whole_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from daganalysis.archive import Archive

__all__ = ["EXPORTS", "write_export"]

EXPORTS = {"chrome-trace": chrome_trace, "otlp": otlp}
"""The formats runs can be exported to, by name."""


def write_export(archive: Archive, path: str | os.PathLike[str], *, to: str, run_ids: Sequence[str] = ()) -> None:
    """Write runs in a format of another tool.

    The file is written piece by piece and appears only when it is complete. The same archive gives the same bytes. A run without a known
    time is left out, because neither format can express it.

    Args:
        archive: The archive that holds the runs.
        path: The file to write. A name that ends in ``.gz`` is compressed.
        to: ``"chrome-trace"`` for Perfetto and chrome://tracing, ``"otlp"`` for OTLP/JSON lines, one trace a run.
        run_ids: The runs to export; all runs of the archive by default.

    Raises:
        UsageError: ``to`` is no format.
        RunNotFoundError: A run is not in the archive.
        DagAnalysisError: The file cannot be written.

    Example:
        >>> import daganalysis as da, tempfile
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     da.write_export(archive, f"{folder}/run.json.gz", to="chrome-trace")
    """
    if to not in EXPORTS:
        raise UsageError("no such format to export to", where=to, hint="one of " + ", ".join(EXPORTS))
    known = set(archive.table("dags", ["run_id"])["run_id"])
    for run_id in run_ids:
        if run_id not in known:
            archive.run(run_id)  # raises, with the nearest ids
    with whole_file(path, "the export") as file:
        _write(file, EXPORTS[to](archive, run_ids), compressed=str(path).endswith(".gz"))


def _write(file: IO[bytes], pieces: Iterable[str], *, compressed: bool) -> None:
    if not compressed:
        file.writelines(piece.encode() for piece in pieces)
        return
    # Without a name and a time in its head, the same export has the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.writelines(piece.encode() for piece in pieces)
