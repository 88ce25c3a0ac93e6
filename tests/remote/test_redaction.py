"""Redaction takes URLs on both sides; the copy is the one that redaction on this disk writes."""

from __future__ import annotations

import uuid

import pytest

from daganalysis import UsageError, read_parquet
from daganalysis.loading import load_into_store
from daganalysis.redaction import redact
from tests.profiles import needed
from tests.store.saved import contents, polls, save

fsspec = needed("fsspec")


@pytest.fixture
def place() -> str:
    return f"memory://redaction-{uuid.uuid4().hex}"


def sent(folder, url: str) -> str:
    """Save the files of a folder at a URL."""
    fsspec.filesystem("memory").put(str(folder), url.removeprefix("memory:/"), recursive=True)
    return url


def test_saved_responses_at_a_url_are_redacted_into_another(tmp_path, place):
    folder = save({"acme-prod/a.json": polls("11")[2].replace(b"Create", b"8.130.4.7 Create")}, tmp_path / "responses")
    redact(folder, tmp_path / "copy")
    redact(sent(folder, f"{place}/responses"), f"{place}/copy")
    files = fsspec.filesystem("memory")
    there = {name.partition("/copy/")[2]: files.cat_file(name) for name in files.find(f"{place}/copy".removeprefix("memory:/"))}
    assert there == {path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes() for path in (tmp_path / "copy").rglob("*.json")}


def test_a_store_at_a_url_is_redacted_into_one_at_another(tmp_path, place):
    folder = save({"acme-prod/a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store", cluster_by="dir")
    load_into_store(folder, store=f"{place}/store", cluster_by="dir")
    redact(tmp_path / "store", tmp_path / "copy")
    redact(f"{place}/store", f"{place}/copy")
    assert contents(read_parquet(f"{place}/copy")) == contents(read_parquet(tmp_path / "copy"))


def test_a_destination_that_exists_at_a_url_is_refused(tmp_path, place):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    sent(folder, f"{place}/copy")
    with pytest.raises(UsageError, match="the destination exists"):
        redact(folder, f"{place}/copy")
