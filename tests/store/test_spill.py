"""Answers come out of a spill file as they went in."""

from __future__ import annotations

from copy import copy

from daganalysis.loading.spill import SpillWriter, read_spill
from daganalysis.reading.answers import Answer, Kind

NODE = b'{"id":"1","task_logs":["remote task 42 Join self running [1/1]"]}'
ANSWERS = [
    Answer(Kind.DAG, "11", b'{"id":"11"}', [NODE, b'{"id":"2"}'], "prod-a", "a.json", "line 1 /data", 1, 28800, "t", 200, 3),
    Answer(Kind.DAG, "11", b'{"id":"11","additional_data":{"main_dag_id":"77"}}', [NODE], source="b.json"),
    Answer(Kind.DAG, "12", b'{"id":"12"}'),
    Answer(Kind.NODE, "1", NODE),
]


def test_answers_are_read_in_any_order_and_a_text_that_several_have_is_one_object(tmp_path):
    with SpillWriter(tmp_path / "spill") as writer:
        places = [writer.write(copy(answer))[0] for answer in ANSWERS]
    last, _, second, first = read_spill(tmp_path / "spill", [places[number] for number in (3, 2, 1, 0)])
    assert [first, second, last] == [ANSWERS[0], ANSWERS[1], ANSWERS[3]]
    assert first.nodes[0] is second.nodes[0]


def test_of_every_answer_is_told_which_dags_it_speaks_of_however_often_its_texts_were_written(tmp_path):
    with SpillWriter(tmp_path / "spill") as writer:
        told = [writer.write(copy(answer))[1] for answer in [*ANSWERS, *ANSWERS]]
    assert told == [{"42"}, {"42", "77"}, set(), {"42"}] * 2
