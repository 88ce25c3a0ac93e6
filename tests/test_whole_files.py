"""A file is written whole or not at all, and never replaces a folder or a device."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from daganalysis import DagAnalysisError
from daganalysis.whole_files import whole_file


def write(path: Path, content: bytes = b"new") -> None:
    with whole_file(path, "the text") as file:
        file.write(content)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_is_replaced_when_the_block_ends_well(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    write(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names_in(tmp_path) == ["a"]


def test_an_accident_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def write_half() -> None:
        with whole_file(tmp_path / "a", "the text") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "nowhere").symlink_to(os.devnull)
    write(tmp_path / "nowhere")
    assert (tmp_path / "nowhere").is_symlink()
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_fifo_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=write, args=(tmp_path / "pipe",))
    writer.start()
    assert (tmp_path / "pipe").read_bytes() == b"new"
    writer.join()


def test_a_link_stays_one_and_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o600


def test_a_name_as_long_as_names_can_be_is_no_trouble(tmp_path: Path) -> None:
    write(tmp_path / ("n" * 255))
    assert (tmp_path / ("n" * 255)).read_bytes() == b"new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(DagAnalysisError, match=r"the text cannot be written \(No space left on device\).*free some space"):
        write(tmp_path / "full")


@pytest.mark.parametrize(("name", "reason"), [(".", "Is a directory"), ("none/a", "No such file"), ("file/a", "Not a directory")])
def test_what_is_in_the_way_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DagAnalysisError, match=f"the text cannot be written .{reason}") as caught:
        write(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)
