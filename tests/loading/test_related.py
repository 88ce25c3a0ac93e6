"""Keys and references of answers, and the groups they make."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from daganalysis.engine.facts import Execution, encode_facts
from daganalysis.loading.related import OWNER, Groups, Unclaimed, cluster_of, entity_key, references_of, references_of_facts
from daganalysis.reading.answers import Answer, Kind

KEYS = st.integers(0, 9).map(str)


def test_objects_of_one_id_have_keys_of_their_own_by_kind_and_by_cluster() -> None:
    answers = [Answer(kind, "11", b"{}", cluster=cluster) for kind in (Kind.DAG, Kind.NODE, Kind.SUB_TASK) for cluster in (None, "a", "b")]
    assert len({entity_key(answer) for answer in answers}) == 9


def test_an_answer_of_the_api_and_facts_about_one_sub_task_share_a_key() -> None:
    facts = Answer(Kind.FACTS, "11", encode_facts([]), cluster="a")
    assert entity_key(facts) == entity_key(Answer(Kind.SUB_TASK, "11", b"{}", cluster="a"))


def test_equal_log_answers_share_a_key_and_others_do_not() -> None:
    one, same, other = (Answer(Kind.LOGS, "", body) for body in (b"[1]", b"[1]", b"[2]"))
    assert entity_key(one) == entity_key(same) != entity_key(other)


def test_an_answer_refers_to_other_dags_of_its_own_cluster_and_not_to_itself() -> None:
    assert references_of(Answer(Kind.DAG, "11", b"{}", cluster="a"), ["22", "11", "22"]) == ("a/22",)


def test_the_copy_of_a_sub_task_on_an_agent_refers_to_the_sub_task_of_the_cluster() -> None:
    facts = Answer(Kind.FACTS, "221307064330288657", encode_facts([Execution(task_gid="11")]), cluster="a")
    assert "sub_task a/11" in references_of_facts(facts)


def test_the_cluster_is_told_from_any_key() -> None:
    assert [cluster_of(key, is_dag=True) for key in ("a/11", "11")] == ["a", ""]
    assert [cluster_of(key, is_dag=False) for key in ("sub_task a/11", "logs a/f00", "node 11")] == ["a", "a", ""]


def test_a_dag_claims_its_nodes_its_sub_tasks_and_log_records_that_share_a_line() -> None:
    unclaimed = Unclaimed()
    record = {"sub_task_id": 7, "log_content": "copied 3 files", "execute_times": 1}
    node, task, logs = (
        Answer(Kind.NODE, "5", b"{}"),
        Answer(Kind.SUB_TASK, "6", b"{}"),
        Answer(Kind.LOGS, "", json.dumps([record]).encode()),
    )
    for answer in (node, task, logs):
        unclaimed.add(answer)
    own = {"id": "6", "task_id": 7, "name": "A", "state": "SUCCEED", "operator": "RUN", "execute_times": 1, "task_logs": ["copied 3 files"]}
    shown = json.dumps({"id": "5", "name": "A", "state": "SUCCEED", "operator": "RUN", "sub_tasks": [own]}).encode()
    assert unclaimed.claimed_by(Answer(Kind.DAG, "11", b"{}", [shown])) == {entity_key(answer) for answer in (node, task, logs)}
    assert unclaimed.claimed_by(Answer(Kind.DAG, "12", b"{}", [])) == set()


@given(st.lists(st.tuples(KEYS, st.lists(KEYS, max_size=3)), max_size=12), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_in_which_keys_are_joined(joined, random) -> None:
    def parts(order):
        groups = Groups()
        numbers = {key: groups.add(key, references) for key, references in order}
        return {frozenset(groups.keys_of({groups.group(number)})) for number in numbers.values()}

    assert parts(joined) == parts(random.sample(joined, len(joined)))


def test_a_reference_to_the_owner_joins_an_answer_with_its_dag() -> None:
    groups = Groups()
    dag, node = groups.add("a/11"), groups.add("node a/5", (f"{OWNER}a/11",))
    assert groups.group(dag) == groups.group(node)
