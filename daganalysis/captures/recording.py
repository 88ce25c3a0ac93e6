"""Files of answers that survive a kill at any point: whole lines, appended and forced to the disk one by one."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import msgspec

from daganalysis.errors import DagAnalysisError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_UNSAFE = re.compile(r"[^\w.-]+")
_TAIL = 1 << 22
"""Bytes at the end of a file that are searched for its last answers."""


class Recorder:
    """Appends answers below ``FOLDER/<cluster>/``, a file a DAG and day; ``today`` returns the date as text.

    Creating one repairs files after a kill: an incomplete last line is cut off.
    """

    def __init__(self, folder: Path, cluster: str, today: Callable[[], str]) -> None:
        self.folder = folder / (_UNSAFE.sub("_", cluster).strip(".") or "cluster")
        self._today = today
        self.n_lines = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.glob("*.ndjson"):
                _cut_torn_line(path)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def save(self, name: str, body: bytes) -> None:
        """Append one answer. Raises :class:`DagAnalysisError` if it cannot be written; the file is then unchanged."""
        path = self.folder / f"{_UNSAFE.sub('_', name)}-{self._today()}.ndjson"
        try:
            _append(path, _one_line(body))
        except OSError as error:
            raise _unwritable(path, error) from error
        self.n_lines += 1

    def saved_before(self) -> dict[str, list[bytes]]:
        """Return the last answers that were saved before, newest first, by the name they were saved under."""
        newest: dict[str, list[bytes]] = {}
        for path in sorted(self.folder.glob("*.ndjson"), reverse=True):
            newest.setdefault(path.stem.rsplit("-", 3)[0], []).extend(_last_lines(path))
        return newest


def _one_line(body: bytes) -> bytes:
    text = body.strip()
    if b"\n" in text or b"\r" in text:
        text = msgspec.json.format(text, indent=-1)
    return text + b"\n"


def _append(path: Path, line: bytes) -> None:
    # Answers can contain secrets from log lines, so only the owner may read them.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        try:
            written = os.write(file, line)
            while written < len(line):
                written += os.write(file, line[written:])
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def _cut_torn_line(path: Path) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        kept = size
        while kept:
            start = max(0, kept - 65_536)
            file.seek(start)
            block = file.read(kept - start)
            if b"\n" in block:
                kept = start + block.rindex(b"\n") + 1
                break
            kept = start
        if kept != size:
            file.truncate(kept)


def _last_lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
        file.seek(start)
        lines = file.read().splitlines()
    return lines[: 0 if start else None : -1]  # the first of a long file may be the end of a line


def _unwritable(path: Path, error: OSError) -> DagAnalysisError:
    return DagAnalysisError(
        f"an answer cannot be saved ({error.strerror or error})",
        where=str(path),
        hint="free some space or choose another folder; the same command then continues where it stopped",
    )
