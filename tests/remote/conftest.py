"""A real S3 server, started once, and a bucket of its own for each test."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "not-for-anybodys-eyes"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Give the address of a running S3 server."""
    script = Path(__file__).parent / "s3_server.py"
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.stdin.close()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the URL of an empty bucket; the credentials are in the environment, where S3 clients look for them."""
    for name, value in s3_environment(s3_endpoint).items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{next(_numbers)}"
    file_system().mkdir(name)
    return f"s3://{name}"


def s3_environment(endpoint: str) -> dict[str, str]:
    """Where S3 clients look for a server and its credentials."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }


def file_system():
    """A client of the server that caches no listing. Tests share it, because making one takes longer than a test."""
    import fsspec

    return fsspec.filesystem("s3", use_listings_cache=False)


def put(files: dict[str, bytes], url: str) -> str:
    """Save files at a URL and return it."""
    place = url.removeprefix("s3://")
    file_system().pipe({f"{place}/{name}": content for name, content in files.items()})
    return url
