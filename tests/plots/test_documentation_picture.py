"""The picture of the documentation is what the program draws now."""

from __future__ import annotations

from pathlib import Path

import pytest

from daganalysis.commands import main

ROOT = Path(__file__).parent.parent.parent


def test_the_picture_is_drawn_anew_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    drawn = tmp_path / "scale-out.svg"
    assert main(["gantt", "sample_data/documented", "11", "-o", str(drawn)]) == 0
    stored = Path("docs/scale-out.svg")
    assert drawn.read_bytes() == stored.read_bytes(), "run `daganalysis gantt sample_data/documented 11 -o docs/scale-out.svg`"
