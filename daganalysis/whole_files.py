"""Files written whole or not at all: charts, reports and tables that somebody may open at any moment."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING

from daganalysis.errors import DagAnalysisError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], noun: str) -> Iterator[IO[bytes]]:
    """Give a file to write. If the block succeeds, it replaces ``path``; otherwise ``path`` stays as it was.

    A link stays a link, and a file keeps its permissions. A device or a FIFO is written to, never replaced. Raises
    :class:`DagAnalysisError` that says that ``noun``, "the chart" for instance, cannot be written, and why.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(f"{folder}/a.txt", "the text") as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "a.txt").read_bytes()
    b'whole'
    """
    try:
        if _is_special(path):
            with Path(path).open("wb") as file:
                yield file
        else:
            with _replacing(Path(os.path.realpath(path))) as file:
                yield file
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        hint = "free some space, or choose another place" if full else "choose another place"
        raise DagAnalysisError(f"{noun} cannot be written ({error.strerror or error})", where=os.fspath(path), hint=hint) from error


def _is_special(path: str | os.PathLike[str]) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a link to a device is one
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    return not stat.S_ISREG(mode)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    # The name is short, for that of the file may be as long as a name can be, and cannot be foretold: in a folder that everybody may
    # write to, nobody has put a link of that name there.
    import secrets  # which takes a fifth of the time of `--help` to import
    import shutil

    unfinished = path.with_name(f".{secrets.token_hex(8)}.unfinished")
    try:
        with unfinished.open("xb") as file:
            if path.exists():
                shutil.copymode(path, unfinished)
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
