"""Print under each command of the README's tour, and of the pages like it, what the command prints today.

usage: python docs/tour.py

A test compares the pages with what this script would write, so they cannot fall behind.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from pathlib import Path

from daganalysis.commands import main

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "tutorial.md")
"""The pages whose console blocks are run, each in a folder of its own."""


def retold(page: str, folder: Path) -> str:
    """Return a page with every ``daganalysis`` command of its console blocks run, in order, in a folder that has ``sample_data``."""
    with contextlib.chdir(folder):
        return re.sub(r"(?<=^```console\n)(.*?)(?=^```$)", lambda block: _run_block(block[0]), page, flags=re.DOTALL | re.MULTILINE)


def _run_block(block: str) -> str:
    told = []
    for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command = step.partition("\n")[0]
        told.append(f"$ {command}\n{_printed(command)}")
    return "".join(told)


def _printed(command: str) -> str:
    program, *arguments = shlex.split(command)
    if program != "daganalysis":
        raise SystemExit(f"the tour runs daganalysis and nothing else: {command}")
    screen = io.StringIO()
    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        status = main(arguments)
    if status:
        raise SystemExit(f"{command} ended with {status}: {screen.getvalue()}")
    return screen.getvalue()


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    for page in PAGES:
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "sample_data").symlink_to(ROOT / "sample_data")
            page.write_text(retold(page.read_text(encoding="utf-8"), Path(scratch)), encoding="utf-8")
