"""Large files are read in stretches, with the same result as in one piece."""

import json

import pytest

from daganalysis.loading.scanning import make_chunks
from daganalysis.reading import iter_answers, list_source_files
from daganalysis.reading.split_ndjson import split_at_lines
from tests.store.saved import polls


def read(files):
    issues, answers = [], []
    for file in files:
        answers += iter_answers(file, issues)
    return answers, issues


def lines(count):
    return [polls(f"1{n}")[-1] for n in range(1, count + 1)]


@pytest.mark.parametrize("size", [1, 700, 5000, 10**6])
def test_stretches_give_the_answers_and_the_positions_of_the_whole_file(tmp_path, size):
    path = tmp_path / "polls.ndjson"
    path.write_bytes(b"\n".join(lines(20)) + b"\n")
    (file,) = list_source_files([path])
    stretches = split_at_lines(file, lambda _: size)
    assert read(stretches) == read([file])
    assert sum(stretch.n_bytes for stretch in stretches) == path.stat().st_size
    assert len(stretches) > 1 or size == 10**6


def test_the_last_pieces_of_work_are_the_smallest(tmp_path, monkeypatch):
    monkeypatch.setattr("daganalysis.loading.scanning.CHUNK_BYTES", 1 << 15)
    path = tmp_path / "polls.ndjson"
    path.write_bytes(b"\n".join(lines(20) * 20) + b"\n")
    chunks = make_chunks([(0, file) for file in list_source_files([path])], frozenset(), tmp_path)
    sizes = [sum(file.n_bytes for _, file in chunk.sources) for chunk in chunks]
    assert sum(sizes) == path.stat().st_size
    assert sizes[0] > (1 << 14) > sizes[-1]


def test_a_line_that_is_no_document_keeps_its_number(tmp_path):
    path = tmp_path / "polls.ndjson"
    texts = lines(6)
    path.write_bytes(b"\n".join([*texts[:4], b"not json", *texts[4:]]) + b"\n")
    (file,) = list_source_files([path])
    _, issues = read(split_at_lines(file, lambda _: 1))
    assert issues == read([file])[1]
    assert [issue.position for issue in issues] == ["line 5"]


def test_a_file_of_one_document_is_not_cut(tmp_path):
    path = tmp_path / "poll.json"
    path.write_text(json.dumps(json.loads(lines(1)[0]), indent=1))
    (file,) = list_source_files([path])
    assert split_at_lines(file, lambda _: 1) == [file]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "utf-16-le"])
def test_stretches_of_a_text_in_another_encoding_keep_its_names(tmp_path, encoding):
    texts = [text.decode().replace('"name": "', '"name": "\u79df\u6237\u4e00\u8054', 1) for text in lines(20)]
    path = tmp_path / "polls.ndjson"
    path.write_bytes(("\n".join([*texts, *(text.decode() for text in lines(30)[20:])]) + "\n").encode(encoding))
    (file,) = list_source_files([path])
    stretches = split_at_lines(file, lambda _: 700)
    answers, issues = read(stretches)
    assert (answers, set(issues)) == (read([file])[0], set(read([file])[1]))
    assert len(answers) == 30
    assert (len(stretches) > 1) == encoding.startswith("gb")
