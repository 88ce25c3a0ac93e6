"""The sample data: what it says it is, made the same every time."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

import daganalysis as da

SAMPLES = Path(__file__).parents[2] / "sample_data"


def files(root: Path) -> dict[str, bytes]:
    """What the generator made; packed files unpacked, since one compressor need not give the bytes of another."""
    made = (p for p in root.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc", ".md"})
    return {p.relative_to(root).as_posix(): gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in made}


def test_the_generator_writes_the_same_bytes_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "generate.py", tmp_path], check=True)
    kept = {name: content for name, content in files(SAMPLES).items() if not name.startswith("documented/")}
    assert files(tmp_path) == kept


def test_every_file_is_explained_in_the_readme() -> None:
    text = (SAMPLES / "README.md").read_text(encoding="utf-8")
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    for name in files(SAMPLES):
        assert any(name == entry or (entry.endswith("/") and name.startswith(entry)) for entry in listed), name
    for entry in listed:
        assert (SAMPLES / entry).exists(), entry


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("healthy.json", "succeeded"),
        ("failed.json", "failed"),
        ("retried-polled.ndjson", "succeeded_after_retry"),
        ("retried-one-answer.json", "succeeded_after_retry"),
        ("rolled-back.json", "rolled_back"),
        ("passed.json", "passed"),
        ("node-passed.json", "succeeded_with_node_pass"),
        ("cancelled.json", "cancelled"),
        ("running.json", "running"),
    ],
)
def test_each_tenant_sample_came_to_what_its_name_says(name: str, outcome: str) -> None:
    assert da.load(SAMPLES / "tenant" / name).dags["outcome"].tolist() == [outcome]


def test_no_duration_is_negative_or_longer_than_its_archive() -> None:
    archive = da.load(SAMPLES, cluster_by="dir")
    dags = archive.dags
    span = (dags["last_observed_at"].max() - dags["started_at"].min()).total_seconds()
    for table, columns in {"dags": ["elapsed_s", "active_s", "last_leg_s"], "nodes": ["duration_s"], "attempts": ["duration_s"]}.items():
        for column in columns:
            values = archive.table(table)[column].dropna()
            assert values.between(0, span).all(), (table, column)


def test_the_whole_folder_is_small() -> None:
    assert sum((SAMPLES / name).stat().st_size for name in files(SAMPLES)) < 1_500_000
